//! Directions in time that inner and outer space share (tSSS).
//!
//! Taulu & Simola (2006), with residuals in place of the outer space, as MaxFilter and MNE have it. Everything is found
//! from the triangle of the window ([`triangle`](super::triangle)): with signals `Xᵀ = Q R` and inner and residual parts
//! `(L_in)ᵀ X`, `(L_res)ᵀ X`, the cosines between both are the singular values of `U_inᵀ U_res`, where `U` are
//! orthonormal bases of the columns of `R L`. A shared direction is `V = Xᵀ M`, and the window without it is
//! `X - A Mᵀ X`, with `A = X V = Rᵀ (R M)`.

use super::decompose::Decomposition;
use super::sensors::Sensors;
use bakusoku_core::{Error, Par, Result};
use bakusoku_math::linalg;
use ndarray::{Array2, ArrayView2, s};

/// What splits signals into an inner part and a residual, each in coordinates with its own singular values.
#[derive(Clone, Debug)]
pub(super) struct Splitter {
    /// `(n_signals, n_inner)`
    inner: Array2<f64>,
    /// `(n_signals, n_residual)`
    residual: Array2<f64>,
    /// Channels of each part as MNE has them: its rule for ranks asks for them.
    n_channels: usize,
}

impl Splitter {
    /// From a basis; the signals are the good channels before cross-talk is taken out, then `more` that do not count.
    pub(super) fn of_basis(
        sensors: &Sensors,
        basis: &Decomposition,
        decoupler: Option<&Array2<f64>>,
        more: usize,
    ) -> Self {
        let serial = Par::serial();
        let n = sensors.good.len();
        // The inner part is S_in (pS_in x): of S_in only its size in each direction matters, its triangle.
        let size = linalg::qr_r(basis.s_in());
        let mut inner = linalg::matmul(&serial, basis.ps_in().t(), size.t());
        // The residual is C⁻¹ (1 - P) C x, where C scales the channels and P projects on the scaled basis: with an
        // orthonormal basis N of what P leaves out, C⁻¹ N (Nᵀ C x).
        let mut scaled = basis.s.clone();
        scaled.rows_mut().into_iter().zip(&sensors.good).for_each(|(mut row, &i)| row *= sensors.scale(i));
        let mut left = linalg::orthogonal_complement(scaled.view());
        let mut small = left.clone();
        for (k, &i) in sensors.good.iter().enumerate() {
            left.row_mut(k).mapv_inplace(|x| x * sensors.scale(i));
            small.row_mut(k).mapv_inplace(|x| x / sensors.scale(i));
        }
        let size = linalg::qr_r(small.view());
        let mut residual = linalg::matmul(&serial, left.view(), size.t());
        if let Some(decoupler) = decoupler {
            inner = linalg::matmul(&serial, decoupler.t(), inner.view());
            residual = linalg::matmul(&serial, decoupler.t(), residual.view());
        }
        Self { inner: pad(inner, 0, more), residual: pad(residual, 0, more), n_channels: n }
    }

    /// For signals that are `before` that do not count, then `n` inner parts, then `n` residuals.
    pub(super) fn of_parts(before: usize, n: usize) -> Self {
        Self { inner: pad(Array2::eye(n), before, n), residual: pad(Array2::eye(n), before + n, 0), n_channels: n }
    }
}

/// Zero rows before and after.
fn pad(x: Array2<f64>, before: usize, after: usize) -> Array2<f64> {
    if before + after == 0 {
        return x;
    }
    let mut out = Array2::zeros((before + x.nrows() + after, x.ncols()));
    out.slice_mut(s![before..before + x.nrows(), ..]).assign(&x);
    out
}

/// What is taken out of a window: `X - a · (mᵀ · X)`.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    /// Directions in time as combinations of signals, `(n_signals, k)`.
    pub m: Array2<f64>,
    /// How much of each is in every signal, `(n_signals, k)`.
    pub a: Array2<f64>,
}

impl Shared {
    /// How many directions are taken out.
    pub(super) fn n_components(&self) -> usize {
        self.m.ncols()
    }
}

/// The directions that both parts share to at least `limit`, from the triangle of a window of `n_times` samples.
///
/// # Errors
/// When the triangle is not finite.
pub(super) fn shared(r: ArrayView2<'_, f64>, n_times: u64, splitter: &Splitter, limit: f64) -> Result<Shared> {
    let serial = Par::serial();
    let product = |a: ArrayView2<'_, f64>, b: ArrayView2<'_, f64>| linalg::matmul(&serial, a, b);
    // scipy.linalg.orth's rule, for a matrix of samples by channels.
    let tolerance = n_times.max(splitter.n_channels as u64) as f64 * f64::EPSILON;
    let inner = orthonormal(product(r, splitter.inner.view()), tolerance)?;
    let residual = orthonormal(product(r, splitter.residual.view()), tolerance)?;
    let empty = || Array2::zeros((r.ncols(), 0));
    if inner.basis.ncols() == 0 || residual.basis.ncols() == 0 {
        return Ok(Shared { m: empty(), a: empty() });
    }
    let cosines = product(inner.basis.t(), residual.basis.view());
    let svd = linalg::svd(cosines.view()).map_err(|error| Error::data(error.to_string()))?;
    let k = svd.s.iter().filter(|&&s| s >= limit).count();
    if k == 0 {
        return Ok(Shared { m: empty(), a: empty() });
    }
    let v = svd.vt.slice(s![..k, ..]).reversed_axes();
    let m = product(splitter.residual.view(), product(residual.weights.view(), v).view());
    let a = product(r.t(), product(residual.basis.view(), v).view());
    Ok(Shared { m, a })
}

/// An orthonormal basis of the columns of a matrix, and how it is made of them.
struct Orthonormal {
    /// `(n_rows, rank)`
    basis: Array2<f64>,
    /// `basis = x · weights`, `(n_columns, rank)`
    weights: Array2<f64>,
}

/// Directions whose singular value is above `tolerance` times the largest one.
fn orthonormal(x: Array2<f64>, tolerance: f64) -> Result<Orthonormal> {
    let (rows, columns) = x.dim();
    if columns == 0 || x.iter().all(|&v| v == 0.0) {
        return Ok(Orthonormal { basis: Array2::zeros((rows, 0)), weights: Array2::zeros((columns, 0)) });
    }
    if rows >= columns {
        // Any basis will do when all directions count; the triangle tells whether they do.
        let (basis, r) = linalg::qr(x.view());
        let weights = linalg::inverse_upper(r.view());
        let size = |m: &Array2<f64>| m.iter().map(|v| v * v).sum::<f64>().sqrt();
        if size(&r) * size(&weights) * tolerance < 1.0 {
            return Ok(Orthonormal { basis, weights });
        }
    }
    let svd = linalg::svd(x.view()).map_err(|error| Error::data(error.to_string()))?;
    let rank = svd.s.iter().filter(|&&s| s > tolerance * svd.s[0]).count();
    let mut weights = svd.vt.slice(s![..rank, ..]).reversed_axes().to_owned();
    weights.columns_mut().into_iter().zip(&svd.s).for_each(|(mut column, &s)| column /= s);
    Ok(Orthonormal { basis: svd.u.slice(s![.., ..rank]).to_owned(), weights })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::numbers;

    #[test]
    fn a_direction_of_both_parts_is_taken_out() {
        // Signals: 4 inner parts, then 6 residuals; one wave is in both.
        let mut x = numbers(10, 400, 5);
        let wave: Vec<f64> = (0..400).map(|t| 20.0 * (t as f64 * 0.05).sin()).collect();
        for ch in [1, 2, 6, 9] {
            x.row_mut(ch).iter_mut().zip(&wave).for_each(|(x, w)| *x += w);
        }
        let splitter =
            Splitter { inner: pad(Array2::eye(4), 0, 6), residual: pad(Array2::eye(6), 4, 0), n_channels: 10 };
        let r = linalg::qr_r(x.t());
        let found = shared(r.view(), 400, &splitter, 0.95).unwrap();
        assert_eq!(found.n_components(), 1);
        let v = found.m.t().dot(&x);
        assert!((v.dot(&v.t())[[0, 0]] - 1.0).abs() < 1e-12, "the direction has unit length");
        assert!((&x.dot(&v.t()) - &found.a).iter().all(|d| d.abs() < 1e-10));
        let clean = &x - &found.a.dot(&v);
        let left: f64 = clean.row(1).iter().zip(&wave).map(|(a, b)| a * b).sum();
        let before: f64 = x.row(1).iter().zip(&wave).map(|(a, b)| a * b).sum();
        assert!(left.abs() < 0.01 * before.abs());
        assert_eq!(shared(r.view(), 400, &splitter, 1.0).unwrap().n_components(), 0);
        let silent = Array2::zeros((10, 10));
        assert_eq!(shared(silent.view(), 400, &splitter, 0.9).unwrap().n_components(), 0);
    }

    #[test]
    fn ranks_are_those_of_singular_values() {
        let mut x = numbers(8, 5, 6);
        let copy = x.column(0).to_owned();
        x.column_mut(3).assign(&copy);
        let found = orthonormal(x.clone(), 1e-12).unwrap();
        assert_eq!(found.basis.ncols(), 4);
        assert!((&x.dot(&found.weights) - &found.basis).iter().all(|d| d.abs() < 1e-13));
    }
}
