//! Cross-trial phase statistics: do sources have the same phase after each event?
//!
//! Dammers et al. (2008), *IEEE Trans. Biomed. Eng.* 55; Kuiper (1962); Stephens (1970).

use bakusoku_core::{Par, Result};
use bakusoku_math::fft::{Complex, Fft};
use ndarray::{Array2, ArrayView3, s};
use std::f64::consts::PI;

/// Kuiper's statistic of `phases` between 0 and 1, which are sorted, and how unlikely it is for phases at random: 0 to 1,
/// normalised by their number.
pub fn kuiper(phases: &mut [f64]) -> (f64, f64) {
    phases.sort_unstable_by(f64::total_cmp);
    let n = phases.len() as f64;
    let (mut above, mut below) = (f64::NEG_INFINITY, f64::NEG_INFINITY);
    for (index, phase) in phases.iter().enumerate() {
        above = above.max((index as f64 + 1.0) / n - phase);
        below = below.max(phase - index as f64 / n);
    }
    let d = above + below;
    let root = n.sqrt();
    let lambda = (root + 0.155 + 0.24 / root) * d;
    if lambda < 0.4 || phases.is_empty() {
        return (d, 0.0);
    }
    let l2 = lambda * lambda;
    // The logarithm of a sum whose first exponent is the largest.
    let sum: f64 = (1..=100_i32)
        .map(|j| {
            let j2 = f64::from(j * j);
            2.0 * (4.0 * j2 * l2 - 1.0) * (-2.0 * (j2 - 1.0) * l2).exp()
        })
        .sum();
    (d, (-(sum.ln() - 2.0 * l2) / (2.0 * n)).min(1.0))
}

/// Kuiper's statistic and its normalised probability for each source and sample of epochs of sources,
/// `(n_epochs, n_sources, n_times)`: both `(n_sources, n_times)` (`mne.preprocessing.ctps_.ctps`).
///
/// # Errors
/// None.
pub fn ctps(par: &Par, epochs: ArrayView3<'_, f64>) -> Result<(Array2<f64>, Array2<f64>)> {
    let (n_epochs, n_sources, n_times) = epochs.dim();
    let fft = Fft::new(n_times.max(1));
    let rows = par.map(n_sources, |source| {
        // Samples by epochs, as they are sorted.
        let mut phases = vec![0.0; n_times * n_epochs];
        let mut scratch = vec![Complex::default(); fft.scratch_len()];
        let (mut a, mut b) = (vec![Complex::default(); fft.len()], vec![Complex::default(); fft.len()]);
        for epoch in 0..n_epochs {
            let row = epochs.slice(s![epoch, source, ..]);
            a.iter_mut().zip(row).for_each(|(a, &x)| *a = Complex::new(x, 0.0));
            fft.forward(&mut a, &mut b, &mut scratch);
            // The analytic signal: nothing at negative frequencies.
            for (k, bin) in b.iter_mut().enumerate() {
                let mirrored = k > 0 && 2 * k < n_times;
                *bin *= if mirrored { 2.0 } else { f64::from(u8::from(2 * k <= n_times)) };
            }
            fft.inverse(&mut b, &mut a, &mut scratch);
            for (time, a) in a.iter().enumerate().take(n_times) {
                phases[time * n_epochs + epoch] = (a.im.atan2(a.re) + PI) / (2.0 * PI);
            }
        }
        if n_epochs == 0 {
            return vec![(0.0, 0.0); n_times];
        }
        phases.chunks_mut(n_epochs).map(kuiper).collect::<Vec<_>>()
    });
    let statistic = Array2::from_shape_fn((n_sources, n_times), |(i, t)| rows[i][t].0);
    let probability = Array2::from_shape_fn((n_sources, n_times), |(i, t)| rows[i][t].1);
    Ok((statistic, probability))
}
