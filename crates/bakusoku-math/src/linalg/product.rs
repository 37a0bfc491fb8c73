//! Products of matrices.

use super::view::{mat, mat_mut};
use bakusoku_pool::Par;
use faer::linalg::matmul as faer_matmul;
use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis, s};
use std::sync::{Mutex, PoisonError};

/// Rows of a tile of [`gram_into`].
const GRAM_ROWS: usize = 96;
/// Rows or columns of a tile of [`matmul_into`], whichever there are more of.
const TILE: usize = 256;

/// What becomes of what the output held before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accumulate {
    /// It is overwritten.
    Replace,
    /// The product is added to it.
    Add,
}

impl Accumulate {
    fn faer(self) -> faer::Accum {
        match self {
            Self::Replace => faer::Accum::Replace,
            Self::Add => faer::Accum::Add,
        }
    }
}

fn product(
    out: &mut ArrayViewMut2<'_, f64>,
    how: Accumulate,
    a: ArrayView2<'_, f64>,
    b: ArrayView2<'_, f64>,
    alpha: f64,
) {
    faer_matmul::matmul(mat_mut(out), how.faer(), mat(&a), mat(&b), alpha, faer::Par::Seq);
}

/// `a · b`.
///
/// # Panics
/// When the shapes do not fit.
pub fn matmul(par: &Par, a: ArrayView2<'_, f64>, b: ArrayView2<'_, f64>) -> Array2<f64> {
    let mut out = Array2::zeros((a.nrows(), b.ncols()));
    matmul_into(par, out.view_mut(), Accumulate::Replace, a, b, 1.0);
    out
}

/// `out = alpha · a · b`, or added to it.
///
/// # Panics
/// When the shapes do not fit.
pub fn matmul_into(
    par: &Par,
    mut out: ArrayViewMut2<'_, f64>,
    how: Accumulate,
    a: ArrayView2<'_, f64>,
    b: ArrayView2<'_, f64>,
    alpha: f64,
) {
    assert_eq!(a.ncols(), b.nrows(), "the columns of `a` must be as many as the rows of `b`");
    assert_eq!(out.dim(), (a.nrows(), b.ncols()), "`out` must be as large as the product");
    if out.is_empty() {
        return;
    }
    // The cut depends on the shape alone, never on the number of threads.
    let by_columns = out.ncols() >= out.nrows();
    let axis = if by_columns { Axis(1) } else { Axis(0) };
    if out.len_of(axis) <= TILE {
        return product(&mut out, how, a, b, alpha);
    }
    let tiles: Vec<Mutex<ArrayViewMut2<'_, f64>>> = out.axis_chunks_iter_mut(axis, TILE).map(Mutex::new).collect();
    par.for_each(tiles.len(), |index| {
        // Each index is taken once: nobody ever waits here.
        let mut tile = tiles[index].lock().unwrap_or_else(PoisonError::into_inner);
        let range = index * TILE..index * TILE + tile.len_of(axis);
        if by_columns {
            product(&mut tile, how, a, b.slice(s![.., range]), alpha);
        } else {
            product(&mut tile, how, a.slice(s![range, ..]), b, alpha);
        }
    });
}

/// `a · b`, whose row `i` goes to row `rows[i]` of `out` (`rows` ascending); other rows stay as they are.
///
/// # Panics
/// When the shapes do not fit.
pub fn matmul_to_rows(
    par: &Par,
    mut out: ArrayViewMut2<'_, f64>,
    rows: &[usize],
    a: ArrayView2<'_, f64>,
    b: ArrayView2<'_, f64>,
) {
    match *rows {
        [first, .., last] if last - first + 1 == rows.len() => {
            matmul_into(par, out.slice_mut(s![first..=last, ..]), Accumulate::Replace, a, b, 1.0);
        }
        _ => {
            let made = matmul(par, a, b);
            made.rows().into_iter().zip(rows).for_each(|(row, &to)| out.row_mut(to).assign(&row));
        }
    }
}

/// The lower triangle of `out += x · xᵀ`; what stands above the diagonal is undefined until [`mirror_lower`].
///
/// # Panics
/// When `out` is not `(x.nrows(), x.nrows())`.
pub fn gram_into(par: &Par, mut out: ArrayViewMut2<'_, f64>, x: ArrayView2<'_, f64>) {
    let n = x.nrows();
    assert_eq!(out.dim(), (n, n), "`out` must have a row and a column for every row of `x`");
    if n == 0 || x.ncols() == 0 {
        return;
    }
    let tiles: Vec<Mutex<ArrayViewMut2<'_, f64>>> =
        out.axis_chunks_iter_mut(Axis(0), GRAM_ROWS).map(Mutex::new).collect();
    par.for_each(tiles.len(), |index| {
        // The longest tiles first, so that threads finish together.
        let index = tiles.len() - 1 - index;
        let mut tile = tiles[index].lock().unwrap_or_else(PoisonError::into_inner);
        let (start, stop) = (index * GRAM_ROWS, index * GRAM_ROWS + tile.nrows());
        let mut lower = tile.slice_mut(s![.., ..stop]);
        product(
            &mut lower,
            Accumulate::Add,
            x.slice(s![start..stop, ..]),
            x.slice(s![..stop, ..]).reversed_axes(),
            1.0,
        );
    });
}

/// Copies what stands below the diagonal to above it.
pub fn mirror_lower(mut out: ArrayViewMut2<'_, f64>) {
    for i in 0..out.nrows() {
        for j in i + 1..out.ncols() {
            out[[i, j]] = out[[j, i]];
        }
    }
}

/// `x · xᵀ`, exactly symmetric.
pub fn gram(par: &Par, x: ArrayView2<'_, f64>) -> Array2<f64> {
    let mut out = Array2::zeros((x.nrows(), x.nrows()));
    gram_into(par, out.view_mut(), x);
    mirror_lower(out.view_mut());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(rows: usize, cols: usize, seed: u64) -> Array2<f64> {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        Array2::from_shape_simple_fn((rows, cols), || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
        })
    }

    #[test]
    fn product_of_any_layout_equals_the_sum_over_the_inner_index() {
        let (a, b) = (numbers(37, 41, 1), numbers(600, 41, 2));
        let out = matmul(&Par::serial(), a.view(), b.t());
        for (i, j) in [(0, 0), (36, 599), (17, 300), (5, 256), (5, 255)] {
            let expected: f64 = (0..41).map(|k| a[[i, k]] * b[[j, k]]).sum();
            assert!((out[[i, j]] - expected).abs() < 1e-14);
        }
        let turned = matmul(&Par::serial(), b.view(), a.t());
        assert!((&turned.t() - &out).iter().all(|d| d.abs() < 1e-14));
    }

    #[test]
    fn accumulated_gram_is_the_gram_of_all() {
        let x = numbers(150, 333, 3);
        let mut sum = Array2::zeros((150, 150));
        for part in [0..100, 100..101, 101..333] {
            gram_into(&Par::serial(), sum.view_mut(), x.slice(s![.., part]));
        }
        mirror_lower(sum.view_mut());
        let whole = gram(&Par::serial(), x.view());
        assert!((&whole - &x.dot(&x.t())).iter().all(|d| d.abs() < 1e-13));
        assert!((&whole - &sum).iter().all(|d| d.abs() < 1e-13));
        assert_eq!(whole, whole.t());
    }

    /// Column operators are applied to blocks of any length: the cut must not show.
    #[test]
    fn a_column_of_a_product_does_not_depend_on_its_neighbours() {
        let (a, b) = (numbers(366, 366, 4), numbers(366, 700, 5));
        let whole = matmul(&Par::serial(), a.view(), b.view());
        for (start, stop) in [(0, 1), (0, 700), (13, 14), (13, 300), (255, 257), (400, 700), (699, 700), (1, 9)] {
            let part = matmul(&Par::serial(), a.view(), b.slice(s![.., start..stop]));
            assert_eq!(part, whole.slice(s![.., start..stop]), "{start}..{stop}");
        }
    }
}
