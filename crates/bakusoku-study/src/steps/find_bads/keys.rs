//! Keys of the search for bad channels.

use crate::config::keys::{Key, MAXWELL, key};
use crate::config::{Field, Kind};
use crate::steps::maxwell::keys::{BAD_CONDITION, COILS, IGNORE_REF, MAG_SCALE, REGULARIZE, SKIP};

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

pub(super) const KEYS: &[Key] = &[
    key(
        MAXWELL,
        "find_flat_channels_meg",
        Kind::Bool,
        "false",
        "Find flat MEG channels; they are bad in all runs of the subject and session.",
    ),
    key(
        MAXWELL,
        "find_noisy_channels_meg",
        Kind::Bool,
        "false",
        "Find noisy MEG channels by Maxwell filtering; they are bad in all runs of the subject and session.",
    ),
    key(
        MAXWELL,
        "find_bad_channels_extra_kws",
        Kind::Table(FIND_BADS),
        "{}",
        "Further options of the search for bad channels.",
    ),
];
