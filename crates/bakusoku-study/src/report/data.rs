//! What a report shows, as plain data: the steps fill it, `report` renders it, and it is kept as JSON beside a
//! subject's outputs so that a study that is up to date can still be shown.
//!
//! Everything is in SI units (T, T/m, V, s, Hz, m); curves are `f32`, `(n_channels, n_times)` as rows.
//!
//! The study calls `report::subject_html` once per subject and session and `report::index_html` once at the end.

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
    /// Averages over subjects.
    pub evokeds: Vec<GroupEvoked>,
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
    /// Its recordings.
    pub runs: Vec<RunReport>,
    /// Conditions and contrasts.
    pub evokeds: Vec<EvokedData>,
    /// Noise covariance by channel type.
    pub covariances: Vec<CovarianceData>,
    /// Epochs and why they were dropped, all runs together.
    pub drops: Option<DropData>,
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
            runs: Vec::new(),
            evokeds: Vec::new(),
            covariances: Vec::new(),
            drops: None,
            timing: Vec::new(),
            wall_s: 0.0,
            peak_memory: 0,
            planned_memory: 0,
            outputs: Vec::new(),
            warnings: Vec::new(),
        }
    }
    /// What the index shows of it: everything that is small.
    pub(crate) fn summary(&self) -> Self {
        let runs = self.runs.iter().map(|run| RunReport {
            label: run.label.clone(),
            is_empty_room: run.is_empty_room,
            duration_s: run.duration_s,
            bads: run.bads.clone(),
            events_source: run.events_source.clone(),
            maxwell: run
                .maxwell
                .as_ref()
                .filter(|maxwell| !maxwell.warnings.is_empty())
                .map(|maxwell| MaxwellData { warnings: maxwell.warnings.clone(), ..MaxwellData::default() }),
            ..RunReport::default()
        });
        let evokeds = self.evokeds.iter().map(|evoked| EvokedData {
            name: evoked.name.clone(),
            is_contrast: evoked.is_contrast,
            nave: evoked.nave,
            ..EvokedData::default()
        });
        Self {
            runs: runs.collect(),
            evokeds: evokeds.collect(),
            drops: self.drops.as_ref().map(|drops| DropData { by_reason: Vec::new(), ..drops.clone() }),
            covariances: Vec::new(),
            timing: Vec::new(),
            ..self.clone()
        }
    }
    /// Warnings about the subject and its recordings.
    pub fn all_warnings(&self) -> Vec<String> {
        let of_run = |run: &RunReport| -> Vec<String> {
            let warnings = run.maxwell.iter().flat_map(|maxwell| &maxwell.warnings);
            warnings.map(|warning| format!("{}: {warning}", run.label)).collect()
        };
        self.warnings.iter().cloned().chain(self.runs.iter().flat_map(of_run)).collect()
    }
}

/// Each warning about subjects once, with the subjects that it is about.
pub fn grouped_warnings<'s>(
    subjects: impl IntoIterator<Item = &'s SubjectReport>,
) -> Vec<(String, Vec<&'s SubjectReport>)> {
    let mut grouped: Vec<(String, Vec<&SubjectReport>)> = Vec::new();
    for subject in subjects {
        for warning in subject.all_warnings() {
            match grouped.iter_mut().find(|(known, _)| *known == warning) {
                Some((_, subjects)) => subjects.push(subject),
                None => grouped.push((warning, vec![subject])),
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

/// One recording.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct RunReport {
    /// `task-av_run-01`, or the file's own name.
    pub label: String,
    /// The file, relative to the study's data folder.
    pub path: String,
    /// Whether it is the empty room.
    #[serde(default)]
    pub is_empty_room: bool,
    /// Length (s).
    pub duration_s: f64,
    /// Sampling frequency before and after (Hz).
    pub sfreq: (f64, f64),
    /// Channels by type, bad ones included.
    pub n_channels: Vec<(String, usize)>,
    /// Bad channels: name and where that is known from (`channels.tsv`, `study.toml`, `recording`).
    pub bads: Vec<(String, String)>,
    /// Stretches not acquired or marked as bad (s): start, stop, description.
    pub marked: Vec<(f64, f64, String)>,
    /// Where events came from, in words (`stimulus channel STI 014`, `events.tsv`).
    pub events_source: String,
    /// Events by condition; codes that belong to none have their number as name.
    pub events: Vec<EventCount>,
    /// Onsets (s from the recording's first sample) and condition (index into `events`), for the timeline.
    pub event_times: Vec<(f64, usize)>,
    /// Spectra of the raw and the filtered recording.
    pub spectra: Vec<SpectrumData>,
    /// The filters used, in words, with their length.
    pub filters: Vec<String>,
    /// Line frequency (Hz), if known, and the notch frequencies asked for.
    pub line_freqs: Vec<f64>,
    /// The search for bad channels, where there was one.
    #[serde(default)]
    pub found_bads: Option<FoundBadsData>,
    /// The Maxwell filter, where there was one.
    #[serde(default)]
    pub maxwell: Option<MaxwellData>,
}

/// The search for bad channels of one recording.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FoundBadsData {
    /// Channel, what it is (`flat`, `noisy`), largest score, intervals above the limit.
    pub channels: Vec<(String, String, f64, usize)>,
    /// Score above which a channel is noisy in an interval.
    pub limit: f64,
    /// Start of the first interval, end of the last (s).
    pub span: (f64, f64),
    /// Intervals.
    pub n_intervals: usize,
    /// Scores of each channel, type by type: type, channels, scores row by row (tenths, 255: left out).
    pub scores: Vec<(String, usize, Vec<u8>)>,
}

/// The Maxwell filter of one recording.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MaxwellData {
    /// What was done, in words.
    pub doing: Vec<String>,
    /// Centre of the expansions in the head frame (m).
    pub origin: [f64; 3],
    /// Channels used.
    pub n_good: usize,
    /// Bad channels rebuilt.
    pub rebuilt: Vec<String>,
    /// Bases in the order of time: time (s), inner moments kept and there, outer moments kept and there, condition.
    pub bases: Vec<(f64, usize, usize, usize, usize, f64)>,
    /// Windows of the temporal extension: start, stop (s), directions taken out.
    pub windows: Vec<(f64, f64, usize)>,
    /// Where the head was: time (s), position of the device's origin in the head frame (m), rotation (degrees).
    pub head: Vec<(f64, [f64; 3], [f64; 3])>,
    /// How far the head was moved to its destination (m), and turned (degrees).
    pub moved: Option<(f64, f64)>,
    /// Remarks.
    pub warnings: Vec<String>,
}

/// How many events of a kind.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EventCount {
    /// Condition.
    pub name: String,
    /// Code.
    pub code: i64,
    /// How many.
    pub n: usize,
    /// Whether the study uses it.
    pub used: bool,
}

/// Power spectral density of one channel type at one stage.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SpectrumData {
    /// `raw`, `sss` (Maxwell filtered) or `filtered`.
    pub stage: String,
    /// Channel type (`mag`, `grad`, `eeg`).
    pub ch_type: String,
    /// Frequencies (Hz).
    pub freqs: Vec<f32>,
    /// Median over good channels (unit²/Hz).
    pub median: Vec<f32>,
    /// 5th and 95th percentile over good channels.
    pub low: Vec<f32>,
    /// See `low`.
    pub high: Vec<f32>,
    /// Channels behind it.
    pub n_channels: usize,
}

/// One evoked response: a condition or a contrast.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct EvokedData {
    /// Name.
    pub name: String,
    /// Whether it is a contrast of conditions.
    pub is_contrast: bool,
    /// Epochs averaged.
    pub nave: f64,
    /// Times (s).
    pub times: Vec<f32>,
    /// Baseline (s).
    pub baseline: Option<(f64, f64)>,
    /// Channels, in the order of the rows of `data`.
    pub channels: Vec<ChannelData>,
    /// `(n_channels, n_times)`.
    pub data: Vec<Vec<f32>>,
}

/// A channel of an evoked response.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChannelData {
    /// Name.
    pub name: String,
    /// Type (`mag`, `grad`, `eeg`).
    pub ch_type: String,
    /// Position (m): MEG in the device frame, EEG in the head frame.
    pub pos: [f64; 3],
    /// Whether it is bad.
    pub bad: bool,
}

/// Noise covariance of one channel type.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct CovarianceData {
    /// Channel type.
    pub ch_type: String,
    /// Eigenvalues, largest first (unit²).
    pub eigenvalues: Vec<f64>,
    /// Rank assumed.
    pub rank: usize,
    /// Samples behind it.
    pub n_samples: u64,
}

/// Which epochs were dropped, and why.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DropData {
    /// Epochs before rejection.
    pub n_before: usize,
    /// Epochs kept.
    pub n_kept: usize,
    /// Condition, epochs before, epochs kept.
    pub by_condition: Vec<(String, usize, usize)>,
    /// Reason (a channel's name, or `TOO_SHORT`, `BAD_…`) and how many epochs it cost; most frequent first.
    pub by_reason: Vec<(String, usize)>,
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

/// An evoked response as the report shows it: channels of the study's types.
pub(crate) fn evoked_data(
    evoked: &bakusoku_core::containers::Evoked,
    is_contrast: bool,
    types: &[bakusoku_core::ChannelType],
) -> EvokedData {
    let info = &evoked.info;
    let rows: Vec<usize> = (0..info.n_channels()).filter(|&ch| types.contains(&info.chs[ch].ch_type())).collect();
    EvokedData {
        name: evoked.comment.clone(),
        is_contrast,
        nave: evoked.nave,
        times: evoked.times().iter().map(|&t| t as f32).collect(),
        baseline: evoked.baseline,
        channels: rows
            .iter()
            .map(|&ch| {
                let channel = &info.chs[ch];
                let pos = [channel.loc[0], channel.loc[1], channel.loc[2]];
                ChannelData {
                    name: channel.name.clone(),
                    ch_type: channel.ch_type().name().into(),
                    pos,
                    bad: info.is_bad(ch),
                }
            })
            .collect(),
        data: rows.iter().map(|&ch| evoked.data.row(ch).iter().map(|&x| x as f32).collect()).collect(),
    }
}

/// An average over subjects.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct GroupEvoked {
    /// The average; `nave` is the number of subjects.
    pub evoked: EvokedData,
    /// Global field power of each subject behind it: label, then per channel type `(type, values over times)`.
    pub singles: Vec<(String, Vec<(String, Vec<f32>)>)>,
}
