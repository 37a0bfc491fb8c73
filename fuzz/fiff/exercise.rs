//! Everything that reads FIFF, on a file that may be broken in any way. What comes out does not matter, only that it
//! comes: no panic, no endless loop, no memory that the file does not account for.

use crate::pieces::pieces;
use bakusoku_core::Recording;
use bakusoku_io::fif::{self, FifRaw, RawOptions, RawWriter};
use std::path::Path;

/// Bytes that may be held at once for a file of that length. Files are read into memory as a whole at most a few times
/// (a tag, its numbers as f64, a calibrated copy); the constant is that of the largest matrix that a few bytes may ask
/// for, a covariance that is given by its diagonal.
pub(crate) fn allowed(len: usize) -> usize {
    (160 << 20) + 64 * len
}

/// Reads the file at `path` in every way there is; `scratch` is a folder for what is written again.
pub(crate) fn everything(path: &Path, scratch: &Path) {
    if let Ok(recording) = bakusoku_io::open(path) {
        pieces(&*recording);
    }
    if let Ok(raw) = FifRaw::open(path)
        && raw.stream().n_times < 10_000
    {
        let _ = RawWriter::copy(scratch.join("copy_raw.fif"), &raw, RawOptions::default());
    }
    let _ = fif::convert(path, &scratch.join("converted_raw.fif"), None);
    let id = fif::FileId::CONSTANT;
    if let Ok(evokeds) = fif::read_evoked(path) {
        let _ = fif::write_evoked(&scratch.join("copy-ave.fif"), &evokeds, id);
    }
    if let Ok(epochs) = fif::read_epochs(path) {
        let _ = fif::write_epochs(&scratch.join("copy-epo.fif"), &epochs, &fif::EpochsExtras::default(), id);
    }
    if let Ok(cov) = fif::read_covariance(path) {
        let _ = fif::write_covariance(&scratch.join("copy-cov.fif"), &cov, id);
    }
    if let Ok(events) = fif::read_events(path) {
        let _ = fif::write_events(&scratch.join("copy-eve.fif"), &events, id);
    }
    if let Ok(annotations) = fif::read_annotations(path) {
        let _ = fif::write_annotations(&scratch.join("copy-annot.fif"), &annotations, id);
    }
    if let Ok(projs) = fif::read_projections(path) {
        let _ = fif::write_projections(&scratch.join("copy-proj.fif"), &projs, id);
    }
    if let Ok(cross_talk) = bakusoku_io::maxfilter::read_cross_talk(path) {
        let _ = bakusoku_io::maxfilter::write_cross_talk(scratch.join("copy_ctc.fif"), &cross_talk, id);
    }
}
