//! What can be said on the command line.

use bakusoku_pool::Bytes;
use clap::{Args as ClapArgs, Parser, Subcommand};
use std::path::PathBuf;

/// M/EEG analysis of many people's recordings, with MNE-Python's numbers, at the speed of the machine.
#[derive(Parser, Debug)]
#[command(name = "bakusoku", version, max_term_width = 100, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Print results as JSON, for programs.
    #[arg(long, global = true)]
    pub json: bool,
    /// Say more on standard error; twice: still more.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "Examples:
  bakusoku demo                          a small study, simulated and analysed
  bakusoku init my/bids                  a commented study.toml for your recordings
  bakusoku run study.toml                analyse everybody; again: only what is not up to date
  bakusoku run study.toml --subject 03   one subject

Exit status: 0 done, 1 some subjects failed (the rest finished), 2 wrong usage, 3 a fault of bakusoku's own,
130 interrupted.";

/// What is to be done.
#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Simulate a small study and analyse it, end to end.
    Demo(DemoArgs),
    /// Write a commented study.toml for a folder of recordings.
    Init(InitArgs),
    /// Analyse all subjects of a study; what is up to date is left alone.
    Run(RunArgs),
    /// Say what `run` would do, and what it needs.
    Plan(StudyArgs),
    /// Say what is up to date, what is not, and what older configurations left behind.
    Status(StudyArgs),
    /// Show what a recording holds.
    Info(InfoArgs),
    /// Simulate recordings of several people in BIDS layout.
    Simulate(SimulateArgs),
    /// Copy a recording to FIFF, keeping everything that its header knows.
    Convert(ConvertArgs),
}

/// Of the machine, how much.
#[derive(ClapArgs, Debug, Clone, Default)]
pub(crate) struct BudgetArgs {
    /// Cores to use [default: all that this process may use].
    #[arg(long, alias = "n_jobs", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub n_jobs: Option<u32>,
    /// Memory to use, as 8GB [default: most of what is free].
    #[arg(long, value_name = "SIZE")]
    pub memory: Option<Bytes>,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct DemoArgs {
    /// Folder for the study [default: bakusoku-demo here].
    #[arg(default_value = "bakusoku-demo")]
    pub folder: PathBuf,
    /// Number of people.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=99))]
    pub subjects: u32,
    /// Length of each recording (s).
    #[arg(long, default_value_t = 60.0)]
    pub duration: f64,
    #[command(flatten)]
    pub budget: BudgetArgs,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct InitArgs {
    /// BIDS dataset, or folder with FIFF files.
    #[arg(default_value = ".")]
    pub folder: PathBuf,
    /// File to write [default: study.toml in the folder].
    #[arg(short, long)]
    pub output: Option<PathBuf>,
    /// Replace it if it exists.
    #[arg(long)]
    pub force: bool,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct StudyArgs {
    /// The study file.
    #[arg(value_name = "STUDY.toml")]
    pub study: PathBuf,
    /// Only these subjects (several: by commas or repeated).
    #[arg(long, value_name = "LABEL", value_delimiter = ',')]
    pub subject: Vec<String>,
    #[command(flatten)]
    pub budget: BudgetArgs,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub study: StudyArgs,
    /// Only this unit: `sub-03` or `sub-03/ses-01` (the line that a cluster's job runs).
    #[arg(long, value_name = "UNIT", conflicts_with = "subject")]
    pub unit: Option<String>,
    /// Compute also what is up to date.
    #[arg(long)]
    pub force: bool,
    /// Remove what older configurations left behind.
    #[arg(long)]
    pub prune: bool,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct InfoArgs {
    /// The recording; without one: what this machine lets bakusoku use.
    pub file: Option<PathBuf>,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct SimulateArgs {
    /// Folder for the dataset.
    pub folder: PathBuf,
    /// Number of people.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=999))]
    pub subjects: u32,
    /// Recordings of each.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=99))]
    pub runs: u32,
    /// Length of each recording (s).
    #[arg(long, default_value_t = 60.0)]
    pub duration: f64,
    /// Sampling frequency (Hz).
    #[arg(long, default_value_t = 1000.0)]
    pub sfreq: f64,
    /// Seed: the same one makes the same files.
    #[arg(long, default_value_t = 2026)]
    pub seed: u64,
    /// Leave the MEG out.
    #[arg(long)]
    pub no_meg: bool,
    /// Leave the EEG out.
    #[arg(long, conflicts_with = "no_meg")]
    pub no_eeg: bool,
    /// Frequency of the power line (Hz).
    #[arg(long, default_value_t = 50.0)]
    pub line_freq: f64,
    #[command(flatten)]
    pub budget: BudgetArgs,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct ConvertArgs {
    /// Recording to read.
    pub input: PathBuf,
    /// FIFF file to write.
    pub output: PathBuf,
    /// How samples are stored: short, int, single or double [default: as they are].
    #[arg(long, value_name = "FMT")]
    pub fmt: Option<String>,
    /// Replace the output if it exists.
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
            line_freq: 50.0,
            budget: BudgetArgs::default(),
        }
    }
}
