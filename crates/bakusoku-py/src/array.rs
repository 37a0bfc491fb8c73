//! NumPy arrays as `ndarray` views and back. The Python side hands in float64 in C order.

use ndarray::{Array, Array2, ArrayView2, Dimension};
use numpy::{IntoPyArray, PyArray, PyArray2, PyReadonlyArray2};
use pyo3::exceptions::PyMemoryError;
use pyo3::prelude::*;

/// A matrix of float64, read only.
pub(crate) type Matrix<'py> = PyReadonlyArray2<'py, f64>;

/// Row `i` of a matrix in C order.
pub(crate) fn row<'a>(x: &'a ArrayView2<'_, f64>, i: usize) -> &'a [f64] {
    let n = x.ncols();
    let all = x.as_slice().expect("the Python side hands in C order");
    &all[i * n..(i + 1) * n]
}

/// A result as a NumPy array, without a copy.
pub(crate) fn give<D: Dimension>(py: Python<'_>, result: Array<f64, D>) -> Bound<'_, PyArray<f64, D>> {
    result.into_pyarray(py)
}

/// Rows of a result that threads fill, each its own.
pub(crate) struct Rows {
    data: Array2<f64>,
}

/// Numbers for `n_rows` of `n_times`, all 0.
///
/// # Errors
/// `MemoryError` when the budget has not so much memory.
pub(crate) fn zeros(n_rows: usize, n_times: usize) -> PyResult<Vec<f64>> {
    let (needed, budget) = (n_rows as u128 * n_times as u128 * 8, crate::enter::detect()?.memory);
    if needed > u128::from(budget.0) {
        let needed = bakusoku_pool::Bytes(u64::try_from(needed).unwrap_or(u64::MAX));
        return Err(PyMemoryError::new_err(format!(
            "the result of {n_rows} rows of {n_times} samples needs {needed}, expected at most the budget of {budget}"
        )));
    }
    Ok(bakusoku_pool::memory::zeros(n_rows * n_times))
}

impl Rows {
    /// # Errors
    /// `MemoryError` when the budget has not so much memory.
    pub(crate) fn zeros(n_rows: usize, n_times: usize) -> PyResult<Self> {
        let zeros = zeros(n_rows, n_times)?;
        let data = Array2::from_shape_vec((n_rows, n_times), zeros).expect("there are as many as the shape says");
        Ok(Self { data })
    }

    /// Hands out the rows, once, to whoever asks for them by number.
    pub(crate) fn shared(&mut self) -> SharedRows<'_> {
        let width = self.data.ncols();
        let rows = self.data.as_slice_mut().expect("a fresh array is in C order");
        let rows = if width == 0 {
            Vec::new()
        } else {
            rows.chunks_exact_mut(width).map(|row| std::sync::Mutex::new(Some(row))).collect()
        };
        SharedRows { rows }
    }

    pub(crate) fn into_python(self, py: Python<'_>) -> Bound<'_, PyArray2<f64>> {
        give(py, self.data)
    }
}

/// See [`Rows::shared`].
pub(crate) struct SharedRows<'a> {
    rows: Vec<std::sync::Mutex<Option<&'a mut [f64]>>>,
}

impl<'a> SharedRows<'a> {
    /// Row `i`; an empty one when the result has no samples.
    pub(crate) fn take(&self, i: usize) -> &'a mut [f64] {
        self.rows.get(i).map_or(&mut [], |row| {
            row.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take().expect("each row is asked for once")
        })
    }
}
