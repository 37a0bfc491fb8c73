//! Errors of submitting and following jobs.

use std::path::PathBuf;

/// A result with this crate's error.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The program is not there.
    #[error("`{program}` is not on the path ({path})")]
    NoSlurm {
        /// `sbatch`, `squeue` or `scancel`.
        program: &'static str,
        /// `$PATH`.
        path: String,
    },
    /// Slurm said no.
    #[error("`{command}` was refused: {said}")]
    Refused {
        /// The command line.
        command: String,
        /// Its standard error.
        said: String,
    },
    /// A setting of `[run.slurm]`.
    #[error("`run.slurm.{key}` is `{value}`, expected {expected}")]
    Setting {
        /// Its name.
        key: &'static str,
        /// What it says.
        value: String,
        /// What it may say.
        expected: &'static str,
    },
    /// Jobs of the study are still in the queue.
    #[error("jobs of this study are still in the queue: {}", .jobs.join(", "))]
    Running {
        /// Their numbers.
        jobs: Vec<String>,
    },
    /// A submission that can't be read.
    #[error("`{}` can't be read: {why}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// Of the study.
    #[error(transparent)]
    Study(#[from] bakusoku_study::Error),
    /// Of a file.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// Of a file that was to be written.
    #[error(transparent)]
    Files(#[from] bakusoku_files::Error),
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoSlurm { .. } => {
                Some("`--on slurm` is for login nodes of a cluster; `bakusoku run` alone uses this machine".into())
            }
            Self::Refused { said, .. } => Some(advice(said).into()),
            Self::Running { .. } => Some("`bakusoku status` shows them, `bakusoku cancel` ends them".into()),
            Self::Unreadable { .. } => Some("remove the file if no job of this study is in the queue".into()),
            Self::Study(error) => error.hint(),
            Self::Setting { .. } | Self::Io(_) | Self::Files(_) => None,
        }
    }
}

/// What Slurm's refusals mean for a study.
fn advice(said: &str) -> &'static str {
    let said = said.to_lowercase();
    let has = |word: &str| said.contains(word);
    match () {
        () if has("partition") => {
            "name a partition of this cluster (`sinfo -s` lists them): [run.slurm] partition = \"…\""
        }
        () if has("account") => {
            "name an account that you may charge (`sacctmgr show associations`): [run.slurm] account = \"…\""
        }
        () if has("qos") || has("limit") => {
            "the cluster's limits are in the way: see `sacctmgr show qos`, or set [run.slurm] max_jobs"
        }
        () if has("time") => "ask for less time: [run.slurm] time = \"…\"",
        () if has("memory") || has("node configuration") => {
            "no node has that much: [run.slurm] memory and cpus say what to ask for"
        }
        () if has("contact") || has("connect") => "the controller does not answer: try again in a minute",
        () => "free options of sbatch stand in [run.slurm] options = [\"--…\"]",
    }
}
