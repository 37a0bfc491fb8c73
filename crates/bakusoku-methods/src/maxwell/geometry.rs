//! Sensors as points in space.

use super::coils::{Coil, coil};
use super::params::CoilDefinitions;
use bakusoku_core::{Channel, Error, Result, Transform};

/// Integration points of sensors, in the device frame: coordinate by coordinate, sensor after sensor.
#[derive(Clone, Debug, Default)]
pub(super) struct Points {
    /// Positions (m).
    pub r: [Vec<f64>; 3],
    /// Normals times weights.
    pub n: [Vec<f64>; 3],
    /// Where each sensor's points start, and the end.
    pub starts: Vec<usize>,
}

impl Points {
    fn with(sensors: usize) -> Self {
        let mut starts = Vec::with_capacity(sensors + 1);
        starts.push(0);
        Self { starts, ..Self::default() }
    }

    fn push(&mut self, coil: &Coil, origin: [f64; 3], axes: [[f64; 3]; 3]) {
        // Columns ex, ey, ez carry the coil's frame over to the device's.
        let rotate = |v: [f64; 3]| -> [f64; 3] {
            std::array::from_fn(|i| axes[0][i] * v[0] + axes[1][i] * v[1] + axes[2][i] * v[2])
        };
        for ((&weight, &point), &normal) in coil.weights.iter().zip(&coil.points).zip(&coil.normals) {
            let (p, n) = (rotate(point), rotate(normal));
            for i in 0..3 {
                self.r[i].push(p[i] + origin[i]);
                self.n[i].push(n[i] * weight);
            }
        }
        self.starts.push(self.r[0].len());
    }

    /// The points of sensors.
    ///
    /// # Errors
    /// When a coil type is not known.
    pub(super) fn of(chs: &[Channel], definitions: CoilDefinitions) -> Result<Self> {
        let mut points = Self::with(chs.len());
        for ch in chs {
            let coil = coil(definitions, ch.coil_type).ok_or_else(|| {
                Error::data(format!(
                    "Desired coil definition not found (type = {} of channel `{}`)",
                    ch.coil_type & 0xFFFF,
                    ch.name
                ))
            })?;
            let (origin, axes) = frame(ch);
            if !origin.iter().chain(axes.iter().flatten()).all(|x| x.is_finite()) {
                return Err(Error::data(format!("the position of channel `{}` is not known", ch.name)));
            }
            points.push(coil, origin, axes);
        }
        Ok(points)
    }

    /// Multiplies the weights of a sensor.
    pub(super) fn scale(&mut self, sensor: usize, factor: f64) {
        let range = self.starts[sensor]..self.starts[sensor + 1];
        self.n.iter_mut().for_each(|n| n[range.clone()].iter_mut().for_each(|x| *x *= factor));
    }

    /// Adds points (position, weighted normal) to sensors.
    pub(super) fn extend(&mut self, n_sensors: usize, more: impl Fn(usize) -> Vec<([f64; 3], [f64; 3])>) {
        let mut out = Self::with(n_sensors);
        for sensor in 0..n_sensors {
            let range = self.starts[sensor]..self.starts[sensor + 1];
            let more = more(sensor);
            for i in 0..3 {
                out.r[i].extend_from_slice(&self.r[i][range.clone()]);
                out.r[i].extend(more.iter().map(|(r, _)| r[i]));
                out.n[i].extend_from_slice(&self.n[i][range.clone()]);
                out.n[i].extend(more.iter().map(|(_, n)| n[i]));
            }
            out.starts.push(out.r[0].len());
        }
        *self = out;
    }

    /// Number of sensors.
    pub(super) fn n_sensors(&self) -> usize {
        self.starts.len() - 1
    }

    /// Moved into another frame, and seen from `origin` there.
    pub(super) fn seen_from(&self, transform: Option<&Transform>, origin: [f64; 3]) -> Self {
        let mut out = self.clone();
        if let Some(Transform { matrix: m, .. }) = transform {
            for k in 0..out.r[0].len() {
                let (r, n) = ([0, 1, 2].map(|i| self.r[i][k]), [0, 1, 2].map(|i| self.n[i][k]));
                for i in 0..3 {
                    out.r[i][k] = m[i][0] * r[0] + m[i][1] * r[1] + m[i][2] * r[2] + m[i][3];
                    out.n[i][k] = m[i][0] * n[0] + m[i][1] * n[1] + m[i][2] * n[2];
                }
            }
        }
        for i in 0..3 {
            out.r[i].iter_mut().for_each(|x| *x -= origin[i]);
        }
        out
    }
}

/// A sensor's position, and its axes ex, ey, ez.
pub(super) fn frame(ch: &Channel) -> ([f64; 3], [[f64; 3]; 3]) {
    let axis = |k: usize| -> [f64; 3] { std::array::from_fn(|i| ch.loc[3 * (k + 1) + i]) };
    ([ch.loc[0], ch.loc[1], ch.loc[2]], [axis(0), axis(1), axis(2)])
}
