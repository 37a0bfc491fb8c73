//! `ndarray` views as `faer` views and back, without a copy.

use faer::{MatMut, MatRef};
use ndarray::{Array2, ArrayView2, ArrayViewMut2, ShapeBuilder};

/// The same elements, seen by `faer`.
pub(super) fn mat<'a>(view: &ArrayView2<'a, f64>) -> MatRef<'a, f64> {
    let (rows, cols) = view.dim();
    let strides = view.strides();
    // SAFETY: pointer, shape and strides come from a live view of lifetime 'a, which only hands out shared references.
    #[allow(unsafe_code)]
    unsafe {
        MatRef::from_raw_parts(view.as_ptr(), rows, cols, strides[0], strides[1])
    }
}

/// The same elements, writable, seen by `faer`.
pub(super) fn mat_mut<'a>(view: &'a mut ArrayViewMut2<'_, f64>) -> MatMut<'a, f64> {
    let (rows, cols) = view.dim();
    let (row_stride, col_stride) = (view.strides()[0], view.strides()[1]);
    // SAFETY: pointer, shape and strides come from a view that is borrowed mutably for 'a; its elements do not overlap.
    #[allow(unsafe_code)]
    unsafe {
        MatMut::from_raw_parts_mut(view.as_mut_ptr(), rows, cols, row_stride, col_stride)
    }
}

/// A copy as an array in C order.
pub(super) fn array(matrix: MatRef<'_, f64>) -> Array2<f64> {
    let (rows, cols) = matrix.shape();
    // Column by column is how faer lays its results out.
    let mut data = Vec::with_capacity(rows * cols);
    for j in 0..cols {
        for i in 0..rows {
            data.push(matrix[(i, j)]);
        }
    }
    let by_columns = Array2::from_shape_vec((rows, cols).f(), data).expect("as many elements as the shape says");
    by_columns.as_standard_layout().into_owned()
}
