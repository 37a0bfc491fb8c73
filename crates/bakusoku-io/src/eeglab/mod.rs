//! Sets of EEGLAB: `.set`, a MATLAB file of version 5 (MATLAB's `-v6`, `-v7`) or 7.3, with its samples inside or in a file
//! beside it, `.fdt` or, in old sets, `.dat`.
//!
//! Fields may stand in a struct `EEG` or by themselves. Names, types, calibration (samples are in µV), positions and
//! annotations of a continuous set ([`EeglabRaw`]) are those of `mne.io.read_raw_eeglab`, epochs ([`read_epochs`]) those of
//! `mne.read_epochs_eeglab` (MNE-Python 1.13, BSD-3-Clause). EEGLAB's axes (nose, left ear, vertex) become MNE's (right ear,
//! nose, vertex), in metres. Sets have no date.
//!
//! Samples are read by position. Only where they are inside a compressed variable (`-v7`) they are inflated at the first
//! reading, once, and then held: up to 64 MiB in memory, more in a temporary file. The header of such a set is read by
//! passing over them, with a few MB of memory.
//!
//! A `boundary`, where EEGLAB cut samples out, is an annotation of that name, as in MNE, whose duration is that of what
//! was cut out: filters run across it unless `skip_by_annotation` names it.
//!
//! Where it differs from MNE:
//! - `.dat` files are read (MNE refuses them): single precision, one channel after the other;
//! - a missing or NaN duration is 0 (MNE: NaN, with which its own FIFF files lose the annotation's end);
//! - an event before the first sample is left out with a warning (MNE refuses the set);
//! - fiducials are turned and scaled as the electrodes are (MNE leaves them in EEGLAB's axes and units);
//! - channels of one name keep their places, and a channel `REF` has its own, besides being where the reference is (MNE
//!   refuses both sets);
//! - a list of channels of another length than the data, and a file of samples of another length than the set says, are
//!   errors (MNE reads wrong channels, or fails at the first sample);
//! - characters are UTF-16, as MATLAB writes them; there is no `uint16_codec`.
//!
//! Format: EEGLAB's `eeg_checkset`; The MathWorks, *MAT-File Format*.

mod epochs;
mod events;
mod ica;
mod locations;
mod mat;
mod options;
mod read;
mod samples;
mod set;

pub use epochs::{holds_epochs, read_epochs};
pub use ica::{EeglabIca, read_ica};
pub use options::{EeglabOptions, EogChannels, MontageUnits};
pub use read::EeglabRaw;
pub(crate) use read::open_recording;

/// Whether a file that starts with these bytes is a MATLAB file, as every set is.
pub fn probe(start: &[u8]) -> bool {
    mat::probe(start)
}
