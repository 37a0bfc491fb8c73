//! Digitised points of the head.

use crate::CoordFrame;
use serde::{Deserialize, Serialize};

/// What was digitised (`FIFFV_POINT_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DigKind {
    /// Nasion, left or right preauricular point: `FIFFV_POINT_CARDINAL`.
    Cardinal,
    /// Head position indicator coil: `FIFFV_POINT_HPI`.
    Hpi,
    /// EEG electrode: `FIFFV_POINT_EEG`.
    Eeg,
    /// Any other point of the head's surface: `FIFFV_POINT_EXTRA`.
    Extra,
    /// Another value of the file, kept as it is.
    Other(i32),
}

impl DigKind {
    /// From FIFF's number.
    pub fn from_fiff(kind: i32) -> Self {
        match kind {
            1 => Self::Cardinal,
            2 => Self::Hpi,
            3 => Self::Eeg,
            4 => Self::Extra,
            other => Self::Other(other),
        }
    }
    /// FIFF's number.
    pub fn to_fiff(self) -> i32 {
        match self {
            Self::Cardinal => 1,
            Self::Hpi => 2,
            Self::Eeg => 3,
            Self::Extra => 4,
            Self::Other(other) => other,
        }
    }
}

/// A digitised point (`FIFF_DIG_POINT`).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DigPoint {
    /// What it is.
    pub kind: DigKind,
    /// Its number within its kind (cardinal: 1 left, 2 nasion, 3 right).
    pub ident: i32,
    /// Position (m).
    pub r: [f64; 3],
    /// Coordinate frame of `r`.
    pub coord_frame: CoordFrame,
}
