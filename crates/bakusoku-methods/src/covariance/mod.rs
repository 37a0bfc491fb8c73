//! Covariance of the noise: `(n_channels, n_channels)` in SI units squared.
//!
//! The empirical covariance is the sum of `x xᵀ` over all samples, restricted to the space in which the data have
//! variance at all (their *rank*, by channel type), as MNE-Python computes it. Sums run over pieces of fixed length,
//! so that neither the length of blocks nor the number of threads shows.
//!
//! Regularised covariances ([`Estimator`]) are made of the same sums. Cross-validated shrinkage needs one decomposition per
//! fold and type of channels: `(1 - a) S + a μ I` has the same eigenvectors for every shrinkage `a`. The folds are known
//! when the last sample is; until then the samples are kept, in temporary files where there is a place for them.
//!
//! Ledoit & Wolf (2004), *J. Multivar. Anal.* 88; Chen, Wiesel, Eldar & Hero (2010), *IEEE Trans. Signal Process.* 58;
//! Engemann & Gramfort (2015), *NeuroImage* 108.
//!
//! | ours | MNE-Python |
//! |---|---|
//! | [`compute_covariance`], [`CovarianceSink`] | `mne.compute_covariance(epochs, method=...)` |
//! | [`raw_covariance_plan`] and [`RawCovarianceSink`] | `mne.compute_raw_covariance(raw, method=...)` |
//! | [`info_rank`] | `mne.compute_rank(info, rank="info")` |

mod channels;
mod estimate;
mod finish;
mod params;
mod rank;
mod raw;
mod samples;
mod sink;
mod space;
mod sums;

pub use channels::{covariance_picks, info_rank};
pub use params::{CovarianceParams, Estimator, Rank};
pub use raw::{RawCovarianceParams, RawCovarianceSink, raw_covariance_plan};
pub use sink::{CovarianceSink, compute_covariance};
