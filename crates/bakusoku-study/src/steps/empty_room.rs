//! The empty room that belongs to a subject and session: found, made like the reference run, and from then on treated
//! as a run without a person.

use super::Step;
use crate::config::Config;
use crate::unit::{Run, Source, Unit, beside};
use crate::{Error, Result};
use bakusoku_bids::{DataType, Dataset, Entities, FilePattern, Found, day, nearest_emptyroom};
use bakusoku_core::{Annotation, Annotations, ChannelType, Stream};
use std::path::PathBuf;
use std::sync::Arc;

pub(crate) const STEP: Step = Step {
    name: "empty_room",
    revision: 1,
    keys: &["process_empty_room", "emptyroom_fname", "mf_reference_run"],
    doc: "Makes the subject's empty room like its reference run; it is filtered like the runs (task-noise).",
};

/// As mne-bids-pipeline names results of the empty room.
const TASK: &str = "noise";

/// Whether the noise covariance comes from it.
pub(crate) fn gives_covariance(config: &Config) -> bool {
    config.text("noise_cov") == Some("emptyroom")
}

/// The empty room of a subject and session, if there is one and the study is about MEG.
///
/// # Errors
/// When it is named and not there, or a folder or sidecar can't be read.
pub(crate) fn find(
    config: &Config,
    source: &Source,
    unit: &Unit,
    reference: &Run,
    like: &Stream,
) -> Result<Option<Run>> {
    let types = crate::input::wanted_types(config);
    let meg = [ChannelType::Mag, ChannelType::Grad].iter().any(|ch_type| types.contains(ch_type));
    if !config.flag("process_empty_room") || unit.data_type() != DataType::Meg || !meg {
        return Ok(None);
    }
    // Runs of a task of that name would have the same results.
    if unit.runs.iter().any(|run| run.found.entities.task.as_deref() == Some(TASK)) {
        return Ok(None);
    }
    let run = match config.text("emptyroom_fname") {
        Some(pattern) => Some(named(config, unit, pattern)?),
        None if source.pattern.is_some() => None,
        None => {
            let date = like.info.meas_date.map(|(seconds, _)| day(seconds));
            let found = nearest_emptyroom(&Dataset::open(&source.root)?, &reference.found, date.as_deref())?;
            found.map(|found| beside(source, found)).transpose()?
        }
    };
    let Some(mut run) = run else {
        let needed = match (gives_covariance(config), super::esss::wanted(config)) {
            (true, _) => Some("noise covariance is"),
            (_, true) => Some("outer directions (mf_esss) are"),
            _ => None,
        };
        if let Some(what) = needed {
            return Err(Error::data(
                format!("no empty room belongs to {}, whose {what} to come from it", unit.label()),
                "it lies in sub-emptyroom/ses-YYYYMMDD/meg, or is named: emptyroom_fname = \"empty/{subject}_raw.fif\"",
            ));
        }
        return Ok(None);
    };
    run.events = None;
    run.found.entities = Entities::unit(&unit.subject, unit.session.as_deref());
    run.found.entities.task = Some(TASK.into());
    Ok(Some(run))
}

fn named(config: &Config, unit: &Unit, pattern: &str) -> Result<Run> {
    let entities = Entities::unit(&unit.subject, unit.session.as_deref());
    let path: PathBuf = FilePattern::parse(pattern)?.fill(config.folder(), &entities)?;
    if !path.is_file() {
        return Err(Error::data(
            format!("there is no empty room at `{}`", path.display()),
            "say where it is: emptyroom_fname = \"…\"; to go on without it: process_empty_room = false",
        ));
    }
    let found = Found { entities, data_type: DataType::Meg, parts: vec![path.clone()], path };
    Ok(Run { found, channels: None, events: None })
}

/// Makes the room like a run, so that the same Maxwell filter fits: head position, digitised points, clock and marked
/// stretches, as `mne.preprocessing.maxwell_filter_prepare_emptyroom` does by default. All points are taken over, and so
/// the origin is the run's; MNE-Python loses those of electrodes without a channel.
pub(crate) fn liken(room: &mut Stream, run: &Stream) {
    let mut info = (*room.info).clone();
    info.dev_head_t = run.info.dev_head_t;
    info.dig.clone_from(&run.info.dig);
    let begins = run.first_samp as f64 / run.sfreq();
    room.first_samp = (begins * room.sfreq()).round_ties_even() as i64;
    let end = room.n_times as f64 / room.sfreq();
    // Onsets count from the measurement's date where there is one, else from the first sample.
    let shift = if info.meas_date.is_some() { room.first_samp as f64 / room.sfreq() } else { 0.0 };
    let onset = |index| run.annotations.onset_from_first_sample(index, run.info.meas_date, run.first_samp, run.sfreq());
    let items = run.annotations.items.iter().enumerate().map(|(index, item)| (onset(index), item));
    let items = items.filter(|(onset, item)| *onset < end && onset + item.duration >= 0.0);
    room.annotations = Annotations {
        orig_time: info.meas_date,
        items: items
            .map(|(onset, item)| {
                let start = onset.max(0.0);
                let duration = (onset + item.duration).min(end) - start;
                Annotation { onset: start + shift, duration, ..item.clone() }
            })
            .collect(),
    };
    room.info = Arc::new(info);
}
