//! What stands beside a recording: `channels.tsv`, `events.tsv`, JSON files.
//!
//! Sidecars are inherited: one that names fewer entities, in the same folder or above, speaks about all recordings
//! that have these; the nearest wins.

use crate::{Entities, Error, Result, Tsv};
use bakusoku_core::ChannelType;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A line of `channels.tsv`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelRow {
    /// Name.
    pub name: String,
    /// Type as written (`MEGMAG`, `EEG`, …).
    pub kind: String,
    /// Type in MNE's words, where it has one.
    pub ch_type: Option<ChannelType>,
    /// Unit as written.
    pub units: Option<String>,
    /// Whether `status` is `bad`.
    pub bad: bool,
}

/// A line of `events.tsv`.
#[derive(Clone, Debug, PartialEq)]
pub struct EventRow {
    /// Onset (s from the recording's first sample).
    pub onset: f64,
    /// Length (s).
    pub duration: f64,
    /// Kind of trial.
    pub trial_type: Option<String>,
    /// Stimulus code.
    pub value: Option<i64>,
    /// Sample, from the recording's first one.
    pub sample: Option<i64>,
    /// Line, from 1.
    pub line: usize,
}

/// MNE's channel type for a type of `channels.tsv`.
pub fn channel_type(kind: &str) -> Option<ChannelType> {
    use ChannelType::*;
    // As mne-bids reads them (`config.py`, MNE from BIDS types).
    Some(match kind.to_ascii_uppercase().as_str() {
        "MEGMAG" => Mag,
        "MEGGRADPLANAR" | "MEGGRADAXIAL" => Grad,
        "MEGREFMAG" | "MEGREFGRADAXIAL" | "MEGREFGRADPLANAR" => RefMeg,
        "EEG" => Eeg,
        "EOG" | "VEOG" | "HEOG" => Eog,
        "ECG" => Ecg,
        "EMG" => Emg,
        "TRIG" => Stim,
        "SEEG" => Seeg,
        "ECOG" => Ecog,
        "DBS" => Dbs,
        "HLU" => Chpi,
        "SYSCLOCK" => Syst,
        "RESP" => Resp,
        "GSR" => Gsr,
        "TEMP" => Temperature,
        "MISC" | "OTHER" | "PPG" | "PUPIL" | "EYEGAZE" | "AUDIO" | "PD" | "DAC" | "ADC" | "MEGOTHER" => Misc,
        _ => return None,
    })
}

/// Reads `channels.tsv`.
///
/// # Errors
/// When it can't be read or is not such a table.
pub fn read_channels(path: &Path) -> Result<Vec<ChannelRow>> {
    let tsv = Tsv::read(path)?;
    let name = tsv.require("name")?;
    let (kind, units, status) = (tsv.column("type"), tsv.column("units"), tsv.column("status"));
    let cell = |row: &[String], column: Option<usize>| {
        column.map(|c| row[c].clone()).filter(|text| !text.is_empty() && text != "n/a")
    };
    let mut out: Vec<ChannelRow> = Vec::with_capacity(tsv.rows.len());
    for (line, row) in &tsv.rows {
        let status = cell(row, status);
        let bad = match status.as_deref() {
            None => false,
            Some(text) if text.eq_ignore_ascii_case("good") => false,
            Some(text) if text.eq_ignore_ascii_case("bad") => true,
            Some(text) => return Err(tsv.error(*line, format!("`status` must be good or bad, got `{text}`"))),
        };
        if out.iter().any(|other| other.name == row[name]) {
            return Err(tsv.error(*line, format!("channel `{}` stands twice", row[name])));
        }
        let kind = cell(row, kind).unwrap_or_default();
        out.push(ChannelRow {
            name: row[name].clone(),
            ch_type: channel_type(&kind),
            kind,
            units: cell(row, units),
            bad,
        });
    }
    Ok(out)
}

/// Reads `events.tsv`.
///
/// # Errors
/// When it can't be read or is not such a table.
pub fn read_events(path: &Path) -> Result<Vec<EventRow>> {
    let tsv = Tsv::read(path)?;
    let onset = tsv.require("onset")?;
    let column = |name: &str| tsv.column(name);
    let (duration, trial_type, value, sample) =
        (column("duration"), column("trial_type"), column("value"), column("sample"));
    let mut out = Vec::with_capacity(tsv.rows.len());
    for (line, row) in &tsv.rows {
        let number = |name: &str, column: Option<usize>| match column {
            Some(column) => tsv.number(*line, name, &row[column]),
            None => Ok(None),
        };
        let Some(onset) = number("onset", Some(onset))? else {
            return Err(tsv.error(*line, "`onset` must be a number, got n/a".into()));
        };
        let trial_type = trial_type.map(|c| row[c].clone()).filter(|text| !text.is_empty() && text != "n/a");
        // A value that is no number is a name that only some tools write: it is left to `trial_type`.
        let value = value.and_then(|c| row[c].parse::<f64>().ok()).filter(|x| x.fract() == 0.0).map(|x| x as i64);
        let sample = number("sample", sample)?.map(|x| x as i64);
        out.push(EventRow {
            onset,
            duration: number("duration", duration)?.unwrap_or(0.0),
            trial_type,
            value,
            sample,
            line: *line,
        });
    }
    Ok(out)
}

/// Reads a JSON file.
///
/// # Errors
/// When it can't be read or is no JSON.
pub fn read_json(path: &Path) -> Result<Value> {
    let text = fs_err::read_to_string(path)?;
    serde_json::from_str(&text).map_err(|error| Error::json(path, &error))
}

/// The sidecar with this suffix and extension that speaks about `recording`: the nearest with the most entities, in
/// its folder, then the folders above up to `root`.
///
/// # Errors
/// When a folder can't be read.
pub fn find(
    root: &Path,
    recording: &Path,
    entities: &Entities,
    suffix: &str,
    extension: &str,
) -> Result<Option<PathBuf>> {
    let mut folder = recording.parent();
    let whole = Entities { split: None, ..entities.clone() };
    while let Some(dir) = folder {
        let mut best: Option<(usize, PathBuf)> = None;
        for entry in fs_err::read_dir(dir)? {
            let entry = entry?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            let Some(stem) = name.strip_suffix(extension).and_then(|stem| stem.strip_suffix(suffix)) else { continue };
            let stem = stem.strip_suffix('_').unwrap_or(stem);
            let Some(found) = loose(stem) else { continue };
            if !found.applies_to(&whole) {
                continue;
            }
            let count = Entities::ORDER.iter().filter(|short| found.get(short).is_some()).count();
            if best.as_ref().is_none_or(|(most, path)| count > *most || (count == *most && entry.path() < *path)) {
                best = Some((count, entry.path()));
            }
        }
        if let Some((_, path)) = best {
            return Ok(Some(path));
        }
        if dir == root {
            break;
        }
        folder = dir.parent();
    }
    Ok(None)
}

/// Entities of an inherited sidecar, which need not name a subject.
fn loose(stem: &str) -> Option<Entities> {
    let mut entities = Entities::default();
    for part in stem.split('_').filter(|part| !part.is_empty()) {
        let (short, value) = part.split_once('-')?;
        if !entities.set(short, Some(value.to_owned())) {
            return None;
        }
    }
    Some(entities)
}
