//! Spherical splines on arrays.

use bakusoku_core::{Error, Result};
use bakusoku_math::linalg;
use ndarray::{Array2, s};
use std::f64::consts::PI;

/// Stiffness of the spline (`m` of the paper).
const STIFFNESS: i32 = 4;
/// Legendre polynomials that are summed up, `n = 1..=50`.
const N_TERMS: i32 = 50;
/// What is added to the diagonal: a little smoothing.
const ALPHA: f64 = 1e-5;

/// The matrix that makes the samples of the electrodes at `to` of those at `from`, `(to.len(), from.len())`; positions
/// (m) are relative to the origin of the sphere. Its rows sum up to one.
///
/// # Errors
/// When positions are at the origin or not finite.
pub fn make_interpolation_matrix(from: &[[f64; 3]], to: &[[f64; 3]]) -> Result<Array2<f64>> {
    let (from, to) = (on_unit_sphere(from)?, on_unit_sphere(to)?);
    let n = from.len();
    let g = |a: &[[f64; 3]], b: &[[f64; 3]]| {
        let cosine = |i: usize, j: usize| a[i].iter().zip(&b[j]).map(|(x, y)| x * y).sum::<f64>();
        Array2::from_shape_fn((a.len(), b.len()), |(i, j)| spline(cosine(i, j)))
    };
    // The splines, and a constant.
    let mut c = Array2::ones((n + 1, n + 1));
    c.slice_mut(s![..n, ..n]).assign(&g(&from, &from));
    c.slice_mut(s![..n, ..n]).diag_mut().iter_mut().for_each(|x| *x += ALPHA);
    c[[n, n]] = 0.0;
    // scipy.linalg.pinv
    let inverse = linalg::pinv(c.view(), (n + 1) as f64 * f64::EPSILON)
        .map_err(|error| Error::data(format!("interpolation: {error}")))?;
    let mut values = Array2::ones((to.len(), n + 1));
    values.slice_mut(s![.., ..n]).assign(&g(&to, &from));
    Ok(values.dot(&inverse.slice(s![.., ..n])))
}

fn on_unit_sphere(positions: &[[f64; 3]]) -> Result<Vec<[f64; 3]>> {
    positions
        .iter()
        .map(|position| {
            let length = position.iter().map(|x| x * x).sum::<f64>().sqrt();
            if !(length > 0.0 && length.is_finite()) {
                return Err(Error::data(format!("an electrode is at {position:?} m from the origin of the sphere")));
            }
            Ok(position.map(|x| x / length))
        })
        .collect()
}

/// The spline `g` at the cosine of an angle (Perrin et al. 1989, eq. 3), by Clenshaw's recurrence.
fn spline(cosine: f64) -> f64 {
    let (mut b1, mut b2) = (0.0, 0.0);
    for n in (1..=N_TERMS).rev() {
        let k = f64::from(n);
        let factor = (2.0 * k + 1.0) / ((k * (k + 1.0)).powi(STIFFNESS) * 4.0 * PI);
        let b0 = factor + (2.0 * k + 1.0) / (k + 1.0) * cosine * b1 - (k + 1.0) / (k + 2.0) * b2;
        (b2, b1) = (b1, b0);
    }
    // The term n = 0 has no weight: P₁ = x, and P₀ takes part through the recurrence alone.
    cosine * b1 - 0.5 * b2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_series_is_the_sum_of_legendre_polynomials() {
        for x in [-1.0, -0.3, 0.0, 0.7, 1.0] {
            let (mut before, mut now, mut sum) = (1.0, x, 0.0);
            for n in 1..=N_TERMS {
                let k = f64::from(n);
                sum += (2.0 * k + 1.0) / ((k * (k + 1.0)).powi(STIFFNESS) * 4.0 * PI) * now;
                (before, now) = (now, ((2.0 * k + 1.0) * x * now - k * before) / (k + 1.0));
            }
            assert!((spline(x) - sum).abs() < 1e-16, "{x}: {} {sum}", spline(x));
        }
    }

    #[test]
    fn a_smooth_potential_is_found_again() {
        let points: Vec<[f64; 3]> = (0..60)
            .map(|k| {
                let (z, angle) = (1.0 - 1.3 * k as f64 / 60.0, 2.4 * k as f64);
                let side = (1.0 - z * z).max(0.0).sqrt();
                // Lengths do not matter.
                [side * angle.cos(), side * angle.sin(), z].map(|x| x * (0.08 + 0.001 * (k % 7) as f64))
            })
            .collect();
        let value = |p: &[f64; 3]| {
            let length = p.iter().map(|x| x * x).sum::<f64>().sqrt();
            let [x, y, z] = p.map(|x| x / length);
            0.3 + x - 0.5 * y * z + z * z
        };
        let (to, from): (Vec<_>, Vec<_>) = points.iter().enumerate().partition(|(k, _)| k % 11 == 5);
        let (to, from): (Vec<_>, Vec<_>) = (to.iter().map(|p| *p.1).collect(), from.iter().map(|p| *p.1).collect());
        let matrix = make_interpolation_matrix(&from, &to).unwrap();
        for (row, place) in matrix.rows().into_iter().zip(&to) {
            assert!((row.sum() - 1.0).abs() < 1e-9);
            let got: f64 = row.iter().zip(&from).map(|(w, p)| w * value(p)).sum();
            assert!((got - value(place)).abs() < 2e-2, "{got} {}", value(place));
        }
        assert!(make_interpolation_matrix(&from, &[[0.0; 3]]).is_err());
    }
}
