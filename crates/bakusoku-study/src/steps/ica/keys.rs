//! Keys of independent components.

use crate::config::Kind;
use crate::config::keys::{CLEAN, Key, NONE, POSITIVE_OR_NONE, key};
use crate::steps::epochs::LIMITS;

pub(super) const KEYS: &[Key] = &[
    key(
        CLEAN,
        "ica_algorithm",
        Kind::Word(&["picard", "fastica", "extended_infomax", "picard-extended_infomax"]),
        "\"picard\"",
        "Algorithm of the decomposition; all are searched by Picard and end at the optimum of the one named.",
    ),
    key(
        CLEAN,
        "ica_l_freq",
        POSITIVE_OR_NONE,
        "1.0",
        "High-pass of the copy that is decomposed (Hz), where the recordings reach below; \"none\": no copy.",
    ),
    key(CLEAN, "ica_max_iterations", Kind::Int(1), "500", "Most iterations of the decomposition."),
    key(
        CLEAN,
        "ica_n_components",
        POSITIVE_OR_NONE,
        "\"none\"",
        "Number of components; below 1, the share of variance they explain; \"none\": 0.999999.",
    ),
    key(
        CLEAN,
        "ica_decim",
        Kind::Either(&[NONE, Kind::Int(1)]),
        "\"none\"",
        "Decompose every n-th sample of the epochs.",
    ),
    key(
        CLEAN,
        "ica_reject",
        Kind::Either(&[NONE, Kind::Word(&["autoreject_local"]), Kind::Table(LIMITS)]),
        "\"none\"",
        "Peak-to-peak limits above which an epoch is not decomposed (T, T/m, V).",
    )
    .but(&["\"autoreject_local\""], "write limits, as { mag = 4e-12, eeg = 300e-6 }"),
    key(CLEAN, "ica_use_ecg_detection", Kind::Bool, "true", "Find components that follow the heart."),
    key(
        CLEAN,
        "ica_ecg_threshold",
        Kind::Positive,
        "0.1",
        "Cross-trial phase statistic from which a component follows the heart.",
    ),
    key(CLEAN, "ica_use_eog_detection", Kind::Bool, "true", "Find components that follow the eyes."),
    key(
        CLEAN,
        "ica_eog_threshold",
        Kind::Positive,
        "3.0",
        "Standard deviations of the correlation with the EOG from which a component follows the eyes.",
    ),
    key(CLEAN, "ica_use_icalabel", Kind::Bool, "false", "Label components by a neural network.")
        .but(&["true"], "write false; components are found by ECG and EOG"),
    key(CLEAN, "random_state", Kind::Int(0), "42", "Seed of the decomposition's start."),
];
