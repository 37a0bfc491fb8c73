//! Independent component analysis: sources that are as independent as can be, and recordings without some of them.
//!
//! Samples are `(n_channels, n_times)` in SI units. Channels are divided by the standard deviation of their type, principal
//! components are found with the accuracy of a singular value decomposition, and Picard searches for the rotation (or the
//! matrix) under which the sources are independent. Steps and numbers are those of `mne.preprocessing.ICA` with
//! `picard.picard`; from the same seed the search starts at the same point.
//!
//! `fastica` and `infomax` are searched by Picard too: FastICA's fixed points are those of Picard with uncorrelated
//! components (Ablin, Cardoso & Gramfort 2018), Infomax's optimum is that of Picard with free ones. So they end at the same
//! components, after another number of iterations.
//!
//! | ours | MNE-Python |
//! |---|---|
//! | [`fit_ica`] and [`sort_by_variance`] | `mne.preprocessing.ICA.fit` |
//! | [`good_pieces`] | its `reject`, `flat` and `tstep` |
//! | [`sources`], [`components`] | `get_sources`, `get_components` |
//! | [`apply`], [`cleaning_map`], [`ApplyIca`] | `apply` |
//! | [`explained_variance_ratio`] | `get_explained_variance_ratio` |
//! | [`picard`] | `picard.picard(whiten=False)` |
//!
//! Errors name the parameter or the channel. The search holds the whitened samples once, besides `x`.

mod apply;
mod fit;
mod method;
mod params;
mod picard;
#[cfg(test)]
mod tests;
mod whiten;

pub use apply::{Affine, Selection, apply, cleaning_map, components, explained_variance_ratio, sources, sources_map};
pub use fit::{Fitted, fit_ica, good_pieces, random_start, sort_by_variance};
pub use method::ApplyIca;
pub use params::{IcaMethod, IcaParams, IcaReject, NComponents, PicardParams, Start};
pub use picard::{Blocks, Found, covariance_of, picard};
pub use whiten::check_channels;
