//! Software gradient compensation (CTF).

use ndarray::Array2;

/// A compensation matrix (FIFF's `FIFFB_MNE_CTF_COMP_DATA`), as stored in the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Compensator {
    /// MNE's kind (`FIFF_MNE_CTF_COMP_KIND`).
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
