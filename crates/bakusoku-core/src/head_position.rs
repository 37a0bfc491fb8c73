//! Where the head was, over time.

use crate::{CoordFrame, Transform};
use serde::{Deserialize, Serialize};

/// One position of the head: a row of a MaxFilter `.pos` file.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeadPosition {
    /// Time since the start of the acquisition (s): the first sample of a recording lies at `first_samp / sfreq`.
    pub time: f64,
    /// Rotation from the device to the head frame: the last three elements of a unit quaternion whose first is not
    /// negative.
    pub quat: [f64; 3],
    /// Translation from the device to the head frame (m).
    pub trans: [f64; 3],
    /// Goodness of fit.
    pub gof: f64,
    /// Fitting error.
    pub err: f64,
    /// Velocity (m/s).
    pub velocity: f64,
}

impl HeadPosition {
    /// From ten numbers: `t, q1, q2, q3, x, y, z, gof, err, v`.
    pub fn from_row(row: [f64; 10]) -> Self {
        let [time, q1, q2, q3, x, y, z, gof, err, velocity] = row;
        Self { time, quat: [q1, q2, q3], trans: [x, y, z], gof, err, velocity }
    }
    /// As ten numbers: `t, q1, q2, q3, x, y, z, gof, err, v`.
    pub fn to_row(&self) -> [f64; 10] {
        let ([q1, q2, q3], [x, y, z]) = (self.quat, self.trans);
        [self.time, q1, q2, q3, x, y, z, self.gof, self.err, self.velocity]
    }
    /// From the device to the head frame.
    pub fn dev_head_t(&self) -> Transform {
        Transform::from_quat(CoordFrame::DEVICE, CoordFrame::HEAD, self.quat, self.trans)
    }
}

/// Where the head was, over time, in ascending order (MNE's `head_pos`, an array of shape `(n, 10)`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HeadPositions {
    /// The positions.
    pub items: Vec<HeadPosition>,
}
