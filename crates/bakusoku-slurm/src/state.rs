//! What became of the units of a submission.

use crate::tools::Queued;
use crate::{Result, Submission};
use bakusoku_study::{Noted, Study, Unit};
use std::path::PathBuf;
use std::time::SystemTime;

/// What became of a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Its results are there.
    Done,
    /// It failed, and why.
    Failed(String),
    /// Its job runs.
    Running,
    /// Its job waits, and why.
    Waiting(String),
    /// Its job ended without a result: it was killed, or ran out of memory or time.
    Died,
}

/// A unit of a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitState {
    /// `sub-01`.
    pub label: String,
    /// What became of it.
    pub state: State,
    /// Job and index, as `squeue` writes them.
    pub job: String,
    /// The job's log.
    pub log: PathBuf,
}

/// What became of the units that were submitted, in the study's order.
///
/// # Errors
/// When the controller does not answer.
pub fn states<'u>(
    study: &Study,
    units: impl Iterator<Item = &'u Unit>,
    submission: &Submission,
) -> Result<Vec<UnitState>> {
    let (queue, began) = (submission.queue()?, submission.began(study));
    let one = |unit: &Unit| {
        let label = unit.label();
        let (array, index) = submission.place(&label)?;
        let job = format!("{}_{index}", array.job);
        let state = state(study, unit, began, queue.get(&job));
        Some(UnitState { label, state, job, log: array.log_of(index) })
    };
    Ok(units.filter_map(one).collect())
}

fn state(study: &Study, unit: &Unit, began: SystemTime, queued: Option<&Queued>) -> State {
    match queued {
        Some(queued) if queued.state == "PENDING" => return State::Waiting(queued.reason.clone()),
        Some(_) => return State::Running,
        None => {}
    }
    match study.noted(unit) {
        Noted::Done { when, .. } if when >= began => State::Done,
        Noted::Failed { when, failure } if when >= began => {
            State::Failed(failure.messages.last().cloned().unwrap_or(failure.step))
        }
        _ => State::Died,
    }
}

/// Whether nothing of a submission is in the queue any more.
///
/// # Errors
/// When the controller does not answer.
pub fn is_over(submission: &Submission) -> Result<bool> {
    Ok(submission.queue()?.is_empty())
}
