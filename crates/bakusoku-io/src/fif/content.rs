//! What a FIFF file holds, in words, where it is no recording.

use bakusoku_fiff::constants::*;
use bakusoku_fiff::{Fiff, Node};

/// Blocks by which kinds of files are known, the more telling ones first, and what such a file is.
const KINDS: &[(i32, &str)] = &[
    (FIFFB_MNE_ICA, "an ICA solution"),
    (FIFFB_MNE_EPOCHS, "epochs"),
    (FIFFB_MNE_INVERSE_SOLUTION, "an inverse operator"),
    (FIFFB_MNE_FORWARD_SOLUTION, "a forward solution"),
    (FIFFB_MNE_COV, "a covariance"),
    (FIFFB_MNE_SOURCE_SPACE, "source spaces"),
    (FIFFB_BEM_SURF, "a boundary element model"),
    (FIFFB_BEM, "a boundary element model"),
    (FIFFB_MNE_EVENTS, "a list of events"),
    (FIFFB_MNE_ANNOTATIONS, "annotations"),
    (FIFFB_EVOKED, "averages"),
    (FIFFB_CHANNEL_DECOUPLER, "a cross-talk matrix"),
    (FIFFB_MRI, "the description of an MRI"),
    (FIFFB_MNE_CTF_COMP, "compensation matrices"),
    (FIFFB_PROJ, "projectors"),
    (FIFFB_ISOTRAK, "digitised points"),
    (FIFFB_MEAS_INFO, "measurement info without samples"),
];

// Numbers of blocks that nothing else here reads.
const FIFFB_MRI: i32 = 200;
const FIFFB_BEM: i32 = 310;
const FIFFB_BEM_SURF: i32 = 311;
const FIFFB_MNE_SOURCE_SPACE: i32 = 351;
const FIFFB_MNE_INVERSE_SOLUTION: i32 = 353;

/// What the file is: `a covariance`, `averages`, …
pub(super) fn content(fiff: &Fiff) -> String {
    let root = fiff.root();
    if let Some((_, name)) = KINDS.iter().find(|(kind, _)| root.find(*kind).is_some()) {
        return (*name).to_owned();
    }
    if root.entries.iter().any(|entry| entry.kind == FIFF_COORD_TRANS) {
        return "a coordinate transformation".into();
    }
    let mut names: Vec<String> = root.children.iter().map(Node::name).collect();
    names.dedup();
    if names.is_empty() { "a FIFF file without blocks".into() } else { format!("a FIFF file of {}", names.join(", ")) }
}
