//! What would run, from headers only.

use crate::output::Output;
use crate::plan::Member;
use crate::report::data::{Failure, SubjectReport};
use crate::unit::Unit;
use bakusoku_core::Need;

/// What would run.
#[derive(Clone, Debug)]
pub struct StudyPlan {
    /// Subjects and sessions, in order.
    pub units: Vec<UnitPlan>,
    /// What is made of all units, by session and task.
    pub groups: Vec<GroupPlan>,
    /// Remarks about what is left out.
    pub remarks: Vec<String>,
    /// Steps that will run: name and what it does.
    pub steps: Vec<(&'static str, &'static str)>,
}

/// What would be made of the units of one session and task.
#[derive(Clone, Debug)]
pub struct GroupPlan {
    /// `sub-average` or `sub-average_ses-a`.
    pub label: String,
    /// Its units, by index.
    pub units: Vec<usize>,
    /// Its files, each with whether it is up to date, as far as that can be known before the units are done.
    pub outputs: Vec<Output>,
    /// What it takes while it runs.
    pub need: Need,
    /// Passes, taps and files in words, where that was asked for.
    pub explanation: Option<String>,
}

/// What would run of one subject and session.
#[derive(Clone, Debug)]
pub struct UnitPlan {
    /// The unit.
    pub unit: Unit,
    /// Its files, each with whether it is up to date and why not.
    pub outputs: Vec<Output>,
    /// What it takes while it runs.
    pub need: Need,
    /// Whether an empty room belongs to it.
    pub empty_room: bool,
    /// Length of its recordings (s), without the empty room.
    pub duration_s: f64,
    /// Why it can't run.
    pub failure: Option<Failure>,
    /// Passes, taps and files in words, where that was asked for.
    pub explanation: Option<String>,
    /// Why it is done again though all of its results are up to date.
    pub remark: Option<String>,
    pub(crate) recorded: Option<Box<SubjectReport>>,
    pub(crate) member: Option<Member>,
}

impl UnitPlan {
    /// Whether there is something to do.
    pub fn is_due(&self) -> bool {
        self.failure.is_none() && self.recorded.is_none()
    }
}

impl GroupPlan {
    /// Whether there is something to do.
    pub fn is_due(&self) -> bool {
        self.outputs.iter().any(Output::is_due)
    }
}

impl StudyPlan {
    /// Leaves out units that are not named, and groups if any are: they concern all. No name: everything stays.
    pub fn retain(&mut self, names: &[String]) {
        if !names.is_empty() {
            self.units.retain(|unit| names.iter().any(|name| unit.unit.is_named(name)));
            self.groups.clear();
        }
    }
    /// Units with something to do.
    pub fn due(&self) -> impl Iterator<Item = &UnitPlan> {
        self.units.iter().filter(|unit| unit.is_due())
    }
    /// Units that can't run.
    pub fn failed(&self) -> impl Iterator<Item = &UnitPlan> {
        self.units.iter().filter(|unit| unit.failure.is_some())
    }
}
