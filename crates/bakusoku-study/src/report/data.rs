//! What a report shows of any study, as plain data, kept as JSON beside a subject's outputs so that the index of a study
//! that is up to date can still be drawn. What single steps show are their own [facts](super::facts).

use serde::{Deserialize, Serialize};

/// How a unit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Computed now.
    Done,
    /// Nothing to do: all outputs were up to date.
    UpToDate,
    /// Failed; see `failure`.
    Failed,
    /// Not started, or stopped before its end.
    Cancelled,
}

/// The whole study: the index page.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct StudyReport {
    /// Name of the study (folder of `study.toml`, or the dataset's name).
    pub title: String,
    /// Version of bakusoku.
    pub version: String,
    /// Resolved configuration: key, value as TOML, whether it is the default.
    pub config: Vec<ConfigEntry>,
    /// What was done, as a paragraph for a paper, with citations.
    pub methods_text: String,
    /// One per subject and session, in order.
    pub subjects: Vec<SubjectReport>,
    /// What was made of all subjects, by session and task.
    pub groups: Vec<GroupReport>,
    /// Wall time of the run (s).
    pub wall_s: f64,
    /// Peak memory of the process (bytes).
    pub peak_memory: u64,
    /// Cores used.
    pub n_cores: usize,
    /// Host on which it ran.
    pub host: String,
    /// When it ended, as `2026-11-25T03:20:00Z`.
    pub finished: String,
    /// Remarks about the study as a whole.
    pub warnings: Vec<String>,
}

/// What was made of the units of one session and task.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GroupReport {
    /// `sub-average` or `sub-average_ses-a`.
    pub label: String,
    /// How it ended.
    pub status: Status,
    /// What steps show of it: title and HTML.
    pub sections: Vec<(String, String)>,
    /// Units missing from it: label and why.
    pub missing: Vec<(String, String)>,
    /// Why there is none.
    pub failure: Option<Failure>,
    /// Remarks.
    pub warnings: Vec<String>,
}

/// One line of the resolved configuration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ConfigEntry {
    /// Key.
    pub key: String,
    /// Value, as TOML.
    pub value: String,
    /// Whether the file does not say it.
    pub is_default: bool,
}

/// One subject (and session): a page, and a row of the index.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SubjectReport {
    /// `sub-01` or `sub-01_ses-02`.
    pub label: String,
    /// Subject, without `sub-`.
    pub subject: String,
    /// Session, without `ses-`.
    pub session: Option<String>,
    /// How it ended.
    pub status: Status,
    /// What went wrong.
    pub failure: Option<Failure>,
    /// Path of the subject's page, relative to the index page.
    pub page: String,
    /// Recordings, without the empty room.
    pub n_recordings: usize,
    /// Their length (s).
    pub recorded_s: f64,
    /// Channels that are bad in one of them.
    pub bads: Vec<String>,
    /// What steps say of it in its row of the index.
    pub cells: Vec<Cell>,
    /// How long what took.
    pub timing: Vec<Timing>,
    /// Wall time (s).
    pub wall_s: f64,
    /// Peak memory of the process while this subject ran (bytes); other subjects may have run beside it.
    pub peak_memory: u64,
    /// Memory that was set aside for it (bytes).
    pub planned_memory: u64,
    /// Files written or found up to date.
    pub outputs: Vec<OutputFile>,
    /// Remarks.
    pub warnings: Vec<String>,
}

impl SubjectReport {
    /// A report with nothing in it yet.
    pub(crate) fn empty(unit: &crate::unit::Unit, status: Status) -> Self {
        Self {
            label: unit.label(),
            subject: unit.subject.clone(),
            session: unit.session.clone(),
            status,
            failure: None,
            page: String::new(),
            n_recordings: 0,
            recorded_s: 0.0,
            bads: Vec::new(),
            cells: Vec::new(),
            timing: Vec::new(),
            wall_s: 0.0,
            peak_memory: 0,
            planned_memory: 0,
            outputs: Vec::new(),
            warnings: Vec::new(),
        }
    }
    /// What a step says of it under this heading of the index.
    pub fn cell(&self, heading: &str) -> Option<&[String]> {
        self.cells.iter().find(|cell| cell.heading == heading).map(|cell| cell.items.as_slice())
    }
}

/// What a step says of a subject in the index.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// Heading of the column.
    pub heading: String,
    /// One or several short texts.
    pub items: Vec<String>,
}

/// A subject's row of the index, as steps fill it.
#[derive(Clone, Debug, Default)]
pub struct Row {
    pub(crate) cells: Vec<Cell>,
}

impl Row {
    /// Adds a cell; subjects' cells with the same heading are a column.
    pub fn cell(&mut self, heading: &str, items: impl IntoIterator<Item = String>) {
        self.cells.push(Cell { heading: heading.into(), items: items.into_iter().collect() });
    }
}

/// Each warning about subjects once, with the subjects that it is about.
pub fn grouped_warnings<'s>(
    subjects: impl IntoIterator<Item = &'s SubjectReport>,
) -> Vec<(String, Vec<&'s SubjectReport>)> {
    let mut grouped: Vec<(String, Vec<&SubjectReport>)> = Vec::new();
    for subject in subjects {
        for warning in &subject.warnings {
            match grouped.iter_mut().find(|(known, _)| known == warning) {
                Some((_, subjects)) => subjects.push(subject),
                None => grouped.push((warning.clone(), vec![subject])),
            }
        }
    }
    grouped
}

/// What went wrong.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// The step in which it happened.
    pub step: String,
    /// The recording concerned, if one is.
    pub run: Option<String>,
    /// Message, then its causes, outermost first.
    pub messages: Vec<String>,
    /// What could be done.
    pub hint: Option<String>,
}

/// A remark, with the step and recording that made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// The step.
    pub step: String,
    /// The recording, if one is concerned.
    pub run: Option<String>,
    /// What it is.
    pub text: String,
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.run {
            Some(run) => write!(f, "{run}: {}", self.text),
            None => f.write_str(&self.text),
        }
    }
}

/// What is known of a recording from its header.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct RecordingFacts {
    pub(crate) path: String,
    pub(crate) is_empty_room: bool,
    pub(crate) duration_s: f64,
    pub(crate) sfreq: (f64, f64),
    pub(crate) n_channels: Vec<(String, usize)>,
    pub(crate) bads: Vec<(String, String)>,
    pub(crate) marked: Vec<(f64, f64, String)>,
    pub(crate) line_freqs: Vec<f64>,
}

/// How long a step took.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// Step.
    pub step: String,
    /// Recording, if it belongs to one.
    pub run: Option<String>,
    /// Wall time (s).
    pub wall_s: f64,
}

/// A file of the results.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OutputFile {
    /// Path relative to the derivatives folder.
    pub path: String,
    /// Step that makes it.
    pub step: String,
    /// Size of all its parts (bytes).
    pub bytes: u64,
    /// Whether it was written now (else: found up to date).
    pub written: bool,
    /// Key under which it is up to date.
    pub key: String,
}
