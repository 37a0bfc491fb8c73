//! Maxwell filter: signal-space separation, in space and time, of every run to one head position.

use super::Step;
use crate::config::{Config, Value};
use crate::input::Input;
use crate::unit::{Source, Unit};
use crate::{Error, Result};
use bakusoku_bids::{Entities, FilePattern, MaxfilterFiles};
use bakusoku_core::{CoordFrame, CrossTalk, FineCalibration, HeadPositions, Recording, Transform};
use bakusoku_io::maxfilter::{read_cross_talk, read_fine_calibration, read_head_pos};
use bakusoku_methods::maxwell::{
    BadCondition, CoilDefinitions, Destination, MagScale, MaxwellParams, McInterp, Origin, Regularize,
    average_dev_head_t,
};
use std::path::PathBuf;
use std::sync::Arc;

pub(crate) const STEP: Step = Step {
    name: "maxwell_filter",
    revision: 2,
    keys: &[
        "use_maxwell_filter",
        "mf_st_duration",
        "mf_st_correlation",
        "mf_head_origin",
        "mf_destination",
        "mf_reference_run",
        "mf_int_order",
        "mf_ext_order",
        "mf_cal_fname",
        "mf_ctc_fname",
        "mf_mc",
        "mf_extra_kws",
    ],
    doc: "Maxwell filters every run to one head position (SSS, tSSS, movement compensation); bad MEG channels come back.",
};

/// Whether the study asks for it.
pub(crate) fn wanted(config: &Config) -> bool {
    config.flag("use_maxwell_filter")
}

/// A file that the filter needs, and what it holds.
pub(crate) struct Given<T> {
    pub(crate) path: PathBuf,
    pub(crate) content: Arc<T>,
}

/// What stands beside the recordings of a subject and session.
pub(crate) struct Site {
    pub(crate) calibration: Option<Given<FineCalibration>>,
    pub(crate) cross_talk: Option<Given<CrossTalk>>,
    /// Of each run; the empty room has those of the reference run.
    pub(crate) head_pos: Vec<Option<Given<HeadPositions>>>,
    destination: Destination,
    pub(crate) warnings: Vec<String>,
}

impl Site {
    /// Finds and reads what the study asks for.
    ///
    /// # Errors
    /// When something is missing that must be there, or is damaged.
    pub(crate) fn read(config: &Config, source: &Source, unit: &Unit, inputs: &[Input]) -> Result<Self> {
        let found = match source.pattern {
            Some(_) => MaxfilterFiles::default(),
            None => MaxfilterFiles::find(&source.root, &unit.subject, unit.session.as_deref()),
        };
        let entities = Entities::unit(&unit.subject, unit.session.as_deref());
        let mut warnings = Vec::new();
        let calibration = file(config, "mf_cal", "fine calibration", found.calibration, &entities, &mut warnings)?;
        let cross_talk = file(config, "mf_ctc", "cross-talk matrix", found.cross_talk, &entities, &mut warnings)?;
        let mut head_pos = Vec::with_capacity(inputs.len());
        for run in &unit.runs {
            let path = match config.text("mf_head_pos_fname") {
                Some(pattern) => Some(FilePattern::parse(pattern)?.fill(config.folder(), &run.found.entities)?),
                None => None,
            };
            head_pos.push(match path {
                Some(path) => Some(Given { content: Arc::new(read_head_pos(&path)?), path }),
                None => None,
            });
        }
        let calibration = match calibration {
            Some(path) => Some(Given { content: Arc::new(read_fine_calibration(&path)?), path }),
            None => None,
        };
        let cross_talk = match cross_talk {
            Some(path) => Some(Given { content: Arc::new(read_cross_talk(&path)?), path }),
            None => None,
        };
        let destination =
            if wanted(config) { destination(config, unit, inputs, &head_pos)? } else { Destination::None };
        Ok(Self { calibration, cross_talk, head_pos, destination, warnings })
    }

    /// Files about the sensors.
    pub(crate) fn shared_files(&self) -> Vec<&PathBuf> {
        let calibration = self.calibration.as_ref().map(|given| &given.path);
        calibration.into_iter().chain(self.cross_talk.as_ref().map(|given| &given.path)).collect()
    }
    /// All files that the filter of a run needs.
    pub(crate) fn files(&self, run: usize) -> Vec<&PathBuf> {
        let mut files = self.shared_files();
        files.extend(self.head_pos.get(run).and_then(Option::as_ref).map(|given| &given.path));
        files
    }
    /// Where the head is to appear, for keys.
    pub(crate) fn destination_json(&self) -> serde_json::Value {
        serde_json::to_value(self.destination).unwrap_or_default()
    }

    /// Parameters of the filter of one run.
    pub(crate) fn params(&self, config: &Config, run: usize) -> MaxwellParams {
        let moves = config.flag("mf_mc");
        let given = self.head_pos.get(run).and_then(Option::as_ref).filter(|_| moves);
        let extra = config.get("mf_extra_kws");
        let flag = |name: &str, default: bool| extra.get(name).and_then(Value::as_bool).unwrap_or(default);
        let mut params = MaxwellParams {
            int_order: whole(config.get("mf_int_order"), 8),
            ext_order: whole(config.get("mf_ext_order"), 3),
            st_duration: config.number("mf_st_duration"),
            st_correlation: config.number("mf_st_correlation").unwrap_or(0.98),
            destination: self.destination,
            head_pos: given.map(|given| given.content.clone()),
            st_fixed: flag("st_fixed", true),
            st_only: flag("st_only", false),
            st_overlap: flag("st_overlap", true),
            mc_interp: match extra.get("mc_interp").and_then(Value::as_str) {
                Some("linear") => McInterp::Linear,
                Some("zero") => McInterp::Zero,
                _ => McInterp::Hann,
            },
            ..self.common(config)
        };
        amend(&mut params, extra);
        params
    }

    /// What the filter and the search for bad channels have in common.
    pub(crate) fn common(&self, config: &Config) -> MaxwellParams {
        MaxwellParams {
            origin: match numbers(config.get("mf_head_origin"))[..] {
                [x, y, z] => Origin::At([x, y, z]),
                _ => Origin::Auto,
            },
            calibration: self.calibration.as_ref().map(|given| given.content.clone()),
            cross_talk: self.cross_talk.as_ref().map(|given| given.content.clone()),
            ..MaxwellParams::default()
        }
    }
}

/// A whole number of the configuration.
pub(crate) fn whole(value: &Value, default: usize) -> usize {
    value.as_i64().map_or(default, |n| n as usize)
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_list().unwrap_or(&[]).iter().filter_map(Value::as_f64).collect()
}

/// Options that the filter and the search for bad channels have in common.
pub(crate) fn amend(params: &mut MaxwellParams, extra: &Value) {
    let word = |name: &str| extra.get(name).and_then(Value::as_str);
    match word("regularize") {
        Some("in_argmax") => params.regularize = Regularize::InArgmax,
        Some("none") => params.regularize = Regularize::None,
        _ => {}
    }
    match word("bad_condition") {
        Some("warning") => params.bad_condition = BadCondition::Warning,
        Some("ignore") => params.bad_condition = BadCondition::Ignore,
        Some("info") => params.bad_condition = BadCondition::Info,
        _ => {}
    }
    if word("coil_definitions") == Some("megin") {
        params.coil_definitions = CoilDefinitions::Megin;
    }
    match extra.get("mag_scale") {
        Some(Value::Str(_)) => params.mag_scale = MagScale::Auto,
        Some(value) => params.mag_scale = value.as_f64().map_or(params.mag_scale, MagScale::Factor),
        None => {}
    }
    if let Some(ignore) = extra.get("ignore_ref").and_then(Value::as_bool) {
        params.ignore_ref = ignore;
    }
    if let Some(skip) = extra.get("skip_by_annotation") {
        params.skip_by_annotation = skip.texts();
    }
}

/// The file that `{key}_fname` names, else the one that was found.
fn file(
    config: &Config,
    key: &'static str,
    what: &str,
    found: Option<PathBuf>,
    entities: &Entities,
    warnings: &mut Vec<String>,
) -> Result<Option<PathBuf>> {
    let named = match config.text(&format!("{key}_fname")) {
        Some(pattern) => Some(FilePattern::parse(pattern)?.fill(config.folder(), entities)?),
        None => None,
    };
    let path = named.clone().or(found);
    if let Some(path) = path.filter(|path| path.is_file()) {
        return Ok(Some(path));
    }
    let place = match named {
        Some(path) => format!("at `{}`", path.display()),
        None => format!("for {entities} in the dataset"),
    };
    let message = format!("there is no {what} {place}");
    match config.text(&format!("{key}_missing")) {
        Some("ignore") => Ok(None),
        Some("warn") => {
            warnings.push(format!("{message}: filtered without it"));
            Ok(None)
        }
        _ => Err(Error::data(
            message,
            format!("say where it is: {key}_fname = \"…\"; to go on without it: {key}_missing = \"warn\""),
        )),
    }
}

/// The run whose head position the others take, and which the empty room is made like.
///
/// # Errors
/// When the subject has none of that name.
pub(crate) fn reference_run(config: &Config, unit: &Unit) -> Result<usize> {
    let Some(wanted) = config.text("mf_reference_run") else { return Ok(0) };
    let there = |run: &crate::unit::Run| run.found.entities.run.clone();
    unit.runs.iter().position(|run| there(run).as_deref() == Some(wanted)).ok_or_else(|| {
        let runs: Vec<String> = unit.runs.iter().filter_map(there).collect();
        Error::data(
            format!("{} has no run `{wanted}`, which `mf_reference_run` names", unit.label()),
            format!("it has: {}", runs.join(", ")),
        )
    })
}

/// Where the head is to appear in all runs.
fn destination(
    config: &Config,
    unit: &Unit,
    inputs: &[Input],
    head_pos: &[Option<Given<HeadPositions>>],
) -> Result<Destination> {
    let value = config.get("mf_destination");
    if let Some(rows) = value.as_list() {
        if let [x, y, z] = numbers(value)[..] {
            return Ok(Destination::Translation([x, y, z]));
        }
        let mut matrix = [[0.0; 4]; 4];
        for (to, from) in matrix.iter_mut().zip(rows) {
            to.iter_mut().zip(numbers(from)).for_each(|(to, from)| *to = from);
        }
        let (from, to) = (CoordFrame::DEVICE, CoordFrame::HEAD);
        return Ok(Destination::Transform(Transform { from, to, matrix }));
    }
    if value.as_str() == Some("twa") {
        let runs: Vec<_> = inputs
            .iter()
            .zip(head_pos)
            .filter_map(|(input, given)| Some((input.stream(), &*given.as_ref()?.content)))
            .collect();
        return Ok(Destination::Transform(average_dev_head_t(&runs)?));
    }
    let reference = reference_run(config, unit)?;
    match inputs[reference].stream().info.dev_head_t {
        Some(dev_head_t) => Ok(Destination::Transform(dev_head_t)),
        None => Err(Error::data(
            format!("`{}` says nothing about the position of the head", unit.runs[reference].name()),
            "say where the head is to appear: mf_destination = [0, 0, 0.04], and mf_reference_run",
        )),
    }
}
