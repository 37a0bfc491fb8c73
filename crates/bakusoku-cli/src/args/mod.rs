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
    /// Maxwell filter one recording: SSS, tSSS, movement compensation, bad channels rebuilt.
    Maxfilter(Box<MaxfilterArgs>),
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
    /// Add a recording of the empty room (sub-emptyroom).
    #[arg(long, conflicts_with = "no_meg")]
    pub empty_room: bool,
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

/// Options have MNE-Python's names and defaults.
#[derive(ClapArgs, Debug)]
pub(crate) struct MaxfilterArgs {
    /// Recording to read.
    pub input: PathBuf,
    /// FIFF file to write, as x_sss.fif or x_raw_tsss.fif.
    pub output: PathBuf,
    /// Centre of the expansions (m): x,y,z, or auto: a sphere fitted to the head shape.
    #[arg(long, value_name = "X,Y,Z", default_value = "auto", allow_hyphen_values = true)]
    pub origin: String,
    /// Frame of the origin; meg for empty rooms.
    #[arg(long, default_value = "head", value_parser = ["head", "meg"])]
    pub coord_frame: String,
    /// Order of the inner expansion.
    #[arg(long, default_value_t = 8)]
    pub int_order: usize,
    /// Order of the outer expansion.
    #[arg(long, default_value_t = 3)]
    pub ext_order: usize,
    /// Fine calibration (.dat); carried: what the recording carries; none.
    #[arg(long, value_name = "FILE", default_value = "carried")]
    pub calibration: String,
    /// Cross-talk matrix (.fif); carried: what the recording carries; none.
    #[arg(long, value_name = "FILE", default_value = "carried")]
    pub cross_talk: String,
    /// Length of the windows of the temporal extension (s) [default: spatial only].
    #[arg(long, value_name = "S")]
    pub st_duration: Option<f64>,
    /// Directions in time that inside and outside share at least to this correlation are taken out.
    #[arg(long, value_name = "R", default_value_t = 0.98)]
    pub st_correlation: f64,
    /// Temporal projection only.
    #[arg(long)]
    pub st_only: bool,
    /// The temporal extension works after movement is compensated.
    #[arg(long)]
    pub st_after: bool,
    /// Windows do not overlap.
    #[arg(long)]
    pub no_st_overlap: bool,
    /// Where the head is to appear: x,y,z (m), or as in another recording [default: where it was].
    #[arg(long, value_name = "X,Y,Z|FILE", allow_hyphen_values = true)]
    pub destination: Option<String>,
    /// Head positions (.pos): movement is compensated.
    #[arg(long, value_name = "FILE")]
    pub head_pos: Option<PathBuf>,
    /// How results of neighbouring head positions go over into one another.
    #[arg(long, default_value = "hann", value_parser = ["hann", "linear", "zero"])]
    pub mc_interp: String,
    /// Which inner moments are kept.
    #[arg(long, default_value = "in", value_parser = ["in", "in_argmax", "none"])]
    pub regularize: String,
    /// Leave reference channels out.
    #[arg(long)]
    pub ignore_ref: bool,
    /// What to do when the basis can hardly be inverted.
    #[arg(long, default_value = "error", value_parser = ["error", "warning", "ignore", "info"])]
    pub bad_condition: String,
    /// Factor on magnetometers, or auto.
    #[arg(long, default_value = "100")]
    pub mag_scale: String,
    /// Projectors that extend the outer expansion (-proj.fif).
    #[arg(long, value_name = "FILE")]
    pub extended_proj: Option<PathBuf>,
    /// Annotations that cut the recording and pass unchanged (by commas or repeated).
    #[arg(long, value_name = "TEXT", value_delimiter = ',', default_values = ["edge", "bad_acq_skip"])]
    pub skip_by_annotation: Vec<String>,
    /// Whose description of the coils: MNE's, or MEGIN's 13-digit table (closer to MaxFilter).
    #[arg(long, default_value = "mne", value_parser = ["mne", "megin"])]
    pub coil_definitions: String,
    /// Bad channels, beside those that the recording marks (by commas or repeated).
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub bads: Vec<String>,
    /// Find flat and noisy channels first.
    #[arg(long)]
    pub find_bads: bool,
    /// How samples are stored: short, int, single or double.
    #[arg(long, value_name = "FMT", default_value = "single")]
    pub fmt: String,
    /// Replace the output if it exists.
    #[arg(long)]
    pub overwrite: bool,
    #[command(flatten)]
    pub budget: BudgetArgs,
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
