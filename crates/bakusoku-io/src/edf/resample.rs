//! Channels with fewer samples than others, brought to the others' rate as MNE does: the Fourier transform of all samples,
//! padded with zeros.

use bakusoku_math::fft::{Complex, RealFft};

/// `x` at `n` samples instead of `x.len()`, which are no more.
pub(super) fn upsample(mut x: Vec<f64>, n: usize) -> Vec<f64> {
    let n_old = x.len();
    let (from, to) = (RealFft::new(n_old), RealFft::new(n));
    let mut scratch = vec![Complex::default(); from.scratch_len().max(to.scratch_len())];
    let mut bins = vec![Complex::default(); from.n_bins()];
    from.forward(&mut x, &mut bins, &mut scratch[..from.scratch_len()]);
    drop(x);
    // The highest frequency of an even length stands for itself and its mirror image.
    if n_old.is_multiple_of(2) && n > n_old {
        bins[n_old / 2] *= 0.5;
    }
    bins.resize(to.n_bins(), Complex::default());
    let mut out = vec![0.0; n];
    to.inverse(&mut bins, &mut out, &mut scratch[..to.scratch_len()]);
    out.iter_mut().for_each(|value| *value /= n_old as f64);
    out
}

/// Which stored sample of a record each of its `n` samples holds, where `n_old` are stored: MNE's steps.
pub(super) fn held(n_old: usize, n: usize) -> impl Fn(usize) -> usize {
    let (old, new) = (1.0 / n_old as f64, 1.0 / n as f64);
    move |time| {
        let at = time as f64 * new;
        let guess = (at / old) as usize;
        // As `numpy.linspace` has the edges: products, not quotients.
        let first = guess.saturating_sub(1);
        (first..=guess + 1).rev().find(|&k| k as f64 * old <= at).unwrap_or(first).min(n_old - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    #[test]
    fn slow_waves_stay_themselves() {
        for (n_old, n) in [(16, 64), (15, 64), (7, 21), (1, 5)] {
            let wave = |n: usize| (0..n).map(|t| 2.0 + (TAU * t as f64 / n as f64).cos() * 0.5).collect::<Vec<f64>>();
            let (x, expected) = if n_old > 2 { (wave(n_old), wave(n)) } else { (vec![2.5], vec![2.5; n]) };
            let got = upsample(x, n);
            assert!(got.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-14), "{n_old} {n}");
        }
    }

    #[test]
    fn codes_are_held() {
        let at = held(2, 5);
        assert_eq!((0..5).map(at).collect::<Vec<_>>(), [0, 0, 0, 1, 1]);
        let at = held(3, 9);
        assert_eq!((0..9).map(at).collect::<Vec<_>>(), [0, 0, 0, 1, 1, 1, 2, 2, 2]);
    }
}
