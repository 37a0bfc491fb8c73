//! The magnetic field outside a spherically symmetric conductor.
//!
//! Sarvas, J. (1987). Basic mathematical and electromagnetic concepts of the biomagnetic inverse problem. Physics in Medicine
//! and Biology, 32, 11–22, eq. 25. The conductivities of the shells do not matter, and a radial dipole is silent.

use super::MU0_OVER_4PI;
use crate::vector::{Vec3, cross, dot, norm, scale, sub};

/// The field (T) at `point` of a current dipole `moment` (A·m) at `source`, in a conductor centred at the origin.
///
/// `point` lies outside the conductor, `source` inside; all in metres.
pub fn meg_dipole(point: Vec3, source: Vec3, moment: Vec3) -> Vec3 {
    let d = sub(point, source);
    let (a, r) = (norm(d), norm(point));
    let a_dot_r = dot(d, point);
    let f = a * (r * a + r * r - dot(source, point));
    let along_r = a * a / r + a_dot_r / a + 2.0 * a + 2.0 * r;
    let along_source = a + 2.0 * r + a_dot_r / a;
    let gradient = sub(scale(point, along_r), scale(source, along_source));
    let q = cross(moment, source);
    scale(sub(scale(q, f), scale(gradient, dot(q, point))), MU0_OVER_4PI / (f * f))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: Vec3 = [0.031, -0.022, 0.054];
    const MOMENT: Vec3 = [12e-9, 20e-9, -7e-9];
    const POINTS: [Vec3; 4] = [[0.0, 0.0, 0.12], [0.11, 0.01, 0.03], [-0.05, 0.1, 0.02], [0.04, -0.1, -0.05]];

    #[test]
    fn radial_dipoles_and_dipoles_at_the_centre_are_silent() {
        for point in POINTS {
            let size = norm(meg_dipole(point, SOURCE, MOMENT));
            let radial = scale(crate::vector::unit(SOURCE), norm(MOMENT));
            assert!(norm(meg_dipole(point, SOURCE, radial)) < 1e-14 * size);
            assert_eq!(norm(meg_dipole(point, [0.0; 3], MOMENT)), 0.0);
        }
    }

    #[test]
    fn the_radial_component_is_that_of_the_dipole_alone() {
        // Volume currents of a sphere add nothing to it: B_r = µ0/4π (Q × (r - r0)) · r̂ / |r - r0|³.
        for point in POINTS {
            let d = sub(point, SOURCE);
            let expected = MU0_OVER_4PI * dot(cross(MOMENT, d), point) / (norm(d).powi(3) * norm(point));
            let got = dot(meg_dipole(point, SOURCE, MOMENT), point) / norm(point);
            assert!((got - expected).abs() < 1e-13 * expected.abs(), "{got:e} {expected:e}");
        }
    }

    #[test]
    fn a_tangential_dipole_on_the_axis_matches_its_closed_form() {
        // Dipole Q x̂ at b ẑ, field on the z axis at distance z. From eq. 25 with Q × r0 = -Q b ŷ, which is normal to r:
        // B = µ0/4π (Q × r0) / F with F = a² (z + a + ... ) reduced on the axis to a (z a + z² - b z) = 2 z a², a = z - b.
        let (q, b, z) = (10e-9, 0.06, 0.12);
        let a = z - b;
        let got = meg_dipole([0.0, 0.0, z], [0.0, 0.0, b], [q, 0.0, 0.0]);
        let expected = -MU0_OVER_4PI * q * b / (2.0 * z * a * a);
        assert!((got[1] - expected).abs() < 1e-13 * expected.abs());
        assert!(got[0].abs() < 1e-27 && got[2].abs() < 1e-27);
    }

    #[test]
    fn the_field_outside_has_neither_sources_nor_curl() {
        let h = 1e-4;
        for point in POINTS {
            // jacobian[i][j] = ∂B_i/∂x_j by central differences of the fourth order.
            let mut jacobian = [[0.0; 3]; 3];
            for j in 0..3 {
                let at = |step: f64| {
                    let mut p = point;
                    p[j] += step * h;
                    meg_dipole(p, SOURCE, MOMENT)
                };
                let (a, b, c, d) = (at(-2.0), at(-1.0), at(1.0), at(2.0));
                for i in 0..3 {
                    jacobian[i][j] = (a[i] - 8.0 * b[i] + 8.0 * c[i] - d[i]) / (12.0 * h);
                }
            }
            let size = jacobian.iter().flatten().fold(0.0f64, |m, x| m.max(x.abs()));
            assert!((jacobian[0][0] + jacobian[1][1] + jacobian[2][2]).abs() < 1e-7 * size);
            for (i, j) in [(0, 1), (0, 2), (1, 2)] {
                assert!((jacobian[i][j] - jacobian[j][i]).abs() < 1e-7 * size);
            }
        }
    }
}
