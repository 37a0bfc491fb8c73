//! Matrices inside tags: dense ones of any number of dimensions, and sparse ones by rows or columns.
//!
//! The dimensions follow the data, fastest first: `data, dims[n-1], …, dims[0], n`.
//! Source: MNE-Python `mne/_fiff/tag.py` (`_read_matrix`).

use crate::constants::*;
use crate::error::Wrong;
use crate::tag::RawTag;
use ndarray::{Array2, ArrayView2};

/// A matrix of a tag.
#[derive(Clone, Debug, PartialEq)]
pub enum Matrix {
    /// All elements, last dimension fastest.
    Dense {
        /// Dimensions, slowest first.
        dims: Vec<usize>,
        /// Elements.
        data: Vec<f64>,
    },
    /// Elements that are not zero.
    Sparse(Sparse),
}

/// A sparse matrix, compressed by rows or by columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Sparse {
    /// Number of rows.
    pub n_rows: usize,
    /// Number of columns.
    pub n_cols: usize,
    /// Whether it is compressed by rows (`FIFFT_SPARSE_RCS_MATRIX`) rather than by columns.
    pub by_rows: bool,
    /// Elements.
    pub data: Vec<f64>,
    /// For every element its column (or row).
    pub indices: Vec<usize>,
    /// For every row (or column) where it starts in `data`, and the end.
    pub indptr: Vec<usize>,
}

impl Sparse {
    /// Without the zeros.
    pub fn from_dense(dense: ArrayView2<'_, f64>, by_rows: bool) -> Self {
        let (n_rows, n_cols) = dense.dim();
        let lanes = if by_rows { dense } else { dense.reversed_axes() };
        let (mut data, mut indices, mut indptr) = (Vec::new(), Vec::new(), vec![0]);
        for lane in lanes.rows() {
            for (index, &value) in lane.iter().enumerate().filter(|(_, value)| **value != 0.0) {
                data.push(value);
                indices.push(index);
            }
            indptr.push(data.len());
        }
        Self { n_rows, n_cols, by_rows, data, indices, indptr }
    }
    /// With the zeros.
    pub fn to_dense(&self) -> Array2<f64> {
        let mut out = Array2::zeros((self.n_rows, self.n_cols));
        for (major, range) in self.indptr.windows(2).enumerate() {
            for k in range[0]..range[1] {
                let at = if self.by_rows { [major, self.indices[k]] } else { [self.indices[k], major] };
                out[at] += self.data[k];
            }
        }
        out
    }
}

/// Largest number of elements of a sparse matrix with its zeros (a bound on what a small file may ask for).
const MAX_DENSE: usize = 1 << 22;

fn ints(data: &[u8]) -> Vec<i32> {
    data.as_chunks::<4>().0.iter().map(|&b| i32::from_be_bytes(b)).collect()
}

impl Matrix {
    pub(crate) fn decode(tag: &RawTag) -> Result<Self, Wrong> {
        let got = || format!("{} bytes of {}", tag.data.len(), type_name(tag.type_));
        let wrong = |expected: &str| Wrong::new(expected, got());
        let size = match tag.type_ & 0xffff {
            FIFFT_INT | FIFFT_FLOAT | FIFFT_JULIAN => 4,
            FIFFT_DOUBLE => 8,
            FIFFT_COMPLEX_FLOAT | FIFFT_COMPLEX_DOUBLE => return Err(Wrong::new("real numbers", "complex numbers")),
            _ => return Err(wrong("a matrix of integers, float or double")),
        };
        let number = |b: &[u8]| -> f64 {
            match (tag.type_ & 0xffff, b) {
                (FIFFT_FLOAT, &[a, b, c, d]) => f64::from(f32::from_be_bytes([a, b, c, d])),
                (_, &[a, b, c, d]) => f64::from(i32::from_be_bytes([a, b, c, d])),
                (_, b) => b.try_into().map_or(f64::NAN, f64::from_be_bytes),
            }
        };
        let d = &tag.data;
        let n_dims = d.last_chunk::<4>().map(|&b| i32::from_be_bytes(b)).ok_or_else(|| wrong("a matrix"))?;
        match tag.type_ & 0xffff_0000 {
            FIFFT_MATRIX => {
                let n = usize::try_from(n_dims).ok().filter(|n| (1..=3).contains(n));
                let n = n.ok_or_else(|| Wrong::new("1 to 3 dimensions", n_dims.to_string()))?;
                let tail = 4 * (n + 1);
                let body = d.len().checked_sub(tail).ok_or_else(|| wrong("a matrix with its dimensions"))?;
                let dims: Vec<i32> = ints(&d[body..d.len() - 4]).into_iter().rev().collect();
                let n_elements = dims
                    .iter()
                    .try_fold(1usize, |product, &dim| product.checked_mul(usize::try_from(dim).ok()?))
                    .filter(|product| product.checked_mul(size) == Some(body));
                let Some(_) = n_elements else {
                    return Err(Wrong::new(format!("a matrix of dimensions {dims:?}"), got()));
                };
                let data = d[..body].chunks_exact(size).map(number).collect();
                Ok(Self::Dense { dims: dims.into_iter().map(|dim| dim as usize).collect(), data })
            }
            coding
                if coding == FIFFT_MATRIX | FIFFT_SPARSE_CCS_MATRIX
                    || coding == FIFFT_MATRIX | FIFFT_SPARSE_RCS_MATRIX =>
            {
                let by_rows = coding == FIFFT_MATRIX | FIFFT_SPARSE_RCS_MATRIX;
                Self::sparse(d, n_dims, size, by_rows, number).map_err(wrong)
            }
            _ => Err(wrong("a dense or sparse matrix")),
        }
    }

    fn sparse(
        d: &[u8],
        n_dims: i32,
        size: usize,
        by_rows: bool,
        number: impl Fn(&[u8]) -> f64,
    ) -> Result<Self, &'static str> {
        if n_dims != 2 || d.len() < 16 {
            return Err("a sparse matrix of two dimensions");
        }
        let tail: Vec<usize> =
            ints(&d[d.len() - 16..d.len() - 4]).into_iter().map(|v| usize::try_from(v).unwrap_or(usize::MAX)).collect();
        let (nnz, n_rows, n_cols) = (tail[0], tail[1], tail[2]);
        let (major, minor) = if by_rows { (n_rows, n_cols) } else { (n_cols, n_rows) };
        let fits = nnz
            .checked_mul(size + 4)
            .zip(major.checked_add(1).and_then(|n| n.checked_mul(4)))
            .and_then(|(a, b)| a.checked_add(b))
            .is_some_and(|need| need <= d.len() - 16)
            // Each as well: the product says nothing where one is zero.
            && n_rows.max(n_cols) <= MAX_DENSE
            && n_rows.checked_mul(n_cols).is_some_and(|n| n <= MAX_DENSE);
        if !fits {
            return Err("a sparse matrix whose dimensions fit its size");
        }
        let data: Vec<f64> = d[..nnz * size].chunks_exact(size).map(number).collect();
        let raw_indices = &d[nnz * size..nnz * (size + 4)];
        let raw_ptr = &d[nnz * (size + 4)..][..4 * (major + 1)];
        let (mut indices, mut indptr) = (ints(raw_indices), ints(raw_ptr));
        if indptr.last().is_some_and(|&last| last as i64 > nnz as i64) || indptr.iter().any(|&p| p < 0) {
            // MNE-C once stored these without swapping their bytes.
            let keep = (minor + 1).min(indices.len());
            for value in &mut indices[keep..] {
                *value = value.swap_bytes();
            }
            for value in &mut indptr {
                *value = value.swap_bytes();
            }
        }
        let indices: Vec<usize> = indices.into_iter().map(|v| usize::try_from(v).unwrap_or(usize::MAX)).collect();
        let indptr: Vec<usize> = indptr.into_iter().map(|v| usize::try_from(v).unwrap_or(usize::MAX)).collect();
        let sound = indices.iter().all(|&index| index < minor)
            && indptr.is_sorted()
            && indptr.first() == Some(&0)
            && indptr.last().is_some_and(|&last| last <= nnz);
        if !sound {
            return Err("a sparse matrix whose indices lie inside it");
        }
        Ok(Self::Sparse(Sparse { n_rows, n_cols, by_rows, data, indices, indptr }))
    }

    /// As a dense matrix of two dimensions.
    ///
    /// # Errors
    /// When it has another number of dimensions.
    pub fn into_2d(self) -> Result<Array2<f64>, Wrong> {
        match self {
            Self::Sparse(sparse) => Ok(sparse.to_dense()),
            Self::Dense { dims, data } => {
                let (rows, cols) = match dims[..] {
                    [n] => (1, n),
                    [rows, cols] => (rows, cols),
                    _ => return Err(Wrong::new("a matrix of two dimensions", format!("one of dimensions {dims:?}"))),
                };
                Array2::from_shape_vec((rows, cols), data)
                    .map_err(|_| Wrong::new("a matrix of two dimensions", format!("{dims:?}")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(type_: u32, parts: &[&[u8]]) -> RawTag {
        RawTag { kind: FIFF_DECOUPLER_MATRIX, type_, data: parts.concat() }
    }
    fn be(values: &[i32]) -> Vec<u8> {
        values.iter().flat_map(|v| v.to_be_bytes()).collect()
    }
    fn bef(values: &[f32]) -> Vec<u8> {
        values.iter().flat_map(|v| v.to_be_bytes()).collect()
    }

    #[test]
    fn a_dense_matrix_has_its_dimensions_behind_it() {
        let m = tag(FIFFT_MATRIX | FIFFT_FLOAT, &[&bef(&[1., 2., 3., 4., 5., 6.]), &be(&[3, 2, 2])]);
        let a = m.matrix().unwrap().into_2d().unwrap();
        assert_eq!(a, ndarray::arr2(&[[1., 2., 3.], [4., 5., 6.]]));
        let bad = tag(FIFFT_MATRIX | FIFFT_FLOAT, &[&bef(&[1.]), &be(&[i32::MAX, i32::MAX, 2])]);
        assert!(bad.matrix().is_err());
        assert!(
            tag(FIFFT_MATRIX | FIFFT_COMPLEX_FLOAT, &[&be(&[0, 0, 1, 1, 2])])
                .matrix()
                .unwrap_err()
                .got
                .contains("complex")
        );
    }

    #[test]
    fn sparse_matrices_by_rows_and_columns_agree() {
        // [[0, 2, 0], [3, 0, 4]]
        let rcs = tag(
            FIFFT_MATRIX | FIFFT_SPARSE_RCS_MATRIX | FIFFT_FLOAT,
            &[&bef(&[2., 3., 4.]), &be(&[1, 0, 2]), &be(&[0, 1, 3]), &be(&[3, 2, 3, 2])],
        );
        let ccs = tag(
            FIFFT_MATRIX | FIFFT_SPARSE_CCS_MATRIX | FIFFT_FLOAT,
            &[&bef(&[3., 2., 4.]), &be(&[1, 0, 1]), &be(&[0, 1, 2, 3]), &be(&[3, 2, 3, 2])],
        );
        let dense = ndarray::arr2(&[[0., 2., 0.], [3., 0., 4.]]);
        assert_eq!(rcs.matrix().unwrap().into_2d().unwrap(), dense);
        assert_eq!(ccs.matrix().unwrap().into_2d().unwrap(), dense);
        let huge =
            tag(FIFFT_MATRIX | FIFFT_SPARSE_CCS_MATRIX | FIFFT_FLOAT, &[&be(&[0; 4]), &be(&[0, i32::MAX, 1, 2])]);
        assert!(huge.matrix().is_err());
        for (n_rows, n_cols) in [(-1, 0), (0, -1), (i32::MAX, 0)] {
            let nothing = [&be(&[0, 0])[..], &be(&[0, n_rows, n_cols, 2])];
            assert!(tag(FIFFT_MATRIX | FIFFT_SPARSE_CCS_MATRIX | FIFFT_FLOAT, &nothing).matrix().is_err());
            assert!(tag(FIFFT_MATRIX | FIFFT_SPARSE_RCS_MATRIX | FIFFT_FLOAT, &nothing).matrix().is_err());
        }
    }
}
