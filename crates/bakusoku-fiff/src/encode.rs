//! Tags made from values: for blocks that are held in memory before they are written.

use crate::constants::*;
use crate::matrix::Sparse;
use crate::tag::{FileId, RawTag, latin1};
use ndarray::ArrayView2;

fn be<const N: usize, T>(values: impl IntoIterator<Item = T>, convert: impl Fn(T) -> [u8; N]) -> Vec<u8> {
    values.into_iter().flat_map(convert).collect()
}

impl RawTag {
    /// Integers.
    pub fn of_ints(kind: i32, values: &[i32]) -> Self {
        Self { kind, type_: FIFFT_INT, data: be(values.iter().copied(), i32::to_be_bytes) }
    }
    /// Numbers in single precision.
    pub fn of_floats(kind: i32, values: &[f64]) -> Self {
        Self { kind, type_: FIFFT_FLOAT, data: be(values.iter().map(|&v| v as f32), f32::to_be_bytes) }
    }
    /// A text.
    pub fn of_text(kind: i32, text: &str) -> Self {
        Self { kind, type_: FIFFT_STRING, data: latin1(text) }
    }
    /// Names, separated by colons; colons inside names become `{COLON}`.
    pub fn of_names<S: AsRef<str>>(kind: i32, names: &[S]) -> Self {
        let names: Vec<String> = names.iter().map(|name| name.as_ref().replace(':', "{COLON}")).collect();
        Self::of_text(kind, &names.join(":"))
    }
    /// An identifier.
    pub fn of_id(kind: i32, id: FileId) -> Self {
        Self { kind, type_: FIFFT_ID_STRUCT, data: id.to_bytes().to_vec() }
    }
    /// A dense matrix of integers.
    pub fn of_int_matrix(kind: i32, matrix: ArrayView2<'_, i32>) -> Self {
        let data = be(matrix.iter().copied(), i32::to_be_bytes);
        Self::of_matrix(kind, FIFFT_INT, data, matrix.dim())
    }
    /// A dense matrix in single precision.
    pub fn of_float_matrix(kind: i32, matrix: ArrayView2<'_, f64>) -> Self {
        let data = be(matrix.iter().map(|&v| v as f32), f32::to_be_bytes);
        Self::of_matrix(kind, FIFFT_FLOAT, data, matrix.dim())
    }
    fn of_matrix(kind: i32, type_: u32, mut data: Vec<u8>, (rows, cols): (usize, usize)) -> Self {
        data.extend(be([cols as i32, rows as i32, 2], i32::to_be_bytes));
        Self { kind, type_: FIFFT_MATRIX | type_, data }
    }
    /// A sparse matrix in single precision.
    pub fn of_sparse(kind: i32, matrix: &Sparse) -> Self {
        let mut data = be(matrix.data.iter().map(|&v| v as f32), f32::to_be_bytes);
        data.extend(be(matrix.indices.iter().chain(&matrix.indptr).map(|&v| v as i32), i32::to_be_bytes));
        let tail = [matrix.data.len() as i32, matrix.n_rows as i32, matrix.n_cols as i32, 2];
        data.extend(be(tail, i32::to_be_bytes));
        let coding = if matrix.by_rows { FIFFT_SPARSE_RCS_MATRIX } else { FIFFT_SPARSE_CCS_MATRIX };
        Self { kind, type_: FIFFT_MATRIX | coding | FIFFT_FLOAT, data }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn what_is_encoded_is_decoded() {
        assert_eq!(RawTag::of_ints(1, &[3, -4]).ints().unwrap(), [3, -4]);
        assert_eq!(RawTag::of_floats(1, &[0.5]).floats().unwrap(), [0.5]);
        assert_eq!(RawTag::of_text(1, "µ 脳").text().unwrap(), "µ 脳");
        assert_eq!(RawTag::of_names(1, &["a:b", "c"]).names().unwrap(), ["a:b", "c"]);
        assert_eq!(RawTag::of_id(1, FileId::CONSTANT).id().unwrap(), FileId::CONSTANT);
        let ints = array![[1, 2, 3], [4, 5, 6]];
        let back = RawTag::of_int_matrix(1, ints.view()).matrix().unwrap().into_2d().unwrap();
        assert_eq!(back, ints.mapv(f64::from));
        let floats = array![[1.5, 0.0], [0.0, -2.0], [0.25, 0.0]];
        let back = RawTag::of_float_matrix(1, floats.view()).matrix().unwrap().into_2d().unwrap();
        assert_eq!(back, floats);
        for by_rows in [false, true] {
            let sparse = Sparse::from_dense(floats.view(), by_rows);
            assert_eq!(sparse.data.len(), 3);
            assert_eq!(RawTag::of_sparse(1, &sparse).matrix().unwrap().into_2d().unwrap(), floats);
        }
    }
}
