//! FIFF files: raw recordings, evoked, epochs, covariance, events, projectors, decompositions.
//!
//! What is read and written follows MNE-Python 1.13 (`mne/_fiff`, `mne/io/fiff`, BSD-3-Clause); everything that is not
//! understood is carried through verbatim.

mod annotations;
mod calibrated;
mod content;
mod convert;
mod covariance;
mod epochs;
mod events;
mod evoked;
mod file;
mod ica;
pub mod info;
pub(crate) mod output;
mod projections;
mod raw;

pub use bakusoku_fiff::FileId;

pub use annotations::{read_annotations, write_annotations};
pub use convert::convert;
pub use covariance::{read_covariance, write_covariance};
pub use epochs::{EpochsExtras, read_epochs, write_epochs, write_epochs_from};
pub use events::{read_events, write_events};
pub use evoked::{read_evoked, write_evoked};
pub(crate) use file::Spilled;
pub use file::{open_fiff, probe};
pub use ica::{read_ica, write_ica};
pub use projections::{read_projections, write_projections};
pub(crate) use raw::open_recording;
pub use raw::{FifRaw, RawFormat, RawOptions, RawWriter, SplitNaming};
