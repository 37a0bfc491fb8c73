//! Power spectra.

use crate::Info;
use ndarray::Array2;
use std::sync::Arc;

/// Power spectral densities (MNE's `Spectrum`).
#[derive(Clone, Debug)]
pub struct Spectrum {
    /// Channels of the data's rows.
    pub info: Arc<Info>,
    /// Frequencies of the columns (Hz).
    pub freqs: Vec<f64>,
    /// `(n_channels, n_freqs)`, SI units squared per Hz.
    pub data: Array2<f64>,
}
