//! Directions in time that inner and outer space share (tSSS).
//!
//! Taulu & Simola (2006), with residuals in place of the outer space, as MaxFilter and MNE have it. Mostly everything is
//! found from the triangle of the window ([`triangle`](super::triangle)): with signals `Xᵀ = Q R` and inner and residual
//! parts `(L_in)ᵀ X`, `(L_res)ᵀ X`, the cosines between both are the singular values of `U_inᵀ U_res`, where `U` are
//! orthonormal bases of the columns of `R L`. A shared direction is `V = Q u = Xᵀ R⁻¹ u`, and the window without it is
//! `X - A Vᵀ`, with `A = X V = Rᵀ u`. Where a rank is in doubt, or `V` would not come out exactly, the parts themselves
//! are decomposed, sample by sample.

use super::decompose::Decomposition;
use super::sensors::Sensors;
use bakusoku_core::{Error, Par, Result};
use bakusoku_math::linalg;
use ndarray::{Array2, ArrayView2, s};

/// Singular values that are this many times above or below the smallest one that counts leave no doubt about a rank; nor
/// do parts that are this many times above rounding.
const DOUBT: f64 = 1e3;
/// Directions that come out of the triangle to this are exact enough: results are compared to 1e-8.
const EXACT: f64 = 1e-11;
/// Singular values of the signals below this share of the largest one are rounding (signals scaled to unit length).
const ROUNDING: f64 = 1e-10;

/// What splits the good channels into an inner part and a residual.
#[derive(Clone, Debug)]
pub(super) struct Splitter {
    /// The inner part in coordinates with its own singular values, `(n_signals, n_inner)`.
    inner: Array2<f64>,
    /// The residual, likewise, `(n_signals, n_residual)`.
    residual: Array2<f64>,
    /// Good channels from kept moments, moments from good channels, and how many of them are inner ones.
    basis: (Array2<f64>, Array2<f64>, usize),
}

impl Splitter {
    /// From a basis; the signals are the good channels before cross-talk is taken out, then `more` that do not count.
    pub(super) fn new(sensors: &Sensors, basis: &Decomposition, decoupler: Option<&Array2<f64>>, more: usize) -> Self {
        let serial = Par::serial();
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
        let basis = (basis.s.clone(), basis.ps.clone(), basis.n_use_in);
        Self { inner: pad(inner, more), residual: pad(residual, more), basis }
    }

    /// Inner part and residual of samples of the good channels, cross-talk taken out: all channels of each, as MNE
    /// computes them.
    pub(super) fn parts(&self, good: ArrayView2<'_, f64>) -> [Array2<f64>; 2] {
        let serial = Par::serial();
        let (s, ps, n) = &self.basis;
        let inner = linalg::matmul(&serial, s.slice(s![.., ..*n]), ps.slice(s![..*n, ..]));
        let outer = linalg::matmul(&serial, s.slice(s![.., *n..]), ps.slice(s![*n.., ..]));
        let residual = Array2::eye(inner.nrows()) - &inner - &outer;
        [linalg::matmul(&serial, inner.view(), good), linalg::matmul(&serial, residual.view(), good)]
    }
}

/// Zero rows below.
fn pad(x: Array2<f64>, more: usize) -> Array2<f64> {
    if more == 0 {
        return x;
    }
    let mut out = Array2::zeros((x.nrows() + more, x.ncols()));
    out.slice_mut(s![..x.nrows(), ..]).assign(&x);
    out
}

/// Directions in time.
#[derive(Clone, Debug)]
pub(super) enum Directions {
    /// As combinations of signals, `(n_signals, k)`.
    OfSignals(Array2<f64>),
    /// Sample by sample of the window, `(k, n_times)`.
    InTime(Array2<f64>),
}

/// What is taken out of a window: its directions, and how much of each is in every signal, `(n_signals, k)`.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub v: Directions,
    pub a: Array2<f64>,
}

impl Shared {
    /// How many directions are taken out.
    pub(super) fn n_components(&self) -> usize {
        self.a.ncols()
    }
    fn none(n_signals: usize) -> Self {
        Self { v: Directions::OfSignals(Array2::zeros((n_signals, 0))), a: Array2::zeros((n_signals, 0)) }
    }
}

/// scipy.linalg.orth's rule, for a matrix of samples by channels: the share of the largest singular value above which
/// one counts.
fn tolerance(n_times: u64, n_channels: usize) -> f64 {
    n_times.max(n_channels as u64) as f64 * f64::EPSILON
}

/// The directions that both parts share to at least `limit`, from the triangle of a window of `n_times` samples; `None`
/// where the samples have to be looked at.
///
/// # Errors
/// When the triangle is not finite.
pub(super) fn from_triangle(
    r: ArrayView2<'_, f64>,
    n_times: u64,
    splitter: &Splitter,
    limit: f64,
) -> Result<Option<Shared>> {
    let product = |a: ArrayView2<'_, f64>, b: ArrayView2<'_, f64>| linalg::matmul(&Par::serial(), a, b);
    let tolerance = tolerance(n_times, splitter.basis.0.nrows());
    let lengths: Vec<f64> = r.columns().into_iter().map(|column| column.dot(&column).sqrt()).collect();
    let part = |splitter: &Array2<f64>| {
        let squares = splitter.rows().into_iter().zip(&lengths).map(|(row, length)| length * length * row.dot(&row));
        let rounding = f64::EPSILON * squares.sum::<f64>().sqrt();
        orthonormal(product(r, splitter.view()), tolerance, rounding)
    };
    let Some(inner) = part(&splitter.inner)? else { return Ok(None) };
    let Some(residual) = part(&splitter.residual)? else { return Ok(None) };
    if inner.ncols() == 0 || residual.ncols() == 0 {
        return Ok(Some(Shared::none(r.ncols())));
    }
    let cosines = product(inner.t(), residual.view());
    let svd = linalg::svd(cosines.view()).map_err(|error| Error::data(error.to_string()))?;
    let k = svd.s.iter().filter(|&&s| s >= limit).count();
    if k == 0 {
        return Ok(Some(Shared::none(r.ncols())));
    }
    let u = product(residual.view(), svd.vt.slice(s![..k, ..]).reversed_axes());
    Ok(solve(r, u.view())?.map(|m| Shared { v: Directions::OfSignals(m), a: product(r.t(), u.view()) }))
}

/// `m` with `r · m = u`, unless there is none to working precision.
fn solve(r: ArrayView2<'_, f64>, u: ArrayView2<'_, f64>) -> Result<Option<Array2<f64>>> {
    let product = |a: ArrayView2<'_, f64>, b: ArrayView2<'_, f64>| linalg::matmul(&Par::serial(), a, b);
    let length = |column: ndarray::ArrayView1<'_, f64>| match column.dot(&column).sqrt() {
        0.0 => 1.0,
        length => length,
    };
    let lengths: Vec<f64> = r.columns().into_iter().map(length).collect();
    let mut unit = r.to_owned();
    unit.columns_mut().into_iter().zip(&lengths).for_each(|(mut column, &length)| column /= length);
    let unscale = |mut m: Array2<f64>| {
        m.rows_mut().into_iter().zip(&lengths).for_each(|(mut row, &length)| row /= length);
        m
    };
    let exact = |m: &Array2<f64>| {
        let error = product(unit.view(), m.view()) - u;
        // Each column of `u` has unit length; rounding grows with the size of `m`.
        let size = m.iter().fold(0.0, |max: f64, x| max.max(x.abs()));
        error.iter().all(|x| x.abs() <= EXACT) && size * f64::EPSILON * 10.0 <= EXACT
    };
    if r.nrows() == r.ncols() {
        let m = product(linalg::inverse_upper(unit.view()).view(), u);
        if exact(&m) {
            return Ok(Some(unscale(m)));
        }
    }
    let svd = linalg::svd(unit.view()).map_err(|error| Error::data(error.to_string()))?;
    let rank = svd.s.iter().filter(|&&s| s > ROUNDING * svd.s[0]).count();
    let mut m = product(svd.u.slice(s![.., ..rank]).t(), u);
    m.rows_mut().into_iter().zip(&svd.s).for_each(|(mut row, &s)| row /= s);
    let m = product(svd.vt.slice(s![..rank, ..]).t(), m.view());
    Ok(exact(&m).then(|| unscale(m)))
}

/// An orthonormal basis of the columns of a matrix: directions whose singular value is above `tolerance` times the
/// largest one. `None` when that is in doubt for one, or when one that counts is hardly more than the `rounding` of `x`.
fn orthonormal(x: Array2<f64>, tolerance: f64, rounding: f64) -> Result<Option<Array2<f64>>> {
    let (rows, columns) = x.dim();
    if columns == 0 || x.iter().all(|&v| v == 0.0) {
        return Ok(Some(Array2::zeros((rows, 0))));
    }
    if rows >= columns {
        // Any basis will do when all directions count; the triangle tells whether they do.
        let (basis, r) = linalg::qr(x.view());
        let inverse = linalg::inverse_upper(r.view());
        let size = |m: &Array2<f64>| m.iter().map(|v| v * v).sum::<f64>().sqrt();
        if size(&inverse) * (size(&r) * tolerance).max(rounding) * DOUBT < 1.0 {
            return Ok(Some(basis));
        }
    }
    let svd = linalg::svd(x.view()).map_err(|error| Error::data(error.to_string()))?;
    let limit = tolerance * svd.s[0];
    if svd.s.iter().any(|&s| s < limit * DOUBT && s > limit / DOUBT) {
        return Ok(None);
    }
    let rank = svd.s.iter().filter(|&&s| s > limit).count();
    let certain = svd.s.iter().take(rank).all(|&s| s > rounding * DOUBT);
    Ok(certain.then(|| svd.u.slice(s![.., ..rank]).to_owned()))
}

/// The directions that both parts share to at least `limit`, from the parts themselves, `(n_channels, n_times)` each;
/// `signals` `(n_signals, n_times)` is what they are to be taken out of.
///
/// # Errors
/// When the parts are not finite.
pub(super) fn from_samples(parts: [Array2<f64>; 2], signals: ArrayView2<'_, f64>, limit: f64) -> Result<Shared> {
    let serial = Par::serial();
    let failed = |error: linalg::LinalgError| Error::data(error.to_string());
    let mut bases = Vec::with_capacity(2);
    for part in parts {
        let tolerance = tolerance(part.ncols() as u64, part.nrows());
        let svd = linalg::svd(part.t()).map_err(failed)?;
        let largest = svd.s.first().copied().unwrap_or(0.0);
        let rank = svd.s.iter().filter(|&&s| s > tolerance * largest).count();
        bases.push(svd.u.slice(s![.., ..rank]).to_owned());
    }
    let (inner, residual) = (&bases[0], &bases[1]);
    if inner.ncols() == 0 || residual.ncols() == 0 {
        return Ok(Shared::none(signals.nrows()));
    }
    let svd = linalg::svd(linalg::matmul(&serial, inner.t(), residual.view()).view()).map_err(failed)?;
    let k = svd.s.iter().filter(|&&s| s >= limit).count();
    let v = linalg::matmul(&serial, svd.vt.slice(s![..k, ..]), residual.t());
    let a = linalg::matmul(&serial, signals, v.t());
    Ok(Shared { v: Directions::InTime(v), a })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::numbers;

    /// Ten signals: five inner parts, then five residuals.
    fn halves() -> Splitter {
        let half = |from: usize| Array2::from_shape_fn((10, 5), |(i, j)| f64::from(u8::from(i == from + j)));
        Splitter { inner: half(0), residual: half(5), basis: (Array2::eye(10), Array2::eye(10), 5) }
    }

    fn of_signals(shared: &Shared) -> &Array2<f64> {
        match &shared.v {
            Directions::OfSignals(m) => m,
            Directions::InTime(_) => panic!("signals are enough"),
        }
    }

    #[test]
    fn a_direction_of_both_parts_is_taken_out() {
        let mut x = numbers(10, 400, 5);
        let wave: Vec<f64> = (0..400).map(|t| 20.0 * (t as f64 * 0.05).sin()).collect();
        for ch in [1, 2, 6, 9] {
            x.row_mut(ch).iter_mut().zip(&wave).for_each(|(x, w)| *x += w);
        }
        let splitter = halves();
        let r = linalg::qr_r(x.t());
        let found = from_triangle(r.view(), 400, &splitter, 0.95).unwrap().unwrap();
        assert_eq!(found.n_components(), 1);
        let v = of_signals(&found).t().dot(&x);
        assert!((v.dot(&v.t())[[0, 0]] - 1.0).abs() < 1e-12, "the direction has unit length");
        assert!((&x.dot(&v.t()) - &found.a).iter().all(|d| d.abs() < 1e-10));
        let clean = &x - &found.a.dot(&v);
        let left: f64 = clean.row(1).iter().zip(&wave).map(|(a, b)| a * b).sum();
        let before: f64 = x.row(1).iter().zip(&wave).map(|(a, b)| a * b).sum();
        assert!(left.abs() < 0.01 * before.abs());
        assert_eq!(from_triangle(r.view(), 400, &splitter, 1.0).unwrap().unwrap().n_components(), 0);
        let silent = Array2::zeros((10, 10));
        assert_eq!(from_triangle(silent.view(), 400, &splitter, 0.9).unwrap().unwrap().n_components(), 0);
        // The same from the samples.
        let parts = [x.slice(s![..5, ..]).to_owned(), x.slice(s![5.., ..]).to_owned()];
        let slow = from_samples(parts, x.view(), 0.95).unwrap();
        let Directions::InTime(w) = &slow.v else { panic!("samples were given") };
        assert!((&slow.a.dot(w) - &found.a.dot(&v)).iter().all(|d| d.abs() < 1e-11));
    }

    #[test]
    fn a_silent_channel_is_no_doubt_and_a_faint_part_is_one() {
        let mut x = numbers(10, 400, 7);
        let copy = x.row(3).to_owned();
        x.row_mut(2).assign(&copy);
        x.row_mut(8).fill(0.0);
        let found = from_triangle(linalg::qr_r(x.t()).view(), 400, &halves(), 0.01).unwrap().unwrap();
        let v = of_signals(&found).t().dot(&x);
        assert_eq!(found.n_components(), 4);
        assert!((&v.dot(&v.t()) - &Array2::<f64>::eye(4)).iter().all(|d| d.abs() < 1e-12));
        // A residual as faint as rounding.
        let inner = x.slice(s![..5, ..]).to_owned();
        x.slice_mut(s![5.., ..]).zip_mut_with(&inner, |x, y| *x = y + *x * 1e-13);
        let whole = halves();
        let splitter = Splitter { residual: &whole.residual - &whole.inner, ..whole };
        let found = from_triangle(linalg::qr_r(x.t()).view(), 400, &splitter, 0.01).unwrap();
        assert!(found.is_none(), "{:?}", found.map(|f| f.a.ncols()));
    }

    #[test]
    fn ranks_are_those_of_singular_values() {
        let mut x = numbers(8, 5, 6);
        let copy = x.column(0).to_owned();
        x.column_mut(3).assign(&copy);
        assert_eq!(orthonormal(x.clone(), 1e-12, 0.0).unwrap().unwrap().ncols(), 4);
        assert!(orthonormal(x, 1e-16, 0.0).unwrap().is_none());
    }
}
