//! The field of multipoles: what each sensor sees of each moment.
//!
//! With solid harmonics in Cartesian coordinates, gradients are harmonics of the next degree: no sine, no pole on the
//! z axis (where MNE drops the azimuthal part), and loops that run over many points at once.
//!
//! Write `I(l,m) = P_l^m(cos θ) exp(imφ) / r^(l+1)` and `R(l,m) = r^l P_l^m(cos θ) exp(imφ)`, with the Condon-Shortley
//! sign, and `∂± = ∂x ± i∂y`. Then (Hobson 1931, chapter 3)
//!
//! ```text
//! ∂z I(l,m) = -(l-m+1) I(l+1,m)    ∂+ I(l,m) = I(l+1,m+1)    ∂- I(l,m) = -(l-m+1)(l-m+2) I(l+1,m-1)
//! ∂z R(l,m) = (l+m) R(l-1,m)       ∂+ R(l,m) = R(l-1,m+1)    ∂- R(l,m) = -(l+m)(l+m-1) R(l-1,m-1)
//! ```

use super::geometry::Points;
use super::sensors::n_moments;
use bakusoku_math::wide;
use ndarray::{Array2, ShapeBuilder};

/// Points that are worked on at once.
const LANES: usize = 32;
type Lane = [f64; LANES];
const ZERO: Lane = [0.0; LANES];

/// A complex number per point.
#[derive(Clone, Copy)]
struct Complex {
    re: Lane,
    im: Lane,
}

/// Degrees and orders of the moments up to `order`: degree by degree, orders from `-l` to `l`.
pub(super) fn degrees_orders(order: usize) -> Vec<(usize, i64)> {
    (1..=order).flat_map(|l| (-(l as i64)..=l as i64).map(move |m| (l, m))).collect()
}

/// What sensors see of each inner and each outer moment, `(n_sensors, n_in + n_out)`, in column-major order; the points
/// are seen from the origin of the expansion.
///
/// Taulu & Kajola (2005), eq. 4 to 6, with real spherical harmonics: orders below zero are sines.
pub(super) fn basis(points: &Points, int_order: usize, ext_order: usize) -> Array2<f64> {
    let (n, n_in, n_out) = (points.n_sensors(), n_moments(int_order), n_moments(ext_order));
    let mut out = vec![0.0; n * (n_in + n_out)];
    let sensor_of: Vec<usize> =
        points.starts.windows(2).enumerate().flat_map(|(sensor, w)| std::iter::repeat_n(sensor, w[1] - w[0])).collect();
    let mut inner = vec![Complex { re: ZERO, im: ZERO }; place(int_order + 2, 0)];
    let mut outer = vec![Complex { re: ZERO, im: ZERO }; place(ext_order.max(1), 0)];
    for start in (0..sensor_of.len()).step_by(LANES) {
        let stop = (start + LANES).min(sensor_of.len());
        let take = |from: &[f64], fill: f64| -> Lane {
            let mut lane = [fill; LANES];
            lane[..stop - start].copy_from_slice(&from[start..stop]);
            lane
        };
        // Lanes beyond the last point see nothing from one metre away.
        let r = [take(&points.r[0], 1.0), take(&points.r[1], 0.0), take(&points.r[2], 0.0)];
        let normal = [take(&points.n[0], 0.0), take(&points.n[1], 0.0), take(&points.n[2], 0.0)];
        let sensors = &sensor_of[start..stop];
        let (out_in, out_out) = out.split_at_mut(n * n_in);
        wide!({
            if int_order > 0 {
                irregular(&r, int_order + 1, &mut inner);
                project(int_order, &normal, sensors, n, out_in, |l, m| {
                    let (a, b) = ((l - m + 1) as f64, (l - m + 2) as f64);
                    let up = l + 1;
                    let left = (m > 0).then(|| inner[place(up, m - 1)]);
                    (-a, inner[place(up, m)], Some(inner[place(up, m + 1)]), -a * b, left)
                });
            }
            if ext_order > 0 {
                regular(&r, ext_order - 1, &mut outer);
                project(ext_order, &normal, sensors, n, out_out, |l, m| {
                    let (a, b) = ((l + m) as f64, (l + m) as f64 - 1.0);
                    let down = l - 1;
                    let here = if m <= down { outer[place(down, m)] } else { Complex { re: ZERO, im: ZERO } };
                    let right = (m < down).then(|| outer[place(down, m + 1)]);
                    let left = (m > 0).then(|| outer[place(down, m - 1)]);
                    (a, here, right, -a * b, left)
                });
            }
        });
    }
    Array2::from_shape_vec((n, n_in + n_out).f(), out).expect("a column per moment")
}

/// Where order `m` of degree `l` is kept.
fn place(l: usize, m: usize) -> usize {
    l * (l + 1) / 2 + m
}

/// `I(l,m)` for `l` up to `degree`.
#[inline(always)]
fn irregular(r: &[Lane; 3], degree: usize, out: &mut [Complex]) {
    let [x, y, z] = r;
    let mut r2 = ZERO;
    let mut first = ZERO;
    for k in 0..LANES {
        let square = x[k] * x[k] + y[k] * y[k] + z[k] * z[k];
        first[k] = 1.0 / square.sqrt();
        r2[k] = 1.0 / square;
    }
    out[0] = Complex { re: first, im: ZERO };
    for m in 0..=degree {
        if m > 0 {
            let (before, factor) = (out[place(m - 1, m - 1)], -((2 * m - 1) as f64));
            let at = &mut out[place(m, m)];
            for k in 0..LANES {
                let f = factor * r2[k];
                at.re[k] = f * (x[k] * before.re[k] - y[k] * before.im[k]);
                at.im[k] = f * (x[k] * before.im[k] + y[k] * before.re[k]);
            }
        }
        climb(z, &r2, m, degree, out, true);
    }
}

/// `R(l,m)` for `l` up to `degree`.
#[inline(always)]
fn regular(r: &[Lane; 3], degree: usize, out: &mut [Complex]) {
    let [x, y, z] = r;
    let mut r2 = ZERO;
    for k in 0..LANES {
        r2[k] = x[k] * x[k] + y[k] * y[k] + z[k] * z[k];
    }
    out[0] = Complex { re: [1.0; LANES], im: ZERO };
    for m in 0..=degree {
        if m > 0 {
            let (before, factor) = (out[place(m - 1, m - 1)], -((2 * m - 1) as f64));
            let at = &mut out[place(m, m)];
            for k in 0..LANES {
                at.re[k] = factor * (x[k] * before.re[k] - y[k] * before.im[k]);
                at.im[k] = factor * (x[k] * before.im[k] + y[k] * before.re[k]);
            }
        }
        climb(z, &r2, m, degree, out, false);
    }
}

/// From degree `m` up, at order `m`: `P_{l+1} = ((2l+1) cos θ P_l - (l+m) P_{l-1}) / (l-m+1)`, times powers of r.
#[inline(always)]
fn climb(z: &Lane, r2: &Lane, m: usize, degree: usize, out: &mut [Complex], irregular: bool) {
    for l in m..degree {
        let here = out[place(l, m)];
        let scale = 1.0 / (l - m + 1) as f64;
        let (a, b) = ((2 * l + 1) as f64 * scale, (l + m) as f64 * scale);
        let before = if l > m { out[place(l - 1, m)] } else { Complex { re: ZERO, im: ZERO } };
        let at = &mut out[place(l + 1, m)];
        for k in 0..LANES {
            let (f, g) = if irregular { (a * z[k] * r2[k], b * r2[k]) } else { (a * z[k], b * r2[k]) };
            at.re[k] = f * here.re[k] - g * before.re[k];
            at.im[k] = f * here.im[k] - g * before.im[k];
        }
    }
}

/// Adds the field of every moment along the normals to the sensors' sums. `parts(l, m)` gives the derivative along z
/// (factor, harmonic), `∂+` (harmonic) and `∂-` (factor, harmonic); without the last, `m` is 0, and it is the first's
/// conjugate.
#[inline(always)]
fn project(
    order: usize,
    normal: &[Lane; 3],
    sensors: &[usize],
    n: usize,
    out: &mut [f64],
    parts: impl Fn(usize, usize) -> (f64, Complex, Option<Complex>, f64, Option<Complex>),
) {
    let [nx, ny, nz] = normal;
    for l in 1..=order {
        // mu_0 sqrt((2l+1) / 4π (l-m)! / (l+m)!)
        let mut norm = 2e-7 * ((2 * l + 1) as f64 * std::f64::consts::PI).sqrt();
        for m in 0..=l {
            if m > 0 {
                norm /= (((l - m + 1) * (l + m)) as f64).sqrt();
            }
            let factor = if m == 0 { norm } else { norm * std::f64::consts::SQRT_2 };
            let (along, here, right, down, left) = parts(l, m);
            let right = right.unwrap_or(Complex { re: ZERO, im: ZERO });
            let (mut re, mut im) = (ZERO, ZERO);
            match left {
                None => {
                    for k in 0..LANES {
                        re[k] = along * nz[k] * here.re[k] + nx[k] * right.re[k] + ny[k] * right.im[k];
                    }
                }
                Some(left) => {
                    for k in 0..LANES {
                        let (a, b) = (0.5 * nx[k], 0.5 * ny[k]);
                        let (c, d) = (down * a, down * b);
                        let f = along * nz[k];
                        re[k] =
                            f * here.re[k] + (a * right.re[k] + b * right.im[k]) + (c * left.re[k] - d * left.im[k]);
                        im[k] =
                            f * here.im[k] + (a * right.im[k] - b * right.re[k]) + (c * left.im[k] + d * left.re[k]);
                    }
                }
            }
            let middle = l * l + l - 1;
            let cosine = &mut out[(middle + m) * n..(middle + m + 1) * n];
            for (k, &sensor) in sensors.iter().enumerate() {
                cosine[sensor] -= factor * re[k];
            }
            if m > 0 {
                let sine = &mut out[(middle - m) * n..(middle - m + 1) * n];
                for (k, &sensor) in sensors.iter().enumerate() {
                    sine[sensor] += factor * im[k];
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One point, one normal.
    fn at(r: [f64; 3], n: [f64; 3]) -> Points {
        Points { r: r.map(|x| vec![x]), n: n.map(|x| vec![x]), starts: vec![0, 1] }
    }

    #[test]
    fn the_first_degree_is_a_dipole_and_a_homogeneous_field() {
        let (r, n) = ([0.03, -0.05, 0.08], [0.1, 0.7, -0.4]);
        let b = basis(&at(r, n), 2, 1);
        let r2: f64 = r.iter().map(|x| x * x).sum();
        let along: f64 = r.iter().zip(&n).map(|(a, b)| a * b).sum();
        // -grad(e · r / r³) times μ0 sqrt(3 / 4π); the Condon-Shortley sign turns x and y round, the sine's own sign
        // turns y round once more.
        let scale = 2e-7 * (3.0 * std::f64::consts::PI).sqrt();
        let dipole = |e: usize| scale * (3.0 * along * r[e] / r2.powf(2.5) - n[e] / r2.powf(1.5));
        for (column, expected) in [(0, dipole(1)), (1, dipole(2)), (2, -dipole(0))] {
            assert!(
                (b[[0, column]] - expected).abs() < 1e-12 * expected.abs(),
                "{column}: {} {expected}",
                b[[0, column]]
            );
        }
        let homogeneous = [-n[1], -n[2], n[0]].map(|x| scale * x);
        for (column, expected) in homogeneous.into_iter().enumerate() {
            assert!(
                (b[[0, 8 + column]] - expected).abs() < 1e-14 * expected.abs(),
                "{column}: {} {expected}",
                b[[0, 8 + column]]
            );
        }
    }

    #[test]
    fn every_moment_is_a_gradient_without_divergence() {
        // The field along x, y, z at neighbouring points: its divergence and curl vanish.
        let (r, h) = ([0.06, 0.05, -0.07], 1e-4);
        let field = |r: [f64; 3]| -> Vec<Array2<f64>> {
            [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]].iter().map(|&n| basis(&at(r, n), 6, 6)).collect()
        };
        let slope = |axis: usize| -> Vec<Array2<f64>> {
            let (mut up, mut down) = (r, r);
            up[axis] += h;
            down[axis] -= h;
            field(up).iter().zip(&field(down)).map(|(a, b)| (a - b) / (2.0 * h)).collect()
        };
        let d: Vec<Vec<Array2<f64>>> = (0..3).map(slope).collect();
        for column in 0..n_moments(6) * 2 {
            let size = (0..9).map(|i| d[i / 3][i % 3][[0, column]].abs()).fold(0.0, f64::max);
            let divergence = (0..3).map(|i| d[i][i][[0, column]]).sum::<f64>();
            assert!(divergence.abs() <= 1e-4 * size, "moment {column}");
            for (i, j) in [(0, 1), (1, 2), (2, 0)] {
                let curl = d[i][j][[0, column]] - d[j][i][[0, column]];
                assert!(curl.abs() <= 1e-4 * size, "moment {column}");
            }
        }
    }

    #[test]
    fn blocks_do_not_show() {
        let many = Points {
            r: [0, 1, 2].map(|i| (0..77).map(|k| 0.1 + 0.01 * ((k * (i + 2)) as f64).sin()).collect()),
            n: [0, 1, 2].map(|i| (0..77).map(|k| ((k + i * 31) as f64).cos()).collect()),
            starts: vec![0, 9, 20, 50, 77],
        };
        let all = basis(&many, 4, 2);
        for (sensor, w) in many.starts.windows(2).enumerate() {
            let one = Points {
                r: [0, 1, 2].map(|i| many.r[i][w[0]..w[1]].to_vec()),
                n: [0, 1, 2].map(|i| many.n[i][w[0]..w[1]].to_vec()),
                starts: vec![0, w[1] - w[0]],
            };
            assert_eq!(all.row(sensor), basis(&one, 4, 2).row(0));
        }
    }
}
