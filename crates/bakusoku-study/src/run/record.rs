//! What is kept of a unit beside its results: what its page shows, and a summary for the index.

use crate::output::Output;
use crate::report::data::{Failure, SubjectReport};
use crate::report::facts::Facts;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What a page is drawn from.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) report: SubjectReport,
    pub(crate) facts: Facts,
}

/// Where the summary lies: beside the record.
fn summary_path(record: &Path) -> PathBuf {
    record.with_extension("summary")
}

impl Record {
    /// Writes it, and its summary.
    ///
    /// # Errors
    /// When the files can't be written.
    pub(crate) fn write(&self, output: &mut Output) -> Result<()> {
        output.write(|path| {
            let mut bytes = Vec::new();
            ciborium::into_writer(self, &mut bytes).map_err(|error| std::io::Error::other(error.to_string()))?;
            fs_err::write(path, bytes)?;
            let small = SubjectReport { timing: Vec::new(), outputs: Vec::new(), ..self.report.clone() };
            let summary = serde_json::to_string(&small).map_err(std::io::Error::from)?;
            Ok(fs_err::write(summary_path(path), summary)?)
        })
    }
    /// Reads it.
    ///
    /// # Errors
    /// When it can't be read, or was written by another version.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let file = std::io::BufReader::new(fs_err::File::open(path)?);
        ciborium::from_reader(file).map_err(|error| unreadable(path, &error.to_string()))
    }
}

/// Reads the summary of a unit.
///
/// # Errors
/// When it can't be read, or was written by another version.
pub(crate) fn read_summary(record: &Path) -> Result<SubjectReport> {
    let path = summary_path(record);
    serde_json::from_str(&fs_err::read_to_string(&path)?).map_err(|error| unreadable(&path, &error.to_string()))
}

fn unreadable(path: &Path, why: &str) -> Error {
    Error::data(format!("`{}` can't be read: {why}", path.display()), "it is made anew")
}

/// Where it is noted that a unit failed.
fn failure_path(record: &Path) -> PathBuf {
    record.with_extension("failed")
}

/// Notes that a unit failed, for a group that is made later, perhaps by another process. What can't be noted is only lost
/// to that one.
pub(crate) fn note_failure(record: &Path, report: &SubjectReport) {
    let Ok(text) = serde_json::to_string(report) else { return };
    let _ = bakusoku_files::write_text(&failure_path(record), &text);
}

/// Forgets that a unit failed.
pub(crate) fn forget_failure(record: &Path) {
    let _ = fs_err::remove_file(failure_path(record));
}

/// How a unit failed when it was last tried.
pub(crate) fn noted_failure(record: &Path) -> Option<SubjectReport> {
    serde_json::from_str(&fs_err::read_to_string(failure_path(record)).ok()?).ok()
}

/// What is noted of a unit beside its results.
#[derive(Clone, Debug)]
pub enum Noted {
    /// It was done.
    Done {
        /// When.
        when: SystemTime,
        /// How long it took (s).
        wall_s: f64,
        /// Peak memory of the process meanwhile (bytes).
        peak_memory: u64,
    },
    /// It failed when it was last tried.
    Failed {
        /// When.
        when: SystemTime,
        /// Why.
        failure: Failure,
    },
    /// Nothing.
    Nothing,
}

/// What is noted beside a record: a failure counts only as long as nothing was done after it.
pub(crate) fn noted(record: &Path) -> Noted {
    let when = |path: &Path| fs_err::metadata(path).and_then(|meta| meta.modified()).ok();
    let done = when(&summary_path(record)).zip(read_summary(record).ok());
    let failed = when(&failure_path(record)).zip(noted_failure(record).and_then(|report| report.failure));
    match (done, failed) {
        (Some((when, _)), Some((later, failure))) if later >= when => Noted::Failed { when: later, failure },
        (None, Some((when, failure))) => Noted::Failed { when, failure },
        (Some((when, report)), _) => Noted::Done { when, wall_s: report.wall_s, peak_memory: report.peak_memory },
        (None, None) => Noted::Nothing,
    }
}
