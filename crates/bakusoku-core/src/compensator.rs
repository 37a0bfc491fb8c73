//! Software gradient compensation (CTF).

use ndarray::Array2;

/// A compensation matrix (FIFF's `FIFFB_MNE_CTF_COMP_DATA`), as stored in the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Compensator {
    /// The kind as the file has it (`FIFF_MNE_CTF_COMP_KIND`): CTF's four letters, or the grade itself.
    pub kind: i32,
    /// Whether the matrix is stored calibrated (`FIFF_MNE_CTF_COMP_CALIBRATED`).
    pub save_calibrated: bool,
    /// Compensated channels, one per row.
    pub row_names: Vec<String>,
    /// Reference channels, one per column.
    pub col_names: Vec<String>,
    /// The matrix, `(n_rows, n_columns)`.
    pub data: Array2<f64>,
}

impl Compensator {
    /// The grade to which it compensates: 1, 2, 3 of CTF's `G1BR`, `G2BR`, `G3BR` (first to third order, by fixed
    /// coefficients); the kind itself for any other, as in MNE.
    pub fn grade(&self) -> i32 {
        match &self.kind.to_be_bytes() {
            b"G1BR" => 1,
            b"G2BR" => 2,
            b"G3BR" => 3,
            _ => self.kind,
        }
    }
}
