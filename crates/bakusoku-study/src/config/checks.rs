//! Checks that concern several keys at once.

use super::parse::Problems;
use super::{Config, Value, error::nearest};
use std::collections::HashMap;
use std::ops::Range;

/// Adds what does not fit together.
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
    if let (Some(l_freq), Some(h_freq)) = (config.number("l_freq"), config.number("h_freq"))
        && l_freq >= h_freq
    {
        let message = format!("`l_freq` must be below `h_freq`, got {l_freq} and {h_freq} Hz");
        problems.add(&place(&["l_freq", "h_freq"]), message, "not a pass band", None);
    }
    let (tmin, tmax) = (config.number("epochs_tmin").unwrap_or(0.0), config.number("epochs_tmax").unwrap_or(0.0));
    if tmin >= tmax {
        let message = format!("`epochs_tmin` must be below `epochs_tmax`, got {tmin} and {tmax} s");
        problems.add(&place(&["epochs_tmin", "epochs_tmax"]), message, "ends before it starts", None);
    }
    for name in ["baseline", "noise_cov"] {
        let Some((start, stop)) = config.pair(name) else { continue };
        let (start, stop) = (start.unwrap_or(tmin), stop.unwrap_or(tmax));
        if start > stop || start < tmin || stop > tmax {
            let message = format!("`{name}` must lie inside the epochs ({tmin} to {tmax} s), got {start} to {stop} s");
            problems.add(&place(&[name, "epochs_tmin", "epochs_tmax"]), message, "outside", None);
        }
    }
    let conditions = config.conditions();
    for (name, value) in &conditions {
        if conditions.iter().filter(|(_, other)| other == value).count() > 1 && matches!(value, Value::Int(_)) {
            let message = format!("condition `{name}` has a code that another one has too");
            problems.add(&place(&["conditions"]), message, "the same code twice", None);
        }
    }
    if config.get("conditions").texts().len() + config.get("conditions").as_table().map_or(0, <[_]>::len) != 0
        && matches!(config.get("conditions"), Value::Table(_))
    {
        let codes = conditions.iter().filter(|(_, value)| matches!(value, Value::Int(_))).count();
        if codes != 0 && codes != conditions.len() {
            let hint = Some("use stimulus codes for all, or trial_type names for all".into());
            problems.add(&place(&["conditions"]), "`conditions` mixes codes and names", "codes and names", hint);
        }
    }
    for (name, members, weights) in config.contrasts() {
        let span = place(&["contrasts"]);
        if name.is_empty() {
            problems.add(&span, "a contrast needs a `name`", "no name", None);
        }
        if members.is_empty() || members.len() != weights.len() {
            let message = format!(
                "contrast `{name}` must have as many weights as conditions, got {} and {}",
                weights.len(),
                members.len()
            );
            problems.add(&span, message, "does not fit", None);
        }
        for member in &members {
            if !conditions.iter().any(|(condition, _)| condition == member) {
                let hint = nearest(member, conditions.iter().map(|(name, _)| name.as_str()))
                    .map(|near| format!("did you mean {near:?}?"));
                problems.add(
                    &span,
                    format!("contrast `{name}` names {member:?}, which is not among the conditions"),
                    "no such condition",
                    hint,
                );
            }
        }
    }
    let wants_covariance = !conditions.is_empty() && !config.get("noise_cov").is_none();
    if wants_covariance && config.text("noise_cov_method") == Some("shrunk") {
        problems.add(
            &place(&["noise_cov", "conditions"]),
            "noise_cov_method = \"shrunk\" (the default) is not supported yet",
            "asks for a covariance",
            Some("write noise_cov_method = \"empirical\", or noise_cov = \"none\"".into()),
        );
    }
    if config.text("events") == Some("stim") && conditions.iter().any(|(_, value)| matches!(value, Value::Str(_))) {
        let hint = Some("write codes, as { auditory = 1 }".into());
        problems.add(
            &place(&["conditions", "events"]),
            "events = \"stim\" needs conditions with stimulus codes",
            "names, not codes",
            hint,
        );
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
