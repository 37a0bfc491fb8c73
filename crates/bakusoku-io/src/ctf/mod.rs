//! Recordings of CTF systems: a folder `.ds` with a header (`.res4`), samples (`.meg4`, beyond 2 GB `.1_meg4` and so on),
//! coils (`.hc`), electrodes (`.eeg`), points of the head (`.pos`), markers (`MarkerFile.mrk`), `BadChannels` and
//! `bad.segments`.
//!
//! Opened by its folder, or by the header or samples in it. Names, types, calibration, coil types and axes, transformations,
//! compensation matrices, positions, date and annotations are those of `mne.io.read_raw_ctf` (MNE-Python 1.13, BSD-3-Clause).
//! Reference sensors are channels of type `ref_meg`; samples are compensated as they were stored, the grade stands in the
//! channels' coil types, and the header's matrices in `comps`, from which any other grade follows.
//!
//! Trials follow one another without gaps, as in MNE. Where the system clock jumps between two, a warning says so, and
//! [`CtfOptions::mark_trials`] marks it. With [`SystemClock::Truncate`] the recording ends where the clock stands at zero;
//! opening it reads that one channel.
//!
//! Where it differs from MNE:
//! - a renamed folder, whose files still have their old name, is opened, with a warning;
//! - without landmarks of the head, or with some that contradict each other, the recording is opened without a head
//!   position, with a warning (MNE refuses it);
//! - `BadChannels` may name channels that are not there, and full names (MNE fails);
//! - compensation records of sensors that are not there are left out (MNE fails);
//! - a date that is not understood is none, with a warning (MNE refuses the recording).

mod compensation;
mod folder;
mod head;
mod info;
mod markers;
mod options;
mod positions;
mod read;
mod res4;

pub(crate) use folder::header_in;
pub use options::{CtfOptions, SystemClock};
pub use read::CtfRaw;
pub(crate) use read::open_recording;

/// Whether a file that starts with these bytes is the header or samples of a CTF recording.
pub fn probe(start: &[u8]) -> bool {
    [b"MEG41RS".as_slice(), b"MEG42RS", b"MEG41CP", b"MEG42CP", b"MEG4RES", b"MEG4CPT"]
        .iter()
        .any(|kind| start.starts_with(kind))
}
