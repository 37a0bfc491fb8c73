//! Keys of the Maxwell filter.

use crate::config::keys::{Key, MAXWELL, NONE, POSITIVE_OR_NONE, TEXT_OR_NONE, key};
use crate::config::{Field, Kind};

const THREE: Kind = Kind::Tuple(&[Kind::Number, Kind::Number, Kind::Number]);
const FOUR: Kind = Kind::Tuple(&[Kind::Number, Kind::Number, Kind::Number, Kind::Number]);
const MISSING: Kind = Kind::Word(&["ignore", "warn", "raise"]);
pub(crate) const REGULARIZE: Field = Field {
    name: "regularize",
    kind: Kind::Word(&["in", "in_argmax", "none"]),
    doc: "Which inner moments are kept; \"in\" by default.",
};
pub(crate) const BAD_CONDITION: Field = Field {
    name: "bad_condition",
    kind: Kind::Word(&["error", "warning", "ignore", "info"]),
    doc: "What to do when the basis can hardly be inverted; \"error\" by default.",
};
pub(crate) const IGNORE_REF: Field =
    Field { name: "ignore_ref", kind: Kind::Bool, doc: "Leave reference channels out; false by default." };
pub(crate) const MAG_SCALE: Field = Field {
    name: "mag_scale",
    kind: Kind::Either(&[Kind::Word(&["auto"]), Kind::Positive]),
    doc: "Factor on magnetometers; 100 by default.",
};
pub(crate) const SKIP: Field = Field {
    name: "skip_by_annotation",
    kind: Kind::List(&Kind::Text),
    doc: "Annotations that cut the recording, and pass unchanged; [\"edge\", \"bad_acq_skip\"] by default.",
};
pub(crate) const COILS: Field = Field {
    name: "coil_definitions",
    kind: Kind::Word(&["mne", "megin"]),
    doc: "Whose description of the coils: MNE's, or MEGIN's 13-digit table; \"mne\" by default.",
};

/// Entries of `mf_extra_kws`.
const MF_EXTRA: &[Field] = &[
    REGULARIZE,
    BAD_CONDITION,
    IGNORE_REF,
    MAG_SCALE,
    SKIP,
    COILS,
    Field {
        name: "st_fixed",
        kind: Kind::Bool,
        doc: "The temporal extension works before movement is compensated; true by default.",
    },
    Field { name: "st_only", kind: Kind::Bool, doc: "Temporal projection only; false by default." },
    Field { name: "st_overlap", kind: Kind::Bool, doc: "Windows overlap by half; true by default." },
    Field {
        name: "mc_interp",
        kind: Kind::Word(&["hann", "cos2", "linear", "zero"]),
        doc: "How results of neighbouring head positions go over into one another; \"hann\" by default.",
    },
];

/// Keys of the filter that the search for bad channels uses as well.
pub(crate) const USED_BY_THE_SEARCH: &[&str] =
    &["mf_head_origin", "mf_cal_fname", "mf_cal_missing", "mf_ctc_fname", "mf_ctc_missing", "mf_reference_run"];

pub(super) const KEYS: &[Key] = &[
    key(MAXWELL, "use_maxwell_filter", Kind::Bool, "false", "Maxwell filter (SSS, tSSS)."),
    key(
        MAXWELL,
        "mf_st_duration",
        POSITIVE_OR_NONE,
        "\"none\"",
        "Length of the windows of the temporal extension (s); \"none\": spatial only.",
    ),
    key(
        MAXWELL,
        "mf_st_correlation",
        Kind::Positive,
        "0.98",
        "Directions in time that inside and outside share at least to this correlation are taken out.",
    ),
    key(
        MAXWELL,
        "mf_head_origin",
        Kind::Either(&[Kind::Word(&["auto"]), THREE]),
        "\"auto\"",
        "Centre of the expansions in the head frame (m); \"auto\": of a sphere fitted to the digitised head shape.",
    ),
    key(
        MAXWELL,
        "mf_destination",
        Kind::Either(&[Kind::Word(&["reference_run", "twa"]), THREE, Kind::Tuple(&[FOUR, FOUR, FOUR, FOUR])]),
        "\"reference_run\"",
        "Where the head is to appear: as in mf_reference_run, the time-weighted average of all runs, a shift (m), or a 4 × 4 matrix from the device to the head.",
    ),
    key(
        MAXWELL,
        "mf_reference_run",
        TEXT_OR_NONE,
        "\"none\"",
        "The run whose head position counts; \"none\": the first one.",
    ),
    key(MAXWELL, "mf_int_order", Kind::Int(0), "8", "Order of the inner expansion."),
    key(MAXWELL, "mf_ext_order", Kind::Int(0), "3", "Order of the outer expansion."),
    key(
        MAXWELL,
        "mf_cal_fname",
        TEXT_OR_NONE,
        "\"none\"",
        "Fine calibration (.dat), relative to this file, also with {subject} and {session}; \"none\": sub-*_acq-calibration_meg.dat of the dataset.",
    ),
    key(MAXWELL, "mf_cal_missing", MISSING, "\"raise\"", "When there is no fine calibration."),
    key(
        MAXWELL,
        "mf_ctc_fname",
        TEXT_OR_NONE,
        "\"none\"",
        "Cross-talk (.fif), relative to this file, also with {subject} and {session}; \"none\": sub-*_acq-crosstalk_meg.fif of the dataset.",
    ),
    key(MAXWELL, "mf_ctc_missing", MISSING, "\"raise\"", "When there is no cross-talk matrix."),
    key(
        MAXWELL,
        "mf_mc",
        Kind::Bool,
        "false",
        "Compensate head movement; needs mf_head_pos_fname and mf_filter_chpi = false.",
    ),
    key(
        MAXWELL,
        "mf_head_pos_fname",
        TEXT_OR_NONE,
        "\"none\"",
        "Head positions of each run (MaxFilter's .pos), relative to this file, as \"pos/{subject}_{run}.pos\" (also {session}, {task}).",
    ),
    key(
        MAXWELL,
        "mf_filter_chpi",
        Kind::Either(&[NONE, Kind::Bool]),
        "\"none\"",
        "Take the signals of continuous head position indication out before; \"none\": as mf_mc.",
    )
    .but(&["true"], "write false: the signals of head position indication can't be taken out yet"),
    key(MAXWELL, "mf_extra_kws", Kind::Table(MF_EXTRA), "{}", "Further options of the Maxwell filter."),
];
