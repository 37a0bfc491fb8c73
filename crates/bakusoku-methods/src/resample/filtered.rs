//! A FIR filter and Fourier resampling in one pass: one forward transform and one short inverse one per row.
//!
//! Odd reflection about an end commutes with a symmetric filter, `h * (2 x(0) - x(-t)) = 2 (h * x)(0) - (h * x)(-t)`. So the
//! filtered row, padded as resampling wants it, is the padded row filtered; and filtering is a product in the spectrum that
//! resampling makes anyway. A product is a circular convolution: where the padded row's end meets its start (the *seam*),
//! it gives something else than the padded filtered row, by an error `e` of the filter's length.
//!
//! What this error becomes at the samples that come out has a closed form, since these lie far from the seam. With padded
//! lengths N and M (even), output j at time t = jN/M, and e at times s around the seam,
//!
//! ```text
//! error(j) = (-1)^j / N * ( (c - 1) * sum e(s) cos(pi M s / N)  -  sum e(s) sin(pi M s / N) cot(pi (t - s) / N) )
//! cot(a - b) = A + T (1 + A^2) (1 + A T + (A T)^2 + ...),  A = cot a,  T = tan b,  |A T| < 1
//! ```
//!
//! where c is the gain of the bin at M/2: moments of e, then a polynomial in A.

use super::fourier::{self, Fourier};
use bakusoku_math::convolve::{Convolver, Fir, Stretch};
use bakusoku_math::fft::{Complex, RealFft};
use bakusoku_math::fir::convolve;
use bakusoku_math::pad::Pad;
use bakusoku_math::wide;
use std::f64::consts::PI;
use std::sync::OnceLock;

/// The seam must be so far away that the series ends soon.
const MAX_RATIO: f64 = 0.6;
/// What is left of the series.
const REST: f64 = 1e-17;
/// Samples that are worked on at once.
const LANES: usize = 8;

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
    convolver: Convolver,
    /// For times -L to L around the seam: sine, cosine, and the tangent times `largest`.
    sin: Vec<f64>,
    cos: Vec<f64>,
    tan: Vec<f64>,
    /// For outputs: the cotangent, divided by the largest.
    cot: Vec<f64>,
    largest: f64,
    n_moments: usize,
}

/// Buffers of one thread.
#[derive(Default)]
pub(super) struct Work {
    fourier: fourier::Work,
    convolver: bakusoku_math::convolve::Work,
    before: Vec<f64>,
    after: Vec<f64>,
    error: Vec<f64>,
    terms: Vec<f64>,
    moments: Vec<f64>,
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
        let is_long = left.min(right) > reach && left.max(right) + reach + 1 < n;
        if !fir.is_symmetric() || !is_reflected || !is_shortened || !is_long {
            return None;
        }
        let filtered = Self { plain: plain.clone(), fir: fir.clone(), n, n_out, ready: OnceLock::new() };
        (filtered.ratio() <= MAX_RATIO).then_some(filtered)
    }

    /// The largest cotangent of the outputs: of the one next to the seam.
    fn largest(&self) -> f64 {
        let (first, last) = (self.plain.remove, self.plain.remove + self.n_out - 1);
        1.0 / (PI * first.min(self.plain.n_new - last) as f64 / self.plain.n_new as f64).tan()
    }
    fn ratio(&self) -> f64 {
        self.largest() * (PI * self.fir.before() as f64 / self.plain.n_old as f64).tan()
    }

    fn ready(&self) -> Ready {
        let (n_old, n_new, reach) = (self.plain.n_old, self.plain.n_new, self.fir.before());
        // The filter, centred, has a real spectrum.
        let mut taps = vec![0.0; n_old];
        for (k, &tap) in self.fir.taps.iter().enumerate() {
            taps[(k + n_old - reach) % n_old] = tap;
        }
        let fft = RealFft::new(n_old);
        let mut bins = vec![Complex::default(); fft.n_bins()];
        fft.forward(&mut taps, &mut bins, &mut vec![Complex::default(); fft.scratch_len()]);
        let gains = bins[..self.plain.n_kept].iter().map(|bin| bin.re * self.plain.scale).collect();
        let mut convolver = Convolver::new(self.fir.clone(), []);
        convolver.prepare_pair(reach);
        let largest = self.largest();
        let times = || -(reach as i64)..reach as i64;
        // Whole turns are taken out of the angle before it is rounded.
        let turn = |s: i64| PI * (s * n_new as i64).rem_euclid(2 * n_old as i64) as f64 / n_old as f64;
        let cot = |j: usize| 1.0 / (PI * j as f64 / n_new as f64).tan() / largest;
        Ready {
            gains,
            convolver,
            sin: times().map(|s| turn(s).sin()).collect(),
            cos: times().map(|s| turn(s).cos()).collect(),
            tan: times().map(|s| (PI * s as f64 / n_old as f64).tan() * largest).collect(),
            cot: (self.plain.remove..self.plain.remove + self.n_out).map(cot).collect(),
            largest,
            n_moments: (REST.ln() / self.ratio().ln()).ceil() as usize + 1,
        }
    }

    pub(super) fn work_bytes(&self) -> u64 {
        let pair = 4 * (3 * self.fir.taps.len()).next_power_of_two();
        self.plain.work_bytes()
            + 8 * (self.n + 2 * self.plain.n_kept) as u64
            + 16 * pair as u64
            + 8 * 9 * self.fir.taps.len() as u64
    }

    pub(super) fn run(&self, row: &[f64], out: &mut [f64], work: &mut Work) {
        let ready = self.ready.get_or_init(|| self.ready());
        self.forward(row, work);
        self.plain.inverse(out, Some(&ready.gains), &mut work.fourier);
        self.error_at_the_seam(row, ready, work);
        wide!(self.correct(ready, work, out));
    }

    /// Transforms the row, unless it was the last one.
    fn forward(&self, row: &[f64], work: &mut Work) {
        let Work { fourier, last, how, bins, .. } = work;
        let Fourier { n_old, n_pad, n_kept, .. } = self.plain;
        if *how == (n_old, n_pad, n_kept) && last == row {
            fourier.bins.resize(n_old / 2 + 1, Complex::default());
            fourier.bins[..n_kept].copy_from_slice(bins);
            return;
        }
        self.plain.forward(row, fourier);
        *how = (n_old, n_pad, n_kept);
        last.clear();
        last.extend_from_slice(row);
        bins.clear();
        bins.extend_from_slice(&fourier.bins[..n_kept]);
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

    /// The padded filtered row less the padded row filtered on a circle, from the filter's length before the seam to as much
    /// behind it.
    fn error_at_the_seam(&self, row: &[f64], ready: &Ready, work: &mut Work) {
        let (reach, [left, right]) = (self.fir.before(), self.plain.n_pad);
        let Work { before, after, error, convolver, .. } = work;
        let (first, last) = (2.0 * row[0], 2.0 * row[self.n - 1]);
        // At r around the seam: how the start goes on to the left, less how the end goes on to the right.
        let step = |r: isize| {
            let start = first - row[(left as isize - r) as usize];
            let end = last - row[(self.n as isize - 2 - right as isize - r) as usize];
            start - end
        };
        before.clear();
        before.extend((-(reach as isize)..0).map(step));
        after.clear();
        after.resize(reach, 0.0);
        after.extend((0..reach as isize).map(|r| -step(r)));
        error.resize(2 * reach, 0.0);
        let (at_end, at_start) = error.split_at_mut(reach);
        let stretches = [Stretch { left: before, mid: &[], right: &[] }, Stretch { left: &[], mid: after, right: &[] }];
        ready.convolver.run_pair(stretches, [0, 0], at_start, at_end, convolver);
    }

    /// Adds what the error becomes.
    #[inline(always)]
    fn correct(&self, ready: &Ready, work: &mut Work, out: &mut [f64]) {
        let Work { error, terms, moments, .. } = work;
        let sum = |terms: &[f64]| {
            let mut lanes = [0.0; LANES];
            let (eights, rest) = terms.as_chunks::<LANES>();
            eights.iter().for_each(|eight| lanes.iter_mut().zip(eight).for_each(|(lane, x)| *lane += x));
            lanes.iter().chain(rest).sum::<f64>()
        };
        terms.clear();
        terms.extend(error.iter().zip(&ready.cos).map(|(e, cos)| e * cos));
        let at_half = (self.plain.nyquist - 1.0) * sum(terms);
        terms.clear();
        terms.extend(error.iter().zip(&ready.sin).map(|(e, sin)| e * sin));
        moments.clear();
        moments.push(sum(terms));
        for _ in 0..ready.n_moments {
            terms.iter_mut().zip(&ready.tan).for_each(|(term, tan)| *term *= tan);
            moments.push(sum(terms));
        }
        let (largest, scale) = (ready.largest, self.plain.scale);
        // Signs alternate from sample to sample; even lanes are even samples.
        let sign = if self.plain.remove.is_multiple_of(2) { scale } else { -scale };
        for (out, cot) in out.chunks_mut(LANES).zip(ready.cot.chunks(LANES)) {
            let mut a = [0.0; LANES];
            a[..cot.len()].copy_from_slice(cot);
            let mut series = [0.0; LANES];
            for &moment in moments[1..].iter().rev() {
                series.iter_mut().zip(&a).for_each(|(series, a)| *series = *series * a + moment);
            }
            for (lane, out) in out.iter_mut().enumerate() {
                let cotangent = largest * a[lane];
                let sum = cotangent * moments[0] + (1.0 + cotangent * cotangent) * series[lane] / largest;
                let sign = if lane % 2 == 0 { sign } else { -sign };
                *out += sign * (at_half - sum);
            }
        }
    }
}
