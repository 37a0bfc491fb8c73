//! What is made of all units of one session and task: tasks of the pool like the units themselves.

use super::record::Record;
use super::unit::{Resources, execute};
use super::{Observer, Outcome, RunOptions, described, progress};
use crate::Result;
use crate::plan::{Member, Members, Prepared, Scope, plan_group};
use crate::report::Page;
use crate::report::data::{Failure, GroupReport, Status, SubjectReport};
use crate::study::Study;
use crate::study_plan::{GroupPlan, StudyPlan};
use crate::unit::failure;
use bakusoku_core::SpillDir;
use bakusoku_pool::{Event, Pool};
use std::sync::{Mutex, PoisonError};

/// What groups share.
pub(super) struct Shared<'a> {
    pub(super) study: &'a Study,
    pub(super) options: &'a RunOptions,
    pub(super) pool: &'a Pool,
    pub(super) spill: &'a SpillDir,
    pub(super) observer: &'a Observer,
}

/// A group, planned.
struct Task {
    report: GroupReport,
    scope: Scope,
    prepared: Mutex<Option<Prepared>>,
    need: bakusoku_core::Need,
}

/// Does what is due of all groups; one that fails stops no other.
pub(super) fn run(
    shared: &Shared<'_>,
    plan: &StudyPlan,
    members: &[Option<Member>],
    outcome: &mut Outcome,
) -> Result<()> {
    let mut tasks = Vec::new();
    let mut reports: Vec<Option<GroupReport>> = Vec::new();
    for group in &plan.groups {
        match prepare(shared, plan, group, members, outcome) {
            Planned::Ready(report) => reports.push(Some(report)),
            Planned::Due(task) => {
                tasks.push(*task);
                reports.push(None);
            }
        }
    }
    let observer = shared.observer.clone();
    let ended = shared
        .pool
        .tasks(tasks)
        .label(|task: &Task| task.report.label.clone())
        .need(|task| task.need)
        .cancel(&shared.options.cancel)
        .observe(move |event: &Event<'_>| observer(event))
        .outcomes(|cx, task| {
            let context = shared.study.context(cx.par().threads());
            let progress = progress(shared.observer, cx.index(), task.report.label.clone());
            let (config, par, cancel) = (&shared.study.config, cx.par(), cx.cancel());
            let resources = Resources { config, par, cancel, spill: shared.spill, progress };
            let prepared = task.prepared.lock().unwrap_or_else(PoisonError::into_inner).take();
            let mut report = task.report;
            let mut written = Vec::new();
            if let Some(mut prepared) = prepared {
                let path = context.record_path(&task.scope.entities());
                let made = execute_group(shared.study, &resources, &mut prepared, &mut report, &path);
                report.status = if made.is_ok() { Status::Done } else { Status::Failed };
                report.failure = made.err().map(|error| failure("group", &error));
                let outputs = described(prepared.outputs(), context.results);
                written.extend(outputs.into_iter().filter(|output| output.written).map(|output| output.path));
            }
            (report, written)
        });
    let mut ended = ended.into_iter();
    for (report, group) in reports.into_iter().zip(&plan.groups) {
        if let Some(report) = report {
            outcome.report.groups.push(report);
            continue;
        }
        match ended.next() {
            Some(Ok((report, written))) => {
                outcome.written.extend(written);
                outcome.report.groups.push(report);
            }
            Some(Err(error)) if !error.is_cancelled() => {
                let hint = Some("this is a fault of bakusoku: please report it".to_owned());
                let failure = Failure { step: "group".into(), run: None, messages: vec![error.to_string()], hint };
                outcome.report.groups.push(GroupReport { failure: Some(failure), ..blank(&group.label) });
            }
            _ => outcome.cancelled = true,
        }
    }
    Ok(())
}

/// A group, planned: something to do, or all there.
enum Planned {
    Ready(GroupReport),
    Due(Box<Task>),
}

fn blank(label: &str) -> GroupReport {
    GroupReport {
        label: label.to_owned(),
        status: Status::UpToDate,
        sections: Vec::new(),
        missing: Vec::new(),
        failure: None,
        warnings: Vec::new(),
    }
}

fn prepare(
    shared: &Shared<'_>,
    plan: &StudyPlan,
    group: &GroupPlan,
    members: &[Option<Member>],
    outcome: &Outcome,
) -> Planned {
    let data_type = group.units.first().map(|index| plan.units[*index].unit.data_type()).unwrap_or_default();
    let done: Vec<Member> = group.units.iter().filter_map(|index| members[*index].clone()).collect();
    let mut report = blank(&group.label);
    for &index in group.units.iter().filter(|index| members[**index].is_none()) {
        let subject = &outcome.report.subjects[index];
        let why = subject.failure.as_ref().and_then(|failure| failure.messages.last().cloned());
        report.missing.push((subject.label.clone(), why.unwrap_or_else(|| "not computed".into())));
    }
    let scope = Scope::Group { entities: plan.group_entities(group), data_type };
    let context = shared.study.context(shared.pool.budget().cores);
    let members = Members { done, missing: report.missing.clone() };
    let prepared = match plan_group(&context, &scope, &members, shared.options.force) {
        Ok(prepared) if prepared.graph.files.is_empty() => return Planned::Ready(report),
        Ok(prepared) => prepared,
        Err(failure) => return Planned::Ready(GroupReport { failure: Some(failure), ..report }),
    };
    if !prepared.is_due()
        && let Ok(record) = Record::read(&context.record_path(&scope.entities()))
    {
        fill(shared.study, &mut report, record);
        return Planned::Ready(report);
    }
    let need = prepared.need;
    Planned::Due(Box::new(Task { report, scope, prepared: Mutex::new(Some(prepared)), need }))
}

/// Fills what the index shows of a group.
fn fill(study: &Study, report: &mut GroupReport, record: Record) {
    let mut page = Page::default();
    study.registry.iter().for_each(|step| step.section(&record.facts, &mut page));
    report.sections = page.titled().map(|(title, body)| (title.to_owned(), body.into_string())).collect();
    report.warnings = record.report.warnings;
}

/// Does what is due of a group, and reads what is there.
fn execute_group(
    study: &Study,
    resources: &Resources<'_>,
    prepared: &mut Prepared,
    report: &mut GroupReport,
    record: &std::path::Path,
) -> Result<()> {
    let place = prepared.record;
    let is_due = place.is_some_and(|place| prepared.graph.files[place].output.is_due());
    let old = if is_due { None } else { Record::read(record).ok() };
    if old.is_none()
        && let Some(place) = place
    {
        prepared.graph.files[place].output.invalidate();
    }
    let executed = execute(resources, prepared);
    executed.result?;
    let record = match old {
        Some(old) => old,
        None => {
            let unit =
                crate::unit::Unit { subject: report.label.clone(), session: None, runs: Vec::new(), broken: None };
            let mut kept = SubjectReport::empty(&unit, Status::Done);
            kept.warnings = executed.warnings.iter().map(ToString::to_string).collect();
            let record = Record { report: kept, facts: executed.facts };
            if let Some(place) = place {
                record.write(&mut prepared.graph.files[place].output)?;
            }
            record
        }
    };
    fill(study, report, record);
    Ok(())
}
