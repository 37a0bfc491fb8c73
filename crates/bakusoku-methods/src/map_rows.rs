//! Row kernels on arrays as they are.

use bakusoku_core::{Error, Par, Result, Scratch};
use ndarray::{Array2, ArrayView2};
use std::sync::Mutex;

/// Calls `f` with every row of `x` and the row of `n_out` values that it becomes, several at once; the error of the
/// lowest failing row.
pub(crate) fn map_rows(
    par: &Par,
    x: ArrayView2<'_, f64>,
    n_out: usize,
    f: impl Fn(&[f64], &mut [f64], &mut Scratch) -> Result<()> + Sync,
) -> Result<Array2<f64>> {
    let zeros = bakusoku_pool::memory::zeros(x.nrows() * n_out);
    let mut out = Array2::from_shape_vec((x.nrows(), n_out), zeros).expect("there are as many as the shape says");
    if out.is_empty() {
        return Ok(out);
    }
    let failed: Mutex<Option<(usize, Error)>> = Mutex::new(None);
    let data = out.as_slice_mut().expect("a fresh array is contiguous");
    par.for_each_chunk_mut_init(data, n_out, Scratch::default, |scratch, index, out| {
        let row = x.row(index);
        let done = match row.as_slice() {
            Some(row) => f(row, out, scratch),
            None => f(&row.to_vec(), out, scratch),
        };
        if let Err(error) = done {
            let mut failed = failed.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if failed.as_ref().is_none_or(|(at, _)| *at > index) {
                *failed = Some((index, error));
            }
        }
    });
    match failed.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
        Some((_, error)) => Err(error),
        None => Ok(out),
    }
}
