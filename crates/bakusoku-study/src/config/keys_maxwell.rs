//! Keys of the Maxwell filter: entries of the table in [`keys`](super::keys).

use super::keys::{Key, MAXWELL, NONE, POSITIVE_OR_NONE, TEXT_OR_NONE, key};
use super::kind::{Field, Kind};

const THREE: Kind = Kind::Tuple(&[Kind::Number, Kind::Number, Kind::Number]);
const FOUR: Kind = Kind::Tuple(&[Kind::Number, Kind::Number, Kind::Number, Kind::Number]);
const MISSING: Kind = Kind::Word(&["ignore", "warn", "raise"]);
const REGULARIZE: Field = Field {
    name: "regularize",
    kind: Kind::Word(&["in", "in_argmax", "none"]),
    doc: "Which inner moments are kept; \"in\" by default.",
};
const BAD_CONDITION: Field = Field {
    name: "bad_condition",
    kind: Kind::Word(&["error", "warning", "ignore", "info"]),
    doc: "What to do when the basis can hardly be inverted; \"error\" by default.",
};
const IGNORE_REF: Field =
    Field { name: "ignore_ref", kind: Kind::Bool, doc: "Leave reference channels out; false by default." };
const MAG_SCALE: Field = Field {
    name: "mag_scale",
    kind: Kind::Either(&[Kind::Word(&["auto"]), Kind::Positive]),
    doc: "Factor on magnetometers; 100 by default.",
};
const SKIP: Field = Field {
    name: "skip_by_annotation",
    kind: Kind::List(&Kind::Text),
    doc: "Annotations that cut the recording, and pass unchanged; [\"edge\", \"bad_acq_skip\"] by default.",
};
const COILS: Field = Field {
    name: "coil_definitions",
    kind: Kind::Word(&["mne", "megin"]),
    doc: "Whose description of the coils: MNE's, or MEGIN's 13-digit table; \"mne\" by default.",
};

/// Entries of `mf_esss_reject`.
const MEG_LIMITS: &[Field] =
    &[Field { name: "mag", kind: Kind::Positive, doc: "T" }, Field { name: "grad", kind: Kind::Positive, doc: "T/m" }];

/// Entries of `find_bad_channels_extra_kws`.
const FIND_BADS: &[Field] = &[
    Field {
        name: "limit",
        kind: Kind::Positive,
        doc: "Standard deviations above the mean at which a channel is noisy; 7 by default.",
    },
    Field { name: "duration", kind: Kind::Positive, doc: "Length of an interval (s); 5 by default." },
    Field { name: "min_count", kind: Kind::Int(1), doc: "In how many intervals a channel must be bad; 5 by default." },
    Field { name: "int_order", kind: Kind::Int(0), doc: "Order of the inner expansion; 8 by default." },
    Field { name: "ext_order", kind: Kind::Int(0), doc: "Order of the outer expansion; 3 by default." },
    REGULARIZE,
    BAD_CONDITION,
    IGNORE_REF,
    MAG_SCALE,
    SKIP,
    COILS,
];

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
pub(super) const USED_BY_THE_SEARCH: &[&str] =
    &["mf_head_origin", "mf_cal_fname", "mf_cal_missing", "mf_ctc_fname", "mf_ctc_missing", "mf_reference_run"];

pub(super) const FIND_FLAT: Key = key(
    MAXWELL,
    "find_flat_channels_meg",
    Kind::Bool,
    "false",
    "Find flat MEG channels; they are bad in all runs of the subject and session.",
);
pub(super) const FIND_NOISY: Key = key(
    MAXWELL,
    "find_noisy_channels_meg",
    Kind::Bool,
    "false",
    "Find noisy MEG channels by Maxwell filtering; they are bad in all runs of the subject and session.",
);
pub(super) const FIND_EXTRA: Key = key(
    MAXWELL,
    "find_bad_channels_extra_kws",
    Kind::Table(FIND_BADS),
    "{}",
    "Further options of the search for bad channels.",
);
pub(super) const USE: Key = key(MAXWELL, "use_maxwell_filter", Kind::Bool, "false", "Maxwell filter (SSS, tSSS).");
pub(super) const ST_DURATION: Key = key(
    MAXWELL,
    "mf_st_duration",
    POSITIVE_OR_NONE,
    "\"none\"",
    "Length of the windows of the temporal extension (s); \"none\": spatial only.",
);
pub(super) const ST_CORRELATION: Key = key(
    MAXWELL,
    "mf_st_correlation",
    Kind::Positive,
    "0.98",
    "Directions in time that inside and outside share at least to this correlation are taken out.",
);
pub(super) const HEAD_ORIGIN: Key = key(
    MAXWELL,
    "mf_head_origin",
    Kind::Either(&[Kind::Word(&["auto"]), THREE]),
    "\"auto\"",
    "Centre of the expansions in the head frame (m); \"auto\": of a sphere fitted to the digitised head shape.",
);
pub(super) const DESTINATION: Key = key(
    MAXWELL,
    "mf_destination",
    Kind::Either(&[Kind::Word(&["reference_run", "twa"]), THREE, Kind::Tuple(&[FOUR, FOUR, FOUR, FOUR])]),
    "\"reference_run\"",
    "Where the head is to appear: as in mf_reference_run, the time-weighted average of all runs, a shift (m), or a 4 × 4 matrix from the device to the head.",
);
pub(super) const INT_ORDER: Key = key(MAXWELL, "mf_int_order", Kind::Int(0), "8", "Order of the inner expansion.");
pub(super) const EXT_ORDER: Key = key(MAXWELL, "mf_ext_order", Kind::Int(0), "3", "Order of the outer expansion.");
pub(super) const ESSS: Key = key(
    MAXWELL,
    "mf_esss",
    Kind::Int(0),
    "0",
    "How many of the strongest directions of the empty room count as outer ones beside the moments (eSSS).",
);
pub(super) const ESSS_REJECT: Key = key(
    MAXWELL,
    "mf_esss_reject",
    Kind::Either(&[NONE, Kind::Table(MEG_LIMITS)]),
    "\"none\"",
    "Seconds of the empty room whose range of values is larger are left out of that, as { mag = 4e-12, grad = 4e-10 }.",
);
pub(super) const REFERENCE_RUN: Key = key(
    MAXWELL,
    "mf_reference_run",
    TEXT_OR_NONE,
    "\"none\"",
    "The run whose head position counts; \"none\": the first one.",
);
pub(super) const CAL_FNAME: Key = key(
    MAXWELL,
    "mf_cal_fname",
    TEXT_OR_NONE,
    "\"none\"",
    "Fine calibration (.dat), relative to this file, also with {subject} and {session}; \"none\": sub-*_acq-calibration_meg.dat of the dataset.",
);
pub(super) const CAL_MISSING: Key =
    key(MAXWELL, "mf_cal_missing", MISSING, "\"raise\"", "When there is no fine calibration.");
pub(super) const CTC_FNAME: Key = key(
    MAXWELL,
    "mf_ctc_fname",
    TEXT_OR_NONE,
    "\"none\"",
    "Cross-talk (.fif), relative to this file, also with {subject} and {session}; \"none\": sub-*_acq-crosstalk_meg.fif of the dataset.",
);
pub(super) const CTC_MISSING: Key =
    key(MAXWELL, "mf_ctc_missing", MISSING, "\"raise\"", "When there is no cross-talk matrix.");
pub(super) const MC: Key = key(
    MAXWELL,
    "mf_mc",
    Kind::Bool,
    "false",
    "Compensate head movement; needs mf_head_pos_fname and mf_filter_chpi = false.",
);
pub(super) const HEAD_POS_FNAME: Key = key(
    MAXWELL,
    "mf_head_pos_fname",
    TEXT_OR_NONE,
    "\"none\"",
    "Head positions of each run (MaxFilter's .pos), relative to this file, as \"pos/{subject}_{run}.pos\" (also {session}, {task}).",
);
pub(super) const FILTER_CHPI: Key = key(
    MAXWELL,
    "mf_filter_chpi",
    Kind::Either(&[NONE, Kind::Bool]),
    "\"none\"",
    "Take the signals of continuous head position indication out before; \"none\": as mf_mc.",
)
.but(&["true"], "write false: the signals of head position indication can't be taken out yet");
pub(super) const MF_EXTRA_KWS: Key =
    key(MAXWELL, "mf_extra_kws", Kind::Table(MF_EXTRA), "{}", "Further options of the Maxwell filter.");
