//! Keys of `study.toml`: name, what it may be, default, meaning, and whether it is supported yet. Keys that belong to no
//! step stand here; each step brings its own.
//!
//! Names and defaults are mne-bids-pipeline's (1.10, `_config.py`, BSD-3) where it has the key. Errors, the file that
//! `init` writes, the documentation and the JSON schema are made from this table.

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

pub(crate) const NAMES: Kind = Kind::List(&Kind::Text);
pub(crate) const ALL_OR_NAMES: Kind = Kind::Either(&[Kind::Word(&["all"]), NAMES]);
pub(crate) const NUMBER_OR_NONE: Kind = Kind::Either(&[NONE, Kind::Number]);
pub(crate) const POSITIVE_OR_NONE: Kind = Kind::Either(&[NONE, Kind::Positive]);
pub(crate) const TEXT_OR_NONE: Kind = Kind::Either(&[NONE, Kind::Text]);
pub(crate) const SPAN: Kind = Kind::Tuple(&[NUMBER_OR_NONE, NUMBER_OR_NONE]);

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
    Field { name: "slurm", kind: Kind::Table(SLURM), doc: "Jobs of `bakusoku run --on slurm`." },
];

/// Entries of `[run.slurm]`.
const SLURM: &[Field] = &[
    Field { name: "partition", kind: Kind::Text, doc: "`sbatch --partition`." },
    Field { name: "account", kind: Kind::Text, doc: "`sbatch --account`." },
    Field { name: "constraint", kind: Kind::Text, doc: "`sbatch --constraint`." },
    Field { name: "cpus", kind: Kind::Int(1), doc: "Cores of a unit's job; 2 by default." },
    Field {
        name: "memory",
        kind: Kind::Text,
        doc: "Memory of a unit's job, as \"8GB\"; by default what the plan says.",
    },
    Field { name: "time", kind: Kind::Text, doc: "Time of a unit's job, as \"02:00:00\"; by default an estimate." },
    Field { name: "max_jobs", kind: Kind::Int(1), doc: "Units that may run at once." },
    Field {
        name: "retries",
        kind: Kind::Int(0),
        doc: "How often a unit whose job was killed is tried again, with twice the memory and time; 2 by default.",
    },
    Field { name: "options", kind: NAMES, doc: "More options of sbatch, as [\"--qos=long\"]." },
    Field { name: "setup", kind: Kind::Text, doc: "Shell lines that each job runs first, as \"module load x\"." },
];

pub(crate) const DATA: &str = "Data";
pub(crate) const MAXWELL: &str = "Maxwell filter";
pub(crate) const FILTER: &str = "Filter";
pub(crate) const EVENTS: &str = "Events and epochs";
pub(crate) const CLEAN: &str = "Reference and artifacts";
pub(crate) const RESULTS: &str = "Results";
pub(crate) const HOW: &str = "How to run";

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
        "subject",
        Kind::Map(&Kind::Table(SUBJECT)),
        "{}",
        "Exceptions for one subject: [subject.03] bads = [...], exclude_runs = [...].",
    ),
    key(
        RESULTS,
        "memory_file_method",
        Kind::Word(&["mtime", "hash"]),
        "\"mtime\"",
        "How it is seen whether an input changed: by size and time, or by its content.",
    ),
    key(HOW, "run", Kind::Table(RUN), "{}", "How, not what: n_jobs, memory, on_error, tmpdir, slurm."),
];

/// The headings, in order.
const SECTIONS: &[&str] = &[DATA, MAXWELL, FILTER, EVENTS, CLEAN, RESULTS, HOW];

/// Sorts keys by heading; unknown headings come before the last one.
pub(crate) fn sort(keys: &mut [Key]) {
    keys.sort_by_key(|key| {
        SECTIONS.iter().position(|section| *section == key.section).map_or(2 * SECTIONS.len() - 3, |at| 2 * at)
    });
}

/// The general keys and those of all steps, by heading.
pub fn all() -> &'static [Key] {
    static ALL: std::sync::OnceLock<Vec<Key>> = std::sync::OnceLock::new();
    ALL.get_or_init(|| {
        let mut keys = KEYS.to_vec();
        keys.extend(crate::steps::builtin().iter().flat_map(|step| step.keys()));
        sort(&mut keys);
        keys
    })
}

/// The key of that name.
pub fn find(name: &str) -> Option<&'static Key> {
    all().iter().find(|key| key.name == name)
}
