//! Covariance of the noise: `(n_channels, n_channels)` in SI units squared.
//!
//! The empirical covariance is the sum of `x xᵀ` over all samples, restricted to the space in which the data have
//! variance at all (their *rank*, by channel type), as MNE-Python computes it. Sums run over pieces of fixed length,
//! so that neither the length of blocks nor the number of threads shows.
//!
//! | ours | MNE-Python |
//! |---|---|
//! | [`empirical_covariance`], [`CovarianceSink`] | `mne.compute_covariance(epochs, method="empirical")` |
//! | [`raw_covariance_plan`] and [`RawCovarianceSink`] | `mne.compute_raw_covariance(raw)` |
//! | [`info_rank`] | `mne.compute_rank(info, rank="info")` |

mod channels;
mod finish;
mod params;
mod rank;
mod raw;
mod sink;
mod sums;

pub use channels::{covariance_picks, info_rank};
pub use params::{CovarianceParams, Rank};
pub use raw::{RawCovarianceParams, RawCovarianceSink, raw_covariance_plan};
pub use sink::{CovarianceSink, empirical_covariance};
