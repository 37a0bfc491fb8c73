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
