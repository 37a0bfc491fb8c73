//! A decomposition into independent components.

use crate::{ChannelType, Info};
use ndarray::{Array1, Array2};
use std::sync::Arc;

/// A fitted independent component analysis, as MNE-Python's `ICA` holds it.
///
/// Sources are `unmixing_matrix · pca_components[..n] · (x / pre_whitener - pca_mean)`, with `n` components.
#[derive(Clone, Debug)]
pub struct Ica {
    /// The channels that were decomposed, in order.
    pub info: Arc<Info>,
    /// What each channel is divided by, `(n_channels, 1)`; or a matrix, `(n_channels, n_channels)`, of a noise covariance.
    pub pre_whitener: Array2<f64>,
    /// Mean of each channel after that, `(n_channels,)`.
    pub pca_mean: Array1<f64>,
    /// Principal components in rows, `(n_pca, n_channels)`.
    pub pca_components: Array2<f64>,
    /// Variance along each of them, `(n_pca,)`.
    pub pca_explained_variance: Array1<f64>,
    /// From principal to independent components, `(n, n)`.
    pub unmixing_matrix: Array2<f64>,
    /// Its pseudo-inverse.
    pub mixing_matrix: Array2<f64>,
    /// Components to be taken out.
    pub exclude: Vec<usize>,
    /// Components by what they are (`"ecg"`, `"eog/0/EOG 061"`).
    pub labels: Vec<(String, Vec<usize>)>,
    /// What was asked for and how it went.
    pub fit: IcaFit,
}

/// How a decomposition was made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IcaFit {
    /// `"picard"`, `"fastica"`, `"infomax"`, or what another program calls its own.
    pub method: String,
    /// Number of components asked for: a whole number, or the share of variance below 1.
    pub n_components: Option<f64>,
    /// Principal components kept by `apply`, likewise.
    pub n_pca_components: Option<f64>,
    /// Samples.
    pub n_samples: Option<u64>,
    /// Iterations.
    pub n_iter: Option<u64>,
    /// `"raw"` or `"epochs"`.
    pub current_fit: String,
    /// Parameters of the algorithm, as JSON.
    pub fit_params: Option<String>,
    /// Largest peak-to-peak amplitudes of the samples that were used.
    pub reject: Option<Vec<(ChannelType, f64)>>,
}

impl Ica {
    /// How many independent components there are.
    pub fn n_components(&self) -> usize {
        self.unmixing_matrix.nrows()
    }
}
