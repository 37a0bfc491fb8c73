//! `bakusoku run STUDY.toml`: processes all subjects, skips outputs that are up to date.

use super::{count, options, seconds};
use crate::args::RunArgs;
use crate::printer::Printer;
use crate::progress::Progress;
use bakusoku_pool::{Bytes, Cancel};
use bakusoku_study::report::data::{Status, grouped_warnings};
use bakusoku_study::{Outcome, RunOptions, Study};
use serde_json::json;
use std::sync::Arc;

pub(crate) fn run(args: &RunArgs, printer: &Printer, cancel: &Cancel) -> anyhow::Result<u8> {
    let study = Study::load(&args.study.study)?;
    let mut options = options(&args.study, cancel);
    options.only.extend(args.unit.clone());
    options.force = args.force;
    options.prune = args.prune;
    options.part = args.units.map(|part| (part.index, part.of));
    options.only_units = args.unit.is_some() || args.units.is_some();
    let status = execute(&study, &options, printer)?;
    if options.only_units {
        printer
            .line(format!("`bakusoku group {}` makes what is made of all, and the report", args.study.study.display()));
    }
    Ok(status)
}

/// Subjects that are named in a warning.
const MOST_LABELS: usize = 10;

/// Runs a study, shows its progress, and prints the outcome.
pub(crate) fn execute(study: &Study, options: &RunOptions, printer: &Printer) -> anyhow::Result<u8> {
    let progress = Arc::new(Progress::new(printer, 0));
    let observer = Arc::clone(&progress);
    let outcome = study.run(options, Arc::new(move |event| observer.event(event)))?;
    progress.finish();
    printer.json_document(|| {
        json!({
            "exit_status": outcome.exit_status(),
            "report": outcome.index,
            "results": study.results(),
            "written": outcome.written,
            "pruned": outcome.pruned,
            "up_to_date": outcome.is_up_to_date(),
            "wall_s": outcome.report.wall_s,
            "peak_memory": outcome.report.peak_memory,
            "subjects": outcome.report.subjects.iter().map(|subject| json!({
                "label": subject.label,
                "status": subject.status,
                "failure": subject.failure,
                "wall_s": subject.wall_s,
                "warnings": subject.warnings,
            })).collect::<Vec<_>>(),
            "groups": outcome.report.groups.iter().map(|group| json!({
                "label": group.label,
                "missing": group.missing,
                "failure": group.failure,
                "warnings": group.warnings,
            })).collect::<Vec<_>>(),
        })
    });
    say(&outcome, study, !options.only_units, printer);
    Ok(outcome.exit_status())
}

/// `indexed`: whether there is a report of all.
fn say(outcome: &Outcome, study: &Study, indexed: bool, printer: &Printer) {
    let report = &outcome.report;
    for subject in &report.subjects {
        let Some(failure) = &subject.failure else { continue };
        let place = failure.run.as_ref().map(|run| format!(" {run}")).unwrap_or_default();
        let mut text = format!("error: {}{place}: {} failed", subject.label, failure.step);
        for message in failure.messages.iter().filter(|message| **message != format!("{} failed", failure.step)) {
            text.push_str(&format!("\n  caused by: {message}"));
        }
        if let Some(hint) = &failure.hint {
            text.push_str(&format!("\n  hint: {hint}"));
        }
        printer.error(text);
    }
    for group in &report.groups {
        if let Some(failure) = &group.failure {
            printer.error(format!("error: {}: {}", group.label, failure.messages.join(": ")));
            if let Some(hint) = &failure.hint {
                printer.error(format!("  hint: {hint}"));
            }
        }
        for warning in group.warnings.iter().filter(|_| group.status == Status::Done) {
            printer.info(format!("warning: {}: {warning}", group.label));
        }
    }
    for warning in &report.warnings {
        printer.info(format!("warning: {warning}"));
    }
    // Of what was computed now; others were told when they were.
    let computed = report.subjects.iter().filter(|subject| matches!(subject.status, Status::Done | Status::Failed));
    for (warning, subjects) in grouped_warnings(computed) {
        let shown: Vec<&str> = subjects.iter().take(MOST_LABELS).map(|subject| subject.label.as_str()).collect();
        let more = subjects.len() - shown.len();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        printer.info(format!("warning: {}{more}: {warning}", shown.join(", ")));
    }
    for path in &outcome.pruned {
        printer.line(format!("removed {}", path.display()));
    }
    if outcome.is_up_to_date() {
        let all = match report.subjects.len() {
            1 => "the subject is".to_owned(),
            _ => format!("all {} are", units(outcome)),
        };
        printer.line(format!("{all} up to date, nothing to do"));
        if indexed {
            printer.line(format!("report: {}", outcome.index.display()));
        }
        return;
    }
    let parts: Vec<String> = [
        (Status::Done, "done"),
        (Status::UpToDate, "up to date"),
        (Status::Failed, "failed"),
        (Status::Cancelled, if outcome.cancelled { "not finished" } else { "not run" }),
    ]
    .into_iter()
    .map(|(status, name)| (outcome.count(status), name))
    .filter(|(n, _)| *n > 0)
    .map(|(n, name)| format!("{n} {name}"))
    .collect();
    printer.line(format!(
        "{}: {} in {}, {} of memory at most",
        units(outcome),
        parts.join(", "),
        seconds(report.wall_s),
        Bytes(report.peak_memory)
    ));
    printer.line(format!("wrote {} below {}", count(outcome.written.len(), "file"), study.results().display()));
    if indexed {
        printer.line(format!("report: {}", outcome.index.display()));
    }
    if outcome.cancelled {
        printer.error("interrupted: what is finished is kept; run the same command again to go on");
    }
}

/// `3 subjects`, or `3 units of 2 subjects` where there are sessions.
fn units(outcome: &Outcome) -> String {
    let units = &outcome.report.subjects;
    let mut people: Vec<&str> = units.iter().map(|unit| unit.subject.as_str()).collect();
    people.sort_unstable();
    people.dedup();
    let subjects = count(people.len(), "subject");
    if people.len() == units.len() { subjects } else { format!("{} of {subjects}", count(units.len(), "unit")) }
}
