//! Interpolation of bad EEG channels by spherical splines.
//!
//! The good electrodes are projected onto a unit sphere around an origin; a smooth function on that sphere is fitted to
//! them at every sample, and its value at a bad electrode replaces the samples of that channel. This is a matrix over
//! channels, so that recordings, epochs and averages are interpolated alike. The numbers are those of
//! `inst.interpolate_bads(method=dict(eeg="spline"))` of MNE-Python.
//!
//! Bad channels of other types stay as they are and stay bad; MNE-Python maps bad MEG channels from the field of the
//! others.
//!
//! Perrin, Pernier, Bertrand & Echallier (1989), *Electroencephalogr. Clin. Neurophysiol.* 72, 184–187.
//!
//! | to … | use | MNE-Python |
//! |---|---|---|
//! | know the matrix | [`make_interpolation_matrix`] | `mne.channels.interpolation._make_interpolation_matrix` |
//! | interpolate a recording or epochs | [`InterpolateBads`] | `raw.interpolate_bads()`, `epochs.interpolate_bads()` |
//! | interpolate an average | [`interpolate_evoked`] | `evoked.interpolate_bads()` |

mod kernel;
mod method;

pub use kernel::make_interpolation_matrix;
pub use method::{InterpolateBads, Origin, interpolate_evoked};
