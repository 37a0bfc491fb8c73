//! A study: the same experiment with several people.

use crate::SimulationParams;
use serde::{Deserialize, Serialize};

/// Task, as BIDS names it (`task-audiovisual`).
pub const TASK: &str = "audiovisual";
/// Names and codes of the events.
pub const EVENT_ID: [(&str, i64); 3] = [("auditory", 1), ("visual", 2), ("button", 32)];

/// Parameters of a simulated study.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StudyParams {
    /// How many people.
    pub n_subjects: u32,
    /// Runs of each.
    pub n_runs: u32,
    /// What each recording is like; `subject` and `run` count on from here.
    pub recording: SimulationParams,
}

impl Default for StudyParams {
    fn default() -> Self {
        Self { n_subjects: 4, n_runs: 1, recording: SimulationParams::default() }
    }
}

impl StudyParams {
    /// The recordings, run by run and person by person.
    pub fn recordings(&self) -> Vec<SimulationParams> {
        let first = (self.recording.subject, self.recording.run);
        (0..self.n_subjects)
            .flat_map(|subject| (0..self.n_runs).map(move |run| (subject, run)))
            .map(|(subject, run)| self.recording.for_subject(first.0 + subject).for_run(first.1 + run))
            .collect()
    }
}

/// Label of a person, as BIDS wants it (`01` of `sub-01`).
pub fn subject_label(subject: u32) -> String {
    format!("{subject:02}")
}
