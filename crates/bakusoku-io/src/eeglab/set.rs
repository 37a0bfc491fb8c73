//! The fields of a set.

use super::mat::{self, Records, Stored, Value, Want};
use crate::{Error, Result};
use std::path::{Path, PathBuf};

/// Most channels and samples of a sound set.
const MAX_CHANNELS: u64 = 1 << 20;
const MAX_TIMES: u64 = 1 << 40;

/// A set: the fields of `EEG`, whether they stand in a struct or by themselves.
#[derive(Debug)]
pub(super) struct Set {
    pub(super) path: PathBuf,
    fields: Vec<(String, Value)>,
    /// Channels (`nbchan`).
    pub(super) n_channels: u64,
    /// Samples of a trial (`pnts`).
    pub(super) n_points: u64,
    /// Trials (`trials`): one where the set is continuous.
    pub(super) n_trials: u64,
    /// Sampling frequency (Hz).
    pub(super) sfreq: f64,
    pub(super) data: Data,
}

/// Where a set has its samples.
#[derive(Debug)]
pub(super) enum Data {
    /// In the set.
    Inside(Stored),
    /// In a file of that name.
    Beside(String),
}

/// What is needed of a set.
fn wanted(names: &[String]) -> Want {
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    // The struct itself, and one more around it, as some tools leave it.
    for _ in 0..2 {
        if names.first() == Some(&"EEG") {
            names.remove(0);
        }
    }
    match names.as_slice() {
        ["data"] => Want::Place,
        []
        | ["nbchan" | "pnts" | "trials" | "srate" | "xmin" | "icaweights" | "icasphere" | "icawinv" | "icachansind"]
        | ["chanlocs" | "event" | "epoch" | "chaninfo"]
        | ["chanlocs", "labels" | "type" | "X" | "Y" | "Z"]
        | ["event", "type" | "latency" | "duration"]
        | ["epoch", "eventtype"]
        | ["chaninfo", "nodatchans"]
        | ["chaninfo", "nodatchans", "labels" | "type" | "description" | "X" | "Y" | "Z"] => Want::Value,
        _ => Want::Nothing,
    }
}

impl Set {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let variables = mat::read(path, wanted)?.all;
        let names: Vec<String> = variables.iter().map(|(name, _)| name.clone()).collect();
        let mut fields: Vec<(String, Value)> =
            variables.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        for _ in 0..2 {
            let Some(at) = fields.iter().position(|(name, _)| name == "EEG") else { break };
            fields = match fields.swap_remove(at).1 {
                Value::Struct(records) if records.items.len() == 1 => {
                    let item = records.items.into_iter().next().unwrap_or_default();
                    records.fields.into_iter().zip(item).collect()
                }
                other => return Err(field_error(path, "EEG", "one struct", other.described())),
            };
        }
        let has = |name: &str| fields.iter().any(|(field, _)| field == name);
        if !(has("data") && has("srate")) {
            let content = match names.as_slice() {
                names if names.iter().any(|name| name == "ALLEEG") => {
                    "a file of several sets of EEGLAB (`ALLEEG`)".to_owned()
                }
                _ if has("data") || has("srate") => {
                    let lacking = if has("data") { "srate" } else { "data" };
                    return Err(field_error(path, lacking, "a field of every set of EEGLAB", "missing".into()));
                }
                [] => "a MATLAB file without variables".to_owned(),
                names => {
                    let shown: Vec<&str> = names.iter().take(6).map(String::as_str).collect();
                    format!("a MATLAB file with the variables {}, and no set of EEGLAB", shown.join(", "))
                }
            };
            return Err(Error::NotARecording { path: path.to_owned(), content });
        }
        Self::from_fields(path, fields)
    }

    fn from_fields(path: &Path, mut fields: Vec<(String, Value)>) -> Result<Self> {
        let wrong = |field: &str, expected: &str, got: String| field_error(path, field, expected, got);
        let at = fields.iter().position(|(name, _)| name == "data").unwrap_or(0);
        let data = match fields.swap_remove(at).1 {
            Value::Stored(stored) => Data::Inside(stored),
            value => match value.text() {
                Some(name) if !name.trim().is_empty() => Data::Beside(name.trim().to_owned()),
                _ => return Err(wrong("data", "samples, or the name of the file that has them", value.described())),
            },
        };
        let find = |name: &str| fields.iter().find(|(field, _)| field == name).map(|(_, value)| value);
        let count = |name: &str, most: u64| match find(name) {
            None => Ok(None),
            Some(value) if value.is_empty() => Ok(None),
            Some(value) => match value.number() {
                Some(n) if n.fract() == 0.0 && n >= 0.0 && n <= most as f64 => Ok(Some(n as u64)),
                _ => Err(wrong(name, "a count", value.described())),
            },
        };
        let (nbchan, pnts) = (count("nbchan", MAX_CHANNELS)?, count("pnts", MAX_TIMES)?);
        let trials = count("trials", MAX_TIMES)?;
        let sfreq = match find("srate").map(|value| (value.number(), value)) {
            Some((Some(sfreq), _)) if sfreq.is_finite() && sfreq > 0.0 => sfreq,
            Some((_, value)) => return Err(wrong("srate", "a sampling frequency above 0 Hz", value.described())),
            None => return Err(wrong("srate", "a sampling frequency above 0 Hz", "missing".into())),
        };
        let (n_channels, n_points, n_trials) = match &data {
            Data::Inside(stored) => {
                // What is there counts; a set that was changed by hand may say otherwise.
                let mut dims = stored.dims.clone();
                if nbchan == Some(1) && dims.len() == 2 && dims[1] == 1 && dims[0] != 1 {
                    dims.reverse();
                }
                dims.resize(dims.len().max(3), 1);
                let got = || format!("an array of {:?} samples", stored.dims);
                if dims.len() > 3 || dims[0] > MAX_CHANNELS || stored.n_values() > MAX_TIMES {
                    return Err(wrong("data", "an array (channels, samples, trials)", got()));
                }
                if let Some(nbchan) = nbchan.filter(|&nbchan| nbchan != dims[0]) {
                    return Err(wrong("data", &format!("samples of {nbchan} channels (`nbchan`)"), got()));
                }
                let split = pnts.zip(trials).filter(|&(pnts, trials)| {
                    pnts.checked_mul(trials) == Some(dims[1] * dims[2]) && (dims[2] == 1 || dims[2] == trials)
                });
                let (n_points, n_trials) = split.unwrap_or((dims[1], dims[2]));
                if pnts.is_some_and(|pnts| pnts != n_points) || trials.is_some_and(|trials| trials != n_trials) {
                    tracing::warn!(
                        "`{}`: `pnts` and `trials` are not those of `data`; the set was changed by hand: its data count",
                        path.display()
                    );
                }
                (dims[0], n_points, n_trials)
            }
            Data::Beside(_) => {
                let lacking = |name: &str| wrong(name, "a count, as the samples are in another file", "missing".into());
                (nbchan.ok_or_else(|| lacking("nbchan"))?, pnts.ok_or_else(|| lacking("pnts"))?, trials.unwrap_or(1))
            }
        };
        if n_channels == 0 || n_points == 0 || n_trials == 0 {
            let got = format!("{n_channels} channels, {n_points} samples, {n_trials} trials");
            return Err(wrong("data", "at least one sample of one channel", got));
        }
        if n_points.checked_mul(n_trials).and_then(|n| n.checked_mul(n_channels)).is_none_or(|n| n > MAX_TIMES) {
            let got = format!("{n_points} samples of {n_channels} channels in {n_trials} trials");
            return Err(wrong("pnts", "a length that a file can hold", got));
        }
        Ok(Self { path: path.to_owned(), fields, n_channels, n_points, n_trials, sfreq, data })
    }

    /// Samples of all trials.
    pub(super) fn n_times(&self) -> u64 {
        self.n_points * self.n_trials
    }
    /// A field, if it is there and not empty.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value).filter(|value| !value.is_empty())
    }
    /// A field of structs, if it is there and not empty.
    pub(super) fn records(&self, name: &str) -> Option<&Records> {
        self.get(name)?.records()
    }
    /// What is wrong with a field.
    pub(super) fn wrong(&self, field: &str, expected: &str, got: String) -> Error {
        field_error(&self.path, field, expected, got)
    }
}

fn field_error(path: &Path, field: &str, expected: &str, got: String) -> Error {
    let field = if field == "EEG" { field.to_owned() } else { format!("EEG.{field}") };
    Error::Field { path: path.to_owned(), field, expected: expected.to_owned(), got }
}
