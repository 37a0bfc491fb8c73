//! The report's first page: made from summaries, when what it shows has changed.

use super::Outcome;
use crate::Result;
use crate::report::data::Status;
use crate::resume::Key;
use crate::study::Study;
use crate::study_plan::StudyPlan;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Fills what concerns the study as a whole.
pub(super) fn fill(study: &Study, plan: &StudyPlan, outcome: &mut Outcome, start: Instant, cores: usize) {
    let report = &mut outcome.report;
    report.title = study.title();
    report.version = env!("CARGO_PKG_VERSION").into();
    report.config = study.config.entries();
    report.methods_text = study.methods_text();
    report.warnings = plan.remarks.clone();
    report.n_cores = cores;
    report.host = crate::system::host();
    report.peak_memory = crate::system::peak_memory();
    report.wall_s = start.elapsed().as_secs_f64();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    report.finished = crate::system::iso_time(now);
}

/// Writes the page.
pub(super) fn write(study: &Study, outcome: &Outcome) -> Result<()> {
    let shown = shown(study, outcome);
    let note = study.results.root().join(".bakusoku").join("index.key");
    let is_there = outcome.index.exists() && fs_err::read_to_string(&note).is_ok_and(|text| text == shown.as_str());
    if outcome.is_up_to_date() && is_there {
        return Ok(());
    }
    let html = crate::report::index_html(&outcome.report);
    bakusoku_files::write_text(&outcome.index, &html)?;
    bakusoku_files::write_text(&note, shown.as_str())?;
    Ok(())
}

/// What the page shows but times, as a key.
fn shown(study: &Study, outcome: &Outcome) -> Key {
    let report = &outcome.report;
    let subjects: Vec<_> = report
        .subjects
        .iter()
        .map(|subject| {
            // Whether it was done now or before makes no difference.
            let is_done = matches!(subject.status, Status::Done | Status::UpToDate);
            let files: Vec<&str> = subject.outputs.iter().map(|output| output.key.as_str()).collect();
            serde_json::json!([subject.label, is_done, subject.failure, files])
        })
        .collect();
    let groups: Vec<_> = report
        .groups
        .iter()
        .map(|group| serde_json::json!([group.label, group.missing, group.failure, group.warnings]))
        .collect();
    let config: Vec<_> = report.config.iter().map(|entry| (&entry.key, &entry.value)).collect();
    let all = serde_json::json!([study.id(), report.version, report.warnings, subjects, groups, config]);
    Key::of("index", 1, &all, &[])
}
