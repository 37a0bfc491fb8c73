//! Parameters of covariances: the names and defaults of `mne.compute_covariance`.

use bakusoku_core::{ChannelType, Error, Result};
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

/// How a covariance is estimated (`method` of `mne.compute_covariance`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Estimator {
    /// The mean of `x xᵀ`.
    #[default]
    Empirical,
    /// A tenth of the mean variance of each type is added to the variances.
    DiagonalFixed,
    /// Shrinkage by the formula of Ledoit and Wolf, by type.
    LedoitWolf,
    /// Oracle approximating shrinkage, by type.
    Oas,
    /// The same given shrinkage for all channels.
    Shrinkage,
    /// Shrinkage by type that explains samples best that were left out.
    Shrunk,
}

impl Estimator {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Empirical, Self::DiagonalFixed, Self::LedoitWolf, Self::Oas, Self::Shrinkage, Self::Shrunk];

    /// MNE's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Empirical => "empirical",
            Self::DiagonalFixed => "diagonal_fixed",
            Self::LedoitWolf => "ledoit_wolf",
            Self::Oas => "oas",
            Self::Shrinkage => "shrinkage",
            Self::Shrunk => "shrunk",
        }
    }
    /// By MNE's name.
    ///
    /// # Errors
    /// When there is no such method, or only MNE-Python has it.
    pub fn from_name(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            let expected = match name {
                "pca" | "factor_analysis" => format!("one of {names} (MNE-Python has {name})"),
                _ => format!("one of {names}"),
            };
            Error::parameter("method", expected, format!("\"{name}\""))
        })
    }
}

/// The parameters of `mne.compute_covariance`, with its defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CovarianceParams {
    /// Start of what is used, relative to the event (s); the whole epoch unless told.
    pub tmin: Option<f64>,
    /// End of what is used, relative to the event (s).
    pub tmax: Option<f64>,
    /// Whether the mean over epochs (the evoked response) stays in.
    pub keep_sample_mean: bool,
    /// How it is estimated. Of several, the one that explains samples best that were left out.
    pub method: Vec<Estimator>,
    /// The shrinkage of [`Estimator::Shrinkage`].
    pub shrinkage: f64,
    /// Number of folds of the samples where some are left out.
    pub cv: usize,
    /// What brings channels of a type to a common order of magnitude, instead of MNE's numbers.
    pub scalings: Vec<(ChannelType, f64)>,
    /// Where the rank comes from.
    pub rank: Rank,
}

impl Default for CovarianceParams {
    fn default() -> Self {
        Self {
            tmin: None,
            tmax: None,
            keep_sample_mean: true,
            method: vec![Estimator::Empirical],
            shrinkage: 0.1,
            cv: 3,
            scalings: Vec::new(),
            rank: Rank::default(),
        }
    }
}

impl CovarianceParams {
    /// Whether all samples are kept until their number is known (in temporary files where there is a place for them).
    pub fn keeps_samples(&self) -> bool {
        self.method.len() > 1 || matches!(self.method[..], [Estimator::Shrunk | Estimator::LedoitWolf])
    }

    /// # Errors
    /// When parameters make no sense.
    pub(super) fn check(&self) -> Result<()> {
        if self.method.is_empty() {
            return Err(Error::parameter("method", "at least one method", "none"));
        }
        if !self.keep_sample_mean && self.method != [Estimator::Empirical] {
            let names: Vec<&str> = self.method.iter().map(|method| method.name()).collect();
            return Err(Error::parameter(
                "method",
                "\"empirical\" where `keep_sample_mean` is false",
                names.join(", "),
            ));
        }
        if !(0.0..=1.0).contains(&self.shrinkage) {
            return Err(Error::parameter("shrinkage", "between 0 and 1", self.shrinkage));
        }
        if let Some((ch_type, value)) = self.scalings.iter().find(|(_, value)| !(value.is_finite() && *value > 0.0)) {
            return Err(Error::parameter("scalings", "numbers above 0", format!("{value} for {}", ch_type.name())));
        }
        if self.cv < 2 {
            return Err(Error::parameter("cv", "at least 2", self.cv));
        }
        Ok(())
    }
}
