//! Directions of the empty room that extend the outer basis of the Maxwell filter (eSSS).
//!
//! Helle et al. (2021), IEEE Trans. Biomed. Eng. 68:2117; the directions are mne-bids-pipeline's.

use super::Step;
use crate::config::Config;
use crate::execute::{Work, at, file_id, timing, write};
use crate::prepare::Prepared;
use crate::report::data::SubjectReport;
use crate::{Error, Result};
use bakusoku_core::run::{Flow, NodeId};
use bakusoku_core::{Cx, Info, Projector, Recording};
use bakusoku_io::fif;
use bakusoku_methods::covariance::RawCovarianceSink;
use bakusoku_methods::epochs::EpochsSink;
use bakusoku_methods::projection::{RawProjParams, raw_projectors, raw_projectors_plan};
use std::time::Instant;

pub(crate) const STEP: Step = Step {
    name: "esss",
    revision: 1,
    keys: &["mf_esss", "mf_esss_reject"],
    doc: "Finds the strongest directions of the empty room, which the Maxwell filter takes as outer ones (_esssproj.fif).",
};

/// Whether the study asks for it.
pub(crate) fn wanted(config: &Config) -> bool {
    super::maxwell::wanted(config) && config.get("mf_esss").as_i64().is_some_and(|n| n > 0)
}

fn params(config: &Config, info: &Info) -> RawProjParams {
    RawProjParams {
        n_meg: super::maxwell::whole(config.get("mf_esss"), 0),
        reject: super::epochs::limits(config, "mf_esss_reject", info),
        ..RawProjParams::default()
    }
}

/// Finds the directions where that is due, and hands them to the filters of all runs.
///
/// # Errors
/// When the empty room can't be read, all of it is rejected, or it lacks a channel of a run.
pub(crate) fn find(work: &Work<'_>, prepared: &mut Prepared, report: &mut SubjectReport) -> Result<()> {
    let (Some(output), Some(room)) = (&prepared.esss, prepared.runs.last()) else { return Ok(()) };
    let start = Instant::now();
    let label = Some(room.label.as_str());
    if output.is_due() {
        let projs = at(&STEP, label, directions(work, &room.input))?;
        let id = file_id(output);
        at(&STEP, label, write(output, |path| Ok(fif::write_projections(path, &projs, id)?)))?;
    }
    // As they are in the file, in single precision: the same whether they are new or not.
    let projs = at(&STEP, label, fif::read_projections(&output.path))?;
    timing(report, &STEP, label, start);
    for run in &mut prepared.runs {
        if let Some(params) = &mut run.maxwell {
            params.extended_proj.clone_from(&projs);
        }
    }
    prepared.plan_anew(work.config)
}

fn directions(work: &Work<'_>, room: &dyn Recording) -> Result<Vec<Projector>> {
    let stream = room.stream();
    let params = params(work.config, &stream.info);
    // Too short to be told of.
    let cx = Cx { progress: None, ..work.cx((0.0, 0.0)) };
    let mut sums = RawCovarianceSink::new();
    {
        let mut cut = EpochsSink::new(raw_projectors_plan(stream, &params)?, vec![&mut sums]);
        let mut flow = Flow::new(stream);
        flow.tap(NodeId::SOURCE, STEP.name, &mut cut);
        flow.run(room, &cx).map_err(bakusoku_core::Error::without_node)?;
    }
    let projs = raw_projectors(sums, stream, &params).map_err(|error| {
        let hint = "raise the limits of `mf_esss_reject`, or write mf_esss = 0";
        Error::data(format!("the empty room gives no directions: {error}"), hint)
    })?;
    Ok(projs)
}
