//! The empty room that belongs to a subject and session: found, made like the reference run, and from then on treated
//! as a run without a person.

use crate::config::Kind;
use crate::config::keys::{DATA, Key, TEXT_OR_NONE, key};
use crate::config::{Checks, Config};
use crate::keys::Keys;
use crate::plan::{Planner, Rec};
use crate::step::{About, MethodsText, Step};
use crate::unit::{Run, Source, Unit, with_sidecars};
use crate::{Error, Result, input};
use bakusoku_bids::{DataType, Dataset, Entities, FilePattern, NOISE, RecordingFile, find_empty_room, sidecar};
use bakusoku_core::{Annotation, Annotations, ChannelType, Info, Need, Recording, Stream};
use std::path::PathBuf;
use std::sync::Arc;

const KEYS: &[Key] = &[
    key(
        DATA,
        "process_empty_room",
        Kind::Bool,
        "true",
        "Filter the empty room that belongs to a subject like its runs, where there is one (MEG). The bad channels of the runs are bad in it too; its own concern it alone.",
    ),
    key(
        DATA,
        "emptyroom_fname",
        TEXT_OR_NONE,
        "\"none\"",
        "Where the empty room is, as \"empty/{subject}.fif\". \"none\": the one of the sidecar, else the nearest by date.",
    ),
];

pub(crate) const ABOUT: &About = &About {
    name: "empty_room",
    revision: 2,
    keys: &["process_empty_room", "emptyroom_fname", "mf_reference_run", "mf_esss"],
    doc: "Makes the subject's empty room like its reference run; it is filtered like the runs (task-noise).",
};

/// See the module.
pub(crate) struct EmptyRoom;

impl Step for EmptyRoom {
    fn about(&self) -> &'static About {
        ABOUT
    }
    fn keys(&self) -> &'static [Key] {
        KEYS
    }
    fn is_wanted(&self, config: &Config) -> bool {
        let types = crate::input::wanted_types(config);
        let meg = [ChannelType::Mag, ChannelType::Grad].iter().any(|ch_type| types.contains(ch_type));
        config.flag("process_empty_room") && meg
    }
    fn check(&self, checks: &mut Checks<'_, '_>) {
        let config = checks.config;
        if let Some(pattern) = config.text("emptyroom_fname") {
            let keys = &["emptyroom_fname"];
            if let Err(error) = FilePattern::parse(pattern) {
                checks.add(keys, format!("`emptyroom_fname`: {error}"), "not a pattern", None);
            } else if pattern.contains("{run}") {
                let hint = Some("it may contain {subject} and {session}");
                checks.add(keys, "`emptyroom_fname` is the same for all runs", "names a run", hint);
            }
        }
    }
    fn plan(&self, unit: &mut Planner<'_>) -> Result<()> {
        let (config, source) = (unit.config(), unit.context.source);
        let reference = super::maxwell::reference_run(config, unit.unit())?;
        let of_reference = unit.runs()[reference];
        let like = unit.input(of_reference).stream().clone();
        let mut remarks = Vec::new();
        let found = find(config, source, unit.unit(), &unit.run(of_reference).clone(), &like, &mut remarks)?;
        remarks.into_iter().for_each(|text| unit.warn(None, text));
        let Some(run) = found else { return Ok(()) };
        let prepared = super::maxwell::is_wanted(config) || super::find_bads::is_wanted(config);
        let mut room = input::open_room(config, source, unit.unit(), &run, prepared.then_some(&like))?;
        room.take_bads(unit.input(of_reference));
        let own = super::bads::recording_keys(unit, &run, &room)?;
        let keys = Keys::of(ABOUT, &unit.own(), &[&own, unit.signal_keys(unit.tip(of_reference))]);
        let warnings = room.warnings.clone();
        let rec = unit.add_recording(run, room, true, keys);
        warnings.into_iter().for_each(|text| unit.warn(Some(rec), text));
        if super::esss::is_wanted(config) { unite_bads(unit, rec) } else { Ok(()) }
    }
    fn methods(&self, config: &Config, text: &mut MethodsText) {
        if gives_covariance(config) || super::esss::is_wanted(config) {
            text.say("The empty-room recording of each subject was processed like its runs");
        }
    }
}

/// Marks the room's bad channels as bad in the runs as well: directions of the room (eSSS) do not know them.
fn unite_bads(unit: &mut Planner<'_>, room: Rec) -> Result<()> {
    let of_room = unit.input(room).stream().info.bads.clone();
    for rec in unit.runs() {
        let info = &unit.stream(unit.tip(rec)).info;
        let new: Vec<&str> = info
            .ch_names()
            .filter(|name| of_room.iter().any(|bad| bad == name) && !info.bads.iter().any(|bad| bad == name))
            .collect();
        if new.is_empty() {
            continue;
        }
        unit.warn(Some(rec), format!("bad in the empty room, so also here (`mf_esss`): {}", new.join(", ")));
        let (bad, at) = (of_room.clone(), unit.tip(room));
        let bad = unit.join_reading(Some(rec), (), vec![at], Vec::new(), Need::default(), move |(), _| Ok(bad));
        unit.amend(rec, "marked as the empty room", bad, |bad, stream| {
            let old = &stream.info;
            let is_bad = |name: &&str| old.bads.iter().chain(bad).any(|bad| bad == name);
            let bads = old.ch_names().filter(is_bad).map(str::to_owned).collect();
            Ok(Stream { info: Arc::new(Info { bads, ..(**old).clone() }), ..stream.clone() })
        })?;
    }
    Ok(())
}

/// Whether the noise covariance comes from it.
pub(crate) fn gives_covariance(config: &Config) -> bool {
    config.text("noise_cov") == Some("emptyroom")
}

/// The empty room of a subject and session, if there is one and the study is about MEG.
///
/// # Errors
/// When it is needed and missing or damaged, or a folder can't be read.
pub(crate) fn find(
    config: &Config,
    source: &Source,
    unit: &Unit,
    reference: &Run,
    like: &Stream,
    warnings: &mut Vec<String>,
) -> Result<Option<Run>> {
    if unit.data_type() != DataType::Meg {
        return Ok(None);
    }
    // Runs of a task of that name would have the same results.
    if unit.runs.iter().any(|run| run.found.entities.task.as_deref() == Some(NOISE)) {
        return Ok(None);
    }
    let needed = match (gives_covariance(config), super::esss::is_wanted(config)) {
        (true, _) => Some("noise covariance is"),
        (_, true) => Some("outer directions (mf_esss) are"),
        _ => None,
    };
    let mut remarks = Vec::new();
    let run = match config.text("emptyroom_fname") {
        Some(pattern) => Some(named(config, unit, pattern)?),
        None if source.pattern.is_some() => None,
        None => match search(source, reference, like, &mut remarks) {
            Ok(run) => run,
            Err(error) if needed.is_some() => return Err(error),
            Err(error) => {
                warnings.push(format!("the empty room is left out: {}", error.chain().join(": ")));
                return Ok(None);
            }
        },
    };
    let Some(mut run) = run else {
        if let Some(what) = needed {
            let why = if remarks.is_empty() { String::new() } else { format!(": {}", remarks.join("; ")) };
            return Err(Error::data(
                format!("no empty room belongs to {}, whose {what} to come from it{why}", unit.label()),
                "it lies in sub-emptyroom/ses-YYYYMMDD/meg, or is task-noise of the same session, or is named: \
                 emptyroom_fname = \"empty/{subject}_raw.fif\"",
            ));
        }
        warnings.extend(remarks);
        return Ok(None);
    };
    warnings.extend(remarks);
    if needed.is_none()
        && !config.is_given("process_empty_room")
        && let Err(error) = bakusoku_io::open(&run.found.path)
    {
        let error = Error::from(error).chain().join(": ");
        warnings.push(format!("the empty room is left out: {error}; process_empty_room = false goes without it"));
        return Ok(None);
    }
    run.events = None;
    run.found.entities = Entities::unit(&unit.subject, unit.session.as_deref());
    run.found.entities.task = Some(NOISE.into());
    Ok(Some(run))
}

/// The room that a dataset in BIDS layout has for a recording.
fn search(source: &Source, reference: &Run, like: &Stream, remarks: &mut Vec<String>) -> Result<Option<Run>> {
    let date = like.info.meas_date.map(|(seconds, _)| seconds);
    let meas_date = |path: &std::path::Path| Some(bakusoku_io::open(path).ok()?.stream().info.meas_date?.0);
    let dataset = Dataset::open(&source.root)?;
    let room = find_empty_room(&dataset, &reference.found, date, &bakusoku_io::extensions(), &meas_date)?;
    remarks.extend(room.remarks);
    room.found.map(|found| with_sidecars(source, found, &mut sidecar::Finder::default())).transpose()
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
    let found = RecordingFile { entities, data_type: DataType::Meg, parts: vec![path.clone()], path };
    Ok(Run { found, channels: None, events: None, electrodes: None })
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
