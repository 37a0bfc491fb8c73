//! What the job behind the arrays does: units that died are submitted again, with more; when nothing is left to try, the
//! groups and the report are made.

use crate::submit::add;
use crate::{Error, Result, Settings, State, Submission, UnitState, states};
use bakusoku_core::Bytes;
use bakusoku_study::report::data::Failure;
use bakusoku_study::{RunOptions, Study, StudyPlan, UnitPlan};

/// Lines of a log that are told of a unit that died.
const TAIL: usize = 3;

/// What there is to do.
#[derive(Clone, Debug)]
pub enum FollowUp {
    /// Units died, and were submitted again.
    Again(Vec<UnitState>),
    /// Nothing more can be tried: groups and report are next, then [`Submission::finish`].
    Groups(Submission),
}

/// Decides what follows the arrays, and submits what died once more.
///
/// # Errors
/// When nothing was submitted, or Slurm refuses.
pub fn follow_up(study: &Study, options: &RunOptions, launcher: &[String]) -> Result<FollowUp> {
    let Some(mut submission) = Submission::last(study)? else {
        let path = study.results().join(".bakusoku/slurm/submission.json");
        return Err(Error::Unreadable { path, why: "it is not there, nothing was submitted".into() });
    };
    let settings = Settings::of(study.config())?;
    let plan = study.plan(options)?;
    let states = states(study, plan.units.iter().map(|unit| &unit.unit), &submission)?;
    let died: Vec<UnitState> = states.into_iter().filter(|unit| unit.state == State::Died).collect();
    if died.is_empty() {
        return Ok(FollowUp::Groups(submission));
    }
    if submission.attempt < settings.retries {
        let due: Vec<&UnitPlan> = of(&plan, &died).collect();
        submission.attempt += 1;
        submission.follow_up = None;
        add(study, &plan, &due, launcher, &settings, &mut submission)?;
        return Ok(FollowUp::Again(died));
    }
    for (unit, state) in of(&plan, &died).zip(&died) {
        study.note_failure(&unit.unit, given_up(&submission, state))?;
    }
    Ok(FollowUp::Groups(submission))
}

fn of<'p>(plan: &'p StudyPlan, states: &'p [UnitState]) -> impl Iterator<Item = &'p UnitPlan> {
    plan.units.iter().filter(|unit| states.iter().any(|state| state.label == unit.unit.label()))
}

/// What is said of a unit that died too often.
fn given_up(submission: &Submission, unit: &UnitState) -> Failure {
    let mut messages = Vec::new();
    if let Some((array, _)) = submission.place(&unit.label) {
        messages.push(format!(
            "job {} ended without a result: killed, or out of memory or time; it had {} and {} minutes",
            unit.job,
            Bytes(array.memory),
            array.minutes
        ));
    }
    let log = unit.log.display();
    match fs_err::read_to_string(&unit.log) {
        Ok(text) => {
            let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
            let tail = lines[lines.len().saturating_sub(TAIL)..].join(" | ");
            messages.push(format!("the end of `{log}`: {tail}"));
        }
        Err(_) => messages.push(format!("it wrote no log `{log}`: perhaps the node does not see that folder")),
    }
    Failure {
        step: "slurm".into(),
        run: None,
        messages,
        hint: Some("[run.slurm] memory and time ask for more; `bakusoku run --on slurm` tries it again".into()),
    }
}

impl Submission {
    /// Notes that all is done, with this exit status.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn finish(mut self, study: &Study, exit_status: u8) -> Result<()> {
        (self.is_finished, self.exit_status) = (true, exit_status);
        self.write(study)
    }
}
