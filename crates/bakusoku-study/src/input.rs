//! A recording as the study sees it: bads and types from `channels.tsv` and `study.toml`, annotations kept or replaced.

use crate::config::Config;
use crate::unit::{Run, Source, Unit};
use crate::{Error, Result};
use bakusoku_bids::sidecar::{self, ChannelRow};
use bakusoku_core::{Annotation, ChannelType, Info, Picks, Recording, Stream};
use ndarray::ArrayViewMut2;
use std::ops::Range;
use std::sync::Arc;

/// A recording with its description amended.
pub(crate) struct Input {
    inner: Box<dyn Recording>,
    stream: Stream,
    /// Bad channels and where that is known from.
    pub(crate) bads: Vec<(String, String)>,
    /// Remarks.
    pub(crate) warnings: Vec<String>,
}

impl Input {
    /// Marks further channels as bad, with where that is known from; [`unite`] then tells all runs.
    pub(crate) fn add_bads(&mut self, bads: Vec<(String, String)>) {
        let new = bads.into_iter().filter(|(name, _)| !self.bads.iter().any(|(other, _)| other == name));
        let new: Vec<_> = new.collect();
        self.bads.extend(new);
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
        let inner = bakusoku_io::open(&run.found.path).map_err(|error| step(error.into()))?;
        let input = mark(config, source, unit, run, inner, true).map_err(step)?;
        check(config, run, &input.stream).map_err(step)?;
        inputs.push(input);
    }
    unite(&mut inputs.iter_mut().collect::<Vec<_>>());
    same_channels(unit, &inputs)?;
    Ok(inputs)
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
    let inner = bakusoku_io::open(&run.found.path).map_err(|error| step(error.into()))?;
    // There is nobody with electrodes in it.
    let mut input = mark(config, source, unit, run, inner, false).map_err(step)?;
    check(config, run, &input.stream).map_err(step)?;
    if let Some(like) = like {
        crate::steps::empty_room::liken(&mut input.stream, like);
    }
    Ok(input)
}

/// What is bad in one recording is bad in all.
pub(crate) fn unite(inputs: &mut [&mut Input]) {
    let mut united: Vec<(String, String)> = Vec::new();
    for (name, whence) in inputs.iter().flat_map(|input| &input.bads) {
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

/// `all_known`: the bad channels of `study.toml` must be there.
fn mark(
    config: &Config,
    source: &Source,
    unit: &Unit,
    run: &Run,
    inner: Box<dyn Recording>,
    all_known: bool,
) -> Result<Input> {
    let mut stream = inner.stream().clone();
    let mut info = (*stream.info).clone();
    let mut warnings = Vec::new();
    let mut bads: Vec<(String, String)>;
    if let Some(path) = &run.channels {
        let rows = sidecar::read_channels(path)?;
        let file = source.relative(path);
        bads = rows.iter().filter(|row| row.bad).map(|row| (row.name.clone(), "channels.tsv".to_owned())).collect();
        let unknown: Vec<&str> =
            rows.iter().map(|row| row.name.as_str()).filter(|name| info.index_of(name).is_none()).collect();
        if !unknown.is_empty() {
            warnings.push(format!("`{file}` names channels that the recording does not have: {}", unknown.join(", ")));
        }
        bads.retain(|(name, _)| info.index_of(name).is_some());
        for name in info.bads.iter().filter(|name| !rows.iter().any(|row| row.bad && row.name == **name)) {
            warnings.push(format!("`{name}` is bad in the recording, but not in `{file}`, which counts"));
        }
        set_types(&mut info, &rows);
    } else {
        bads = info.bads.iter().map(|name| (name.clone(), "recording".to_owned())).collect();
    }
    for name in config.bads(&unit.subject) {
        if info.index_of(&name).is_none() {
            if !all_known {
                continue;
            }
            let near = crate::config::nearest_name(&name, info.ch_names());
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
        annotate(config, &mut stream, path)?;
    }
    Ok(Input { inner, stream, bads, warnings })
}

/// BAD_ rows of `events.tsv` become annotations; with `annotations = "bids"` they replace those of the recording, all
/// but the stretches that were not acquired.
fn annotate(config: &Config, stream: &mut Stream, events: &std::path::Path) -> Result<()> {
    if config.text("annotations") == Some("bids") {
        stream.annotations.items.retain(|item| item.description.eq_ignore_ascii_case("bad_acq_skip"));
    }
    let shift = match (stream.annotations.orig_time, stream.info.meas_date) {
        (Some(orig), Some(meas)) => {
            (meas.0 - orig.0) as f64 + f64::from(meas.1 - orig.1) * 1e-6 + stream.first_samp as f64 / stream.sfreq()
        }
        _ => 0.0,
    };
    for row in sidecar::read_events(events)? {
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
    Ok(())
}

/// Types of channels that are not MEG, as `channels.tsv` says them.
fn set_types(info: &mut Info, rows: &[ChannelRow]) {
    for ch in &mut info.chs {
        let Some(wanted) = rows.iter().find(|row| row.name == ch.name).and_then(|row| row.ch_type) else { continue };
        let is_meg = |ch_type| matches!(ch_type, ChannelType::Grad | ChannelType::Mag | ChannelType::RefMeg);
        if wanted != ch.ch_type() && !is_meg(wanted) && !is_meg(ch.ch_type()) {
            ch.set_type(wanted);
        }
    }
}

/// What a study can't do with a recording.
fn check(config: &Config, run: &Run, stream: &Stream) -> Result<()> {
    let info = &stream.info;
    if info.maxshield && !crate::steps::maxwell::wanted(config) {
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

fn same_channels(unit: &Unit, inputs: &[Input]) -> Result<()> {
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
                "leave a run out: [subject.XX] exclude_runs",
            ));
        }
        if pair[0].stream.sfreq() != pair[1].stream.sfreq() {
            return Err(Error::data(
                format!(
                    "the runs of {} differ in their sampling frequency: `{}` has {} Hz",
                    unit.label(),
                    run.name(),
                    pair[1].stream.sfreq()
                ),
                "leave a run out: [subject.XX] exclude_runs",
            ));
        }
    }
    Ok(())
}
