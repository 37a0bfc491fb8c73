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
    maxwell(config, &place, problems);
    empty_room(config, &place, problems);
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
    let of_room = crate::steps::empty_room::gives_covariance(config);
    let wants_covariance = of_room || (!conditions.is_empty() && config.pair("noise_cov").is_some());
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

/// What the empty room needs.
fn empty_room(config: &Config, place: &dyn Fn(&[&str]) -> Range<usize>, problems: &mut Problems<'_>) {
    if let Some(pattern) = config.text("emptyroom_fname") {
        let span = place(&["emptyroom_fname"]);
        if let Err(error) = bakusoku_bids::FilePattern::parse(pattern) {
            problems.add(&span, format!("`emptyroom_fname`: {error}"), "not a pattern", None);
        } else if pattern.contains("{run}") {
            let hint = Some("it may contain {subject} and {session}".into());
            problems.add(&span, "`emptyroom_fname` is the same for all runs", "names a run", hint);
        }
    }
    if !crate::steps::empty_room::gives_covariance(config) {
        return;
    }
    if !config.flag("process_empty_room") {
        let hint = Some("write process_empty_room = true".into());
        let message = "noise_cov = \"emptyroom\" needs the empty room";
        problems.add(&place(&["noise_cov", "process_empty_room"]), message, "comes from it", hint);
    }
    if config.get("ch_types").texts().iter().any(|ch_type| ch_type == "eeg") {
        let hint = Some("take a stretch of the epochs, as noise_cov = [\"none\", 0]".into());
        let message = "an empty room says nothing about EEG, which `ch_types` asks for";
        problems.add(&place(&["noise_cov"]), message, "without EEG", hint);
    }
}

/// What the Maxwell filter needs.
fn maxwell(config: &Config, place: &dyn Fn(&[&str]) -> Range<usize>, problems: &mut Problems<'_>) {
    for (key, field) in [("mf_cal_fname", "{run}"), ("mf_ctc_fname", "{run}"), ("mf_head_pos_fname", "")] {
        let Some(pattern) = config.text(key) else { continue };
        if let Err(error) = bakusoku_bids::FilePattern::parse(pattern) {
            problems.add(&place(&[key]), format!("`{key}`: {error}"), "not a pattern", None);
        } else if !field.is_empty() && pattern.contains(field) {
            let hint = Some("it may contain {subject} and {session}".into());
            problems.add(&place(&[key]), format!("`{key}` is the same for all runs"), "names a run", hint);
        }
    }
    let correlation = config.number("mf_st_correlation").unwrap_or(0.98);
    if correlation > 1.0 {
        let message = format!("`mf_st_correlation` must be above 0 and at most 1, got {correlation}");
        problems.add(&place(&["mf_st_correlation"]), message, "no correlation", None);
    }
    let searches = config.flag("find_flat_channels_meg") || config.flag("find_noisy_channels_meg");
    let filters = config.flag("use_maxwell_filter");
    let asked = ["use_maxwell_filter", "find_noisy_channels_meg", "find_flat_channels_meg"];
    let types = config.get("ch_types").texts();
    if (filters || searches) && !types.is_empty() && types.iter().all(|ch_type| ch_type == "eeg") {
        let hint = Some("write ch_types = [\"meg\"], or leave it out".into());
        problems.add(&place(&asked), "a Maxwell filter needs MEG channels", "needs MEG", hint);
    }
    if !filters {
        return;
    }
    if config.text("proc").is_some_and(|proc| proc.contains("sss")) {
        let hint = Some("leave `proc` out, or write use_maxwell_filter = false".into());
        let message = "these recordings are Maxwell filtered already (proc), they can't be filtered again";
        problems.add(&place(&["use_maxwell_filter"]), message, "a second time", hint);
    }
    let head_pos = config.text("mf_head_pos_fname").is_some();
    if config.flag("mf_mc") {
        if !head_pos {
            let hint = Some("say where they are: mf_head_pos_fname = \"pos/{subject}_{run}.pos\"".into());
            let message = "`mf_mc` needs head positions, which can't be estimated yet";
            problems.add(&place(&["mf_mc"]), message, "needs mf_head_pos_fname", hint);
        }
        if config.get("mf_filter_chpi").is_none() {
            let message = "`mf_mc` takes the signals of head position indication out too, which can't be done yet";
            let hint = Some("write mf_filter_chpi = false; a low-pass filter takes them out as well".into());
            problems.add(&place(&["mf_mc"]), message, "needs mf_filter_chpi = false", hint);
        }
    }
    if config.text("mf_destination") == Some("twa") && !head_pos {
        let hint = Some("say where they are: mf_head_pos_fname = \"pos/{subject}_{run}.pos\"".into());
        let message = "mf_destination = \"twa\" needs head positions over time";
        problems.add(&place(&["mf_destination"]), message, "needs mf_head_pos_fname", hint);
    }
    if crate::steps::esss::wanted(config) {
        let span = place(&["mf_esss"]);
        if !config.flag("process_empty_room") {
            let hint = Some("write process_empty_room = true".into());
            problems.add(&span, "`mf_esss` needs the empty room", "comes from it", hint);
        } else if config.text("files").is_some() && config.text("emptyroom_fname").is_none() {
            let hint = Some("say where it is: emptyroom_fname = \"empty/{subject}.fif\"".into());
            problems.add(&span, "`mf_esss` needs the empty room", "comes from it", hint);
        }
    }
    let extra = config.get("mf_extra_kws");
    if extra.get("st_only").and_then(Value::as_bool) == Some(true) && config.number("mf_st_duration").is_none() {
        let hint = Some("write mf_st_duration = 10.0".into());
        let message = "mf_extra_kws: `st_only` needs windows in time";
        problems.add(&place(&["mf_extra_kws"]), message, "needs mf_st_duration", hint);
    }
}
