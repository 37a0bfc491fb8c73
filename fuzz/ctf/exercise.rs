//! Reads a CTF folder that may be broken in any way. What comes out does not matter, only that it comes: no panic, no
//! endless loop, no memory that the files do not account for.

use super::seeds::{self, ENDINGS};
use crate::pieces::pieces;
use bakusoku_io::ctf::{CtfOptions, CtfRaw, SystemClock};
use std::path::{Path, PathBuf};

/// What stands between the files of a folder where all are one input.
pub(crate) const BETWEEN: &[u8] = b"\n\0between\0\n";

/// A sound folder as one input.
pub(crate) fn sound() -> Vec<u8> {
    seeds::files().join(BETWEEN)
}

/// Bytes that may be held at once for files of that length.
pub(crate) fn allowed(len: usize) -> usize {
    (16 << 20) + 64 * len
}

/// Writes an input into the folder; the path that is opened.
pub(crate) fn unpack(bytes: &[u8], folder: &Path) -> std::io::Result<PathBuf> {
    let path = folder.join("input.ds");
    std::fs::create_dir_all(&path)?;
    let mut rest = bytes;
    for ending in ENDINGS {
        let at = rest.windows(BETWEEN.len()).position(|part| part == BETWEEN).unwrap_or(rest.len());
        std::fs::write(path.join(ending), &rest[..at])?;
        rest = rest.get(at + BETWEEN.len()..).unwrap_or_default();
    }
    std::fs::write(path.join("BadChannels"), "MLC11\n")?;
    Ok(path)
}

/// Reads the recording at `path` in every way there is.
pub(crate) fn everything(path: &Path) {
    if let Ok(recording) = bakusoku_io::open(path) {
        pieces(&*recording);
    }
    let options = CtfOptions { system_clock: SystemClock::Ignore, clean_names: true, mark_trials: true };
    if let Ok(recording) = CtfRaw::open(path, &options) {
        pieces(&recording);
    }
}
