//! A unit's task from beginning to end: planned, executed, its page drawn and its record kept.

use super::record::{Record, forget_failure, note_failure};
use super::unit::{Resources, execute};
use crate::Result;
use crate::output::Output;
use crate::plan::{Context, Member, plan_unit};
use crate::report::data::{OutputFile, Status, SubjectReport};
use crate::report::facts::Facts;
use crate::report::{Page, Row, subject_html};
use crate::unit::{Unit, failure};
use bakusoku_bids::Derivatives;
use std::time::Instant;

/// What came of a unit.
pub(crate) struct UnitOutcome {
    /// Everything that is small.
    pub(crate) report: SubjectReport,
    pub(crate) member: Option<Member>,
    pub(crate) cancelled: bool,
}

/// Does what is due of a unit.
pub(crate) fn run_unit(
    context: &Context<'_>,
    resources: &Resources<'_>,
    unit: &Unit,
    page: &str,
    title: &str,
    force: bool,
) -> UnitOutcome {
    let start = Instant::now();
    let mut report = SubjectReport { page: page.to_owned(), ..SubjectReport::empty(unit, Status::Failed) };
    let record_path = context.record_path(&unit.entities());
    let mut prepared = match plan_unit(context, unit, force) {
        Ok(prepared) => prepared,
        Err(failure) => {
            report.failure = Some(failure);
            note_failure(&record_path, &report);
            draw_failed(context, &report, title);
            return UnitOutcome { report, member: None, cancelled: false };
        }
    };
    report.planned_memory = prepared.need.memory.0;
    let executed = execute(resources, &mut prepared);
    report.timing = executed.timing;
    report.warnings = executed.warnings.iter().map(ToString::to_string).collect();
    report.wall_s = start.elapsed().as_secs_f64();
    report.peak_memory = crate::system::peak_memory();
    let mut cancelled = false;
    let mut result = executed.result;
    if result.is_ok() {
        let mut outputs: Vec<&mut Output> = prepared.graph.files.iter_mut().map(|file| &mut file.output).collect();
        report.outputs = described(outputs.iter().map(|output| &**output), context.results);
        report.status = Status::Done;
        if let (Some(record), [.., _]) = (prepared.record, &outputs[..]) {
            result = keep(context, &mut report, executed.facts, &mut outputs, record, title);
        }
    }
    match result {
        Ok(()) => forget_failure(&record_path),
        Err(error) if error.is_cancelled() || resources.cancel.is_cancelled() => {
            cancelled = true;
            report.status = Status::Cancelled;
        }
        Err(error) => {
            report.status = Status::Failed;
            report.failure = Some(failure("run", &error));
            report.outputs = described(prepared.outputs(), context.results);
            note_failure(&record_path, &report);
            draw_failed(context, &report, title);
        }
    }
    let outputs: Vec<Output> = prepared.outputs().cloned().collect();
    let member = (report.status == Status::Done).then(|| Member::new(report.label.clone(), &outputs));
    // The page and the record have it.
    report.timing = Vec::new();
    UnitOutcome { report, member, cancelled }
}

/// Draws the page and keeps the record, as far as they are due.
fn keep(
    context: &Context<'_>,
    report: &mut SubjectReport,
    facts: Facts,
    outputs: &mut [&mut Output],
    record: usize,
    title: &str,
) -> Result<()> {
    let page = outputs.iter().position(|output| output.path.extension().is_some_and(|extension| extension == "html"));
    let facts = if outputs[record].is_due() {
        facts
    } else {
        let old = Record::read(&outputs[record].path)?;
        let written = std::mem::take(&mut report.outputs);
        *report = SubjectReport { outputs: written, status: Status::Done, page: report.page.clone(), ..old.report };
        old.facts
    };
    facts.fill(report);
    let mut row = Row::default();
    context.registry.iter().for_each(|step| step.summary(&facts, &mut row));
    report.cells = row.cells;
    if let Some(page) = page.filter(|page| outputs[*page].is_due()) {
        let mut added = Page::default();
        context.registry.iter().for_each(|step| step.section(&facts, &mut added));
        let html = subject_html(report, title, &facts, added);
        outputs[page].write(|path| Ok(fs_err::write(path, html)?))?;
    }
    if outputs[record].is_due() {
        Record { report: report.clone(), facts }.write(outputs[record])?;
    }
    Ok(())
}

/// The page of a unit that failed. Where it can't be written the terminal and the index say why it failed.
pub(crate) fn draw_failed(context: &Context<'_>, report: &SubjectReport, title: &str) {
    let html = subject_html(report, title, &Facts::default(), Page::default());
    let _ = bakusoku_files::write_text(&context.results.root().join(&report.page), &html);
}

/// The files of a unit that are there, but those of the report.
pub(crate) fn described<'o>(outputs: impl Iterator<Item = &'o Output>, results: &Derivatives) -> Vec<OutputFile> {
    let shown = outputs.filter(|output| output.step != crate::steps::report::ABOUT.name);
    shown.filter_map(|output| output_file(output, results)).collect()
}

fn output_file(output: &Output, results: &Derivatives) -> Option<OutputFile> {
    let crate::resume::Validity::Current(bytes) = output.validity else { return None };
    let path = output.path.strip_prefix(results.root()).unwrap_or(&output.path).to_string_lossy().into_owned();
    let (step, written) = (output.step.to_owned(), output.written);
    Some(OutputFile { path, step, bytes, written, key: output.key().to_owned() })
}
