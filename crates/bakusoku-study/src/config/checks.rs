//! Checks that concern several keys at once: what steps say of theirs, and the general ones.

use super::parse::Problems;
use super::{Config, Value};
use std::collections::HashMap;
use std::ops::Range;

/// Where steps say what does not fit together.
pub struct Checks<'c, 't> {
    /// The configuration, each value valid by itself.
    pub config: &'c Config,
    spans: &'c HashMap<&'static str, Range<usize>>,
    problems: &'c mut Problems<'t>,
}

impl<'c, 't> Checks<'c, 't> {
    pub(super) fn new(
        config: &'c Config,
        spans: &'c HashMap<&'static str, Range<usize>>,
        problems: &'c mut Problems<'t>,
    ) -> Self {
        Self { config, spans, problems }
    }
    /// Adds a problem, at the first of `keys` that the file says.
    pub fn add(&mut self, keys: &[&str], message: impl Into<String>, label: &str, hint: Option<&str>) {
        let span = keys.iter().find_map(|key| self.spans.get(key).cloned()).unwrap_or(0..0);
        self.problems.add(&span, message, label, hint.map(Into::into));
    }
    /// A stretch of time must lie inside the epochs.
    pub(crate) fn inside_epochs(&mut self, key: &'static str) {
        let number = |key| self.config.number(key);
        let (Some(tmin), Some(tmax)) = (number("epochs_tmin"), number("epochs_tmax")) else { return };
        let Some((start, stop)) = self.config.pair(key) else { return };
        let (start, stop) = (start.unwrap_or(tmin), stop.unwrap_or(tmax));
        if start > stop || start < tmin || stop > tmax {
            let message = format!("`{key}` must lie inside the epochs ({tmin} to {tmax} s), got {start} to {stop} s");
            self.add(&[key, "epochs_tmin", "epochs_tmax"], message, "outside", None);
        }
    }
}

/// Adds what does not fit together in general keys.
pub(super) fn across(config: &Config, spans: &HashMap<&'static str, Range<usize>>, problems: &mut Problems<'_>) {
    let place = |keys: &[&str]| keys.iter().find_map(|key| spans.get(key).cloned()).unwrap_or(0..0);
    if config.get("ch_types").texts().is_empty() {
        problems.add(
            &place(&["ch_types"]),
            "`ch_types` is missing: it says which channels the study is about",
            "expected here",
            Some("write ch_types = [\"meg\", \"eeg\"], or one of them".into()),
        );
    }
    if config.text("files").is_some() && config.text("bids_root").is_some() {
        let hint = Some("leave one of them out".into());
        problems.add(
            &place(&["files"]),
            "`files` and `bids_root` exclude one another",
            "either this or `bids_root`",
            hint,
        );
    }
    if let Some(files) = config.text("files") {
        if !files.contains("{subject}") {
            let hint = Some("write it where the subject's name stands, as \"data/{subject}/{run}_raw.fif\"".into());
            problems.add(&place(&["files"]), "`files` must contain {subject}", "no {subject}", hint);
        } else if let Err(error) = bakusoku_bids::FilePattern::parse(files) {
            problems.add(&place(&["files"]), format!("`files`: {error}"), "not a pattern", None);
        }
    }
    if let Some(memory) = config.get("run").get("memory").and_then(Value::as_str)
        && memory != "auto"
        && memory.parse::<bakusoku_core::Bytes>().is_err()
    {
        let hint = Some("write it as \"8GB\"".into());
        problems.add(
            &place(&["run"]),
            format!("`run.memory` must be an amount of memory, got {memory:?}"),
            "not an amount",
            hint,
        );
    }
}
