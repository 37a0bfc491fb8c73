//! The head of a person: a sphere in Neuromag head coordinates, its place in the helmet, and what the digitiser saw of it.

use crate::geometry;
use crate::random::{Purpose, Streams};
use crate::vector::{Vec3, add, scale, sub, unit};
use bakusoku_core::{CoordFrame, DigKind, DigPoint, Transform};

/// A spherical head.
#[derive(Clone, Debug)]
pub struct Head {
    /// Centre of the sphere (m, head coordinates).
    pub centre: Vec3,
    /// Radius of the scalp (m).
    pub radius: f64,
    /// From the helmet to the head.
    pub dev_head_t: Transform,
    /// Names and positions (m, head coordinates) of the electrodes.
    pub electrodes: Vec<(String, Vec3)>,
    /// Position of the reference electrode (m, head coordinates).
    pub reference: Vec3,
    /// Digitised points: fiducials, head position coils, electrodes, head shape.
    pub dig: Vec<DigPoint>,
}

/// Rotation by angles (rad) around x, then y, then z.
fn rotation(angles: Vec3) -> [[f64; 3]; 3] {
    let [(sx, cx), (sy, cy), (sz, cz)] = angles.map(f64::sin_cos);
    [
        [cz * cy, cz * sy * sx - sz * cx, cz * sy * cx + sz * sx],
        [sz * cy, sz * sy * sx + cz * cx, sz * sy * cx - cz * sx],
        [-sy, cy * sx, cy * cx],
    ]
}

impl Head {
    /// The head of a person (`anatomy`) in one run (`run`).
    pub(crate) fn new(anatomy: &Streams, run: &Streams) -> Self {
        let mut random = anatomy.parameters(Purpose::Head);
        let radius = 0.091 + 0.002 * random.bounded(2.0);
        // The origin lies between the ears, the axes through ears and nasion, so the sphere's centre has x = 0.
        let centre = [0.0, 0.012 + 0.002 * random.bounded(2.0), 0.046 + 0.002 * random.bounded(2.0)];

        let mut position = run.parameters(Purpose::Head);
        // Where the sphere's centre lies in the helmet (m), and how the head is turned (leaning back a little).
        let place = [
            0.002 * position.bounded(2.0),
            0.015 + 0.002 * position.bounded(2.0),
            -0.008 + 0.003 * position.bounded(2.0),
        ];
        let angles = [0.12 + 0.05 * position.bounded(2.0), 0.04 * position.bounded(2.0), 0.04 * position.bounded(2.0)];
        let r = rotation(angles);
        let turned: Vec3 = std::array::from_fn(|i| r[i][0] * place[0] + r[i][1] * place[1] + r[i][2] * place[2]);
        let t = sub(centre, turned);
        let mut matrix = [[0.0; 4]; 4];
        for i in 0..3 {
            matrix[i][..3].copy_from_slice(&r[i]);
            matrix[i][3] = t[i];
        }
        matrix[3][3] = 1.0;
        let dev_head_t = Transform { from: CoordFrame::DEVICE, to: CoordFrame::HEAD, matrix };

        let on_scalp = |direction: Vec3| add(centre, scale(unit(direction), radius));
        let (cap, reference) = geometry::eeg60();
        let electrodes = cap.into_iter().map(|e| (e.name, on_scalp(e.direction))).collect();
        let mut head =
            Self { centre, radius, dev_head_t, electrodes, reference: on_scalp(reference.direction), dig: Vec::new() };
        head.dig = head.digitise(&mut random);
        head
    }

    fn digitise(&self, random: &mut crate::random::Parameters) -> Vec<DigPoint> {
        let point = |kind, ident, r| DigPoint { kind, ident, r, coord_frame: CoordFrame::HEAD };
        let [_, cy, cz] = self.centre;
        // Where the sphere meets the plane z = 0, and in it the axes.
        let ring = (self.radius * self.radius - cz * cz).sqrt();
        let ear = (ring * ring - cy * cy).sqrt();
        let mut dig = vec![
            point(DigKind::Cardinal, 1, [-ear, 0.0, 0.0]),
            point(DigKind::Cardinal, 2, [0.0, cy + ring, 0.0]),
            point(DigKind::Cardinal, 3, [ear, 0.0, 0.0]),
        ];
        // The digitiser's own error, a tenth to half a millimetre.
        let mut measured = |direction: Vec3, error: f64| {
            let at = add(self.centre, scale(unit(direction), self.radius));
            add(at, [error * random.bounded(3.0), error * random.bounded(3.0), error * random.bounded(3.0)])
        };
        // Two coils on the forehead, two behind the ears, one on the top.
        let coils = [[0.45, 0.8, 0.3], [-0.45, 0.8, 0.3], [-0.85, -0.45, 0.0], [0.85, -0.45, 0.0], [0.1, 0.3, 0.95]];
        for (index, direction) in coils.into_iter().enumerate() {
            dig.push(point(DigKind::Hpi, index as i32 + 1, measured(direction, 1e-4)));
        }
        // MNE counts the reference electrode as number 0.
        dig.push(point(DigKind::Eeg, 0, self.reference));
        for (index, (_, at)) in self.electrodes.iter().enumerate() {
            dig.push(point(DigKind::Eeg, index as i32 + 1, *at));
        }
        // A spiral over the upper part of the head, down to the brows.
        let n = 120;
        for index in 0..n {
            let z = 1.0 - 1.35 * (index as f64 + 0.5) / n as f64;
            let phi = index as f64 * std::f64::consts::PI * (3.0 - 5f64.sqrt());
            let s = (1.0 - z * z).sqrt();
            dig.push(point(DigKind::Extra, index + 1, measured([s * phi.cos(), s * phi.sin(), z], 5e-4)));
        }
        dig
    }

    /// The same point counted from the sphere's centre.
    pub fn from_centre(&self, point: Vec3) -> Vec3 {
        sub(point, self.centre)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forward::Coil;
    use crate::vector::norm;

    #[test]
    fn heads_fit_into_the_helmet_and_fiducials_span_the_head_frame() {
        for subject in 1..200 {
            let head = Head::new(&Streams::new(1, subject, 0), &Streams::new(1, subject, 1));
            for sensor in geometry::neuromag306() {
                for at in Coil::new(&sensor, Some(&head.dev_head_t)).positions() {
                    let gap = norm(head.from_centre(at)) - head.radius;
                    assert!(
                        (0.004..0.06).contains(&gap),
                        "subject {subject}: {} is {gap} m from the scalp",
                        sensor.name
                    );
                }
            }
            let cardinal: Vec<_> = head.dig.iter().filter(|p| p.kind == DigKind::Cardinal).collect();
            assert_eq!(cardinal.len(), 3);
            for point in cardinal {
                assert!((norm(head.from_centre(point.r)) - head.radius).abs() < 1e-12);
                assert_eq!(point.r[2], 0.0);
            }
            let m = head.dev_head_t.matrix;
            for i in 0..3 {
                for j in 0..3 {
                    let dot: f64 = (0..3).map(|k| m[i][k] * m[j][k]).sum();
                    assert!((dot - f64::from(i == j)).abs() < 1e-14);
                }
            }
        }
    }
}
