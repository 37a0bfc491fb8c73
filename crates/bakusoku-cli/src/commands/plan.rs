//! `bakusoku plan STUDY.toml`: what `run` would do.

use super::{count, options, seconds};
use crate::args::PlanArgs;
use crate::printer::Printer;
use bakusoku_pool::Cancel;
use bakusoku_study::{Output, Study, StudyPlan};
use serde_json::{Value, json};

pub(crate) fn run(args: &PlanArgs, printer: &Printer, cancel: &Cancel) -> anyhow::Result<u8> {
    let study = Study::load(&args.study.study)?;
    let mut options = options(&args.study, cancel);
    options.explain = args.explain;
    let mut plan = study.plan(&options)?;
    plan.retain(&options.only);
    printer.json_document(|| document(&plan));
    printer.line("steps");
    for (name, doc) in &plan.steps {
        printer.line(format!("  {name:<14} {doc}"));
    }
    say_units(&plan, printer, true);
    say_groups(&plan, printer, true);
    for remark in &plan.remarks {
        printer.info(format!("note: {remark}"));
    }
    Ok(u8::from(plan.units.iter().any(|unit| unit.failure.is_some())))
}

/// The units, and (`files`) each of their files with its state.
pub(super) fn say_units(plan: &StudyPlan, printer: &Printer, files: bool) {
    for unit in &plan.units {
        let state = match (&unit.failure, unit.is_due()) {
            (Some(_), _) => "can't run".to_owned(),
            (None, true) => format!("to do, needs {} and {} of disk meanwhile", unit.need.memory, unit.need.disk),
            (None, false) => "up to date".to_owned(),
        };
        let length = seconds(unit.duration_s);
        let room = if unit.empty_room { " and the empty room" } else { "" };
        let recordings = format!("{}{room}", count(unit.unit.runs.len(), "recording"));
        printer.line(format!("{}  {recordings}, {length}: {state}", unit.unit.label()));
        if let Some(failure) = &unit.failure {
            for message in &failure.messages {
                printer.line(format!("  {message}"));
            }
            if let Some(hint) = &failure.hint {
                printer.line(format!("  hint: {hint}"));
            }
        }
        for line in unit.explanation.iter().flat_map(|text| text.lines()) {
            printer.line(line);
        }
        if files {
            say_files(&unit.outputs, printer, unit.explanation.is_some());
        }
    }
}

/// What is made of all units.
pub(super) fn say_groups(plan: &StudyPlan, printer: &Printer, files: bool) {
    for group in &plan.groups {
        let waits = group.units.iter().any(|index| plan.units[*index].is_due());
        let state = match (group.is_due(), waits) {
            (true, true) => "to do when they are done",
            (true, false) => "to do",
            (false, _) => "up to date",
        };
        printer.line(format!("{}  {}: {state}", group.label, count(group.units.len(), "unit")));
        for line in group.explanation.iter().flat_map(|text| text.lines()) {
            printer.line(line);
        }
        if files {
            say_files(&group.outputs, printer, group.explanation.is_some());
        }
    }
}

/// A line for each file; with the beginning of its key where the plan is explained.
fn say_files(outputs: &[Output], printer: &Printer, explained: bool) {
    for output in outputs {
        let name = output.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let key =
            if explained { format!(", key {}", output.key().get(..12).unwrap_or_default()) } else { String::new() };
        printer.line(format!("  {:<14} {name}: {}{key}", output.step, output.validity.why()));
    }
}

fn outputs(outputs: &[Output]) -> Vec<Value> {
    let one = |output: &Output| {
        json!({
            "path": output.path,
            "step": output.step,
            "key": output.key(),
            "due": output.is_due(),
            "why": output.validity.why(),
        })
    };
    outputs.iter().map(one).collect()
}

/// The plan for programs.
pub(super) fn document(plan: &StudyPlan) -> Value {
    json!({
        "steps": plan.steps.iter().map(|(name, doc)| json!({"name": name, "doc": doc})).collect::<Vec<_>>(),
        "units": plan.units.iter().map(|unit| json!({
            "label": unit.unit.label(),
            "n_recordings": unit.unit.runs.len(),
            "empty_room": unit.empty_room,
            "duration_s": unit.duration_s,
            "due": unit.is_due(),
            "failure": unit.failure,
            "memory": unit.need.memory.0,
            "disk": unit.need.disk.0,
            "outputs": outputs(&unit.outputs),
        })).collect::<Vec<_>>(),
        "groups": plan.groups.iter().map(|group| json!({
            "label": group.label,
            "n_units": group.units.len(),
            "due": group.is_due(),
            "memory": group.need.memory.0,
            "disk": group.need.disk.0,
            "outputs": outputs(&group.outputs),
        })).collect::<Vec<_>>(),
        "remarks": plan.remarks,
    })
}
