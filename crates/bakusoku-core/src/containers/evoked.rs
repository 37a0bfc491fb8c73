//! Averaged epochs.

use crate::Info;
use ndarray::Array2;
use std::sync::Arc;

/// An average over epochs, or a combination of such averages (MNE's `Evoked`).
#[derive(Clone, Debug)]
pub struct Evoked {
    /// Channels of the data's rows.
    pub info: Arc<Info>,
    /// Name of the condition.
    pub comment: String,
    /// Number of epochs averaged (for combinations: the effective number).
    pub nave: f64,
    /// Sample of the first column, relative to the event.
    pub first: i64,
    /// Baseline that was subtracted (s), if any; open ends are resolved.
    pub baseline: Option<(f64, f64)>,
    /// `(n_channels, n_times)`, SI units.
    pub data: Array2<f64>,
}

impl Evoked {
    /// Times of the columns (s).
    pub fn times(&self) -> Vec<f64> {
        (0..self.data.ncols()).map(|i| (self.first + i as i64) as f64 / self.info.sfreq).collect()
    }
}
