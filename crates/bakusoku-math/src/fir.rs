//! Design of linear-phase FIR filters by windowing, and their minimum-phase kin, as SciPy does (`firwin`,
//! `firwin2`, `minimum_phase`).

use crate::fft::{Complex, Fft, RealFft};
use crate::window::Window;
use std::f64::consts::PI;

/// Low-pass of `n` taps with half its gain at `cutoff` (1 is Nyquist), gain 1 at zero (SciPy's `firwin`).
pub fn lowpass(n: usize, cutoff: f64, window: Window) -> Vec<f64> {
    let middle = 0.5 * (n as f64 - 1.0);
    let mut taps: Vec<f64> = window
        .samples(n, false)
        .into_iter()
        .enumerate()
        .map(|(i, w)| cutoff * sinc(cutoff * (i as f64 - middle)) * w)
        .collect();
    let sum: f64 = taps.iter().sum();
    taps.iter_mut().for_each(|tap| *tap /= sum);
    taps
}

/// A filter of `n` taps whose gain is that of `points`, `(frequency, gain)`, from frequency 0 to 1 (Nyquist), and straight
/// between them (SciPy's `firwin2`, without antisymmetric filters).
///
/// # Panics
/// When there are no taps, or fewer than two points.
pub fn frequency_sampled(n: usize, points: &[(f64, f64)], window: Window) -> Vec<f64> {
    assert!(n > 0 && points.len() > 1, "a filter needs a tap, and gains at 0 and at Nyquist");
    let half = n.next_power_of_two();
    let fft = RealFft::new(2 * half);
    let mut bins = vec![Complex::default(); fft.n_bins()];
    let mut at = 0;
    for (k, bin) in bins.iter_mut().enumerate() {
        let x = k as f64 / half as f64;
        while at + 2 < points.len() && points[at + 1].0 <= x {
            at += 1;
        }
        let ((x0, y0), (x1, y1)) = (points[at], points[at + 1]);
        let gain = if x >= x1 { y1 } else { (y1 - y0) / (x1 - x0) * (x - x0) + y0 };
        *bin = Complex::from_polar(gain, -(n as f64 - 1.0) / 2.0 * PI * x);
    }
    let (mut out, mut scratch) = (vec![0.0; fft.len()], vec![Complex::default(); fft.scratch_len()]);
    fft.inverse(&mut bins, &mut out, &mut scratch);
    let share = 1.0 / fft.len() as f64;
    window.samples(n, false).into_iter().zip(out).map(|(w, x)| w * x * share).collect()
}

fn sinc(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { (PI * x).sin() / (PI * x) }
}

/// Minimum-phase filter from a symmetric one by the homomorphic method (SciPy's `minimum_phase`): of half the length,
/// with the square root of the gain, where `half`; else of the same length and gain.
pub fn minimum_phase(taps: &[f64], half: bool) -> Vec<f64> {
    let n_fft = ((2.0 * (taps.len() as f64 - 1.0) / 0.01).ceil().max(2.0) as usize).next_power_of_two();
    let fft = Fft::new(n_fft);
    let mut scratch = vec![Complex::default(); fft.scratch_len()];
    let mut a = vec![Complex::default(); n_fft];
    let mut b = a.clone();
    a.iter_mut().zip(taps).for_each(|(a, &tap)| a.re = tap);
    fft.forward(&mut a, &mut b, &mut scratch);
    let gains: Vec<f64> = b.iter().map(|bin| bin.norm()).collect();
    let floor = 1e-7 * gains.iter().copied().filter(|&gain| gain > 0.0).fold(f64::INFINITY, f64::min);
    let scale = if half { 0.5 } else { 1.0 };
    b.iter_mut().zip(&gains).for_each(|(b, gain)| *b = Complex::new(scale * (gain + floor).ln(), 0.0));
    fft.inverse(&mut b, &mut a, &mut scratch);
    // The cepstrum's second half is folded onto its first.
    for (t, a) in a.iter_mut().enumerate() {
        let fold = match t {
            0 => 1.0,
            _ if t < n_fft / 2 => 2.0,
            _ => 0.0,
        };
        *a = Complex::new(a.re * fold / n_fft as f64, 0.0);
    }
    fft.forward(&mut a, &mut b, &mut scratch);
    b.iter_mut().for_each(|bin| *bin = bin.exp());
    fft.inverse(&mut b, &mut a, &mut scratch);
    let n_out = if half { taps.len() / 2 + taps.len() % 2 } else { taps.len() };
    a[..n_out].iter().map(|a| a.re / n_fft as f64).collect()
}

/// `|H|` at `freq` (1 is Nyquist).
pub fn gain(taps: &[f64], freq: f64) -> f64 {
    let at = |i: usize| Complex::from_polar(1.0, -PI * freq * i as f64);
    taps.iter().enumerate().map(|(i, &tap)| at(i) * tap).sum::<Complex>().norm()
}

/// The full convolution of two series.
pub fn convolve(a: &[f64], b: &[f64]) -> Vec<f64> {
    let n = a.len() + b.len() - 1;
    let fft = Fft::new(crate::fft::next_fast_len(n));
    let mut scratch = vec![Complex::default(); fft.scratch_len()];
    let mut z = vec![Complex::default(); fft.len()];
    z.iter_mut().zip(a).for_each(|(z, &a)| z.re = a);
    z.iter_mut().zip(b).for_each(|(z, &b)| z.im = b);
    let mut bins = z.clone();
    fft.forward(&mut z, &mut bins, &mut scratch);
    // With z = a + ib: A B = (Z(k)² - conj(Z(-k))²) / 4i.
    for (k, out) in z.iter_mut().enumerate() {
        let (p, q) = (bins[k], bins[(fft.len() - k) % fft.len()].conj());
        *out = (p * p - q * q) * Complex::new(0.0, -0.25);
    }
    fft.inverse(&mut z, &mut bins, &mut scratch);
    bins[..n].iter().map(|bin| bin.re / fft.len() as f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SciPy 1.17: `firwin(5, 0.3, window="hamming", fs=2)`.
    #[test]
    fn lowpass_is_that_of_scipy() {
        let expected = FIRWIN;
        let got = lowpass(5, 0.3, Window::Hamming);
        assert!(got.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-15), "{got:?}");
        assert!((gain(&got, 0.0) - 1.0).abs() < 1e-15);
    }

    #[test]
    fn convolution_is_the_sum_of_products() {
        let got = convolve(&[1.0, 2.0, -1.0], &[3.0, 0.5]);
        assert!(got.iter().zip([3.0, 6.5, -2.0, -0.5]).all(|(a, b)| (a - b).abs() < 1e-14), "{got:?}");
    }

    /// SciPy 1.17: `minimum_phase(firwin(9, 0.3, fs=2), half=...)`.
    #[test]
    fn minimum_phase_is_that_of_scipy() {
        let taps = lowpass(9, 0.3, Window::Hamming);
        for (half, expected) in [(true, &MINIMUM_HALF[..]), (false, &MINIMUM[..])] {
            let got = minimum_phase(&taps, half);
            assert_eq!(got.len(), expected.len());
            assert!(got.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-11), "{got:?}");
        }
    }

    const FIRWIN: [f64; 5] =
        [0.020103708268285354, 0.23086668180542194, 0.4980592198525855, 0.23086668180542194, 0.020103708268285354];
    const MINIMUM_HALF: [f64; 5] =
        [0.2406699818447383, 0.42330353399686277, 0.2980114421003812, 0.04973390513258055, -0.008146282526327823];
    const MINIMUM: [f64; 9] = [
        0.05792208798109174,
        0.20375297802150394,
        0.32263072737718473,
        0.27623751708102384,
        0.12699475946684013,
        0.020068980905010598,
        -0.005796219771815981,
        -0.00209897153421664,
        0.0002882954904445134,
    ];
}
