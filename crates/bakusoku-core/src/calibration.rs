//! Fine calibration and cross-talk of the sensors: what a site's files say, as plain data.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

/// One line of a fine-calibration file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SensorCalibration {
    /// The channel.
    pub name: String,
    /// Position (m) and the three unit vectors of the coil, in the device frame, as [`Channel::loc`](crate::Channel).
    pub loc: [f64; 12],
    /// A magnetometer's calibration coefficient (one number), or a gradiometer's imbalance: one number (along the coil's
    /// x) or three (x, y, z).
    pub imbalance: Vec<f64>,
}

/// Fine calibration of the sensors (MNE's `read_fine_calibration`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FineCalibration {
    /// The sensors, in the order of the file.
    pub sensors: Vec<SensorCalibration>,
}

/// What is needed to take the cross-talk between sensors out.
#[derive(Clone, Debug, PartialEq)]
pub struct CrossTalk {
    /// The channels, by row and column of `decoupler`.
    pub ch_names: Vec<String>,
    /// Corrected samples are `decoupler · samples`, `(n, n)`, as it stands in a cross-talk file.
    pub decoupler: Array2<f64>,
    /// Who made it, if the file says it.
    pub creator: Option<String>,
    /// When (seconds and microseconds since 1970), if the file says it.
    pub date: Option<(i32, i32)>,
}
