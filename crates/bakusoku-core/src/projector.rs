//! Signal-space projectors.

use ndarray::Array2;

/// A set of signal-space projection vectors over named channels (FIFF's `FIFFB_PROJ_ITEM`, MNE's `Projection`).
#[derive(Clone, Debug, PartialEq)]
pub struct Projector {
    /// FIFF's kind (`FIFFV_PROJ_ITEM_FIELD` = 1, `FIFFV_PROJ_ITEM_EEG_AVREF` = 10).
    pub kind: i32,
    /// Whether the data were projected already.
    pub active: bool,
    /// Description.
    pub desc: String,
    /// Channels, one per column of `data`.
    pub names: Vec<String>,
    /// Vectors, `(n_vectors, n_channels)`.
    pub data: Array2<f64>,
    /// Share of the variance that the vectors explained when they were computed, if known.
    pub explained_var: Option<f64>,
}

impl Projector {
    /// `FIFFV_PROJ_ITEM_EEG_AVREF`: the average reference as a projector.
    pub const EEG_AVREF: i32 = 10;
    /// `FIFFV_PROJ_ITEM_FIELD`: vectors of a field pattern.
    pub const FIELD: i32 = 1;
}
