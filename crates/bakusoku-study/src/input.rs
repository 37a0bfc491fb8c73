//! A recording as the study sees it: bads and types from `channels.tsv` and `study.toml`, annotations kept or replaced.

use crate::config::Config;
use crate::positions;
use crate::unit::{Run, Source, Unit};
use crate::{Error, Result};
use bakusoku_bids::sidecar::{self, ChannelRow, ChannelsTable};
use bakusoku_core::{Annotation, ChannelType, Info, Picks, Projector, Recording, Stream};
use bakusoku_io::Opened;
use ndarray::ArrayViewMut2;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// A recording with its description amended.
pub(crate) struct Input {
    inner: Box<dyn Recording>,
    /// The files that it is read from.
    pub(crate) files: Vec<PathBuf>,
    stream: Stream,
    /// Bad channels and where that is known from.
    pub(crate) bads: Vec<(String, String)>,
    /// Remarks.
    pub(crate) warnings: Vec<String>,
    /// Whether it is an empty room: what is bad there says nothing about the recordings of people.
    is_room: bool,
}

impl Input {
    /// Takes over the bad channels of another recording of the unit.
    pub(crate) fn take_bads(&mut self, other: &Self) {
        for (name, whence) in &other.bads {
            if self.stream.info.index_of(name).is_some() && !self.bads.iter().any(|(bad, _)| bad == name) {
                self.bads.push((name.clone(), whence.clone()));
            }
        }
        let mut info = (*self.stream.info).clone();
        info.bads =
            info.ch_names().filter(|name| self.bads.iter().any(|(bad, _)| bad == name)).map(str::to_owned).collect();
        self.stream.info = Arc::new(info);
    }
}

impl Recording for Input {
    fn stream(&self) -> &Stream {
        &self.stream
    }
    fn read(&self, times: Range<u64>, picks: &Picks, out: ArrayViewMut2<'_, f64>) -> bakusoku_core::Result<()> {
        self.inner.read(times, picks, out)
    }
}

/// Opens the recordings of a unit; the bads of all of them are united.
///
/// # Errors
/// When one can't be opened, or does not hold what `study.toml` or `channels.tsv` speak of.
pub(crate) fn open(config: &Config, source: &Source, unit: &Unit) -> Result<Vec<Input>> {
    let mut inputs = Vec::with_capacity(unit.runs.len());
    for run in &unit.runs {
        let step = |error: Error| Error::Step { step: "open", run: Some(run.label()), source: Box::new(error) };
        let opened = whole(run).map_err(step)?;
        let input = mark(config, source, unit, run, opened, false).map_err(step)?;
        check(config, run, &input.stream).map_err(step)?;
        inputs.push(input);
    }
    unite(&mut inputs.iter_mut().collect::<Vec<_>>());
    same_channels(config, unit, &inputs)?;
    same_position(config, unit, &mut inputs)?;
    Ok(inputs)
}

/// Opens a recording from its beginning.
fn whole(run: &Run) -> Result<Opened> {
    let opened = bakusoku_io::open_recording(&run.found.path)?;
    match &opened.previous {
        None => Ok(opened),
        Some(first) => {
            let name = first.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let is = if first.exists() { "is not among the files of the study" } else { "is missing" };
            Err(Error::data(
                format!("`{}` is a later part of a split recording: it continues `{name}`, which {is}", run.name()),
                "put all parts of the recording into one folder, under the names that they had",
            ))
        }
    }
}

/// Opens the empty room of a unit. `like`: the run that it is made like.
///
/// # Errors
/// When it can't be opened, or is not what it should be.
pub(crate) fn open_room(
    config: &Config,
    source: &Source,
    unit: &Unit,
    run: &Run,
    like: Option<&Stream>,
) -> Result<Input> {
    let step = |error: Error| Error::Step { step: "open", run: Some(run.label()), source: Box::new(error) };
    let opened = whole(run).map_err(step)?;
    let mut input = mark(config, source, unit, run, opened, true).map_err(step)?;
    check(config, run, &input.stream).map_err(step)?;
    if let Some(like) = like {
        crate::steps::empty_room::liken(&mut input.stream, like);
    }
    Ok(input)
}

/// What is bad in one recording is bad in all; what is bad in the empty room alone is bad there only, as in
/// mne-bids-pipeline.
pub(crate) fn unite(inputs: &mut [&mut Input]) {
    let mut united: Vec<(String, String)> = Vec::new();
    for (name, whence) in inputs.iter().filter(|input| !input.is_room).flat_map(|input| &input.bads) {
        if !united.iter().any(|(other, _)| other == name) {
            united.push((name.clone(), whence.clone()));
        }
    }
    for input in inputs {
        for (name, whence) in &united {
            if !input.bads.iter().any(|(other, _)| other == name) && input.stream.info.index_of(name).is_some() {
                let of_all = whence == "study.toml" || whence.ends_with("of another run");
                let whence = if of_all { whence.clone() } else { format!("{whence} of another run") };
                input.bads.push((name.clone(), whence));
            }
        }
        // In the recording's order, so that all runs have the same list.
        let mut info = (*input.stream.info).clone();
        info.bads =
            info.ch_names().filter(|name| input.bads.iter().any(|(bad, _)| bad == name)).map(str::to_owned).collect();
        input.stream.info = Arc::new(info);
    }
}

/// `is_room`: there is nobody with electrodes in it, so bad channels that it does not have are no mistake.
fn mark(config: &Config, source: &Source, unit: &Unit, run: &Run, opened: Opened, is_room: bool) -> Result<Input> {
    let Opened { recording: inner, paths: files, .. } = opened;
    let mut stream = inner.stream().clone();
    let mut info = (*stream.info).clone();
    let mut warnings = Vec::new();
    let mut bads: Vec<(String, String)> = info.bads.iter().map(|name| (name.clone(), "recording".to_owned())).collect();
    if let Some(path) = &run.channels {
        let mut table = sidecar::read_channels(path)?;
        let names: HashSet<String> = info.ch_names().map(str::to_owned).collect();
        whole_names(&mut table, &names, &info);
        let file = source.relative(path);
        warnings.extend(table.remark.iter().map(|remark| format!("`{file}` {remark}")));
        let unknown: Vec<&ChannelRow> = table.rows.iter().filter(|row| !names.contains(&row.name)).collect();
        if let Some(row) = unknown.iter().find(|row| row.bad && !is_room) {
            return Err(unknown_bad(&table, row, &info));
        }
        if !unknown.is_empty() {
            let names: Vec<&str> = unknown.iter().map(|row| row.name.as_str()).collect();
            warnings.push(format!("`{file}` names channels that the recording does not have: {}", names.join(", ")));
        }
        for name in info.bads.iter().filter(|name| table.is_bad(name) == Some(false)) {
            warnings.push(format!("`{name}` is marked bad in the recording and good in `{file}`, which counts"));
        }
        bads.retain(|(name, _)| table.is_bad(name).is_none());
        let of_table = table.rows.iter().filter(|row| row.bad && names.contains(&row.name));
        bads.extend(of_table.map(|row| (row.name.clone(), "channels.tsv".to_owned())));
        set_types(&mut info, &table.rows);
    }
    if let Some((electrodes, coordsystem)) = run.electrodes.as_ref().filter(|_| !is_room) {
        let file = source.relative(electrodes);
        let remarks = match coordsystem {
            Some(coordsystem) => positions::place(&mut info, &sidecar::read_electrodes(electrodes, coordsystem)?),
            None => vec!["it has no coordsystem.json, and is not used".to_owned()],
        };
        warnings.extend(remarks.into_iter().map(|remark| format!("`{file}`: {remark}")));
    }
    for name in config.bads(&unit.subject) {
        if info.index_of(&name).is_none() {
            if is_room {
                continue;
            }
            let near = nearest_channel(&name, &info);
            let hint = near.map_or_else(
                || "channel names stand in `bakusoku info FILE`".to_owned(),
                |near| format!("did you mean {near:?}?"),
            );
            return Err(Error::data(
                format!("[subject.{}] names bad channel {name:?}, which the recording does not have", unit.subject),
                hint,
            ));
        }
        if !bads.iter().any(|(other, _)| *other == name) {
            bads.push((name, "study.toml".to_owned()));
        }
    }
    stream.info = Arc::new(info);
    if let Some(path) = &run.events {
        match annotate(config, &mut stream, path) {
            Ok(remarks) => {
                let file = source.relative(path);
                warnings.extend(remarks.into_iter().map(|remark| format!("`{file}`: {remark}")));
            }
            // Its events are not used either: nothing is lost but stretches that it may mark as bad.
            Err(error) if !crate::steps::events::from_table(config, run) || config.conditions().is_empty() => {
                let error = error.chain().join(": ");
                warnings.push(format!("{error}; stretches that the file marks as bad are not known"));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(Input { inner, files, stream, bads, warnings, is_room })
}

/// Tables of CTF recordings name channels without what follows the dash: `MLC11` for `MLC11-4304`.
fn whole_names(table: &mut ChannelsTable, names: &HashSet<String>, info: &Info) {
    for row in table.rows.iter_mut().filter(|row| !names.contains(&row.name)) {
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let meant = |name: &&str| name.split_once('-').is_some_and(|(stem, tail)| stem == row.name && is_number(tail));
        let mut found = info.ch_names().filter(meant);
        if let (Some(name), None) = (found.next(), found.next()) {
            row.name = name.to_owned();
        }
    }
}

/// A table marks a channel as bad that the recording does not have: under another name it would be used as good.
fn unknown_bad(table: &ChannelsTable, row: &ChannelRow, info: &Info) -> Error {
    let near = nearest_channel(&row.name, info);
    let near =
        near.map_or_else(|| "channel names: `bakusoku info FILE`".to_owned(), |near| format!("did you mean {near:?}?"));
    let message = format!("marks the channel `{}` as bad, which the recording does not have; {near}", row.name);
    table.error(row.line, message).into()
}

/// The channel whose name is most like the given one; spaces, case and quotes count little.
fn nearest_channel<'i>(name: &str, info: &'i Info) -> Option<&'i str> {
    let plain = |name: &str| name.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
    let same = info.ch_names().find(|other| plain(other) == plain(name));
    same.or_else(|| crate::config::nearest_name(name, info.ch_names()))
}

/// BAD_ rows of `events.tsv` become annotations; with `annotations = "bids"` they replace those of the recording, all
/// but the stretches that were not acquired.
fn annotate(config: &Config, stream: &mut Stream, events: &std::path::Path) -> Result<Vec<String>> {
    let table = sidecar::read_events(events)?;
    let length = stream.n_times as f64 / stream.sfreq();
    let remarks = table.remark.iter().cloned().chain(table.left_out(length)).collect();
    if config.text("annotations") == Some("bids") {
        stream.annotations.items.retain(|item| item.description.eq_ignore_ascii_case("bad_acq_skip"));
    }
    let shift = match (stream.annotations.orig_time, stream.info.meas_date) {
        (Some(orig), Some(meas)) => {
            (meas.0 - orig.0) as f64 + f64::from(meas.1 - orig.1) * 1e-6 + stream.first_samp as f64 / stream.sfreq()
        }
        _ => 0.0,
    };
    for row in table.rows {
        if let Some(description) = row.trial_type.filter(|kind| kind.to_lowercase().starts_with("bad")) {
            let onset = row.onset + shift;
            stream.annotations.items.push(Annotation {
                onset,
                duration: row.duration,
                description,
                ch_names: Vec::new(),
            });
        }
    }
    stream.annotations.sort();
    Ok(remarks)
}

/// Types of channels that are not MEG, as `channels.tsv` says them.
fn set_types(info: &mut Info, rows: &[ChannelRow]) {
    let wanted: HashMap<&str, ChannelType> =
        rows.iter().filter_map(|row| Some((row.name.as_str(), row.ch_type?))).collect();
    for ch in &mut info.chs {
        let Some(&wanted) = wanted.get(ch.name.as_str()) else { continue };
        let is_meg = |ch_type| matches!(ch_type, ChannelType::Grad | ChannelType::Mag | ChannelType::RefMeg);
        if wanted != ch.ch_type() && !is_meg(wanted) && !is_meg(ch.ch_type()) {
            ch.set_type(wanted);
        }
    }
}

/// What a study can't do with a recording.
fn check(config: &Config, run: &Run, stream: &Stream) -> Result<()> {
    let info = &stream.info;
    if info.maxshield && !crate::steps::maxwell::is_wanted(config) {
        return Err(Error::data(
            format!("`{}` was recorded with internal active shielding and not Maxwell filtered since", run.name()),
            "Maxwell filter it: use_maxwell_filter = true; or use files that MaxFilter made: proc = \"tsss\"",
        ));
    }
    let types = wanted_types(config);
    if !info.chs.iter().any(|ch| types.contains(&ch.ch_type())) {
        let mut there: Vec<&str> = info.chs.iter().map(|ch| ch.ch_type().name()).collect();
        there.sort_unstable();
        there.dedup();
        return Err(Error::data(
            format!("`{}` has no channel of ch_types = {}", run.name(), config.get("ch_types")),
            format!("it has: {}", there.join(", ")),
        ));
    }
    Ok(())
}

/// The channel types of `ch_types`.
pub(crate) fn wanted_types(config: &Config) -> Vec<ChannelType> {
    let mut out = Vec::new();
    for name in config.get("ch_types").texts() {
        match name.as_str() {
            "meg" => out.extend([ChannelType::Mag, ChannelType::Grad]),
            name => out.extend(ChannelType::from_name(name)),
        }
    }
    out.sort_unstable();
    out.dedup();
    out
}

fn same_channels(config: &Config, unit: &Unit, inputs: &[Input]) -> Result<()> {
    let names = |input: &Input| input.stream.info.ch_names().map(str::to_owned).collect::<Vec<_>>();
    for (run, pair) in unit.runs.iter().skip(1).zip(inputs.windows(2)) {
        let (first, next) = (names(&pair[0]), names(&pair[1]));
        if let Some(name) =
            next.iter().find(|name| !first.contains(name)).or_else(|| first.iter().find(|name| !next.contains(name)))
        {
            return Err(Error::data(
                format!(
                    "the runs of {} differ in their channels: `{name}` is missing in one of them (`{}`)",
                    unit.label(),
                    run.name()
                ),
                leave_out(unit, run),
            ));
        }
        if pair[0].stream.sfreq() != pair[1].stream.sfreq() && config.number("raw_resample_sfreq").is_none() {
            return Err(Error::data(
                format!(
                    "the runs of {} differ in their sampling frequency: `{}` has {} Hz",
                    unit.label(),
                    run.name(),
                    pair[1].stream.sfreq()
                ),
                format!("bring them to one: raw_resample_sfreq; or {}", leave_out(unit, run)),
            ));
        }
    }
    Ok(())
}

/// How to go on without a run.
fn leave_out(unit: &Unit, run: &Run) -> String {
    let label = run.found.entities.run.as_deref().unwrap_or("…");
    format!("leave a run out: [subject.{}] exclude_runs = [{label:?}]", unit.subject)
}

/// Epochs of runs are joined under one header, so the runs must agree in what it says: MNE refuses to join other
/// projectors, and mne-bids-pipeline warns about other head positions. A Maxwell filter makes both the same.
fn same_position(config: &Config, unit: &Unit, inputs: &mut [Input]) -> Result<()> {
    if config.conditions().is_empty() || crate::steps::maxwell::is_wanted(config) {
        return Ok(());
    }
    let Some((first, others)) = inputs.split_first_mut() else { return Ok(()) };
    let reference = unit.runs.first().map(Run::name).unwrap_or_default();
    for (run, input) in unit.runs.iter().skip(1).zip(others) {
        let (a, b) = (&first.stream.info, &input.stream.info);
        let same_projector =
            |a: &Projector, b: &Projector| a.names == b.names && a.data == b.data && a.active == b.active;
        // Average references of the EEG are made anew for all runs.
        let of_info =
            |info: &Info| info.projs.iter().filter(|proj| proj.kind != AVERAGE_REFERENCE).cloned().collect::<Vec<_>>();
        let (of_a, of_b) = (of_info(a), of_info(b));
        if of_a.len() != of_b.len() || !of_a.iter().zip(&of_b).all(|(a, b)| same_projector(a, b)) {
            return Err(Error::data(
                format!(
                    "the runs of {} differ in their projectors (SSP): `{}` has {}, `{reference}` {}",
                    unit.label(),
                    run.name(),
                    projectors(b),
                    projectors(a)
                ),
                format!("epochs of all runs are averaged together; {}", leave_out(unit, run)),
            ));
        }
        let warning = match (&a.dev_head_t, &b.dev_head_t) {
            (None, None) => continue,
            (Some(a), Some(b)) => {
                // As MNE compares them (numpy.allclose with rtol=1e-6).
                let pairs = || a.matrix.iter().flatten().zip(b.matrix.iter().flatten());
                if pairs().all(|(a, b)| (a - b).abs() <= 1e-8 + 1e-6 * b.abs()) {
                    continue;
                }
                let moved: f64 = (0..3).map(|k| (a.matrix[k][3] - b.matrix[k][3]).powi(2)).sum();
                format!("the head is {:.1} mm from where it was in `{reference}`, or turned", moved.sqrt() * 1e3)
            }
            _ => format!("either this run or `{reference}` has no head position (dev_head_t)"),
        };
        input.warnings.push(format!(
            "{warning}; the averages of all runs carry the head position of `{reference}`, so sources computed from \
             them are inaccurate (use_maxwell_filter = true brings runs to one position)"
        ));
    }
    Ok(())
}

/// `FIFFV_PROJ_ITEM_EEG_AVREF`
const AVERAGE_REFERENCE: i32 = 10;

fn projectors(info: &Info) -> String {
    let names: Vec<&str> = info.projs.iter().map(|proj| proj.desc.as_str()).collect();
    if names.is_empty() { "none".into() } else { names.join(", ") }
}
