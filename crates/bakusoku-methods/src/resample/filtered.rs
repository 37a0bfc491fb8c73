//! A FIR filter and Fourier resampling in one pass: one forward transform and one short inverse one per row.
//!
//! Odd reflection about an end commutes with a symmetric filter, `h * (2 x(0) - x(-t)) = 2 (h * x)(0) - (h * x)(-t)`. So the
//! filtered row, padded as resampling wants it, is the padded row filtered; and filtering is a product in the spectrum that
//! resampling makes anyway. A product is a circular convolution: where the padded row's end meets its start (the *seam*),
//! it gives something else than the padded filtered row, by an error `e` of the filter's length.
//!
//! `seam` says what this error becomes at the samples that come out.

use super::fourier::{self, Fourier};
use super::seam::{self, Seam};
use bakusoku_math::convolve::Fir;
use bakusoku_math::fft::{Complex, RealFft};
use bakusoku_math::fir::convolve;
use bakusoku_math::pad::Pad;
use std::sync::OnceLock;

/// The seam must be so far away that the series ends soon.
const MAX_RATIO: f64 = 0.6;

/// A filter and resampling, ready for rows of one length.
pub(super) struct Filtered {
    plain: Fourier,
    fir: Fir,
    n: usize,
    n_out: usize,
    /// Made when the first row comes: it takes a transform.
    ready: OnceLock<Ready>,
}

struct Ready {
    /// Gains of the bins.
    gains: Vec<f64>,
    seam: Seam,
}

/// Buffers of one thread.
#[derive(Default)]
pub(super) struct Work {
    fourier: fourier::Work,
    seam: seam::Work,
    /// The last row that was transformed, how, and its bins: behind a fork, the same row comes again.
    last: Vec<f64>,
    how: (usize, [usize; 2], usize),
    bins: Vec<Complex>,
}

impl Filtered {
    /// `None` where rows are not filtered and resampled in one pass: the filter has a delay, or its ends reach too far.
    pub(super) fn new(plain: &Fourier, fir: &Fir, n: usize, n_out: usize) -> Option<Self> {
        let reach = fir.before();
        let [left, right] = plain.n_pad;
        let is_reflected = fir.pad == Pad::ReflectLimited && plain.pad == Pad::ReflectLimited && fir.n_edge >= reach;
        let is_shortened = plain.n_new < plain.n_old && plain.n_new.is_multiple_of(2) && plain.gains.is_none();
        // All that is reflected lies within the row.
        let is_long = reach > 0 && left.min(right) > reach && left.max(right) + reach + 1 < n;
        if !fir.is_symmetric() || !is_reflected || !is_shortened || !is_long {
            return None;
        }
        let filtered = Self { plain: plain.clone(), fir: fir.clone(), n, n_out, ready: OnceLock::new() };
        (seam::ratio(fir, plain, n_out) <= MAX_RATIO).then_some(filtered)
    }

    fn ready(&self) -> Ready {
        let (n_old, reach) = (self.plain.n_old, self.fir.before());
        // The filter, centred, has a real spectrum.
        let mut taps = vec![0.0; n_old];
        for (k, &tap) in self.fir.taps.iter().enumerate() {
            taps[(k + n_old - reach) % n_old] = tap;
        }
        let fft = RealFft::new(n_old);
        let mut bins = vec![Complex::default(); fft.n_bins()];
        fft.forward(&mut taps, &mut bins, &mut vec![Complex::default(); fft.scratch_len()]);
        let gains = bins[..self.plain.n_kept].iter().map(|bin| bin.re * self.plain.scale).collect();
        Ready { gains, seam: Seam::new(&self.fir, &self.plain, self.n_out) }
    }

    pub(super) fn work_bytes(&self) -> u64 {
        self.plain.work_bytes() + 8 * (self.n + 2 * self.plain.n_kept) as u64 + Seam::work_bytes(&self.fir)
    }

    pub(super) fn run(&self, row: &[f64], out: &mut [f64], work: &mut Work) {
        let ready = self.ready.get_or_init(|| self.ready());
        let is_known = self.forward(row, work);
        self.plain.inverse(out, Some(&ready.gains), &mut work.fourier);
        ready.seam.correct(row, &self.plain, is_known, out, &mut work.seam);
    }

    /// Transforms the row, unless it was the last one; whether it was.
    fn forward(&self, row: &[f64], work: &mut Work) -> bool {
        let Work { fourier, last, how, bins, .. } = work;
        let Fourier { n_old, n_pad, n_kept, .. } = self.plain;
        if *how == (n_old, n_pad, n_kept) && last == row {
            fourier.bins.resize(n_old / 2 + 1, Complex::default());
            fourier.bins[..n_kept].copy_from_slice(bins);
            return true;
        }
        self.plain.forward(row, fourier);
        *how = (n_old, n_pad, n_kept);
        last.clear();
        last.extend_from_slice(row);
        bins.clear();
        bins.extend_from_slice(&fourier.bins[..n_kept]);
        false
    }

    /// The same behind one more filter; `None` where that can't be.
    pub(super) fn behind(&self, first: &Fir) -> Option<Self> {
        let covers = |fir: &Fir| fir.is_symmetric() && fir.n_edge >= fir.before() && fir.pad == Pad::ReflectLimited;
        if !covers(first) || !covers(&self.fir) {
            return None;
        }
        let mut taps = convolve(&first.taps, &self.fir.taps);
        let n = taps.len();
        // Rounding must not break the symmetry.
        for i in 0..n / 2 {
            let mean = 0.5 * (taps[i] + taps[n - 1 - i]);
            (taps[i], taps[n - 1 - i]) = (mean, mean);
        }
        let both = Fir { taps, shift: n / 2, n_edge: n / 2, pad: first.pad };
        Self::new(&self.plain, &both, self.n, self.n_out)
    }
}
