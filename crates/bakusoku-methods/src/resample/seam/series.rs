//! What the error around the seam becomes at the samples that come out.
//!
//! These lie far from the seam, so this has a closed form. With padded lengths N and M (even), output j at
//! time t = jN/M, and an error e at times s around the seam,
//!
//! ```text
//! error(j) = (-1)^j / N * ( (c - 1) * sum e(s) cos(pi M s / N)  -  sum e(s) sin(pi M s / N) cot(pi (t - s) / N) )
//! cot(a - b) = A + T (1 + A^2) (1 + A T + (A T)^2 + ...),  A = cot a,  T = tan b,  |A T| < 1
//! ```
//!
//! where c is the gain of the bin at M/2: moments of e, then a polynomial in A. Sine and tangent are odd, so times s and -s
//! share their terms: even moments take the difference of their errors, odd ones the sum. Times near the seam and outputs far
//! from it need few terms.

use super::super::fourier::Fourier;
use bakusoku_math::convolve::Fir;
use bakusoku_math::fft::Complex;
use bakusoku_math::wide;
use std::f64::consts::PI;

/// What is left of the series.
const REST: f64 = 1e-17;
/// Sums that run side by side.
const SUMS: usize = 4;
/// Times that are worked on at once.
const TIMES: usize = 4 * SUMS;
/// Outputs that are worked on at once.
const OUTPUTS: usize = 32;

/// Where the padded row, its filter and the samples that come out lie.
#[derive(Clone, Copy, Debug)]
pub(super) struct Geometry {
    /// Padded length.
    n_old: usize,
    /// Padded length after resampling; even.
    n_new: usize,
    /// The error's length on each side.
    reach: usize,
    /// The first output, and how many.
    first: usize,
    n_out: usize,
}

impl Geometry {
    pub(super) fn new(fir: &Fir, plain: &Fourier, n_out: usize) -> Self {
        let &Fourier { n_old, n_new, remove, .. } = plain;
        Self { n_old, n_new, reach: fir.before(), first: remove, n_out }
    }

    /// The largest cotangent of the outputs: of the one next to the seam.
    fn largest(&self) -> f64 {
        let last = self.first + self.n_out - 1;
        1.0 / (PI * self.first.min(self.n_new - last) as f64 / self.n_new as f64).tan()
    }
    /// The largest quotient of the series.
    pub(super) fn ratio(&self) -> f64 {
        self.largest() * (PI * self.reach as f64 / self.n_old as f64).tan()
    }
}

/// Sines, tangents and cotangents of one geometry.
pub(super) struct Series {
    geometry: Geometry,
    /// At times 1 to `reach`, then zeros: cosine, sine, the tangent times `largest`.
    cos: Vec<f64>,
    sin: Vec<f64>,
    tan: Vec<f64>,
    /// Pairs of moments that each stretch of times takes part in.
    n_pairs: Vec<usize>,
    /// The outputs' cotangents, divided by the largest, and how many terms each stretch of them needs.
    cot: Vec<f64>,
    n_terms: Vec<usize>,
    largest: f64,
    /// 1/N, and the gain c.
    scale: f64,
    nyquist: f64,
}

/// Buffers of one thread.
#[derive(Default)]
pub(super) struct Work {
    /// Terms of even and odd moments.
    even: Vec<f64>,
    odd: Vec<f64>,
    sums: Vec<[f64; SUMS]>,
    moments: Vec<f64>,
}

/// How many powers of `quotient` there are until the rest is nothing.
fn terms_of(quotient: f64) -> usize {
    if quotient <= REST { 1 } else { (REST.ln() / quotient.ln()).ceil() as usize + 1 }
}

/// The sum, side by side.
#[inline(always)]
fn sum(terms: &[f64]) -> f64 {
    let mut sums = [0.0; TIMES];
    let (stretches, rest) = terms.as_chunks::<TIMES>();
    stretches.iter().for_each(|stretch| sums.iter_mut().zip(stretch).for_each(|(sum, x)| *sum += x));
    sums.iter().chain(rest).sum()
}

impl Series {
    pub(super) fn new(geometry: Geometry, plain: &Fourier) -> Self {
        Self::with_gains(geometry, plain.scale, plain.nyquist)
    }

    fn with_gains(geometry: Geometry, scale: f64, nyquist: f64) -> Self {
        let Geometry { n_old, n_new, reach, first, n_out } = geometry;
        let (largest, ratio) = (geometry.largest(), geometry.ratio());
        // Whole turns are taken out of the angle before it is rounded.
        let turn = |s: usize| PI * (s as u64 * n_new as u64 % (2 * n_old as u64)) as f64 / n_old as f64;
        let times = |f: &dyn Fn(usize) -> f64| {
            let mut values: Vec<f64> = (1..=reach).map(f).collect();
            values.resize(reach.next_multiple_of(TIMES), 0.0);
            values
        };
        let tan = times(&|s| (PI * s as f64 / n_old as f64).tan() * largest);
        let peak = |values: &[f64]| values.iter().fold(0.0, |peak: f64, x| peak.max(x.abs()));
        let cot = |j: usize| 1.0 / (PI * j as f64 / n_new as f64).tan() / largest;
        let cot: Vec<f64> = (first..first + n_out).map(cot).collect();
        Self {
            cos: times(&|s| turn(s).cos()),
            sin: times(&|s| turn(s).sin()),
            n_pairs: tan.chunks(TIMES).map(|tan| terms_of(peak(tan)).div_ceil(2) + 1).collect(),
            tan,
            n_terms: cot.chunks(OUTPUTS).map(|cot| terms_of(ratio * peak(cot))).collect(),
            cot,
            largest,
            scale,
            nyquist,
            geometry,
        }
    }

    pub(super) fn work_bytes(fir: &Fir) -> u64 {
        8 * 2 * (fir.before() + TIMES) as u64
    }

    /// Adds to the outputs what an error becomes: `error[k]` holds times `-k - 1` and `k`.
    pub(super) fn add(&self, error: &[Complex], out: &mut [f64], work: &mut Work) {
        let at_half = wide!(self.moments(error, work));
        wide!(self.outputs((self.nyquist - 1.0) * at_half, &work.moments, out));
    }

    /// Moments of the error; what comes back is the sum over its cosines.
    #[inline(always)]
    fn moments(&self, error: &[Complex], work: &mut Work) -> f64 {
        let Work { even, odd, sums, moments } = work;
        // Times k + 1 and -k - 1; the last one has no counterpart behind the seam.
        let later = || error[1..].iter().map(|z| z.im).chain([0.0]);
        let pairs = || later().zip(error.iter().map(|z| z.re));
        even.clear();
        even.extend(pairs().zip(&self.cos).map(|((later, earlier), cos)| (later + earlier) * cos));
        let at_half = error[0].im + sum(even);
        even.clear();
        even.extend(pairs().zip(&self.sin).map(|((later, earlier), sin)| (later - earlier) * sin));
        even.resize(self.sin.len(), 0.0);
        odd.clear();
        odd.extend(pairs().zip(self.sin.iter().zip(&self.tan)).map(|((l, e), (sin, tan))| (l + e) * sin * tan));
        odd.resize(self.sin.len(), 0.0);

        sums.clear();
        sums.resize(2 * self.n_pairs.iter().max().expect("a filter has taps"), [0.0; SUMS]);
        let (evens, odds, tans) = (even.as_chunks::<TIMES>().0, odd.as_chunks().0, self.tan.as_chunks().0);
        for (((even, odd), tan), &n_pairs) in evens.iter().zip(odds).zip(tans).zip(&self.n_pairs) {
            let (mut even, mut odd): ([f64; TIMES], [f64; TIMES]) = (*even, *odd);
            let square: [f64; TIMES] = tan.map(|tan: f64| tan * tan);
            for pair in sums[..2 * n_pairs].as_chunks_mut::<2>().0 {
                for (sums, terms) in pair.iter_mut().zip([&mut even, &mut odd]) {
                    for k in 0..SUMS {
                        sums[k] += (terms[k] + terms[SUMS + k]) + (terms[2 * SUMS + k] + terms[3 * SUMS + k]);
                    }
                    for k in 0..TIMES {
                        terms[k] *= square[k];
                    }
                }
            }
        }
        moments.clear();
        moments.extend(sums.iter().map(|sums| sums.iter().sum::<f64>()));
        at_half
    }

    #[inline(always)]
    fn outputs(&self, at_half: f64, moments: &[f64], out: &mut [f64]) {
        // Signs alternate from sample to sample; even lanes are even samples.
        let sign = if self.geometry.first.is_multiple_of(2) { self.scale } else { -self.scale };
        let stretches = out.chunks_mut(OUTPUTS).zip(self.cot.chunks(OUTPUTS)).zip(&self.n_terms);
        for ((out, cot), &n_terms) in stretches {
            let mut a = [0.0; OUTPUTS];
            a[..cot.len()].copy_from_slice(cot);
            let mut series = [0.0; OUTPUTS];
            for &moment in moments[1..][..n_terms.min(moments.len() - 1)].iter().rev() {
                for k in 0..OUTPUTS {
                    series[k] = series[k] * a[k] + moment;
                }
            }
            for (k, out) in out.iter_mut().enumerate() {
                let cotangent = self.largest * a[k];
                let sum = cotangent * moments[0] + (1.0 + cotangent * cotangent) * series[k] / self.largest;
                *out += if k % 2 == 0 { sign } else { -sign } * (at_half - sum);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_give_what_the_sum_gives() {
        // Both parities of the first output; ends in the middle of a stretch; ratios from small to the largest allowed.
        for (n_old, n_new, reach, first, n_out) in
            [(4096, 1024, 100, 64, 900), (4096, 1024, 173, 65, 891), (1000, 250, 7, 5, 240), (8192, 1366, 1, 40, 1280)]
        {
            let geometry = Geometry { n_old, n_new, reach, first, n_out };
            assert!(geometry.ratio() < 0.9, "{}", geometry.ratio());
            let error: Vec<f64> = (0..2 * reach).map(|i| ((i * i * 37 + 11 * i) % 101) as f64 - 50.0).collect();
            let pairs: Vec<Complex> =
                (0..reach).map(|k| Complex::new(error[reach - 1 - k], error[reach + k])).collect();
            let (scale, nyquist) = (1.0 / n_old as f64, 2.0);
            let mut out = vec![0.0; n_out];
            Series::with_gains(geometry, scale, nyquist).add(&pairs, &mut out, &mut Work::default());
            let (n, m) = (n_old as f64, n_new as f64);
            for (k, out) in out.iter().enumerate() {
                let j = (first + k) as f64;
                let (mut at_half, mut sum) = (0.0, 0.0);
                for (i, e) in error.iter().enumerate() {
                    let s = i as f64 - reach as f64;
                    at_half += e * (PI * m * s / n).cos();
                    sum += e * (PI * m * s / n).sin() / (PI * (j / m - s / n)).tan();
                }
                let sign = if (first + k).is_multiple_of(2) { scale } else { -scale };
                let expected = sign * ((nyquist - 1.0) * at_half - sum);
                assert!((out - expected).abs() < 1e-12, "{geometry:?} output {k}: {out} {expected}");
            }
        }
    }
}
