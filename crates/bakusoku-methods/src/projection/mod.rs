//! Signal-space projection (SSP): takes the directions of given vectors out of the data.
//!
//! With `U` an orthonormal basis of the vectors, `(n_channels, n_proj)`, data `(n_channels, n_times)` become
//! `data - U (Uᵀ data)`. Few vectors are far cheaper in this form than as a matrix of channels by channels.
//! Uusitalo & Ilmoniemi (1997), Med. Biol. Eng. Comput. 35:135-140; the numbers are those of `mne.make_projector`.
//!
//! | ours | MNE-Python |
//! |---|---|
//! | [`make_projector`], [`make_projector_info`] | `mne.io.proj.make_projector`, `make_projector_info` |
//! | [`make_eeg_average_ref_proj`] | `mne.io.proj.make_eeg_average_ref_proj` |
//! | [`ApplyProj`] | `raw.apply_proj()` |
//! | [`raw_projectors_plan`] and [`raw_projectors`] | `mne.compute_proj_raw(raw, meg="combined")` |

mod kernel;
mod method;
mod raw;

pub use kernel::{Ssp, make_eeg_average_ref_proj, make_projector, make_projector_info};
pub use method::{ApplyProj, activate_proj, has_eeg_average_ref_proj};
pub use raw::{RawProjParams, raw_projectors, raw_projectors_plan};
