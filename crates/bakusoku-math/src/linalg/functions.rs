//! Functions of a square matrix.

use super::factor::{LinalgError, eigh, solve};
use super::view::mat;
use ndarray::{Array2, ArrayView2};

/// The exponential of a matrix, by scaling, Padé's approximant of degree 13 and squaring.
///
/// Higham (2005), *SIAM J. Matrix Anal. Appl.* 26.
///
/// # Errors
/// When the matrix is not square or not finite.
pub fn expm(a: ArrayView2<'_, f64>) -> Result<Array2<f64>, LinalgError> {
    const WHAT: &str = "exponential";
    /// Up to this 1-norm the approximant is exact to rounding.
    const LARGEST: f64 = 5.371_920_351_148_152;
    const B: [f64; 14] = [
        64_764_752_532_480_000.0,
        32_382_376_266_240_000.0,
        7_771_770_303_897_600.0,
        1_187_353_796_428_800.0,
        129_060_195_264_000.0,
        10_559_470_521_600.0,
        670_442_572_800.0,
        33_522_128_640.0,
        1_323_241_920.0,
        40_840_800.0,
        960_960.0,
        16_380.0,
        182.0,
        1.0,
    ];
    if a.nrows() != a.ncols() {
        return Err(LinalgError::NotSquare { what: WHAT, rows: a.nrows(), cols: a.ncols() });
    }
    let norm = a.columns().into_iter().map(|c| c.iter().map(|x| x.abs()).sum::<f64>()).fold(0.0_f64, f64::max);
    if !norm.is_finite() || a.iter().any(|x| !x.is_finite()) {
        return Err(LinalgError::NoConvergence { what: WHAT, rows: a.nrows(), cols: a.ncols() });
    }
    let squarings = if norm > LARGEST { (norm / LARGEST).log2().ceil() as i32 } else { 0 };
    let a = a.mapv(|x| x * 0.5_f64.powi(squarings));
    let one = Array2::<f64>::eye(a.nrows());
    let a2 = a.dot(&a);
    let a4 = a2.dot(&a2);
    let a6 = a4.dot(&a2);
    let combine = |six: f64, four: f64, two: f64| &a6 * six + &a4 * four + &a2 * two;
    let u = a6.dot(&combine(B[13], B[11], B[9])) + combine(B[7], B[5], B[3]) + &one * B[1];
    let u = a.dot(&u);
    let v = a6.dot(&combine(B[12], B[10], B[8])) + combine(B[6], B[4], B[2]) + &one * B[0];
    let mut out = solve((&v - &u).view(), (&v + &u).view())?;
    for _ in 0..squarings {
        out = out.dot(&out);
    }
    Ok(out)
}

/// The logarithm of the absolute value of the determinant; -inf for a singular matrix.
///
/// # Errors
/// When the matrix is not square or not finite.
pub fn ln_abs_det(a: ArrayView2<'_, f64>) -> Result<f64, LinalgError> {
    const WHAT: &str = "determinant";
    if a.nrows() != a.ncols() {
        return Err(LinalgError::NotSquare { what: WHAT, rows: a.nrows(), cols: a.ncols() });
    }
    if a.iter().any(|x| !x.is_finite()) {
        return Err(LinalgError::NoConvergence { what: WHAT, rows: a.nrows(), cols: a.ncols() });
    }
    if a.is_empty() {
        return Ok(0.0);
    }
    let lu = mat(&a).partial_piv_lu();
    let u = lu.U();
    Ok((0..a.nrows()).map(|i| u[(i, i)].abs().ln()).sum())
}

/// The nearest matrix with orthonormal rows: `(a aᵀ)^(-1/2) a`.
///
/// # Errors
/// When the matrix is not finite, or its rows depend on one another.
pub fn symmetric_decorrelation(a: ArrayView2<'_, f64>) -> Result<Array2<f64>, LinalgError> {
    let (values, vectors) = eigh(a.dot(&a.t()).view())?;
    if values.first().is_some_and(|&least| least <= 0.0) {
        return Err(LinalgError::NoConvergence { what: "decorrelation", rows: a.nrows(), cols: a.ncols() });
    }
    let scaled = &vectors * &values.mapv(|value| 1.0 / value.sqrt());
    Ok(scaled.dot(&vectors.t()).dot(&a))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn the_exponential_of_a_skew_matrix_is_a_rotation() {
        for angle in [0.0_f64, 1e-9, 0.3, 2.0, 40.0] {
            let r = expm(array![[0.0, -angle], [angle, 0.0]].view()).unwrap();
            let expected = array![[angle.cos(), -angle.sin()], [angle.sin(), angle.cos()]];
            assert!((&r - &expected).iter().all(|d| d.abs() < 1e-14), "{angle}: {r}");
        }
        let diagonal = expm(array![[-3.0, 0.0], [0.0, 12.0]].view()).unwrap();
        assert!((diagonal[[0, 0]] / (-3.0_f64).exp() - 1.0).abs() < 1e-13);
        assert!((diagonal[[1, 1]] / 12.0_f64.exp() - 1.0).abs() < 1e-13);
        assert!(expm(array![[f64::NAN]].view()).is_err() && expm(array![[1.0, 2.0]].view()).is_err());
    }

    #[test]
    fn determinants_and_decorrelation() {
        let a = array![[2.0, 1.0, 0.0], [0.5, -3.0, 1.0], [1.0, 0.0, 4.0]];
        assert!((ln_abs_det(a.view()).unwrap() - 25.0_f64.ln()).abs() < 1e-14);
        assert_eq!(ln_abs_det(array![[1.0, 2.0], [2.0, 4.0]].view()).unwrap(), f64::NEG_INFINITY);
        let w = symmetric_decorrelation(a.view()).unwrap();
        assert!((&w.dot(&w.t()) - &Array2::<f64>::eye(3)).iter().all(|d| d.abs() < 1e-14));
        assert!(symmetric_decorrelation(Array2::zeros((2, 2)).view()).is_err());
    }
}
