//! Fourier transforms: plans made once, shared by all threads, called without allocating.
//!
//! Neither direction is normalised. Only this module names the FFT crates.

use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

/// A complex number.
pub type Complex = rustfft::num_complex::Complex<f64>;

/// Plans are forgotten when those kept together have more points than this (their tables take 16 to 32 bytes a point).
const MAX_KEPT_POINTS: usize = 1 << 23;

/// Complex transforms of one length, both ways.
pub struct Fft {
    len: usize,
    scratch_len: usize,
    forward: Arc<dyn rustfft::Fft<f64>>,
    inverse: Arc<dyn rustfft::Fft<f64>>,
}

impl Fft {
    /// The plan for `len` points, from the ones kept where it is among them.
    pub fn new(len: usize) -> Arc<Self> {
        static KEPT: LazyLock<Mutex<HashMap<usize, Arc<Fft>>>> = LazyLock::new(Mutex::default);
        kept(&KEPT, len, || {
            let mut planner = rustfft::FftPlanner::new();
            let (forward, inverse) = (planner.plan_fft_forward(len), planner.plan_fft_inverse(len));
            let scratch_len = forward.get_outofplace_scratch_len().max(inverse.get_outofplace_scratch_len());
            Fft { len, scratch_len, forward, inverse }
        })
    }
    /// Number of points.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.len
    }
    /// Length of the scratch.
    pub fn scratch_len(&self) -> usize {
        self.scratch_len
    }
    /// `X[k] = Σ x[t] exp(-2πi kt/n)`; `input` is overwritten.
    pub fn forward(&self, input: &mut [Complex], output: &mut [Complex], scratch: &mut [Complex]) {
        self.forward.process_outofplace_with_scratch(input, output, scratch);
    }
    /// `x[t] = Σ X[k] exp(2πi kt/n)`, not divided by n; `input` is overwritten.
    pub fn inverse(&self, input: &mut [Complex], output: &mut [Complex], scratch: &mut [Complex]) {
        self.inverse.process_outofplace_with_scratch(input, output, scratch);
    }
}

/// Transforms of real series of one length, to and from the `n / 2 + 1` bins that are not mirrored.
pub struct RealFft {
    len: usize,
    scratch_len: usize,
    forward: Arc<dyn RealToComplex<f64>>,
    inverse: Arc<dyn ComplexToReal<f64>>,
}

impl RealFft {
    /// The plan for `len` samples, from the ones kept where it is among them.
    pub fn new(len: usize) -> Arc<Self> {
        static KEPT: LazyLock<Mutex<HashMap<usize, Arc<RealFft>>>> = LazyLock::new(Mutex::default);
        kept(&KEPT, len, || {
            let mut planner = RealFftPlanner::new();
            let (forward, inverse) = (planner.plan_fft_forward(len), planner.plan_fft_inverse(len));
            let scratch_len = forward.get_scratch_len().max(inverse.get_scratch_len());
            RealFft { len, scratch_len, forward, inverse }
        })
    }
    /// Number of samples.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.len
    }
    /// Number of bins.
    pub fn n_bins(&self) -> usize {
        self.len / 2 + 1
    }
    /// Length of the scratch.
    pub fn scratch_len(&self) -> usize {
        self.scratch_len
    }
    /// `X[k] = Σ x[t] exp(-2πi kt/n)`; `input` is overwritten.
    pub fn forward(&self, input: &mut [f64], bins: &mut [Complex], scratch: &mut [Complex]) {
        self.forward.process_with_scratch(input, bins, scratch).expect("the buffers have the plan's lengths");
    }
    /// The real series whose bins these are, not divided by n; `bins` is overwritten. Imaginary parts of the first bin,
    /// and of the last one where n is even, count as zero.
    pub fn inverse(&self, bins: &mut [Complex], output: &mut [f64], scratch: &mut [Complex]) {
        bins[0].im = 0.0;
        if self.len.is_multiple_of(2) {
            bins[self.len / 2].im = 0.0;
        }
        self.inverse.process_with_scratch(bins, output, scratch).expect("the buffers have the plan's lengths");
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The kept value for `len`; where there is none, it is made outside the lock.
fn kept<T>(kept: &Mutex<HashMap<usize, Arc<T>>>, len: usize, make: impl FnOnce() -> T) -> Arc<T> {
    if let Some(found) = lock(kept).get(&len) {
        return found.clone();
    }
    let made = Arc::new(make());
    let mut kept = lock(kept);
    if kept.keys().sum::<usize>() + len > MAX_KEPT_POINTS {
        kept.clear();
    }
    kept.entry(len).or_insert(made).clone()
}

/// Lengths of which transforms are quick, not below `least`, ascending: powers of two, and 5/4 and 3/2 of them.
pub fn quick_lens(least: usize) -> impl Iterator<Item = usize> {
    (0..).map(|k| 16usize << k).flat_map(|n| [n, n / 4 * 5, n / 2 * 3]).skip_while(move |&n| n < least)
}

/// The smallest number not below `target` with no prime factor beyond 5 (SciPy's and MNE's `next_fast_len`).
pub fn next_fast_len(target: usize) -> usize {
    let mut best = target.next_power_of_two();
    let mut p5 = 1;
    while p5 < best {
        let mut p35 = p5;
        while p35 < best {
            let len = p35 * target.div_ceil(p35).next_power_of_two();
            best = best.min(len);
            p35 *= 3;
        }
        p5 *= 5;
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_and_complex_transforms_agree_and_invert() {
        for n in [8, 15, 250, 1024] {
            let x: Vec<f64> = (0..n).map(|t| ((t * t * 7) % 23) as f64 - 11.0).collect();
            let (fft, real) = (Fft::new(n), RealFft::new(n));
            let mut z: Vec<Complex> = x.iter().map(|&x| Complex::new(x, 0.0)).collect();
            let mut out = vec![Complex::default(); n];
            fft.forward(&mut z, &mut out, &mut vec![Complex::default(); fft.scratch_len()]);
            let (mut row, mut bins) = (x.clone(), vec![Complex::default(); real.n_bins()]);
            let mut scratch = vec![Complex::default(); real.scratch_len()];
            real.forward(&mut row, &mut bins, &mut scratch);
            assert!(bins.iter().zip(&out).all(|(a, b)| (a - b).norm() < 1e-10));
            assert!((out[1].re - x.iter().enumerate().map(|(t, x)| x * angle(t, n).cos()).sum::<f64>()).abs() < 1e-10);
            assert!((out[1].im + x.iter().enumerate().map(|(t, x)| x * angle(t, n).sin()).sum::<f64>()).abs() < 1e-10);
            real.inverse(&mut bins, &mut row, &mut scratch);
            assert!(row.iter().zip(&x).all(|(a, b)| (a / n as f64 - b).abs() < 1e-12));
        }
    }

    fn angle(t: usize, n: usize) -> f64 {
        std::f64::consts::TAU * t as f64 / n as f64
    }

    #[test]
    fn fast_lengths_are_those_of_scipy() {
        let lens: Vec<usize> = [1, 7, 11, 17, 97, 1000, 1025, 10001, 180_201].map(next_fast_len).to_vec();
        assert_eq!(lens, [1, 8, 12, 18, 100, 1000, 1080, 10125, 182_250]);
    }
}
