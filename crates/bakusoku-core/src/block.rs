//! A piece of a recording in memory.

use crate::Span;
use ndarray::Array2;

/// Consecutive samples of all channels of a stream: `(n_channels, n_times)`, C order, f64, SI units.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// Its first sample, counted from the start of its stream.
    pub start: u64,
    /// The samples.
    pub data: Array2<f64>,
}

impl Block {
    /// Number of samples in time.
    pub fn n_times(&self) -> usize {
        self.data.ncols()
    }
    /// The samples it covers.
    pub fn span(&self) -> Span {
        Span::new(self.start, self.start + self.data.ncols() as u64)
    }
}
