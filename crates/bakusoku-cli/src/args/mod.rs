//! Arguments of the command line, and their help.

mod bids;
mod choices;
mod maxfilter;

pub(crate) use bids::{BidsArgs, Level};
pub(crate) use choices::{BadCondition, CoilDefinitions, CoordFrame, McInterp, Regularize, SampleFormat};
pub(crate) use maxfilter::MaxfilterArgs;

use bakusoku_pool::{Budget, Bytes};
use clap::{Args as ClapArgs, Parser, Subcommand};
use std::path::PathBuf;
use std::str::FromStr;

/// Fast MEG/EEG analysis for whole studies, with MNE-Python's numbers.
#[derive(Parser, Debug)]
#[command(name = "bakusoku", version, max_term_width = 100, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Print results as JSON, for programs.
    #[arg(long, global = true)]
    pub json: bool,
    /// Increase log verbosity (repeat for more).
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "Examples:
  bakusoku demo                          simulate a small study and process it
  bakusoku init my/bids                  write a commented study.toml for your recordings
  bakusoku run study.toml                process all subjects; outputs that are up to date are skipped
  bakusoku run study.toml --subject 03   process one subject

Exit status: 0 success, 1 some subjects failed (the others finished), 2 wrong usage, 3 a bug in bakusoku,
130 interrupted.";

/// Commands.
#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Simulate a small study and process it.
    Demo(DemoArgs),
    /// Write a commented study.toml for a folder of recordings.
    Init(InitArgs),
    /// Process all subjects of a study; outputs that are up to date are skipped.
    Run(RunArgs),
    /// Show what `run` would do, and the memory and disk that it needs.
    Plan(PlanArgs),
    /// Compute what is made of all subjects together, from those that are done.
    Group(StudyArgs),
    /// Show which outputs are current, outdated or orphaned, and how jobs on a cluster are.
    Status(StudyArgs),
    /// End all jobs of a study on a cluster.
    Cancel(StudyArgs),
    /// What the last job of a submission does.
    #[command(hide = true)]
    FollowUp(StudyArgs),
    /// Show the contents of a recording.
    Info(InfoArgs),
    /// Simulate a BIDS dataset with recordings of several subjects.
    Simulate(SimulateArgs),
    /// Convert a recording to FIFF, BrainVision, EDF or BDF, with what the format has room for.
    Convert(ConvertArgs),
    /// Maxwell filter one recording: SSS, tSSS, movement compensation, bad channel reconstruction.
    Maxfilter(Box<MaxfilterArgs>),
    /// Process a BIDS dataset as BIDS Apps do: IN OUT participant, then IN OUT group.
    Bids(Box<BidsArgs>),
    /// Print completions for a shell, or the manual page.
    Completions(CompletionsArgs),
}

#[derive(ClapArgs, Debug)]
pub(crate) struct CompletionsArgs {
    /// The shell; `man`: the manual page.
    pub shell: Completions,
}

/// What to print for a shell.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Completions {
    Bash,
    Elvish,
    Fish,
    Man,
    Zsh,
}

/// Resource limits.
#[derive(ClapArgs, Debug, Clone, Default)]
pub(crate) struct BudgetArgs {
    /// Number of cores; -1: all, -2: all but one [default: all available].
    #[arg(long, alias = "n_jobs", value_name = "N", allow_negative_numbers = true)]
    pub n_jobs: Option<NJobs>,
    /// Memory limit, such as 8GB [default: most of the free memory].
    #[arg(long, value_name = "SIZE")]
    pub memory: Option<Bytes>,
}

/// Cores as MNE and joblib name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NJobs {
    /// So many.
    Count(usize),
    /// All but so many.
    AllBut(usize),
}

impl NJobs {
    /// The budget with so many cores.
    pub(crate) fn of(self, budget: Budget) -> Budget {
        let cores = budget.cores;
        match self {
            Self::Count(n) => budget.with_cores(n),
            Self::AllBut(n) => budget.with_cores(cores.saturating_sub(n).max(1)),
        }
    }
}

impl FromStr for NJobs {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.parse::<i32>()) {
            ("all", _) => Ok(Self::AllBut(0)),
            (_, Ok(n)) if n > 0 => Ok(Self::Count(n as usize)),
            (_, Ok(n)) if n < 0 => Ok(Self::AllBut(n.unsigned_abs() as usize - 1)),
            _ => Err("expected a number of cores, -1, or all".into()),
        }
    }
}

impl BudgetArgs {
    /// The number of cores that was asked for.
    pub(crate) fn cores(&self) -> Option<usize> {
        match self.n_jobs? {
            NJobs::Count(n) => Some(n),
            all => Budget::detect().ok().map(|budget| all.of(budget).cores),
        }
    }
}

#[derive(ClapArgs, Debug)]
pub(crate) struct DemoArgs {
    /// Folder for the study.
    #[arg(default_value = "bakusoku-demo")]
    pub folder: PathBuf,
    /// Number of subjects.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=99))]
    pub subjects: u32,
    /// Duration of each recording (s).
    #[arg(long, default_value_t = 60.0)]
    pub duration: f64,
    #[command(flatten)]
    pub budget: BudgetArgs,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct InitArgs {
    /// BIDS dataset, or folder with recordings.
    #[arg(default_value = ".")]
    pub folder: PathBuf,
    /// File to write [default: study.toml in the folder].
    #[arg(short, long)]
    pub output: Option<PathBuf>,
    /// Overwrite the file if it exists.
    #[arg(long)]
    pub force: bool,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct StudyArgs {
    /// The study file.
    #[arg(value_name = "STUDY.toml")]
    pub study: PathBuf,
    /// Only these subjects (comma-separated or repeated).
    #[arg(long, value_name = "LABEL", value_delimiter = ',')]
    pub subject: Vec<String>,
    #[command(flatten)]
    pub budget: BudgetArgs,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub study: StudyArgs,
    /// Show passes over each recording, and what listens where.
    #[arg(long)]
    pub explain: bool,
}

/// One of several parts of a study: `2/8`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub index: usize,
    pub of: usize,
}

impl std::str::FromStr for Part {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("expected i/n with i from 1 to n, such as 2/8, got `{text}`");
        let (index, of) = text.split_once('/').ok_or_else(wrong)?;
        let (index, of) = (index.parse().map_err(|_| wrong())?, of.parse().map_err(|_| wrong())?);
        if index == 0 || index > of { Err(wrong()) } else { Ok(Self { index, of }) }
    }
}

#[derive(ClapArgs, Debug)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub study: StudyArgs,
    /// Only this subject or session: `sub-03` or `sub-03/ses-01` (for cluster jobs).
    #[arg(long, value_name = "UNIT", conflicts_with_all = ["subject", "prune"])]
    pub unit: Option<String>,
    /// Only the i-th of n parts of all units (for array jobs); `bakusoku group` does the rest.
    #[arg(long, value_name = "I/N", conflicts_with_all = ["subject", "unit", "prune"])]
    pub units: Option<Part>,
    /// Hand the units to this engine instead of this machine; `[run.slurm]` of the study file says how.
    #[arg(long, value_name = "ENGINE", conflicts_with_all = ["subject", "unit", "units", "force", "prune"])]
    pub on: Option<ClusterEngine>,
    /// With --on: submit, and do not wait.
    #[arg(long, requires = "on")]
    pub no_wait: bool,
    /// Recompute outputs that are up to date.
    #[arg(long)]
    pub force: bool,
    /// Remove orphaned outputs of older configurations.
    #[arg(long)]
    pub prune: bool,
}

/// What runs the units of a study. (Variants with documentation would make the help long.)
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ClusterEngine {
    Slurm,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct InfoArgs {
    /// The recording; without one, show the resources that bakusoku may use.
    pub file: Option<PathBuf>,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct SimulateArgs {
    /// Folder for the dataset.
    pub folder: PathBuf,
    /// Number of subjects.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=999))]
    pub subjects: u32,
    /// Recordings per subject.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=99))]
    pub runs: u32,
    /// Duration of each recording (s).
    #[arg(long, default_value_t = 60.0)]
    pub duration: f64,
    /// Sampling frequency (Hz).
    #[arg(long, default_value_t = 1000.0)]
    pub sfreq: f64,
    /// Random seed: the same seed gives the same files.
    #[arg(long, default_value_t = 2026)]
    pub seed: u64,
    /// No MEG channels.
    #[arg(long)]
    pub no_meg: bool,
    /// No EEG channels.
    #[arg(long, conflicts_with = "no_meg")]
    pub no_eeg: bool,
    /// Add an empty-room recording (sub-emptyroom).
    #[arg(long, conflicts_with = "no_meg")]
    pub empty_room: bool,
    /// Power line frequency (Hz).
    #[arg(long, default_value_t = 50.0)]
    pub line_freq: f64,
    #[command(flatten)]
    pub budget: BudgetArgs,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct ConvertArgs {
    /// Recording to read.
    pub input: PathBuf,
    /// File to write; its name says the format (.fif, .fif.gz, .vhdr, .edf, .bdf).
    pub output: PathBuf,
    /// Data format of the samples of FIFF [default: that of the input].
    #[arg(long, value_enum)]
    pub fmt: Option<SampleFormat>,
    /// Overwrite the output if it exists.
    #[arg(long)]
    pub overwrite: bool,
}

impl Default for SimulateArgs {
    fn default() -> Self {
        Self {
            folder: PathBuf::from("."),
            subjects: 4,
            runs: 1,
            duration: 60.0,
            sfreq: 1000.0,
            seed: 2026,
            no_meg: false,
            no_eeg: false,
            empty_room: false,
            line_freq: 50.0,
            budget: BudgetArgs::default(),
        }
    }
}
