//! A study on a cluster: its units as array jobs of Slurm.
//!
//! ```text
//! plan ─ requests (units of like need) ─ sbatch --array ─┐
//!                                                        ├─ follow-up job (afterany): what died again, with more; else the groups
//! submission.json, unit by unit the study's own files ───┘
//! ```
//!
//! | file | what |
//! |---|---|
//! | `settings` | `[run.slurm]` of the study file |
//! | `request` | what is asked for: memory and time, from the plan and from units that are done |
//! | `script` | the jobs' shell scripts |
//! | `tools` | `sbatch`, `squeue`, `scancel`, and what they say when they refuse |
//! | `submission` | what was submitted, as a file beside the results |
//! | `submit` | from a plan to jobs |
//! | `state` | what became of each unit |
//! | `follow_up` | what the last job does |
//!
//! Whether a unit is done is told by the study's own files on the shared disk, never by accounting; `squeue` only says what still
//! waits or runs. A unit's job is `bakusoku run STUDY --unit LABEL`: nodes need nothing but this program and the folders.

// It starts `sbatch`, `squeue` and `scancel`: the only processes outside of the pool.
#![allow(clippy::disallowed_methods)]

mod error;
mod follow_up;
mod request;
mod script;
mod settings;
mod state;
mod submission;
mod submit;
mod tools;

pub use error::{Error, Result};
pub use follow_up::{FollowUp, follow_up};
pub use settings::Settings;
pub use state::{State, UnitState, is_over, states};
pub use submission::{Array, Submission};
pub use submit::{Submitted, cancel, submit};
