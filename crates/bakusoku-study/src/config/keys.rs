//! THE table of keys: name, what it may be, default, meaning, and whether it is supported yet.
//!
//! Names and defaults are mne-bids-pipeline's (1.10, `_config.py`, BSD-3) where it has the key. Errors, the file that
//! `init` writes, the documentation and the JSON schema are made from this table.

use super::keys_maxwell as maxwell;
use super::kind::{Field, Kind};

/// Whether what a key asks for exists yet.
#[derive(Clone, Copy, Debug)]
pub enum Support {
    /// It does.
    Yes,
    /// Some values do not: each as TOML, with what to write instead.
    NotValues(&'static [&'static str], &'static str),
}

/// One key of `study.toml`.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What it may be.
    pub kind: Kind,
    /// Its default, as TOML.
    pub default: &'static str,
    /// Heading under which it is listed.
    pub section: &'static str,
    /// What it means.
    pub doc: &'static str,
    /// Whether it is supported.
    pub support: Support,
}

pub(crate) const NONE: Kind = Kind::Word(&["none"]);
pub(crate) const fn key(
    section: &'static str,
    name: &'static str,
    kind: Kind,
    default: &'static str,
    doc: &'static str,
) -> Key {
    Key { name, kind, default, section, doc, support: Support::Yes }
}
impl Key {
    /// A key of a step: heading, name, what it may be, default (as TOML), meaning.
    pub const fn new(
        section: &'static str,
        name: &'static str,
        kind: Kind,
        default: &'static str,
        doc: &'static str,
    ) -> Key {
        key(section, name, kind, default, doc)
    }
    pub(crate) const fn but(mut self, values: &'static [&'static str], instead: &'static str) -> Key {
        self.support = Support::NotValues(values, instead);
        self
    }
}

const NAMES: Kind = Kind::List(&Kind::Text);
const ALL_OR_NAMES: Kind = Kind::Either(&[Kind::Word(&["all"]), NAMES]);
const NUMBER_OR_NONE: Kind = Kind::Either(&[NONE, Kind::Number]);
pub(super) const POSITIVE_OR_NONE: Kind = Kind::Either(&[NONE, Kind::Positive]);
pub(super) const TEXT_OR_NONE: Kind = Kind::Either(&[NONE, Kind::Text]);
const AUTO_OR_POSITIVE: Kind = Kind::Either(&[Kind::Word(&["auto"]), Kind::Positive]);
pub(crate) const SPAN: Kind = Kind::Tuple(&[NUMBER_OR_NONE, NUMBER_OR_NONE]);

/// Channel types that can have a rejection limit.
const LIMITS: &[Field] = &[
    Field { name: "mag", kind: Kind::Positive, doc: "T" },
    Field { name: "grad", kind: Kind::Positive, doc: "T/m" },
    Field { name: "eeg", kind: Kind::Positive, doc: "V" },
    Field { name: "eog", kind: Kind::Positive, doc: "V" },
    Field { name: "ecg", kind: Kind::Positive, doc: "V" },
];

/// Entries of `psd`.
const PSD: &[Field] = &[
    Field { name: "fmin", kind: Kind::NotNegative, doc: "Lowest frequency (Hz); 0 by default." },
    Field { name: "fmax", kind: POSITIVE_OR_NONE, doc: "Highest frequency (Hz); the Nyquist frequency by default." },
    Field { name: "n_fft", kind: Kind::Int(1), doc: "Length of the transform (samples); 2048 by default." },
    Field { name: "n_overlap", kind: Kind::Int(0), doc: "Overlap of windows (samples); 0 by default." },
    Field {
        name: "n_per_seg",
        kind: Kind::Either(&[NONE, Kind::Int(1)]),
        doc: "Length of windows (samples); `n_fft` by default.",
    },
];

/// Entries of `[subject.XX]`.
const SUBJECT: &[Field] = &[
    Field { name: "bads", kind: NAMES, doc: "Channels that are bad in all runs, beside those of channels.tsv." },
    Field { name: "exclude_runs", kind: NAMES, doc: "Runs to leave out." },
];

/// Entries of `[run]`.
const RUN: &[Field] = &[
    Field {
        name: "n_jobs",
        kind: Kind::Either(&[Kind::Word(&["all"]), Kind::Int(1)]),
        doc: "Cores to use; all of the budget by default.",
    },
    Field {
        name: "memory",
        kind: Kind::Either(&[Kind::Word(&["auto"]), Kind::Text]),
        doc: "Memory to use, as \"8GB\".",
    },
    Field {
        name: "on_error",
        kind: Kind::Word(&["continue", "abort"]),
        doc: "Whether other subjects go on when one fails.",
    },
    Field { name: "tmpdir", kind: Kind::Text, doc: "Where large intermediate data are put." },
];

const CONTRAST: Kind = Kind::Either(&[
    Kind::Tuple(&[Kind::Text, Kind::Text]),
    Kind::Table(&[
        Field { name: "name", kind: Kind::Text, doc: "Name of the contrast." },
        Field { name: "conditions", kind: NAMES, doc: "Conditions." },
        Field { name: "weights", kind: Kind::List(&Kind::Number), doc: "Weight of each condition." },
    ]),
]);

const DATA: &str = "Data";
pub(super) const MAXWELL: &str = "Maxwell filter";
const FILTER: &str = "Filter";
const EVENTS: &str = "Events and epochs";
pub(crate) const CLEAN: &str = "Reference and artifacts";
pub(crate) const RESULTS: &str = "Results";
const HOW: &str = "How to run";

/// Keys that belong to no step, or to several.
pub const KEYS: &[Key] = &[
    key(
        DATA,
        "bids_root",
        TEXT_OR_NONE,
        "\"none\"",
        "Folder of the BIDS dataset, relative to this file. \"none\": this file's folder, or `files`.",
    ),
    key(
        DATA,
        "files",
        TEXT_OR_NONE,
        "\"none\"",
        "Without BIDS: a pattern for the recordings, as \"data/{subject}/{run}_raw.fif\" (also {session}, {task}).",
    ),
    key(
        DATA,
        "deriv_root",
        TEXT_OR_NONE,
        "\"none\"",
        "Folder for results, relative to this file. \"none\": derivatives/bakusoku in the dataset.",
    ),
    key(DATA, "subjects", ALL_OR_NAMES, "\"all\"", "Subjects to analyse, without \"sub-\"."),
    key(DATA, "exclude_subjects", NAMES, "[]", "Subjects to leave out."),
    key(DATA, "sessions", ALL_OR_NAMES, "\"all\"", "Sessions to analyse, without \"ses-\"."),
    key(DATA, "task", Kind::Text, "\"\"", "Task to analyse; \"\": the only one there is."),
    key(DATA, "runs", ALL_OR_NAMES, "\"all\"", "Runs to analyse."),
    key(DATA, "exclude_runs", Kind::Either(&[NONE, Kind::Map(&NAMES)]), "\"none\"", "Runs to leave out, by subject."),
    key(DATA, "acq", TEXT_OR_NONE, "\"none\"", "BIDS entity acq of the recordings."),
    key(
        DATA,
        "proc",
        TEXT_OR_NONE,
        "\"none\"",
        "BIDS entity proc of the recordings; \"tsss\" for files that MaxFilter made.",
    ),
    key(DATA, "rec", TEXT_OR_NONE, "\"none\"", "BIDS entity rec of the recordings."),
    key(
        DATA,
        "ch_types",
        Kind::List(&Kind::Word(&["meg", "mag", "grad", "eeg"])),
        "[]",
        "Channel types to analyse; required.",
    ),
    key(
        DATA,
        "data_type",
        Kind::Word(&["none", "meg", "eeg"]),
        "\"none\"",
        "BIDS folder of the recordings; \"none\": meg where ch_types has MEG, else eeg.",
    ),
    key(
        DATA,
        "process_empty_room",
        Kind::Bool,
        "true",
        "Filter the empty room that belongs to a subject like its runs, where there is one (MEG). The bad channels of the runs are bad in it too; its own concern it alone.",
    ),
    key(
        DATA,
        "emptyroom_fname",
        TEXT_OR_NONE,
        "\"none\"",
        "Where the empty room is, as \"empty/{subject}.fif\". \"none\": the one of the sidecar, else the nearest by date.",
    ),
    key(
        DATA,
        "annotations",
        Kind::Word(&["keep", "bids"]),
        "\"keep\"",
        "\"keep\": BAD_ annotations of the recording stay. \"bids\": events.tsv replaces all but BAD_ACQ_SKIP, as mne-bids does.",
    ),
    key(
        DATA,
        "subject",
        Kind::Map(&Kind::Table(SUBJECT)),
        "{}",
        "Exceptions for one subject: [subject.03] bads = [...], exclude_runs = [...].",
    ),
    //
    maxwell::FIND_FLAT,
    maxwell::FIND_NOISY,
    maxwell::FIND_EXTRA,
    maxwell::USE,
    maxwell::ST_DURATION,
    maxwell::ST_CORRELATION,
    maxwell::HEAD_ORIGIN,
    maxwell::DESTINATION,
    maxwell::REFERENCE_RUN,
    maxwell::INT_ORDER,
    maxwell::EXT_ORDER,
    maxwell::ESSS,
    maxwell::ESSS_REJECT,
    maxwell::CAL_FNAME,
    maxwell::CAL_MISSING,
    maxwell::CTC_FNAME,
    maxwell::CTC_MISSING,
    maxwell::MC,
    maxwell::HEAD_POS_FNAME,
    maxwell::FILTER_CHPI,
    maxwell::MF_EXTRA_KWS,
    //
    key(
        FILTER,
        "notch_freq",
        Kind::Either(&[NONE, Kind::Positive, Kind::List(&Kind::Positive)]),
        "\"none\"",
        "Frequencies to notch out (Hz).",
    ),
    key(FILTER, "notch_trans_bandwidth", Kind::Positive, "1.0", "Width of the notches' transition bands (Hz)."),
    key(
        FILTER,
        "notch_widths",
        Kind::Either(&[NONE, Kind::Positive, Kind::List(&Kind::Positive)]),
        "\"none\"",
        "Width of the notches (Hz); \"none\": frequency / 200.",
    ),
    key(
        FILTER,
        "l_freq",
        POSITIVE_OR_NONE,
        "\"none\"",
        "Low edge of the pass band (Hz); \"none\": no high-pass filter.",
    ),
    key(FILTER, "h_freq", POSITIVE_OR_NONE, "40.0", "High edge of the pass band (Hz); \"none\": no low-pass filter."),
    key(FILTER, "l_trans_bandwidth", AUTO_OR_POSITIVE, "\"auto\"", "Width of the transition band at l_freq (Hz)."),
    key(FILTER, "h_trans_bandwidth", AUTO_OR_POSITIVE, "\"auto\"", "Width of the transition band at h_freq (Hz)."),
    key(FILTER, "raw_resample_sfreq", POSITIVE_OR_NONE, "\"none\"", "Resample the recording to this frequency (Hz)."),
    //
    key(
        EVENTS,
        "conditions",
        Kind::Either(&[NONE, NAMES, Kind::Map(&Kind::Either(&[Kind::Int(0), Kind::Text]))]),
        "\"none\"",
        "Conditions: { auditory = 1 } names stimulus codes; texts are trial_type names of events.tsv, parts between / are groups.",
    ),
    key(
        EVENTS,
        "events",
        Kind::Word(&["auto", "stim", "bids"]),
        "\"auto\"",
        "Where events come from: \"auto\": events.tsv if there is one, else the stimulus channel.",
    ),
    key(
        EVENTS,
        "stim_channel",
        Kind::Either(&[Kind::Text, NAMES]),
        "\"auto\"",
        "Stimulus channel; \"auto\": as MNE chooses (STI101, else STI 014, else STI014, else all of type stim).",
    ),
    key(
        EVENTS,
        "event_mask",
        Kind::Either(&[NONE, Kind::Int(0)]),
        "\"none\"",
        "Bits of the stimulus channel; see event_mask_type.",
    ),
    key(
        EVENTS,
        "event_mask_type",
        Kind::Word(&["and", "not_and"]),
        "\"and\"",
        "\"and\": keep the bits of event_mask; \"not_and\": leave them out.",
    ),
    key(EVENTS, "min_duration", Kind::NotNegative, "0.0", "Shortest event (s)."),
    key(EVENTS, "shortest_event", Kind::Int(1), "2", "Shortest event (samples); a shorter one is an error."),
    key(EVENTS, "initial_event", Kind::Bool, "false", "Whether a value at the start of the recording is an event."),
    key(EVENTS, "event_offset", Kind::Number, "0.0", "Delay of the stimulus after its trigger (s)."),
    key(EVENTS, "epochs_tmin", Kind::Number, "-0.2", "Start of epochs (s)."),
    key(EVENTS, "epochs_tmax", Kind::Number, "0.5", "End of epochs (s)."),
    key(
        EVENTS,
        "baseline",
        Kind::Either(&[NONE, SPAN]),
        "[\"none\", 0]",
        "Baseline (s); \"none\" in a pair: the epoch's edge; \"none\": no baseline.",
    ),
    key(EVENTS, "epochs_decim", Kind::Int(1), "1", "Keep every n-th sample of the epochs."),
    key(EVENTS, "detrend", Kind::Either(&[NONE, Kind::Word(&["constant", "linear"])]), "\"none\"", "Detrend epochs."),
    key(
        EVENTS,
        "event_repeated",
        Kind::Word(&["error", "drop", "merge"]),
        "\"error\"",
        "When two events have the same sample.",
    ),
    key(
        EVENTS,
        "on_missing",
        Kind::Word(&["raise", "warn", "ignore"]),
        "\"raise\"",
        "When a condition has no event in a subject.",
    ),
    //
    key(
        CLEAN,
        "eeg_reference",
        Kind::Either(&[Kind::Text, NAMES]),
        "\"average\"",
        "EEG reference: \"average\", \"none\" (as recorded), or channel names.",
    ),
    key(
        CLEAN,
        "spatial_filter",
        Kind::Word(&["none", "ssp", "ica"]),
        "\"none\"",
        "How to remove ocular and cardiac artifacts.",
    )
    .but(&["\"ssp\"", "\"ica\""], "write \"none\"; projectors that stand in the recordings are applied"),
    key(
        CLEAN,
        "reject",
        Kind::Either(&[NONE, Kind::Word(&["autoreject_global", "autoreject_local"]), Kind::Table(LIMITS)]),
        "\"none\"",
        "Peak-to-peak limits above which an epoch is dropped (T, T/m, V).",
    )
    .but(
        &["\"autoreject_global\"", "\"autoreject_local\""],
        "write limits, as { mag = 4e-12, grad = 4e-10, eeg = 150e-6 }",
    ),
    key(
        CLEAN,
        "flat",
        Kind::Either(&[NONE, Kind::Table(LIMITS)]),
        "\"none\"",
        "Peak-to-peak limits below which an epoch is dropped (T, T/m, V).",
    ),
    key(CLEAN, "reject_tmin", NUMBER_OR_NONE, "\"none\"", "Start of the stretch that decides about rejection (s)."),
    key(CLEAN, "reject_tmax", NUMBER_OR_NONE, "\"none\"", "End of the stretch that decides about rejection (s)."),
    key(CLEAN, "reject_by_annotation", Kind::Bool, "true", "Drop epochs that overlap a BAD_ annotation."),
    //
    key(
        RESULTS,
        "contrasts",
        Kind::List(&CONTRAST),
        "[]",
        "Differences of conditions: [[\"a\", \"b\"]] is a minus b; or { name, conditions, weights }.",
    ),
    key(
        RESULTS,
        "psd",
        Kind::Either(&[NONE, Kind::Table(PSD)]),
        "{}",
        "Welch spectra of the filtered recording, written as _psd.h5; \"none\": none.",
    ),
    key(RESULTS, "save_filtered_raw", Kind::Bool, "true", "Write the filtered recordings (proc-filt_raw.fif)."),
    key(RESULTS, "save_epochs", Kind::Bool, "true", "Write the epochs (_epo.fif)."),
    key(
        RESULTS,
        "memory_file_method",
        Kind::Word(&["mtime", "hash"]),
        "\"mtime\"",
        "How it is seen whether an input changed: by size and time, or by its content.",
    ),
    //
    key(HOW, "run", Kind::Table(RUN), "{}", "How, not what: n_jobs, memory, on_error, tmpdir."),
];

/// The general keys and those of all steps, by heading.
pub fn all() -> &'static [Key] {
    static ALL: std::sync::OnceLock<Vec<Key>> = std::sync::OnceLock::new();
    ALL.get_or_init(|| {
        let mut keys = KEYS.to_vec();
        for key in crate::steps::builtin().iter().flat_map(|step| step.keys()) {
            let place = keys.iter().rposition(|other| other.section == key.section).map_or(keys.len(), |last| last + 1);
            keys.insert(place, *key);
        }
        keys
    })
}

/// The key of that name.
pub fn find(name: &str) -> Option<&'static Key> {
    all().iter().find(|key| key.name == name)
}
