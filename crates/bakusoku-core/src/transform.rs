//! Coordinate transformations.

use crate::{CoordFrame, Error, Result};
use serde::{Deserialize, Serialize};

/// An affine transformation between two coordinate frames (metres), as FIFF's `FIFF_COORD_TRANS`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Transform {
    /// Frame of the coordinates that go in.
    pub from: CoordFrame,
    /// Frame of the coordinates that come out.
    pub to: CoordFrame,
    /// 4 × 4, row by row: rotation, and translation (m) in the last column.
    pub matrix: [[f64; 4]; 4],
}

impl Transform {
    /// The transformation that changes nothing but the frame's name.
    pub fn identity(from: CoordFrame, to: CoordFrame) -> Self {
        let mut matrix = [[0.0; 4]; 4];
        for (i, row) in matrix.iter_mut().enumerate() {
            row[i] = 1.0;
        }
        Self { from, to, matrix }
    }
    /// From a rotation and a translation (m). The rotation is the last three elements of a unit quaternion whose first
    /// one is not negative, as in head position files.
    pub fn from_quat(from: CoordFrame, to: CoordFrame, quat: [f64; 3], trans: [f64; 3]) -> Self {
        let [x, y, z] = quat;
        let (xx, yy, zz) = (x * x, y * y, z * z);
        let ww = (1.0 - xx - yy - zz).max(0.0);
        let w = ww.sqrt();
        let (xy2, xz2, yz2) = (2.0 * x * y, 2.0 * x * z, 2.0 * y * z);
        let (wx2, wy2, wz2) = (2.0 * w * x, 2.0 * w * y, 2.0 * w * z);
        let matrix = [
            [ww + xx - yy - zz, xy2 - wz2, xz2 + wy2, trans[0]],
            [xy2 + wz2, ww + yy - xx - zz, yz2 - wx2, trans[1]],
            [xz2 - wy2, yz2 + wx2, ww + zz - xx - yy, trans[2]],
            [0.0, 0.0, 0.0, 1.0],
        ];
        Self { from, to, matrix }
    }
    /// From the frame of three landmarks (m) to Neuromag's head frame: x through the ears to the right, y through the nasion.
    /// `None` where they lie on one line.
    pub fn from_landmarks(from: CoordFrame, left: [f64; 3], nasion: [f64; 3], right: [f64; 3]) -> Option<Self> {
        let dot = |a: [f64; 3], b: [f64; 3]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
        let minus = |a: [f64; 3], b: [f64; 3]| [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
        let unit = |a: [f64; 3]| {
            let length = dot(a, a).sqrt();
            (length > 0.0).then(|| a.map(|x| x / length))
        };
        let x = unit(minus(right, left))?;
        let along = dot(minus(nasion, left), x);
        let origin: [f64; 3] = std::array::from_fn(|i| left[i] + along * x[i]);
        let y = unit(minus(nasion, origin))?;
        let z = [x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0]];
        let row = |axis: [f64; 3]| [axis[0], axis[1], axis[2], -dot(axis, origin)];
        Some(Self { from, to: CoordFrame::HEAD, matrix: [row(x), row(y), row(z), [0.0, 0.0, 0.0, 1.0]] })
    }
    /// The rotation as the last three elements of a unit quaternion whose first one is not negative.
    pub fn quat(&self) -> [f64; 3] {
        let m = &self.matrix;
        // As MNE has it: rotations from files are orthogonal to single precision only, and another formula would give
        // another quaternion.
        let t = 1.0 + m[0][0] + m[1][1] + m[2][2];
        if t > f64::EPSILON {
            let s = 2.0 * t.sqrt();
            return [(m[2][1] - m[1][2]) / s, (m[0][2] - m[2][0]) / s, (m[1][0] - m[0][1]) / s];
        }
        // The largest element of the diagonal says by which element of the quaternion it is safe to divide.
        let i = if m[0][0] > m[1][1] && m[0][0] > m[2][2] {
            0
        } else if m[1][1] > m[2][2] {
            1
        } else {
            2
        };
        let (j, k) = ((i + 1) % 3, (i + 2) % 3);
        let s = 2.0 * (1.0 + m[i][i] - m[j][j] - m[k][k]).sqrt();
        let mut quat = [0.0; 3];
        quat[i] = 0.25 * s;
        quat[j] = (m[i][j] + m[j][i]) / s;
        quat[k] = (m[i][k] + m[k][i]) / s;
        if (m[k][j] - m[j][k]) / s < 0.0 {
            quat = quat.map(|q| -q);
        }
        quat
    }
    /// A point (m) carried over: rotated and shifted.
    pub fn apply(&self, point: [f64; 3]) -> [f64; 3] {
        let m = &self.matrix;
        std::array::from_fn(|i| m[i][0] * point[0] + m[i][1] * point[1] + m[i][2] * point[2] + m[i][3])
    }
    /// A direction carried over: rotated only.
    pub fn rotate(&self, direction: [f64; 3]) -> [f64; 3] {
        let m = &self.matrix;
        std::array::from_fn(|i| m[i][0] * direction[0] + m[i][1] * direction[1] + m[i][2] * direction[2])
    }
    /// The way back. The rotation is taken to be orthogonal, as that of every rigid transformation is.
    pub fn inverse(&self) -> Self {
        let m = &self.matrix;
        let mut matrix = [[0.0; 4]; 4];
        for i in 0..3 {
            for j in 0..3 {
                matrix[i][j] = m[j][i];
            }
            matrix[i][3] = -(m[0][i] * m[0][3] + m[1][i] * m[1][3] + m[2][i] * m[2][3]);
        }
        matrix[3][3] = 1.0;
        Self { from: self.to, to: self.from, matrix }
    }
    /// First `self`, then `next`.
    ///
    /// # Errors
    /// When `next` does not start in the frame in which `self` ends.
    pub fn then(&self, next: &Transform) -> Result<Self> {
        if self.to != next.from {
            return Err(Error::Frames { expected: self.to, got: next.from });
        }
        let (a, b) = (&next.matrix, &self.matrix);
        let matrix = std::array::from_fn(|i| std::array::from_fn(|j| (0..4).map(|k| a[i][k] * b[k][j]).sum()));
        Ok(Self { from: self.from, to: next.to, matrix })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_frame_has_its_landmarks_on_its_axes() {
        let (left, nasion, right) = ([0.0, 0.08, 0.0], [0.11, 0.01, 0.002], [0.001, -0.078, 0.0]);
        let frame = Transform::from_landmarks(CoordFrame::CTF_HEAD, left, nasion, right).unwrap();
        let (left, nasion) = (frame.apply(left), frame.apply(nasion));
        assert!(left[0] < 0.0 && left[1].abs() < 1e-15 && left[2].abs() < 1e-15, "{left:?}");
        assert!(nasion[1] > 0.0 && nasion[0].abs() < 1e-15 && nasion[2].abs() < 1e-15, "{nasion:?}");
        assert!(Transform::from_landmarks(CoordFrame::CTF_HEAD, [0.0; 3], [1.0; 3], [0.0; 3]).is_none());
    }

    #[test]
    fn quaternions_go_there_and_back() {
        let turns = [[0.1, -0.2, 0.05], [0.0, 0.0, 0.0], [0.9, 0.1, -0.3], [0.0, 1.0, 0.0], [0.6, 0.0, -0.8]];
        for quat in turns {
            let t = Transform::from_quat(CoordFrame::DEVICE, CoordFrame::HEAD, quat, [0.01, 0.0, 0.06]);
            let back = Transform::from_quat(CoordFrame::DEVICE, CoordFrame::HEAD, t.quat(), [0.01, 0.0, 0.06]);
            let worst = (0..16).map(|i| (t.matrix[i / 4][i % 4] - back.matrix[i / 4][i % 4]).abs()).fold(0.0, f64::max);
            assert!(worst < 1e-7, "{quat:?}: {worst:e}");
            let there = t.inverse().apply(t.apply([0.03, -0.05, 0.07]));
            assert!((0..3).all(|i| (there[i] - [0.03, -0.05, 0.07][i]).abs() < 1e-15));
        }
    }
}
