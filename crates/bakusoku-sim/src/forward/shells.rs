//! The electric potential on a sphere of concentric shells.
//!
//! Inside, the potential of a current dipole is a series of solid harmonics; each order passes a boundary by continuity of the
//! potential and of the normal current (as in Zhang 1995, Physics in Medicine and Biology 40, 335–349; de Munck & Peters 1993).
//! The ratio of the growing to the falling part is known at the outer surface, where no current leaves, and is carried inwards,
//! which never subtracts large numbers.

use crate::vector::{Vec3, dot, norm, scale, sub};

/// Order at which the series ends: 0.9^300 < 1e-13.
const ORDERS: usize = 300;

/// A sphere of shells.
#[derive(Clone, Debug)]
pub struct Shells {
    radius: f64,
    conductivity: f64,
    /// Per order: what the shells make of the source's term on the surface.
    factors: Vec<f64>,
}

impl Shells {
    /// Shells from inside to outside: outer radii as shares of `radius` (m), the last one 1, and conductivities (S/m).
    pub fn new(radius: f64, shares: &[f64], conductivities: &[f64]) -> Self {
        let factors = (1..=ORDERS)
            .map(|order| {
                let n = order as f64;
                // Growing and falling part in the outermost shell: no radial current at r = 1.
                let (mut up, mut down) = (n + 1.0, n);
                for shell in (1..shares.len()).rev() {
                    let ratio = conductivities[shell] / conductivities[shell - 1];
                    let power = shares[shell - 1].powi(2 * order as i32 + 1);
                    let inner_up =
                        ((n + 1.0 + ratio * n) * up + (n + 1.0) * (1.0 - ratio) * down / power) / (2.0 * n + 1.0);
                    let inner_down =
                        (n * (1.0 - ratio) * up * power + (n + ratio * (n + 1.0)) * down) / (2.0 * n + 1.0);
                    (up, down) = (inner_up, inner_down);
                }
                (2.0 * n + 1.0) / down
            })
            .collect();
        Self { radius, conductivity: conductivities[0], factors }
    }

    /// Brain, cerebrospinal fluid, skull and scalp, with the radii and conductivities of MNE-Python's `make_sphere_model`.
    pub fn head(radius: f64) -> Self {
        Self::new(radius, &[0.90, 0.92, 0.97, 1.0], &[0.33, 1.0, 0.004, 0.33])
    }

    /// The potential (V) on the surface, in the given direction, of a current dipole `moment` (A·m) at `source` (m from the
    /// centre, inside the innermost shell). Its mean over the sphere is zero.
    pub fn potential(&self, direction: Vec3, source: Vec3, moment: Vec3) -> f64 {
        let surface = scale(direction, 1.0 / norm(direction));
        let depth = norm(source) / self.radius;
        // At the centre every direction is radial.
        let axis = if depth < 1e-9 { surface } else { scale(source, 1.0 / norm(source)) };
        let x = dot(axis, surface);
        let radial = dot(moment, axis);
        let tangential = dot(moment, sub(surface, scale(axis, x)));
        // Legendre polynomials and their derivatives, from orders 0 and 1: P'_n = P'_{n-2} + (2n - 1) P_{n-1}.
        let (mut p, mut p_before, mut dp, mut dp_before) = (x, 1.0, 1.0, 0.0);
        let (mut sum, mut power) = (0.0, 1.0);
        for (index, factor) in self.factors.iter().enumerate() {
            let n = (index + 1) as f64;
            sum += factor * power * (n * radial * p + tangential * dp);
            power *= depth;
            if power < 1e-18 {
                break;
            }
            let p_next = ((2.0 * n + 1.0) * x * p - n * p_before) / (n + 1.0);
            let dp_next = dp_before + (2.0 * n + 1.0) * p;
            (p_before, p, dp_before, dp) = (p, p_next, dp, dp_next);
        }
        sum / (4.0 * std::f64::consts::PI * self.conductivity * self.radius * self.radius)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vector::unit;

    const SOURCE: Vec3 = [0.02, -0.035, 0.05];
    const MOMENT: Vec3 = [10e-9, 15e-9, -5e-9];

    /// A homogeneous sphere in closed form (Mosher, Leahy & Lewis 1999, IEEE Trans. Biomed. Eng. 46, 245–259, table I).
    fn homogeneous(r: Vec3, source: Vec3, moment: Vec3, conductivity: f64) -> f64 {
        let d = sub(r, source);
        let (dn, rn, s2) = (norm(d), norm(r), dot(source, source));
        let f = dn * (rn * dn + rn * rn - dot(source, r));
        let k = 1.0 / (4.0 * std::f64::consts::PI * conductivity * s2);
        let c1 = k * (2.0 * dot(d, source) / dn.powi(3) + 1.0 / dn - 1.0 / rn);
        let c2 = k * (2.0 / dn.powi(3) + (dn + rn) / (rn * f));
        (c1 - c2 * dot(r, source)) * dot(source, moment) + c2 * s2 * dot(r, moment)
    }

    fn directions() -> Vec<Vec3> {
        // A spiral of points that covers the sphere evenly.
        let n = 4000;
        (0..n)
            .map(|i| {
                let z = 1.0 - (2.0 * i as f64 + 1.0) / n as f64;
                let phi = i as f64 * std::f64::consts::PI * (3.0 - 5f64.sqrt());
                let s = (1.0 - z * z).sqrt();
                [s * phi.cos(), s * phi.sin(), z]
            })
            .collect()
    }

    #[test]
    fn equal_shells_are_the_homogeneous_sphere_in_closed_form() {
        let shells = Shells::new(0.09, &[0.9, 0.95, 1.0], &[0.33, 0.33, 0.33]);
        for direction in directions().into_iter().step_by(97) {
            let expected = homogeneous(scale(direction, 0.09), SOURCE, MOMENT, 0.33);
            let got = shells.potential(direction, SOURCE, MOMENT);
            assert!((got - expected).abs() < 1e-11 * 1e-5, "{got:e} {expected:e}");
        }
    }

    #[test]
    fn the_skull_attenuates_smooths_and_keeps_the_mean_at_zero() {
        let (head, bare) = (Shells::head(0.09), Shells::new(0.09, &[1.0], &[0.33]));
        let max = |shells: &Shells| {
            directions().iter().map(|&d| shells.potential(d, SOURCE, MOMENT).abs()).fold(0.0, f64::max)
        };
        let (with, without) = (max(&head), max(&bare));
        assert!(with < 0.5 * without && with > 0.05 * without, "{with:e} {without:e}");
        let mean = directions().iter().map(|&d| head.potential(d, SOURCE, MOMENT)).sum::<f64>() / 4000.0;
        assert!(mean.abs() < 1e-4 * with, "{mean:e} {with:e}");
    }

    #[test]
    fn a_dipole_is_antisymmetric_and_a_central_one_is_a_cosine() {
        let head = Shells::head(0.09);
        let at = |d: Vec3| head.potential(d, [0.0; 3], [0.0, 0.0, 10e-9]);
        let top = at([0.0, 0.0, 1.0]);
        for d in [[0.3, 0.2, 0.7], [0.1, -0.9, -0.4]] {
            assert!((at(d) - top * unit(d)[2]).abs() < 1e-12 * top);
        }
        let d = [0.5, 0.1, 0.8];
        let sum = head.potential(d, SOURCE, MOMENT) + head.potential(d, SOURCE, scale(MOMENT, -1.0));
        assert!(sum.abs() < 1e-20);
        // Mirrored at a plane through the centre, source and moment and electrode.
        let mirror = |v: Vec3| [-v[0], v[1], v[2]];
        let (a, b) = (head.potential(d, SOURCE, MOMENT), head.potential(mirror(d), mirror(SOURCE), mirror(MOMENT)));
        assert!((a - b).abs() < 1e-12 * a.abs());
    }
}
