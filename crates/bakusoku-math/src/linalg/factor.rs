//! Decompositions.

use super::view::{array, mat};
use faer::Side;
use faer::linalg::solvers::Solve;
use ndarray::{Array1, Array2, ArrayView2, s};

/// What can go wrong in linear algebra.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LinalgError {
    /// An iteration did not end, or the matrix holds NaN or infinity.
    #[error("the {what} of a {rows} x {cols} matrix did not converge, expected finite elements")]
    NoConvergence {
        /// Which decomposition.
        what: &'static str,
        /// Rows of the matrix.
        rows: usize,
        /// Columns of the matrix.
        cols: usize,
    },
    /// The matrix has another shape than the decomposition needs.
    #[error("the {what} needs a square matrix, got {rows} x {cols}")]
    NotSquare {
        /// Which decomposition.
        what: &'static str,
        /// Rows of the matrix.
        rows: usize,
        /// Columns of the matrix.
        cols: usize,
    },
}

fn finite(what: &'static str, a: &ArrayView2<'_, f64>) -> Result<(), LinalgError> {
    if a.iter().all(|x| x.is_finite()) { Ok(()) } else { Err(no_convergence(what, a)) }
}

fn no_convergence(what: &'static str, a: &ArrayView2<'_, f64>) -> LinalgError {
    LinalgError::NoConvergence { what, rows: a.nrows(), cols: a.ncols() }
}

/// Eigenvalues (ascending) and eigenvectors (columns) of a symmetric matrix, of which only the lower triangle is read.
///
/// # Errors
/// When the matrix is not square or not finite.
pub fn eigh(a: ArrayView2<'_, f64>) -> Result<(Array1<f64>, Array2<f64>), LinalgError> {
    const WHAT: &str = "eigendecomposition";
    if a.nrows() != a.ncols() {
        return Err(LinalgError::NotSquare { what: WHAT, rows: a.nrows(), cols: a.ncols() });
    }
    finite(WHAT, &a)?;
    if a.is_empty() {
        return Ok((Array1::zeros(0), Array2::zeros((0, 0))));
    }
    let evd = mat(&a).self_adjoint_eigen(Side::Lower).map_err(|_| no_convergence(WHAT, &a))?;
    let values = evd.S().column_vector().iter().copied().collect();
    Ok((values, array(evd.U())))
}

/// A thin singular value decomposition: `a = u · diag(s) · vt`.
#[derive(Clone, Debug)]
pub struct Svd {
    /// Left singular vectors in columns, `(m, k)`.
    pub u: Array2<f64>,
    /// Singular values, descending.
    pub s: Array1<f64>,
    /// Right singular vectors in rows, `(k, n)`.
    pub vt: Array2<f64>,
}

/// The thin singular value decomposition.
///
/// # Errors
/// When the matrix is not finite.
pub fn svd(a: ArrayView2<'_, f64>) -> Result<Svd, LinalgError> {
    const WHAT: &str = "singular value decomposition";
    finite(WHAT, &a)?;
    if a.is_empty() {
        return Ok(Svd { u: Array2::zeros((a.nrows(), 0)), s: Array1::zeros(0), vt: Array2::zeros((0, a.ncols())) });
    }
    let svd = mat(&a).thin_svd().map_err(|_| no_convergence(WHAT, &a))?;
    let s = svd.S().column_vector().iter().copied().collect();
    Ok(Svd { u: array(svd.U()), s, vt: array(svd.V().transpose()) })
}

/// Singular values, descending.
///
/// # Errors
/// When the matrix is not finite.
pub fn svdvals(a: ArrayView2<'_, f64>) -> Result<Array1<f64>, LinalgError> {
    const WHAT: &str = "singular value decomposition";
    finite(WHAT, &a)?;
    if a.is_empty() {
        return Ok(Array1::zeros(0));
    }
    Ok(Array1::from(mat(&a).singular_values().map_err(|_| no_convergence(WHAT, &a))?))
}

/// The thin QR decomposition: orthonormal columns `(m, k)` and an upper triangle `(k, n)`.
pub fn qr(a: ArrayView2<'_, f64>) -> (Array2<f64>, Array2<f64>) {
    let qr = mat(&a).qr();
    (array(qr.compute_thin_Q().as_ref()), upper(array(qr.thin_R())))
}

/// The upper triangle of the QR decomposition alone, `(min(m, n), n)`.
pub fn qr_r(a: ArrayView2<'_, f64>) -> Array2<f64> {
    upper(array(mat(&a).qr().thin_R()))
}

/// As [`qr_r`], with columns taken in the order of their size and then put back: not a triangle, but what depends on
/// other columns keeps its size, which [`qr_r`] may round to zero below 1e-11 of the column.
pub fn qr_r_pivoted(a: ArrayView2<'_, f64>) -> Array2<f64> {
    if a.iter().all(|&x| x == 0.0) {
        // No column is the largest one.
        return Array2::zeros((a.nrows().min(a.ncols()), a.ncols()));
    }
    let qr = mat(&a).col_piv_qr();
    let r = upper(array(qr.thin_R()));
    let (order, _) = qr.P().arrays();
    let mut out = Array2::zeros(r.dim());
    for (column, &place) in r.columns().into_iter().zip(order) {
        out.column_mut(place).assign(&column);
    }
    out
}

fn upper(mut r: Array2<f64>) -> Array2<f64> {
    for i in 1..r.nrows() {
        let stop = i.min(r.ncols());
        r.slice_mut(s![i, ..stop]).fill(0.0);
    }
    r
}

/// The solution `x` of `a · x = b` (`numpy.linalg.solve`), by the LU decomposition with partial pivoting.
///
/// # Errors
/// When `a` is not square, or singular, or when an element is not finite.
///
/// # Panics
/// When `b` has another number of rows than `a`.
pub fn solve(a: ArrayView2<'_, f64>, b: ArrayView2<'_, f64>) -> Result<Array2<f64>, LinalgError> {
    const WHAT: &str = "solution";
    assert_eq!(a.nrows(), b.nrows(), "both sides of an equation must have as many rows");
    if a.nrows() != a.ncols() {
        return Err(LinalgError::NotSquare { what: WHAT, rows: a.nrows(), cols: a.ncols() });
    }
    if a.is_empty() || b.is_empty() {
        return Ok(Array2::zeros((a.ncols(), b.ncols())));
    }
    let x = array(mat(&a).partial_piv_lu().solve(mat(&b)).as_ref());
    if x.iter().all(|x| x.is_finite()) { Ok(x) } else { Err(no_convergence(WHAT, &a)) }
}

/// The pseudo-inverse; singular values up to `rcond` times the largest one count as zero (`numpy.linalg.pinv`, where
/// `rcond` is 1e-15 unless told).
///
/// # Errors
/// When the matrix is not finite.
pub fn pinv(a: ArrayView2<'_, f64>, rcond: f64) -> Result<Array2<f64>, LinalgError> {
    let Svd { u, s, vt } = svd(a)?;
    let cutoff = rcond * s.first().copied().unwrap_or(0.0);
    let mut scaled = vt.reversed_axes();
    for (mut column, &value) in scaled.columns_mut().into_iter().zip(&s) {
        column *= if value > cutoff { 1.0 / value } else { 0.0 };
    }
    Ok(scaled.dot(&u.t()))
}

/// The singular values of a matrix with few rows and very many columns, whose columns come in pieces.
///
/// It keeps the triangle of the QR decomposition of the transpose, so that small singular values come out as well as
/// from the whole matrix; those of `x · xᵀ` would be lost below 1e-8 of the largest.
#[derive(Clone, Debug)]
pub struct RowSpace {
    r: Array2<f64>,
}

impl RowSpace {
    /// For matrices of `n` rows.
    pub fn new(n: usize) -> Self {
        Self { r: Array2::zeros((0, n)) }
    }
    /// More columns: `x` is `(n, any)`.
    ///
    /// # Panics
    /// When `x` has another number of rows.
    pub fn push(&mut self, x: ArrayView2<'_, f64>) {
        let (n, held) = (self.r.ncols(), self.r.nrows());
        assert_eq!(x.nrows(), n, "pieces must have the rows that were agreed");
        // Column-major, as faer works.
        let mut stack = Array2::zeros((n, held + x.ncols())).reversed_axes();
        stack.slice_mut(s![..held, ..]).assign(&self.r);
        stack.slice_mut(s![held.., ..]).assign(&x.t());
        self.r = qr_r(stack.view());
    }
    /// The triangle `r` of the QR decomposition of the transpose of all columns so far: at most `n` rows, `n` columns.
    pub fn triangle(&self) -> ArrayView2<'_, f64> {
        self.r.view()
    }
    /// Singular values of all columns so far, descending.
    ///
    /// # Errors
    /// When the columns are not finite.
    pub fn svdvals(&self) -> Result<Array1<f64>, LinalgError> {
        svdvals(self.r.view())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn eigenvalues_ascend_and_rebuild_the_matrix() {
        let a = array![[4.0, 1.0, -2.0], [1.0, 2.0, 0.0], [-2.0, 0.0, 3.0]];
        let (values, vectors) = eigh(a.view()).unwrap();
        assert!(values.windows(2).into_iter().all(|w| w[0] <= w[1]));
        let again = vectors.dot(&Array2::from_diag(&values)).dot(&vectors.t());
        assert!((&again - &a).iter().all(|d| d.abs() < 1e-14));
        assert!(matches!(eigh(array![[f64::NAN]].view()), Err(LinalgError::NoConvergence { .. })));
        assert!(matches!(eigh(array![[1.0, 2.0]].view()), Err(LinalgError::NotSquare { .. })));
    }

    #[test]
    fn equations_are_solved_or_refused() {
        let a = array![[0.0, 2.0, 1.0], [3.0, 1.0, -1.0], [1.0, 0.0, 5.0]];
        let x = array![[1.0, -2.0], [0.5, 4.0], [3.0, 0.0]];
        let found = solve(a.view(), a.dot(&x).view()).unwrap();
        assert!((&found - &x).iter().all(|d| d.abs() < 1e-14));
        assert!(solve(array![[1.0, 2.0], [2.0, 4.0]].view(), x.slice(s![..2, ..])).is_err());
        assert!(solve(a.view(), array![[1.0], [f64::NAN], [0.0]].view()).is_err());
        assert!(matches!(solve(a.slice(s![.., ..2]), x.view()), Err(LinalgError::NotSquare { .. })));
    }

    #[test]
    fn svd_and_qr_rebuild_the_matrix_and_pinv_inverts_it() {
        let a = array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.5]];
        let Svd { u, s, vt } = svd(a.view()).unwrap();
        assert!((&u.dot(&Array2::from_diag(&s)).dot(&vt) - &a).iter().all(|d| d.abs() < 1e-14));
        assert!(s[0] >= s[1]);
        assert!((&svdvals(a.view()).unwrap() - &s).iter().all(|d| d.abs() < 1e-14));
        let (q, r) = qr(a.t());
        assert_eq!((q.dim(), r.dim()), ((3, 2), (2, 2)));
        assert!((&q.dot(&r) - &a.t()).iter().all(|d| d.abs() < 1e-14));
        assert_eq!(r[[1, 0]], 0.0);
        // A copy but for 1e-13.
        let b =
            Array2::from_shape_fn((30, 3), |(i, j)| ((i * (j + 2)) as f64).sin() * if j == 2 { 1e-13 } else { 1.0 });
        let b = Array2::from_shape_fn((30, 3), |(i, j)| b[[i, j]] + if j == 2 { b[[i, 0]] } else { 0.0 });
        let (got, expected) = (svdvals(qr_r_pivoted(b.view()).view()).unwrap(), svdvals(b.view()).unwrap());
        assert!((0..3).all(|i| (got[i] / expected[i] - 1.0).abs() < 1e-2), "{got} {expected}");
        let r = qr_r_pivoted(b.view());
        assert!((&r.t().dot(&r) - &b.t().dot(&b)).iter().all(|d| d.abs() < 1e-13));
        // Nothing is left after the first column, or from the start.
        for value in [1.0, 0.0] {
            let flat = Array2::from_elem((7, 3), value);
            let r = qr_r_pivoted(flat.view());
            assert!((&r.t().dot(&r) - &flat.t().dot(&flat)).iter().all(|d| d.abs() < 1e-13), "{r}");
        }
        let inverse = pinv(a.view(), 1e-15).unwrap();
        assert!((&a.dot(&inverse) - &Array2::<f64>::eye(2)).iter().all(|d| d.abs() < 1e-13));
        // A singular matrix: Moore and Penrose's first condition still holds.
        let b = array![[1.0, 2.0], [2.0, 4.0]];
        let inverse = pinv(b.view(), 1e-15).unwrap();
        assert!((&b.dot(&inverse).dot(&b) - &b).iter().all(|d| d.abs() < 1e-14));
    }

    #[test]
    fn small_singular_values_survive_in_pieces() {
        // Rows of length 40 with scales 1, 1e-5, 1e-10 and an exact copy of the first row.
        let x = Array2::from_shape_fn((4, 40), |(i, j)| {
            let row = if i == 3 { 0 } else { i };
            [1.0, 1e-5, 1e-10, 0.0][row] * ((j * (row + 1)) as f64 * 0.7 + row as f64).sin()
        });
        let mut pieces = RowSpace::new(4);
        for (start, stop) in [(0, 2), (2, 25), (25, 40)] {
            pieces.push(x.slice(s![.., start..stop]));
        }
        let (got, whole) = (pieces.svdvals().unwrap(), svdvals(x.view()).unwrap());
        assert_eq!(got.len(), 4);
        for i in 0..3 {
            assert!((got[i] / whole[i] - 1.0).abs() < 1e-4, "{got} against {whole}");
        }
        assert!(got[3] < 1e-15 * got[0] * 4.0);
    }
}
