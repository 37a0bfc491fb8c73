//! Triangles: their inverse, and the one of a positive definite matrix.

use super::view::{array, mat};
use faer::{Mat, Par, Side};
use ndarray::{Array2, ArrayView2};

/// The inverse of an upper triangle, of which nothing below the diagonal is read. A zero on the diagonal gives infinite
/// or undefined elements.
///
/// # Panics
/// When the matrix is not square.
pub fn inverse_upper(r: ArrayView2<'_, f64>) -> Array2<f64> {
    assert_eq!(r.nrows(), r.ncols(), "a triangle must be square");
    let mut out = Mat::zeros(r.nrows(), r.nrows());
    faer::linalg::triangular_inverse::invert_upper_triangular(out.as_mut(), mat(&r), Par::Seq);
    array(out.as_ref())
}

/// The upper triangle `r` with `a = rᵀ · r`; only the lower triangle of `a` is read. `None` when `a` is not positive
/// definite to working precision, or not finite.
///
/// # Panics
/// When the matrix is not square.
pub fn cholesky(a: ArrayView2<'_, f64>) -> Option<Array2<f64>> {
    assert_eq!(a.nrows(), a.ncols(), "the decomposition of Cholesky needs a square matrix");
    let llt = mat(&a).llt(Side::Lower).ok()?;
    let r = array(llt.L().transpose());
    r.iter().all(|x| x.is_finite()).then_some(r)
}

/// An orthonormal basis of what is orthogonal to the columns of `a`, `(m, m - n)`; the columns are taken to be
/// independent.
///
/// # Panics
/// When there are more columns than rows.
pub fn orthogonal_complement(a: ArrayView2<'_, f64>) -> Array2<f64> {
    let (m, n) = a.dim();
    assert!(n <= m, "more columns than rows leave nothing that is orthogonal to them");
    let q = mat(&a).qr().compute_Q();
    array(q.get(.., n..))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn triangles_are_inverted_and_found() {
        let r = array![[2.0, -1.0, 0.5], [0.0, 3.0, 1.5], [0.0, 0.0, 0.25]];
        let product = inverse_upper(r.view()).dot(&r);
        assert!((&product - &Array2::<f64>::eye(3)).iter().all(|d| d.abs() < 1e-15));
        let found = cholesky(r.t().dot(&r).view()).unwrap();
        assert!((&found - &r).iter().all(|d| d.abs() < 1e-14));
        assert!(cholesky(array![[1.0, 0.0], [2.0, 1.0]].view()).is_none());
        assert!(cholesky(array![[f64::NAN]].view()).is_none());
    }

    #[test]
    fn the_complement_is_orthogonal_and_complete() {
        let a = array![[1.0, 2.0], [0.5, -1.0], [3.0, 0.1], [-0.2, 0.4]];
        let rest = orthogonal_complement(a.view());
        assert_eq!(rest.dim(), (4, 2));
        assert!(a.t().dot(&rest).iter().all(|d| d.abs() < 1e-15));
        assert!((&rest.t().dot(&rest) - &Array2::<f64>::eye(2)).iter().all(|d| d.abs() < 1e-15));
    }
}
