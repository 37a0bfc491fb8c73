//! Resampling of rows.

use super::filtered::Filtered;
use super::fourier::Fourier;
use super::params::{ResampleMethod, Resampling};
use super::polyphase::Polyphase;
use crate::map_rows::map_rows;
use bakusoku_core::{Error, Par, Result, Scratch};
use bakusoku_math::convolve::Fir;
use ndarray::{Array2, ArrayView2};

/// Number of samples that `n` become: at least one.
pub(super) fn length(n: usize, ratio: f64) -> usize {
    ((ratio * n as f64).round_ties_even() as usize).max(1)
}

/// Resamples every row of `x`, `(n_channels, n_times)`, by `up / down` (MNE's `resample`).
///
/// # Errors
/// When a parameter makes no sense, or `x` has no samples.
pub fn resample(par: &Par, x: ArrayView2<'_, f64>, up: f64, down: f64, resampling: &Resampling) -> Result<Array2<f64>> {
    let resampler = Resampler::new(x.ncols(), up, down, resampling)?;
    map_rows(par, x, resampler.n_out(), |row, out, scratch| {
        resampler.run(row, out, scratch);
        Ok(())
    })
}

enum Way {
    Fourier(Fourier),
    Polyphase(Polyphase),
}

/// Resampling, ready for rows of one length.
pub struct Resampler {
    n_out: usize,
    way: Way,
}

impl Resampler {
    /// Makes ready for rows of `n` samples, by `up / down`.
    ///
    /// # Errors
    /// When a parameter makes no sense, or `n` is 0.
    pub fn new(n: usize, up: f64, down: f64, resampling: &Resampling) -> Result<Self> {
        resampling.check(n, up, down)?;
        if n == 0 {
            return Err(Error::data("rows without samples can't be resampled"));
        }
        let ratio = up / down;
        let n_out = length(n, ratio);
        let way = match resampling.method {
            ResampleMethod::Fft => Way::Fourier(Fourier::new(n, n_out, ratio, resampling)?),
            ResampleMethod::Polyphase => Way::Polyphase(Polyphase::new(n, n_out, resampling)?),
        };
        Ok(Self { n_out, way })
    }
    /// Number of samples that come out.
    pub fn n_out(&self) -> usize {
        self.n_out
    }
    /// Resamples a row.
    pub fn run(&self, row: &[f64], out: &mut [f64], scratch: &mut Scratch) {
        match &self.way {
            Way::Fourier(fourier) => fourier.run(row, out, scratch.get()),
            Way::Polyphase(polyphase) => polyphase.run(row, out, scratch.get()),
        }
    }
    /// The same of rows filtered with `fir` before, in one pass; `None` where that can't be.
    pub(super) fn filtered(&self, fir: &Fir, n: usize) -> Option<Filtered> {
        match &self.way {
            Way::Fourier(fourier) => Filtered::new(fourier, fir, n, self.n_out),
            Way::Polyphase(_) => None,
        }
    }
    pub(super) fn scratch_bytes(&self) -> u64 {
        match &self.way {
            Way::Fourier(fourier) => fourier.work_bytes(),
            Way::Polyphase(polyphase) => polyphase.work_bytes(),
        }
    }
}

/// Resamples codes: each new sample is the first code that is not zero in its stretch, or else the first sample
/// (MNE's `_resample_stim_channels`).
pub fn resample_stim(row: &[f64], out: &mut [f64]) {
    let n = row.len();
    let ratio = out.len() as f64 / n as f64;
    let at = |i: usize| ((i as f64 / ratio) as usize).min(n - 1);
    let n_out = out.len();
    for (i, out) in out.iter_mut().enumerate() {
        let (start, stop) = (at(i), if i + 1 < n_out { at(i + 1) } else { n });
        let code = row.get(start..stop).and_then(|codes| codes.iter().find(|&&code| code != 0.0));
        *out = *code.unwrap_or(&row[start]);
    }
}
