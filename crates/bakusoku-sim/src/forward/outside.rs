//! Fields of sources far from the head.

use super::MU0_OVER_4PI;
use crate::vector::{Vec3, cross, dot, norm, scale, sub};

/// Field (T) at `point` of a magnetic dipole `moment` (A·m²) at `source`.
pub fn magnetic_dipole(point: Vec3, source: Vec3, moment: Vec3) -> Vec3 {
    let d = sub(point, source);
    let r = norm(d);
    let along = 3.0 * dot(moment, d) / (r * r);
    scale(sub(scale(d, along), moment), MU0_OVER_4PI / r.powi(3))
}

/// Field (T) at `point` of a current dipole `moment` (A·m) at `source`, without volume currents: what the heart looks like
/// from the head.
pub fn current_dipole(point: Vec3, source: Vec3, moment: Vec3) -> Vec3 {
    let d = sub(point, source);
    scale(cross(moment, d), MU0_OVER_4PI / norm(d).powi(3))
}

/// The same field everywhere.
pub fn uniform_field(field: Vec3) -> impl Fn(Vec3) -> Vec3 {
    move |_| field
}

/// How many independent gradient fields there are.
pub const GRADIENT_FIELDS: usize = 5;

/// The `index`th field that grows linearly with distance from the origin, 1 T/m, with neither sources nor curl: the gradients
/// of xy, yz, xz, (x² - y²)/2 and (2z² - x² - y²)/4.
pub fn gradient_field(point: Vec3, index: usize) -> Vec3 {
    let [x, y, z] = point;
    match index {
        0 => [y, x, 0.0],
        1 => [0.0, z, y],
        2 => [z, 0.0, x],
        3 => [x, -y, 0.0],
        _ => [-0.5 * x, -0.5 * y, z],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Divergence, largest entry of the curl, and largest entry of the Jacobian.
    fn derivatives(field: impl Fn(Vec3) -> Vec3, point: Vec3) -> (f64, f64, f64) {
        let h = 1e-3;
        let mut jacobian = [[0.0; 3]; 3];
        for j in 0..3 {
            let at = |step: f64| {
                let mut p = point;
                p[j] += step * h;
                field(p)
            };
            let (a, b, c, d) = (at(-2.0), at(-1.0), at(1.0), at(2.0));
            for i in 0..3 {
                jacobian[i][j] = (a[i] - 8.0 * b[i] + 8.0 * c[i] - d[i]) / (12.0 * h);
            }
        }
        let curl = [(0, 1), (0, 2), (1, 2)].map(|(i, j): (usize, usize)| (jacobian[i][j] - jacobian[j][i]).abs());
        let size = jacobian.iter().flatten().fold(0.0f64, |m, x| m.max(x.abs()));
        (jacobian[0][0] + jacobian[1][1] + jacobian[2][2], curl.into_iter().fold(0.0, f64::max), size)
    }

    #[test]
    fn fields_from_outside_obey_maxwell() {
        let point = [0.07, -0.03, 0.09];
        let dipole = |p| magnetic_dipole(p, [2.0, 1.0, -1.5], [1e-4, -3e-4, 2e-4]);
        let (div, curl, size) = derivatives(dipole, point);
        assert!(div.abs() < 1e-8 * size && curl < 1e-8 * size);
        for index in 0..GRADIENT_FIELDS {
            let (div, curl, size) = derivatives(|p| gradient_field(p, index), point);
            assert!(div.abs() < 1e-10 && curl < 1e-10 && (size - 1.0).abs() < 1e-10, "{index}");
        }
        // A current dipole's own field has no sources either (its curl is that of the return currents).
        let (div, _, size) = derivatives(|p| current_dipole(p, [0.05, 0.0, -0.4], [1e-6, 0.0, 2e-6]), point);
        assert!(div.abs() < 1e-8 * size);
    }

    #[test]
    fn a_magnetic_dipole_falls_off_as_it_must() {
        let at = |z: f64| magnetic_dipole([0.0, 0.0, z], [0.0; 3], [0.0, 0.0, 1.0])[2];
        // On the axis 2 µ0 m / 4π z³.
        assert!((at(2.0) - 2e-7 / 8.0).abs() < 1e-20);
        assert!((at(1.0) / at(2.0) - 8.0).abs() < 1e-12);
    }
}
