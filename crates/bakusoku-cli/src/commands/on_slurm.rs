//! `bakusoku run STUDY.toml --on slurm`, `bakusoku cancel`, and the job that comes last.

use super::run::execute;
use super::{count, options};
use crate::args::{RunArgs, StudyArgs};
use crate::printer::Printer;
use bakusoku_pool::Cancel;
use bakusoku_slurm::{FollowUp, State, Submission, Submitted, UnitState, is_over, states};
use bakusoku_study::{RunOptions, Study};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

/// How often the queue is asked, at first and later: the controller serves others, too.
const PAUSES: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(15)];
/// Questions until the pause is the longer one.
const SOON: u32 = 15;

pub(crate) fn run(args: &RunArgs, launcher: &[String], printer: &Printer, cancel: &Cancel) -> anyhow::Result<u8> {
    let file = &args.study.study;
    let study = Study::load(file)?;
    let plan = study.plan(&options(&args.study, cancel))?;
    for unit in plan.failed() {
        printer.info(format!("warning: {} can't run: `bakusoku plan {}` says why", unit.unit.label(), file.display()));
    }
    let submission = match bakusoku_slurm::submit(&study, &plan, launcher)? {
        Submitted::Nothing => {
            printer.json_document(|| json!({"up_to_date": true, "jobs": []}));
            printer.line("everything is up to date, nothing to submit");
            return Ok(u8::from(plan.failed().next().is_some()));
        }
        Submitted::Jobs(submission) => submission,
    };
    for array in &submission.arrays {
        printer.line(format!(
            "job {}: {}, each with {} and {} minutes",
            array.job,
            count(array.units.len(), "unit"),
            bakusoku_pool::Bytes(array.memory),
            array.minutes
        ));
    }
    if let Some(job) = &submission.follow_up {
        printer.line(format!(
            "job {job}: follows; tries again what died, then makes averages over subjects and the report"
        ));
    }
    if args.no_wait {
        printer.json_document(|| json!({"up_to_date": false, "jobs": submission.jobs()}));
        printer.line(format!("`bakusoku status {}` shows how they are", file.display()));
        return Ok(0);
    }
    wait(&study, file, printer, cancel)
}

/// Waits until nothing of the study is in the queue, and says when something changes.
fn wait(study: &Study, file: &Path, printer: &Printer, cancel: &Cancel) -> anyhow::Result<u8> {
    let plan = study.plan(&RunOptions::default())?;
    let units = || plan.units.iter().map(|unit| &unit.unit);
    let (mut said, mut asked, mut silent) = (String::new(), 0, false);
    loop {
        let Some(submission) = Submission::last(study)? else { anyhow::bail!("the submission's file is gone") };
        match states(study, units(), &submission) {
            Ok(states) => {
                silent = false;
                let now = summary(&states);
                if now != said {
                    printer.info(&now);
                    said = now;
                }
            }
            // It may be restarted: jobs go on meanwhile.
            Err(error) if !silent => {
                printer.info(format!("{error}; asking again"));
                silent = true;
            }
            Err(_) => {}
        }
        if submission.is_finished {
            return Ok(end(study, file, &submission, printer));
        }
        // The last job writes what follows before it leaves the queue.
        if is_over(&submission).unwrap_or(false) && Submission::last(study)?.is_some_and(|last| last == submission) {
            printer.error(format!("error: the last job ended early; its log is `{}`", submission.log.display()));
            printer.error("  hint: the same command again goes on with what is left");
            return Ok(1);
        }
        asked += 1;
        if pause(PAUSES[usize::from(asked > SOON)], cancel) {
            printer.error(format!(
                "the jobs go on; `bakusoku status {0}` shows them, `bakusoku cancel {0}` ends them",
                file.display()
            ));
            return Ok(130);
        }
    }
}

/// Waits; whether somebody asked to stop.
fn pause(time: Duration, cancel: &Cancel) -> bool {
    let step = Duration::from_millis(200);
    for _ in 0..time.as_millis() / step.as_millis() {
        if cancel.is_cancelled() {
            return true;
        }
        std::thread::sleep(step);
    }
    cancel.is_cancelled()
}

/// `12 units: 3 running, 7 done, 2 waiting`.
fn summary(states: &[UnitState]) -> String {
    let n = |is: fn(&State) -> bool| states.iter().filter(|unit| is(&unit.state)).count();
    let parts = [
        (n(|state| matches!(state, State::Waiting(_))), "waiting"),
        (n(|state| *state == State::Running), "running"),
        (n(|state| *state == State::Done), "done"),
        (n(|state| matches!(state, State::Failed(_))), "failed"),
        (n(|state| *state == State::Died), "died"),
    ];
    let parts: Vec<String> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    format!("{}: {}", count(states.len(), "unit"), parts.join(", "))
}

/// What came of it, when the last job is through.
fn end(study: &Study, file: &Path, submission: &Submission, printer: &Printer) -> u8 {
    let report = study.results().join("report.html");
    printer.json_document(|| json!({"exit_status": submission.exit_status, "report": report, "log": submission.log}));
    if submission.exit_status != 0 {
        printer.error(format!("not everything was done; `bakusoku status {}` says what", file.display()));
    }
    printer.line(format!("report: {}", report.display()));
    submission.exit_status
}

/// The jobs of a study, for `status`: nothing where there are none.
pub(super) fn say_jobs(study: &Study, units: &[bakusoku_study::UnitPlan], printer: &Printer) -> anyhow::Result<Value> {
    let Some(submission) = Submission::last(study)? else { return Ok(Value::Null) };
    let states = match states(study, units.iter().map(|unit| &unit.unit), &submission) {
        Ok(states) => states,
        // A laptop that sees the disk, or a controller that is down.
        Err(error) => {
            printer.info(format!("jobs of {}: not known here ({error})", submission.jobs().join(", ")));
            return Ok(json!({"jobs": submission.jobs(), "error": error.to_string()}));
        }
    };
    let finished = if submission.is_finished { ", over" } else { "" };
    printer.line(format!("Slurm{finished}: {}", summary(&states)));
    for unit in &states {
        let what = match &unit.state {
            State::Waiting(why) => format!("waiting ({why})"),
            State::Running => "running".into(),
            State::Done => continue,
            State::Failed(why) => format!("failed: {why}"),
            State::Died => "died".into(),
        };
        printer.line(format!("  {} job {}: {what}; log {}", unit.label, unit.job, unit.log.display()));
    }
    let one = |unit: &UnitState| {
        let (state, why) = match &unit.state {
            State::Waiting(why) => ("waiting", Some(why)),
            State::Running => ("running", None),
            State::Done => ("done", None),
            State::Failed(why) => ("failed", Some(why)),
            State::Died => ("died", None),
        };
        json!({"label": unit.label, "job": unit.job, "state": state, "why": why, "log": unit.log})
    };
    Ok(json!({
        "jobs": submission.jobs(),
        "is_finished": submission.is_finished,
        "attempt": submission.attempt,
        "units": states.iter().map(one).collect::<Vec<_>>(),
    }))
}

pub(crate) fn cancel(args: &StudyArgs, printer: &Printer) -> anyhow::Result<u8> {
    let ended = bakusoku_slurm::cancel(&Study::load(&args.study)?)?;
    printer.json_document(|| json!({"cancelled": ended}));
    match &ended[..] {
        [] => printer.line("no job of this study is in the queue"),
        jobs => printer.line(format!("ended: job {}; what is finished is kept", jobs.join(", job "))),
    }
    Ok(0)
}

/// What the job behind the arrays does.
pub(crate) fn follow_up(
    args: &StudyArgs,
    launcher: &[String],
    printer: &Printer,
    cancel: &Cancel,
) -> anyhow::Result<u8> {
    let study = Study::load(&args.study)?;
    let options = options(args, cancel);
    let submission = match bakusoku_slurm::follow_up(&study, &options, launcher)? {
        FollowUp::Again(units) => {
            for unit in units {
                printer.line(format!("{} died in job {}: submitted again, with twice as much", unit.label, unit.job));
            }
            return Ok(0);
        }
        FollowUp::Groups(submission) => submission,
    };
    let status = execute(&study, &RunOptions { only_groups: true, ..options }, printer)?;
    submission.finish(&study, status)?;
    Ok(status)
}
