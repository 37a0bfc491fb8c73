//! Arguments of `bakusoku bids`, as BIDS Apps have them (Gorgolewski et al., 2017).

use clap::Args;
use std::path::PathBuf;

/// What is analysed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Level {
    Participant,
    Group,
}

#[derive(Args, Debug)]
pub(crate) struct BidsArgs {
    /// BIDS dataset.
    pub bids_dir: PathBuf,
    /// Folder for the results.
    pub output_dir: PathBuf,
    /// `participant`: these people, each on their own; `group`: what is made of all who are done, and the report.
    pub level: Level,
    /// Only these people, with or without `sub-` [default: all].
    #[arg(long, alias = "participant_label", value_name = "LABEL", num_args = 1..)]
    pub participant_label: Vec<String>,
    /// Only these sessions, with or without `ses-` [default: all].
    #[arg(long, alias = "session_label", value_name = "LABEL", num_args = 1..)]
    pub session_label: Vec<String>,
    /// Task, where the dataset has several.
    #[arg(long, aliases = ["task_id", "task_label"], value_name = "LABEL")]
    pub task_id: Option<String>,
    /// Study file with the analysis [default: study.toml in the output folder; drafted from the recordings if there is none].
    #[arg(long, value_name = "STUDY.toml")]
    pub config: Option<PathBuf>,
    /// Number of cores [default: all available].
    #[arg(long, aliases = ["n_cpus", "nprocs", "nthreads"], value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub n_cpus: Option<u32>,
    /// Memory limit (MB) [default: most of the free memory].
    #[arg(long, aliases = ["mem_mb", "mem"], value_name = "MB", value_parser = clap::value_parser!(u64).range(1..))]
    pub mem_mb: Option<u64>,
    /// Folder for large intermediate data.
    #[arg(short, long, alias = "work_dir", value_name = "FOLDER")]
    pub work_dir: Option<PathBuf>,
    /// Accepted for other BIDS Apps' sake: recordings are checked as they are read.
    #[arg(long, alias = "skip_bids_validation")]
    pub skip_bids_validation: bool,
}
