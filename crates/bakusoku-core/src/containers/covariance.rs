//! Covariance of channels.

use crate::Projector;
use ndarray::Array2;

/// A covariance matrix of named channels (MNE's `Covariance`).
#[derive(Clone, Debug)]
pub struct Covariance {
    /// Channels of rows and columns.
    pub names: Vec<String>,
    /// Channels that were bad.
    pub bads: Vec<String>,
    /// Projectors of the data.
    pub projs: Vec<Projector>,
    /// Degrees of freedom.
    pub nfree: i64,
    /// How it was computed.
    pub method: String,
    /// `(n_channels, n_channels)`, SI units squared.
    pub data: Array2<f64>,
}
