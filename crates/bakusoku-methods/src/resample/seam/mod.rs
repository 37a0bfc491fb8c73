//! What a circular convolution gets wrong where the padded row's end meets its start (see `filtered`), put right in the
//! samples that come out.

mod error;
mod series;

use super::fourier::Fourier;
use bakusoku_math::convolve::Fir;
use error::ErrorKernel;
use series::Series;

/// The seam of rows of one length.
pub(super) struct Seam {
    error: ErrorKernel,
    series: Series,
}

/// Buffers of one thread.
#[derive(Default)]
pub(super) struct Work {
    error: error::Work,
    series: series::Work,
}

/// The largest quotient of the series: how near the seam is, below 1.
pub(super) fn ratio(fir: &Fir, plain: &Fourier, n_out: usize) -> f64 {
    series::Geometry::new(fir, plain, n_out).ratio()
}

impl Seam {
    pub(super) fn new(fir: &Fir, plain: &Fourier, n_out: usize) -> Self {
        Self { error: ErrorKernel::new(fir), series: Series::new(series::Geometry::new(fir, plain, n_out), plain) }
    }

    /// Bytes of a thread's buffers.
    pub(super) fn work_bytes(fir: &Fir) -> u64 {
        ErrorKernel::work_bytes(fir) + Series::work_bytes(fir)
    }

    /// Corrects the samples that came out of `row`, padded as `plain` says; `is_known` where the last call was for the same
    /// row and padding, with any filter.
    pub(super) fn correct(&self, row: &[f64], plain: &Fourier, is_known: bool, out: &mut [f64], work: &mut Work) {
        let error = self.error.run(row, plain.n_pad, is_known, &mut work.error);
        self.series.add(error, out, &mut work.series);
    }
}
