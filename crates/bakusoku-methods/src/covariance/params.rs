//! Parameters of covariances: the names and defaults of `mne.compute_covariance`.

use serde::{Deserialize, Serialize};

/// Where the rank of the data comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rank {
    /// From the data's singular values (MNE's `rank=None`).
    #[default]
    Estimate,
    /// From the number of channels or the Maxwell filter's moments, less the projectors.
    Info,
    /// From the number of channels alone.
    Full,
    /// As given by channel type (`meg` where there are both kinds); estimated for those not named.
    Given(Vec<(String, usize)>),
}

/// The parameters of `mne.compute_covariance(method="empirical")`, with its defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CovarianceParams {
    /// Start of what is used, relative to the event (s); the whole epoch unless told.
    pub tmin: Option<f64>,
    /// End of what is used, relative to the event (s).
    pub tmax: Option<f64>,
    /// Whether the mean over epochs (the evoked response) stays in.
    pub keep_sample_mean: bool,
    /// Where the rank comes from.
    pub rank: Rank,
}

impl Default for CovarianceParams {
    fn default() -> Self {
        Self { tmin: None, tmax: None, keep_sample_mean: true, rank: Rank::default() }
    }
}
