//! What was submitted, as a file beside the results: whoever looks later, from any host, finds it there.

use crate::tools::{Queued, squeue};
use crate::{Error, Result};
use bakusoku_study::Study;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// An array of jobs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Array {
    /// Its number.
    pub job: String,
    /// Its units, by index.
    pub units: Vec<String>,
    /// Memory of each (bytes).
    pub memory: u64,
    /// Time of each (minutes).
    pub minutes: u64,
    /// Where its logs are: `%a` is the index.
    pub log: String,
}

impl Array {
    /// The log of a unit.
    pub fn log_of(&self, index: usize) -> PathBuf {
        self.log.replace("%a", &index.to_string()).into()
    }
}

/// Everything that was submitted since the last `run --on slurm`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// When it began (s since 1970).
    pub since: u64,
    /// How often what died was submitted again.
    pub attempt: u32,
    /// Arrays, those of later attempts behind.
    pub arrays: Vec<Array>,
    /// The job that comes after the arrays.
    pub follow_up: Option<String>,
    /// Its log.
    pub log: PathBuf,
    /// Whether the follow-up has done the last thing to do.
    pub is_finished: bool,
    /// Its exit status.
    pub exit_status: u8,
}

/// Where a study's jobs have their files.
pub(crate) fn folder(study: &Study) -> PathBuf {
    std::path::absolute(study.results()).unwrap_or_else(|_| study.results().to_owned()).join(".bakusoku").join("slurm")
}

fn path(study: &Study) -> PathBuf {
    folder(study).join("submission.json")
}

impl Submission {
    /// The last one of a study, if there was any.
    ///
    /// # Errors
    /// When its file can't be read.
    pub fn last(study: &Study) -> Result<Option<Self>> {
        let path = path(study);
        let text = match fs_err::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        serde_json::from_str(&text).map(Some).map_err(|error| Error::Unreadable { path, why: error.to_string() })
    }
    /// Writes it, whole or not at all.
    pub(crate) fn write(&self, study: &Study) -> Result<()> {
        let text = serde_json::to_string_pretty(self).map_err(std::io::Error::from)?;
        Ok(bakusoku_files::write_text(Path::new(&path(study)), &text)?)
    }
    /// All jobs, with those that follow.
    pub fn jobs(&self) -> Vec<String> {
        self.arrays.iter().map(|array| array.job.clone()).chain(self.follow_up.clone()).collect()
    }
    /// What of it has not ended.
    pub(crate) fn queue(&self) -> Result<HashMap<String, Queued>> {
        // The last job is at its end: nothing is left to ask for.
        if self.is_finished { Ok(HashMap::new()) } else { squeue(&self.jobs()) }
    }
    /// When it began, by the clock of the disk: a host's own may differ.
    pub(crate) fn began(&self, study: &Study) -> SystemTime {
        let first = folder(study).join(format!("{}-0-0.units", self.since));
        let time = fs_err::metadata(first).and_then(|meta| meta.modified());
        time.unwrap_or(UNIX_EPOCH + Duration::from_secs(self.since))
    }
    /// The last array that a unit is in, and its index there.
    pub(crate) fn place(&self, unit: &str) -> Option<(&Array, usize)> {
        let found = |array: &&Array| array.units.iter().any(|other| other == unit);
        let array = self.arrays.iter().rev().find(found)?;
        Some((array, array.units.iter().position(|other| other == unit)?))
    }
}
