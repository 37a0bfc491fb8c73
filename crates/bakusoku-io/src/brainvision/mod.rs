//! BrainVision files, as Brain Products' recorder and many others write them: a header (`.vhdr`, `.ahdr`), markers (`.vmrk`)
//! and samples (`.eeg`, `.dat`), versions 1.0 and 2.0.
//!
//! The header is what is opened. Names, types, units, calibration, pass band, positions, date and annotations are those of
//! `mne.io.read_raw_brainvision` (MNE-Python 1.13, BSD-3-Clause). Samples are in SI units: stored number × resolution ×
//! unit. Impedances are skipped.
//!
//! Where it differs from MNE:
//! - samples as text may be vectorized, and columns before the samples are skipped (MNE refuses the one and ignores the other);
//! - `UseBigEndianOrder=YES` is obeyed;
//! - a vectorized file that is shorter than its `DataPoints` is an error (MNE reads wrong channels);
//! - a `DataType` other than samples over time is an error;
//! - `μ` is micro whichever of Unicode's two characters is written;
//! - a data file that was renamed together with its header is found, with a warning;
//! - a comma in a marker's description need not be written `\1`, as long as three numbers follow;
//! - channels of one name get running numbers (MNE refuses them);
//! - electrodes that the coordinates leave out have no position (MNE refuses the file);
//! - a table of filters that is not understood is a warning.
//!
//! A `New Segment` after the first stays an annotation (`New Segment/`), as in MNE: the file does not say how long the
//! recording was interrupted.
//!
//! Format: Brain Products, BrainVision Core Data Format 1.0.

mod ascii;
mod files;
mod filters;
mod header;
mod info;
mod markers;
mod options;
mod read;
mod settings;
mod write;

pub use options::BrainVisionOptions;
pub use read::BrainVisionRaw;
pub(crate) use read::open_recording;
pub use write::{files, write};

/// Whether a file that starts with these bytes is the header of a BrainVision recording.
pub fn probe(start: &[u8]) -> bool {
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    let mut lines = start.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
    let has = |line: &[u8], word: &[u8]| line.windows(word.len()).any(|part| part == word);
    let first = lines.next().unwrap_or_default();
    let brain_vision = first.starts_with(b"Brain Vision") || first.starts_with(b"BrainVision");
    if has(first, b"Marker File") {
        return false;
    }
    // Some headers lack their first line, or have it changed.
    brain_vision && has(first, b"Header")
        || std::iter::once(first).chain(lines).take(20).any(|line| line.eq_ignore_ascii_case(b"[common infos]"))
}
