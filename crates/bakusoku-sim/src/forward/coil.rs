//! Coils: the flux through one by a few points, each with a weight.
//!
//! Points and weights are those of MNE-Python's coil definitions (`mne/data/coil_def.dat`, accuracy *normal*): four points for a
//! planar gradiometer (two in each loop) and four for a magnetometer.

use crate::geometry::{Sensor, VV_MAG_T1, VV_PLANAR_T1};
use crate::vector::{Vec3, add, dot, scale};
use bakusoku_core::Transform;

/// The integration points of one coil.
#[derive(Clone, Debug)]
pub struct Coil {
    /// Position (m), normal, and weight (1, or 1/m for gradiometers).
    points: Vec<(Vec3, Vec3, f64)>,
}

/// x, y, z (m) and weight in the coil's own frame.
fn definition(coil_type: i32) -> [[f64; 4]; 4] {
    const Z: f64 = 0.3e-3;
    match coil_type {
        VV_PLANAR_T1 => {
            // Two loops 16.8 mm apart: a difference per metre.
            let (x, y, w) = (8.4e-3, 6.713e-3, 0.5 / 16.8e-3);
            [[x, y, Z, w], [x, -y, Z, w], [-x, y, Z, -w], [-x, -y, Z, -w]]
        }
        other => {
            // Squares of 25.8 or 21 mm.
            let a = if other == VV_MAG_T1 { 6.45e-3 } else { 5.25e-3 };
            [[-a, -a, Z, 0.25], [-a, a, Z, 0.25], [a, -a, Z, 0.25], [a, a, Z, 0.25]]
        }
    }
}

impl Coil {
    /// The coil of a sensor, carried over by `transform` if there is one (device to head).
    pub fn new(sensor: &Sensor, transform: Option<&Transform>) -> Self {
        let l = &sensor.loc;
        let axis = |i: usize| [l[i], l[i + 1], l[i + 2]];
        let (origin, ex, ey, ez) = (axis(0), axis(3), axis(6), axis(9));
        let points = definition(sensor.coil_type)
            .into_iter()
            .map(|[x, y, z, weight]| {
                let at = add(origin, add(add(scale(ex, x), scale(ey, y)), scale(ez, z)));
                match transform {
                    Some(t) => (t.apply(at), t.rotate(ez), weight),
                    None => (at, ez, weight),
                }
            })
            .collect();
        Self { points }
    }

    /// What the coil sees of `field` (T at a point): T for magnetometers, T/m for gradiometers.
    pub fn flux(&self, field: impl Fn(Vec3) -> Vec3) -> f64 {
        self.points.iter().map(|&(at, normal, weight)| weight * dot(field(at), normal)).sum()
    }

    /// Positions of the integration points (m).
    pub fn positions(&self) -> impl Iterator<Item = Vec3> + '_ {
        self.points.iter().map(|point| point.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forward::{gradient_field, meg_dipole, uniform_field};
    use crate::geometry::{VV_MAG_T3, neuromag306};

    #[test]
    fn gradiometers_are_blind_to_uniform_fields_and_measure_gradients() {
        for sensor in neuromag306() {
            let coil = Coil::new(&sensor, None);
            let seen = coil.flux(uniform_field([1e-12, 2e-12, -3e-12]));
            if sensor.coil_type == VV_MAG_T3 {
                let expected = dot([1e-12, 2e-12, -3e-12], [sensor.loc[9], sensor.loc[10], sensor.loc[11]]);
                assert!((seen - expected).abs() < 1e-18);
            } else {
                assert!(seen.abs() < 1e-22);
                // ∂B_z/∂x in the coil's frame: ez · J ex.
                let (ex, ez) =
                    ([sensor.loc[3], sensor.loc[4], sensor.loc[5]], [sensor.loc[9], sensor.loc[10], sensor.loc[11]]);
                let expected = dot(gradient_field(ex, 2), ez);
                assert!((coil.flux(|p| gradient_field(p, 2)) - expected).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn a_gradiometer_is_the_difference_of_two_magnetometers() {
        let sensors = neuromag306();
        let grad = &sensors[0];
        let source = [-0.05, 0.0, 0.03];
        let field = |p| meg_dipole(p, source, [0.0, 0.0, 20e-9]);
        let loop_at = |sign: f64| {
            let l = &grad.loc;
            let c: [f64; 3] = std::array::from_fn(|i| l[i] + sign * 8.4e-3 * l[3 + i] + 0.3e-3 * l[9 + i]);
            [-6.713e-3, 6.713e-3]
                .map(|y: f64| dot(field(std::array::from_fn(|i| c[i] + y * l[6 + i])), [l[9], l[10], l[11]]))
                .iter()
                .sum::<f64>()
                / 2.0
        };
        let expected = (loop_at(1.0) - loop_at(-1.0)) / 16.8e-3;
        let got = Coil::new(grad, None).flux(field);
        assert!((got - expected).abs() < 1e-12 * expected.abs(), "{got:e} {expected:e}");
    }
}
