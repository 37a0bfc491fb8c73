//! Directions of the empty room that extend the outer basis of the Maxwell filter (eSSS).
//!
//! Helle et al. (2021), IEEE Trans. Biomed. Eng. 68:2117; the directions are mne-bids-pipeline's.

use crate::config::keys::{Key, MAXWELL, NONE, key};
use crate::config::{Checks, Config};
use crate::config::{Field, Kind};
use crate::plan::{PASS_BUFFER, Planner, Work};
use crate::step::{About, MethodsText, Step};
use crate::{Error, Result};
use bakusoku_core::run::{Flow, NodeId, Planned};
use bakusoku_core::{Bytes, Cx, Info, Projector, Recording};
use bakusoku_io::fif;
use bakusoku_methods::covariance::RawCovarianceSink;
use bakusoku_methods::epochs::EpochsSink;
use bakusoku_methods::projection::{RawProjParams, raw_projectors, raw_projectors_plan};

/// Entries of `mf_esss_reject`.
const MEG_LIMITS: &[Field] =
    &[Field { name: "mag", kind: Kind::Positive, doc: "T" }, Field { name: "grad", kind: Kind::Positive, doc: "T/m" }];

const KEYS: &[Key] = &[
    key(
        MAXWELL,
        "mf_esss",
        Kind::Int(0),
        "0",
        "How many of the strongest directions of the empty room count as outer ones beside the moments (eSSS).",
    ),
    key(
        MAXWELL,
        "mf_esss_reject",
        Kind::Either(&[NONE, Kind::Table(MEG_LIMITS)]),
        "\"none\"",
        "Seconds of the empty room whose range of values is larger are left out of that, as { mag = 4e-12, grad = 4e-10 }.",
    ),
];

const ABOUT: &About = &About {
    name: "esss",
    revision: 1,
    keys: &["mf_esss", "mf_esss_reject"],
    doc: "Finds the strongest directions of the empty room, which the Maxwell filter takes as outer ones (_esssproj.fif).",
};

/// See the module.
pub(crate) struct ExtendedSss;

impl Step for ExtendedSss {
    fn about(&self) -> &'static About {
        ABOUT
    }
    fn keys(&self) -> &'static [Key] {
        KEYS
    }
    fn is_wanted(&self, config: &Config) -> bool {
        is_wanted(config)
    }
    fn check(&self, checks: &mut Checks<'_, '_>) {
        if !self.is_wanted(checks.config) {
            return;
        }
        let config = checks.config;
        if !config.flag("process_empty_room") {
            let hint = Some("write process_empty_room = true");
            checks.add(&["mf_esss"], "`mf_esss` needs the empty room", "comes from it", hint);
        } else if config.text("files").is_some() && config.text("emptyroom_fname").is_none() {
            let hint = Some("say where it is: emptyroom_fname = \"empty/{subject}.fif\"");
            checks.add(&["mf_esss"], "`mf_esss` needs the empty room", "comes from it", hint);
        }
    }
    fn plan(&self, unit: &mut Planner<'_>) -> Result<()> {
        let Some(room) = unit.empty_room() else { return Ok(()) };
        let at = unit.tip(room);
        let stream = unit.stream(at);
        let n = stream.n_channels() as u64;
        let mut planned = Planned { held: Bytes(3 * n * n * 8), rows: false };
        let mut flow = Flow::new(stream);
        flow.tap(NodeId::SOURCE, ABOUT.name, &mut planned);
        let need = flow.need(unit.context.threads, PASS_BUFFER)?;
        let projs = unit.join_reading(Some(room), (), vec![at], Vec::new(), need, move |(), work| {
            directions(work, &work.recording(at)?)
        });
        // As they are in the file, in single precision: the same whether they are new or not.
        let path = unit.run_file(room, None, "esssproj", ".fif");
        let write = |projs: &Vec<Projector>, path: &std::path::Path, id| Ok(fif::write_projections(path, projs, id)?);
        let projs = unit.cached_file(projs, path, true, write, |path| Ok(fif::read_projections(path)?));
        unit.publish("esss", projs);
        Ok(())
    }
    fn methods(&self, config: &Config, text: &mut MethodsText) {
        let n = config.get("mf_esss");
        text.say(format!(
            "The external basis of the Maxwell filter was extended by the {n} strongest components of the empty room (eSSS; Helle et al., 2021)"
        ));
        text.cite("Helle et al. (2021) IEEE Trans. Biomed. Eng. 68:2117");
    }
}

/// Whether the study asks for it.
pub(crate) fn is_wanted(config: &Config) -> bool {
    super::maxwell::is_wanted(config) && config.get("mf_esss").as_i64().is_some_and(|n| n > 0)
}

fn params(config: &Config, info: &Info) -> RawProjParams {
    RawProjParams {
        n_meg: super::maxwell::as_usize(config.get("mf_esss"), 0),
        reject: super::epochs::limits(config, "mf_esss_reject", info),
        ..RawProjParams::default()
    }
}

fn directions(work: &Work<'_>, room: &dyn Recording) -> Result<Vec<Projector>> {
    let stream = room.stream();
    let params = params(work.config, &stream.info);
    let cx: Cx = work.cx();
    let mut sums = RawCovarianceSink::new();
    {
        let mut cut = EpochsSink::new(raw_projectors_plan(stream, &params)?, vec![&mut sums]);
        let mut flow = Flow::new(stream);
        flow.tap(NodeId::SOURCE, ABOUT.name, &mut cut);
        flow.run(room, &cx)?;
    }
    let projs = raw_projectors(sums, stream, &params).map_err(|error| {
        let hint = "raise the limits of `mf_esss_reject`, or write mf_esss = 0";
        Error::data(format!("the empty room gives no directions: {error}"), hint)
    })?;
    Ok(projs)
}
