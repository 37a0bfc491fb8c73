//! Reads a set of EEGLAB that may be broken in any way. What comes out does not matter, only that it comes: no panic, no
//! endless loop, no memory that the file does not account for.

use super::seeds;
use crate::pieces::pieces;
use bakusoku_io::eeglab;
use std::path::{Path, PathBuf};

/// Bytes that may be held at once for such a file: what is compressed, or HDF5, may unfold (zlib by 1032 at most), and
/// epochs are handed out in double precision.
pub(crate) fn allowed(bytes: &[u8]) -> usize {
    let unfolds = bytes.starts_with(b"MATLAB 7.3") || bytes.get(128..136).is_some_and(|tag| tag.contains(&15));
    (64 << 20) + bytes.len() * if unfolds { 8 * 1032 } else { 1024 }
}

/// Writes an input into the folder, and samples beside it; the path that is opened.
pub(crate) fn unpack(bytes: &[u8], folder: &Path) -> std::io::Result<PathBuf> {
    std::fs::write(folder.join("input.fdt"), seeds::beside())?;
    std::fs::write(folder.join("input.set"), bytes)?;
    Ok(folder.join("input.set"))
}

/// Reads the set at `path` in every way there is.
pub(crate) fn everything(path: &Path) {
    if let Ok(recording) = bakusoku_io::open(path) {
        pieces(&*recording);
    }
    let options = eeglab::EeglabOptions { eog: eeglab::EogChannels::Auto, ..eeglab::EeglabOptions::default() };
    let _ = eeglab::read_epochs(path, &options);
    let _ = eeglab::read_ica(path);
}
