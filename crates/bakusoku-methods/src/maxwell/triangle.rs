//! The triangle of many samples: what of them is needed to find directions in time.
//!
//! With `Xᵀ = Q R` (samples by signals) everything about windows is linear algebra on `R`: the samples need not be seen
//! again. `R` is found by Cholesky's decomposition, at the speed of products, in one round or two, as the signals need it;
//! where that does not carry (signals that depend on one another, too few samples) by Householder's, block by block.
//!
//! Yamamoto et al. (2015), Electron. Trans. Numer. Anal. 44:306 (two rounds are as exact as Householder's); Demmel et al.
//! (2012), SIAM J. Sci. Comput. 34:A206 (block by block).

use bakusoku_core::{Par, Result};
use bakusoku_math::linalg::{self, Accumulate};
use ndarray::{Array2, ArrayView2, Axis, concatenate, s};

/// Tiles whose triangle is found together by Householder's way.
const TILES_AT_ONCE: usize = 4;
/// Samples that are worked on at once.
pub(super) const TILE: usize = 512;
/// A round gives directions that are off by the rounding times the square of this, the size of the inverse of the triangle
/// (signals of unit length): up to here one round keeps them within 5e-9 even if all rounding added up (it does not: results
/// are within 4e-10 of MNE's), where 1e-8 is wanted.
const ONE_ROUND: f64 = 5e3;
/// Up to here a second round makes up for the first.
const TWO_ROUNDS: f64 = 1e6;

/// `R`, and whether the signals were found to depend on one another.
#[derive(Clone, Debug)]
pub(super) struct Triangle {
    pub r: Array2<f64>,
    dependent: bool,
}

/// The triangle of `n_times` samples of `n` signals; `tile(k)` gives the samples from `k * TILE` on, `(n, at most TILE)`.
///
/// # Errors
/// Those of `tile`.
pub(super) fn triangle(
    n: usize,
    n_times: usize,
    mut tile: impl FnMut(usize) -> Result<Array2<f64>>,
) -> Result<Triangle> {
    let n_tiles = n_times.div_ceil(TILE);
    if n_times > n
        && let Some(r) = cholesky(n, n_tiles, &mut tile)?
    {
        return Ok(Triangle { r, dependent: false });
    }
    // Several tiles at once: the work on the triangle so far is done less often.
    let mut r = Array2::zeros((0, n));
    for start in (0..n_tiles).step_by(TILES_AT_ONCE) {
        let mut parts = vec![r.reversed_axes()];
        for k in start..(start + TILES_AT_ONCE).min(n_tiles) {
            parts.push(tile(k)?);
        }
        let views: Vec<ArrayView2<'_, f64>> = parts.iter().map(|part| part.view()).collect();
        let stacked = concatenate(Axis(1), &views).expect("all parts have the same signals");
        r = linalg::qr_r_pivoted(stacked.t());
    }
    Ok(Triangle { r, dependent: true })
}

fn cholesky(
    n: usize,
    n_tiles: usize,
    tile: &mut impl FnMut(usize) -> Result<Array2<f64>>,
) -> Result<Option<Array2<f64>>> {
    let serial = Par::serial();
    let mut gram = Array2::zeros((n, n));
    for k in 0..n_tiles {
        linalg::gram_into(&serial, gram.view_mut(), tile(k)?.view());
    }
    let lengths: Vec<f64> = gram.diag().iter().map(|x| x.sqrt()).collect();
    if lengths.iter().any(|&length| !(length.is_normal())) {
        return Ok(None);
    }
    for i in 0..n {
        for j in 0..=i {
            gram[[i, j]] /= lengths[i] * lengths[j];
        }
    }
    let Some(first) = linalg::cholesky(gram.view()) else { return Ok(None) };
    let inverse = linalg::inverse_upper(first.view());
    let size = inverse.iter().map(|x| x * x).sum::<f64>().sqrt();
    if size.is_nan() || size > TWO_ROUNDS {
        return Ok(None);
    }
    let unscale = |mut r: Array2<f64>| {
        r.columns_mut().into_iter().zip(&lengths).for_each(|(mut column, &length)| column *= length);
        r
    };
    if size <= ONE_ROUND {
        return Ok(Some(unscale(first)));
    }
    let mut lower = inverse.reversed_axes().as_standard_layout().into_owned();
    lower.columns_mut().into_iter().zip(&lengths).for_each(|(mut column, &length)| column /= length);
    gram.fill(0.0);
    let mut almost = Array2::zeros((n, TILE));
    for k in 0..n_tiles {
        let x = tile(k)?;
        let mut almost = almost.slice_mut(s![.., ..x.ncols()]);
        lower_product(lower.view(), x.view(), almost.view_mut());
        linalg::gram_into(&serial, gram.view_mut(), almost.view());
    }
    let Some(second) = linalg::cholesky(gram.view()) else { return Ok(None) };
    Ok(Some(unscale(linalg::matmul(&serial, second.view(), first.view()))))
}

/// `out = lower · x`, where nothing stands above the diagonal of `lower`.
fn lower_product(lower: ArrayView2<'_, f64>, x: ArrayView2<'_, f64>, mut out: ndarray::ArrayViewMut2<'_, f64>) {
    const ROWS: usize = 64;
    for start in (0..lower.nrows()).step_by(ROWS) {
        let stop = (start + ROWS).min(lower.nrows());
        linalg::matmul_into(
            &Par::serial(),
            out.slice_mut(s![start..stop, ..]),
            Accumulate::Replace,
            lower.slice(s![start..stop, ..stop]),
            x.slice(s![..stop, ..]),
            1.0,
        );
    }
}

/// The triangle of several stretches and samples together, from theirs.
pub(super) fn join(parts: &[&Triangle], samples: &[ArrayView2<'_, f64>]) -> Array2<f64> {
    let views: Vec<ArrayView2<'_, f64>> =
        parts.iter().map(|part| part.r.view()).chain(samples.iter().map(|x| x.reborrow())).collect();
    if let [only] = views[..] {
        return only.to_owned();
    }
    let stacked = concatenate(Axis(0), &views).expect("all stretches have the same signals");
    if parts.iter().any(|part| part.dependent) {
        linalg::qr_r_pivoted(stacked.view())
    } else {
        linalg::qr_r(stacked.view())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::numbers;

    fn of(x: &Array2<f64>) -> Triangle {
        triangle(x.nrows(), x.ncols(), |k| {
            let stop = ((k + 1) * TILE).min(x.ncols());
            Ok(x.slice(s![.., k * TILE..stop]).to_owned())
        })
        .unwrap()
    }

    /// `rᵀ r` is `x xᵀ` to rounding of the signals' sizes.
    fn check(x: &Array2<f64>, r: &Array2<f64>, tolerance: f64) {
        let (expected, got) = (x.dot(&x.t()), r.t().dot(r));
        for ((i, j), &value) in expected.indexed_iter() {
            let size = (expected[[i, i]] * expected[[j, j]]).sqrt();
            assert!((got[[i, j]] - value).abs() <= tolerance * size, "{i} {j}: {} {value}", got[[i, j]]);
        }
    }

    #[test]
    fn both_ways_give_a_triangle() {
        let mut x = numbers(20, 1500, 1);
        x.row_mut(3).mapv_inplace(|v| v * 1e-13);
        let r = of(&x).r;
        check(&x, &r, 1e-13);
        // The same as Householder's but for signs.
        let other = linalg::qr_r(x.t());
        for (i, row) in r.rows().into_iter().enumerate() {
            let sign = if row[i] * other[[i, i]] < 0.0 { -1.0 } else { 1.0 };
            let size = row.dot(&row).sqrt();
            assert!(row.iter().zip(other.row(i)).all(|(a, b)| (a - sign * b).abs() < 1e-13 * size.max(1e-13)));
        }
        // So nearly dependent that one round would not do.
        let mut near = x.clone();
        let almost = &near.row(5) + &(&near.row(11) * 1e-5);
        near.row_mut(11).assign(&almost);
        let (r, other) = (of(&near).r, linalg::qr_r(near.t()));
        check(&near, &r, 1e-11);
        assert!((r[[11, 11]].abs() / other[[11, 11]].abs() - 1.0).abs() < 1e-9, "{} {}", r[[11, 11]], other[[11, 11]]);
        // Signals that depend on one another, too few samples, silence.
        let copy = x.row(0).to_owned();
        x.row_mut(7).assign(&copy);
        check(&x, &of(&x).r, 1e-13);
        let few = numbers(20, 13, 2);
        assert_eq!(of(&few).r.dim(), (13, 20));
        check(&few, &of(&few).r, 1e-13);
        check(&Array2::zeros((5, 100)), &of(&Array2::zeros((5, 100))).r, 0.0);
    }

    #[test]
    fn parts_join() {
        let x = numbers(12, 900, 3);
        let parts = [of(&x.slice(s![.., ..400]).to_owned()), of(&x.slice(s![.., 400..899]).to_owned())];
        check(&x, &join(&[&parts[0], &parts[1]], &[x.slice(s![.., 899..]).t()]), 1e-13);
    }
}
