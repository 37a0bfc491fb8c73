//! The error itself: the padded filtered row less the padded row filtered on a circle.
//!
//! With `d(r)` how the row's start goes on to the left of the seam less how its end goes on to the right (r from the seam), the
//! filter h of length 2L + 1 leaves, for times s before and behind the seam,
//!
//! ```text
//! e(-s)     = -sum h(s + r) d(r)         s = 1 to L, r = 0 to L - 1
//! e(s - 1)  =  sum h(s + r) d(-1 - r)
//! ```
//!
//! Both are the same sums: one complex convolution with half of the filter, on a circle of 2L.

use bakusoku_math::convolve::Fir;
use bakusoku_math::fft::{Complex, Fft, quick_lens};
use bakusoku_math::wide;
use std::sync::Arc;

/// Half a filter, ready.
pub(super) struct ErrorKernel {
    reach: usize,
    fft: Arc<Fft>,
    bins: Vec<Complex>,
}

/// Buffers of one thread.
#[derive(Default)]
pub(super) struct Work {
    steps: Vec<Complex>,
    /// The transform of the row's steps, and for which reach: another filter of the same length needs it again.
    transformed: Vec<Complex>,
    reach: usize,
    error: Vec<Complex>,
    scratch: Vec<Complex>,
}

fn fft_len(reach: usize) -> usize {
    quick_lens(2 * reach).next().expect("lengths go on for ever")
}

impl ErrorKernel {
    pub(super) fn new(fir: &Fir) -> Self {
        let reach = fir.before();
        let fft = Fft::new(fft_len(reach));
        let mut half = vec![Complex::default(); fft.len()];
        for (tap, at) in fir.taps[reach + 1..].iter().zip(&mut half[1..]) {
            at.re = tap / fft.len() as f64;
        }
        let mut bins = half.clone();
        fft.forward(&mut half, &mut bins, &mut vec![Complex::default(); fft.scratch_len()]);
        Self { reach, fft, bins }
    }

    pub(super) fn work_bytes(fir: &Fir) -> u64 {
        4 * 16 * fft_len(fir.before()) as u64
    }

    /// `error[k]` is `e(-k - 1)` (real part) and `e(k)` (imaginary part), for k from 0 to L - 1.
    pub(super) fn run<'w>(&self, row: &[f64], n_pad: [usize; 2], is_known: bool, work: &'w mut Work) -> &'w [Complex] {
        let Work { steps, transformed, reach, error, scratch } = work;
        let n_fft = self.fft.len();
        scratch.resize(scratch.len().max(self.fft.scratch_len()), Complex::default());
        let scratch = &mut scratch[..self.fft.scratch_len()];
        steps.resize(n_fft, Complex::default());
        if !is_known || *reach != self.reach {
            self.steps(row, n_pad, steps);
            transformed.resize(n_fft, Complex::default());
            self.fft.forward(steps, transformed, scratch);
            *reach = self.reach;
        }
        wide!(for ((product, z), bin) in steps.iter_mut().zip(&*transformed).zip(&self.bins) {
            *product = z * bin;
        });
        error.resize(n_fft, Complex::default());
        self.fft.inverse(steps, error, scratch);
        &error[1..][..self.reach]
    }

    /// `-d(r)` and `d(-1 - r)`, backwards on the circle.
    fn steps(&self, row: &[f64], [left, right]: [usize; 2], steps: &mut [Complex]) {
        let (n, n_fft) = (row.len(), steps.len());
        let (first, last) = (2.0 * row[0], 2.0 * row[n - 1]);
        let step = |start: f64, end: f64| (first - start) - (last - end);
        steps[1..n_fft - self.reach + 1].fill(Complex::default());
        for r in 0..self.reach {
            let behind = step(row[left - r], row[n - 2 - right - r]);
            let before = step(row[left + 1 + r], row[n - 1 - right + r]);
            steps[(n_fft - r) % n_fft] = Complex::new(-behind, before);
        }
    }
}
