//! What the keys of the Maxwell filter must agree in.

use crate::config::{Checks, Value};

/// Adds what does not fit together.
pub(super) fn check(checks: &mut Checks<'_, '_>) {
    let config = checks.config;
    for (key, field) in [("mf_cal_fname", "{run}"), ("mf_ctc_fname", "{run}"), ("mf_head_pos_fname", "")] {
        let Some(pattern) = config.text(key) else { continue };
        if let Err(error) = bakusoku_bids::FilePattern::parse(pattern) {
            checks.add(&[key], format!("`{key}`: {error}"), "not a pattern", None);
        } else if !field.is_empty() && pattern.contains(field) {
            let hint = Some("it may contain {subject} and {session}");
            checks.add(&[key], format!("`{key}` is the same for all runs"), "names a run", hint);
        }
    }
    if let Some(correlation) = config.number("mf_st_correlation").filter(|correlation| *correlation > 1.0) {
        let message = format!("`mf_st_correlation` must be above 0 and at most 1, got {correlation}");
        checks.add(&["mf_st_correlation"], message, "no correlation", None);
    }
    if !super::is_wanted(config) {
        return;
    }
    super::check_types(checks, &["use_maxwell_filter"]);
    if config.text("proc").is_some_and(|proc| proc.contains("sss")) {
        let hint = Some("leave `proc` out, or write use_maxwell_filter = false");
        let message = "these recordings are Maxwell filtered already (proc), they can't be filtered again";
        checks.add(&["use_maxwell_filter"], message, "a second time", hint);
    }
    let head_pos = config.text("mf_head_pos_fname").is_some();
    let where_they_are = Some("say where they are: mf_head_pos_fname = \"pos/{subject}_{run}.pos\"");
    if config.flag("mf_mc") {
        if !head_pos {
            let message = "`mf_mc` needs head positions, which can't be estimated yet";
            checks.add(&["mf_mc"], message, "needs mf_head_pos_fname", where_they_are);
        }
        if config.get("mf_filter_chpi").is_none() {
            let message = "`mf_mc` takes the signals of head position indication out too, which can't be done yet";
            let hint = Some("write mf_filter_chpi = false; a low-pass filter takes them out as well");
            checks.add(&["mf_mc"], message, "needs mf_filter_chpi = false", hint);
        }
    }
    if config.text("mf_destination") == Some("twa") && !head_pos {
        let message = "mf_destination = \"twa\" needs head positions over time";
        checks.add(&["mf_destination"], message, "needs mf_head_pos_fname", where_they_are);
    }
    let st_only = config.get("mf_extra_kws").get("st_only").and_then(Value::as_bool) == Some(true);
    if st_only && config.number("mf_st_duration").is_none() {
        let hint = Some("write mf_st_duration = 10.0");
        checks.add(&["mf_extra_kws"], "mf_extra_kws: `st_only` needs windows in time", "needs mf_st_duration", hint);
    }
}
