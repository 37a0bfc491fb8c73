//! EDF, EDF+ (continuous and discontinuous), BDF and BDF+ files, and BioSemi's BDF with its status channel.
//!
//! Names, types, units, calibration, pass band, date, person, stimulus codes and annotations are those of
//! `mne.io.read_raw_edf` and `read_raw_bdf` (MNE-Python 1.13, BSD-3-Clause). Samples are in SI units. All channels are read
//! at the rate of the fastest one that is read; the others are brought to it over their whole length, as MNE does with
//! `preload=True` (a temporary file of 8 bytes a sample for each that is asked for), and codes are held.
//!
//! Where it differs from MNE:
//! - records of EDF+D and BDF+D stand at their times: what was not recorded between them is a gap that reads as zeros and is
//!   annotated as `BAD_ACQ_SKIP` (MNE puts the records one after the other, and annotations then lie elsewhere);
//! - pieces of channels with a lower rate are those of the whole (MNE has edge artifacts unless all is loaded);
//! - the fraction of a second at which the first record starts is part of `meas_date`, and a text in the very first list counts
//!   from there, too;
//! - annotations that are not UTF-8 are read as Latin-1 without being told, and may hold line breaks;
//! - the rate is that of the stimulus channel where that is the fastest (MNE gives it another rate than samples);
//!   codes of slower stimulus channels are cut to 17 bits, too;
//! - `nV` is known as a unit; filters are those of the channels that are read, whatever was left out;
//! - labels end at a zero byte.
//!
//! Formats: Kemp et al. (1992), Kemp & Olivan (2003), BioSemi's BDF.

mod annotations;
mod header;
mod info;
mod options;
mod read;
mod records;
mod resample;
mod write;
mod write_annotations;

pub use options::{EdfOptions, StimChannel, Units};
pub(crate) use read::open_recording;
pub use read::{EdfRaw, labels};
pub use write::{files, write_bdf, write_edf};

/// Whether a file that starts with these bytes is EDF.
pub fn probe_edf(start: &[u8]) -> bool {
    start.starts_with(b"0       ")
}

/// Whether a file that starts with these bytes is BDF.
pub fn probe_bdf(start: &[u8]) -> bool {
    start.starts_with(b"\xffBIOSEMI")
}
