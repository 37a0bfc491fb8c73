//! An epoched set.

use super::locations;
use super::mat::Value;
use super::options::EeglabOptions;
use super::samples::Samples;
use super::set::Set;
use crate::{Error, Result};
use bakusoku_core::Event;
use bakusoku_core::containers::Epochs;
use ndarray::{Array3, Axis};
use std::path::Path;
use std::sync::Arc;

/// Whether a set holds epochs.
///
/// # Errors
/// When it can't be read, is damaged, or is no set.
pub fn holds_epochs(path: impl AsRef<Path>) -> Result<bool> {
    Ok(Set::read(path.as_ref())?.n_trials > 1)
}

/// Reads an epoched set whole.
///
/// An epoch is named by the types of its events, joined by `/`; its sample is that of its first event among the epochs one
/// after the other. A set without events has epochs `unknown`.
///
/// # Errors
/// When a file is missing, can't be read, is damaged, or holds continuous data.
pub fn read_epochs(path: impl AsRef<Path>, options: &EeglabOptions) -> Result<Epochs> {
    let set = Set::read(path.as_ref())?;
    if set.n_trials < 2 {
        return Err(Error::Content { path: set.path, expected: "epochs".into(), got: "a continuous recording".into() });
    }
    let samples = Samples::open(&set)?;
    let info = locations::info(&set, options)?;
    samples.check()?;
    let (events, event_id) = events(&set)?;
    let (n_trials, n_points) = (set.n_trials as usize, set.n_points as usize);
    let picks: Vec<usize> = (0..info.chs.len()).collect();
    let scales: Vec<f64> = info.chs.iter().map(|ch| ch.range * ch.cal).collect();
    let mut data = Array3::zeros((n_trials, picks.len(), n_points));
    for (trial, mut epoch) in data.axis_iter_mut(Axis(0)).enumerate() {
        let start = trial as u64 * set.n_points;
        samples.read(start..start + set.n_points, &picks, &scales, &mut epoch)?;
    }
    let xmin = set.get("xmin").and_then(Value::number).filter(|xmin| xmin.is_finite()).unwrap_or(0.0);
    let first = (xmin * info.sfreq).round_ties_even() as i64;
    let tmin = first as f64 / info.sfreq;
    Ok(Epochs {
        info: Arc::new(info),
        events,
        event_id,
        selection: (0..n_trials).collect(),
        drop_log: vec![Vec::new(); n_trials],
        first,
        tmin,
        baseline: None,
        data,
    })
}

/// The names of an epoch's events.
fn types(value: &Value) -> Vec<String> {
    match value {
        Value::Cell(cells) => cells.iter().map(Value::shown).collect(),
        value if value.is_empty() => Vec::new(),
        Value::Numbers { dims, values, integers } => values
            .iter()
            .map(|&value| Value::Numbers { dims: dims.clone(), values: vec![value], integers: *integers }.shown())
            .collect(),
        value => vec![value.shown()],
    }
}

fn events(set: &Set) -> Result<(Vec<Event>, Vec<(String, i64)>)> {
    let epochs = set.records("epoch").and_then(|epochs| epochs.column("eventtype"));
    let latencies = set.records("event").and_then(|events| events.column("latency"));
    let (Some(epochs), Some(latencies)) = (epochs, latencies) else {
        tracing::warn!("`{}` has no events; its epochs are named `unknown`", set.path.display());
        let events = (0..set.n_trials as i64).map(|sample| Event { sample, previous: 0, code: 1 }).collect();
        return Ok((events, vec![("unknown".into(), 1)]));
    };
    let latencies: Vec<f64> = latencies.map(|latency| latency.number().unwrap_or(f64::NAN)).collect();
    let mut event_id: Vec<(String, i64)> = Vec::new();
    let mut events: Vec<Event> = Vec::new();
    let (mut at, mut last, mut previous, mut several) = (0, f64::NAN, 0, false);
    for (index, epoch) in epochs.enumerate() {
        let types = types(epoch);
        several |= types.len() > 1;
        let (name, latency) = if types.is_empty() {
            ("unknown".to_owned(), index as f64 * set.n_points as f64)
        } else {
            let latency = latencies.get(at).copied().filter(|latency| latency.is_finite()).ok_or_else(|| {
                set.wrong("event", "a latency for each event of each epoch", format!("none for epoch {}", index + 1))
            })?;
            (types.join("/"), latency - 1.0)
        };
        at += types.len();
        let code = match event_id.iter().find(|(known, _)| *known == name) {
            Some((_, code)) => *code,
            None => {
                event_id.push((name, event_id.len() as i64 + 1));
                event_id.len() as i64
            }
        };
        // As MNE has it: kept from epoch to epoch, and changed only where an event follows at the next sample.
        if latency - last == 1.0 {
            previous = events.last().map_or(0, |event| event.code);
        }
        last = latency;
        events.push(Event { sample: latency as i64, previous, code });
    }
    if events.len() as u64 != set.n_trials {
        let got = format!("{} epochs", events.len());
        return Err(set.wrong("epoch", &format!("one entry for each of {} trials", set.n_trials), got));
    }
    if several {
        tracing::warn!("`{}`: epochs with several events have the time of the first", set.path.display());
    }
    Ok((events, event_id))
}
