//! Reads an EEG recording that may be broken in any way. What comes out does not matter, only that it comes: no panic, no
//! endless loop, no memory that the file does not account for.

use crate::pieces::pieces;
use bakusoku_io::edf::{EdfOptions, EdfRaw, labels};
use std::path::{Path, PathBuf};

/// What stands between the files of a BrainVision recording where all are one input.
pub(crate) const BETWEEN: &[u8] = b"\n\0\n";

/// Bytes that may be held at once for files of that length: a text and its lines, a channel's transform.
pub(crate) fn allowed(len: usize) -> usize {
    (16 << 20) + 256 * len
}

/// Writes an input into the folder; the path that is opened.
pub(crate) fn unpack(bytes: &[u8], folder: &Path) -> std::io::Result<PathBuf> {
    if bytes.starts_with(b"0       ") || bytes.first() == Some(&0xff) {
        std::fs::write(folder.join("input.edf"), bytes)?;
        return Ok(folder.join("input.edf"));
    }
    let mut rest = bytes;
    for end in ["vhdr", "vmrk"] {
        let at = rest.windows(BETWEEN.len()).position(|part| part == BETWEEN).unwrap_or(rest.len());
        std::fs::write(folder.join(format!("input.{end}")), &rest[..at])?;
        rest = rest.get(at + BETWEEN.len()..).unwrap_or_default();
    }
    std::fs::write(folder.join("input.eeg"), rest)?;
    Ok(folder.join("input.vhdr"))
}

/// Reads the recording at `path` in every way there is.
pub(crate) fn everything(path: &Path) {
    if let Ok(recording) = bakusoku_io::open(path) {
        pieces(&*recording);
    }
    let options = EdfOptions { infer_types: true, latin1: true, exclude_after_unique: true, ..EdfOptions::default() };
    if path.extension().is_some_and(|end| end == "edf") {
        let _ = labels(path, &options);
        if let Ok(recording) = EdfRaw::open(path, &options) {
            pieces(&recording);
        }
    }
}
