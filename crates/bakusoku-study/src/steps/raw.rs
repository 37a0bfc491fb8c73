//! The filtered recording: `proc-filt_raw.fif`, single precision.

use super::Step;
use crate::Result;
use bakusoku_core::Stream;
use bakusoku_fiff::FileId;
use bakusoku_io::fif::{RawOptions, RawWriter};
use std::path::Path;

pub(crate) const STEP: Step = Step {
    name: "raw",
    revision: 1,
    keys: &[],
    doc: "Writes the filtered recording (proc-filt_raw.fif, single precision).",
};

/// A writer for a stream.
///
/// # Errors
/// When the file can't be made.
pub(crate) fn writer(path: &Path, stream: &Stream, id: FileId) -> Result<RawWriter> {
    Ok(RawWriter::create(path, stream, RawOptions { id, ..RawOptions::default() })?)
}
