//! Fine calibration: truer normals, and what gradiometers pick up of the homogeneous field.

use super::geometry::frame;
use super::report::AppliedCalibration;
use super::sensors::Sensors;
use bakusoku_core::{Channel, Error, FineCalibration, Result, SensorCalibration};
use ndarray::Array2;
use std::collections::HashMap;

type Vector = [f64; 3];

/// A calibration, matched with the sensors.
#[derive(Clone, Debug)]
pub(super) struct Calibrated {
    /// The sensors with calibrated normals.
    pub chs: Vec<Channel>,
    /// For each sensor: a gradiometer's imbalances along its own axes, or a magnetometer's coefficient.
    pub imbalance: Vec<Vec<f64>>,
    /// For the report.
    pub applied: AppliedCalibration,
}

/// A name without spaces: old files write `MEG 0113`, new ones `MEG0113`.
pub(super) fn clean(name: &str) -> String {
    name.chars().filter(|c| !c.is_whitespace()).collect()
}

/// Matches a calibration with the sensors; also says which of its channels are not there.
///
/// # Errors
/// When a sensor is missing in the calibration, or imbalances are neither one nor three.
pub(super) fn calibrate(sensors: &Sensors, calibration: &FineCalibration) -> Result<(Calibrated, Vec<String>)> {
    let index: HashMap<String, usize> = sensors.chs.iter().enumerate().map(|(i, ch)| (clean(&ch.name), i)).collect();
    let mut line_of: Vec<Option<&SensorCalibration>> = vec![None; sensors.len()];
    let (mut order, mut extra) = (Vec::new(), Vec::new());
    for line in &calibration.sensors {
        match index.get(&clean(&line.name)) {
            Some(&i) => {
                if line_of[i].replace(line).is_none() {
                    order.push(i);
                }
            }
            None => extra.push(line.name.clone()),
        }
    }
    let mut missing: Vec<String> =
        (0..sensors.len()).filter(|&i| line_of[i].is_none()).map(|i| clean(&sensors.chs[i].name)).collect();
    if !missing.is_empty() {
        missing.sort();
        return Err(Error::data(format!("Not all MEG channels found in fine calibration file, missing:\n{missing:?}")));
    }
    let lines: Vec<&SensorCalibration> = line_of.into_iter().flatten().collect();
    check_imbalance(sensors, &lines)?;

    let mut chs = sensors.chs.clone();
    let (mut cal_chans, mut cal_corrs) = (Vec::new(), Array2::zeros((order.len(), 14)));
    let (mut angles, mut adjusted) = (Vec::new(), false);
    for (row, &i) in order.iter().enumerate() {
        let (line, ch) = (lines[i], &sensors.chs[i]);
        let (axes, turned) = axes(ch, line);
        adjusted |= turned;
        let mut loc = line.loc;
        if turned {
            (0..6).for_each(|k| loc[3 + k] = axes[k / 3][k % 3]);
        }
        let (_, old) = frame(ch);
        let cosine = dot(axes[2], unit(old[2])).clamp(-1.0, 1.0);
        angles.push(cosine.acos().to_degrees());
        let first = if sensors.is_mag[i] { [line.imbalance[0], 0.0] } else { [1.0, line.imbalance[0]] };
        first.iter().chain(&loc).enumerate().for_each(|(k, &x)| cal_corrs[[row, k]] = x);
        let number = line.name.trim_start_matches(['M', 'E', 'G']).trim_start_matches('0').parse();
        cal_chans.push([number.unwrap_or(sensors.picks[i] as i32), ch.coil_type]);
        (0..9).for_each(|k| chs[i].loc[3 + k] = axes[k / 3][k % 3]);
    }
    let n = angles.len() as f64;
    let mean = angles.iter().sum::<f64>() / n;
    let applied = AppliedCalibration {
        cal_chans,
        cal_corrs,
        coils: sensors.picks.iter().zip(&chs).map(|(&pick, ch)| (pick, ch.loc)).collect(),
        adjusted,
        angle_mean: mean,
        angle_std: (angles.iter().map(|a| (a - mean) * (a - mean)).sum::<f64>() / n).sqrt(),
        angle_max: angles.iter().copied().fold(0.0, f64::max),
    };
    let imbalance = lines.iter().map(|line| line.imbalance.clone()).collect();
    Ok((Calibrated { chs, imbalance, applied }, extra))
}

fn check_imbalance(sensors: &Sensors, lines: &[&SensorCalibration]) -> Result<()> {
    let grads = || lines.iter().zip(&sensors.is_mag).filter(|(_, mag)| !**mag).map(|(line, _)| line);
    let n = grads().next().map_or(1, |line| line.imbalance.len());
    if ![1, 3].contains(&n) || grads().any(|line| line.imbalance.len() != n) {
        return Err(Error::data(format!(
            "Must have 1 (x) or 3 (x, y, z) point-like magnetometers. Currently have {n}."
        )));
    }
    let mut mags = lines.iter().zip(&sensors.is_mag).filter(|(_, mag)| **mag);
    match mags.find(|(line, _)| line.imbalance.len() != 1 || line.imbalance[0] == 0.0) {
        None => Ok(()),
        Some((line, _)) => Err(Error::data(format!(
            "the calibration of magnetometer `{}` must be one number other than 0, got {:?}",
            line.name, line.imbalance
        ))),
    }
}

/// The axes that a line gives a sensor, and whether they had to be made: some files turn ez only; then the sensor's own
/// axes are turned as little as brings its ez there.
fn axes(ch: &Channel, line: &SensorCalibration) -> ([Vector; 3], bool) {
    let axis = |k: usize| -> Vector { std::array::from_fn(|i| line.loc[3 * (k + 1) + i]) };
    let new = [0, 1, 2].map(|k| unit(axis(k)));
    if dot(new[2], new[0]).abs().max(dot(new[2], new[1]).abs()) <= 1e-5 {
        return (new, false);
    }
    let old = frame(ch).1.map(unit);
    let turn = rotation(old[2], new[2]);
    (old.map(|v| unit(std::array::from_fn(|i| dot(turn[i], v)))), true)
}

/// The smallest rotation that carries unit vector `a` over to `b` (Rodrigues' formula).
fn rotation(a: Vector, b: Vector) -> [Vector; 3] {
    let v = [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
    let (sine2, cosine) = (dot(v, v), dot(a, b));
    if sine2 < f64::MIN_POSITIVE {
        if cosine > 0.0 {
            return [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        }
        // Half a turn about any axis p that is perpendicular to a: 2 p pᵀ - 1.
        let k = (0..3).min_by(|&i, &j| a[i].abs().total_cmp(&a[j].abs())).unwrap_or(0);
        let mut p = a.map(|x| -a[k] * x);
        p[k] += 1.0;
        let p = unit(p);
        return std::array::from_fn(|i| std::array::from_fn(|j| 2.0 * p[i] * p[j] - f64::from(u8::from(i == j))));
    }
    // (1 - c) / s² stays exact where 1 + c would cancel.
    let factor = (1.0 - cosine) / sine2;
    let cross = [[0.0, -v[2], v[1]], [v[2], 0.0, -v[0]], [-v[1], v[0], 0.0]];
    std::array::from_fn(|i| {
        std::array::from_fn(|j| {
            let square: f64 = (0..3).map(|k| cross[i][k] * cross[k][j]).sum();
            f64::from(u8::from(i == j)) + cross[i][j] + square * factor
        })
    })
}

fn dot(a: Vector, b: Vector) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn unit(v: Vector) -> Vector {
    let length = dot(v, v).sqrt();
    if length > 0.0 { v.map(|x| x / length) } else { v }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_rotation_carries_one_vector_over_to_the_other() {
        let a = unit([1.0, -2.0, 0.5]);
        for b in [[0.3, 0.1, -1.0], [1.0, -2.0, 0.5], [-1.0, 2.0, -0.5], [1.0, -2.0, 0.500001]].map(unit) {
            let r = rotation(a, b);
            let there: Vector = std::array::from_fn(|i| dot(r[i], a));
            assert!((0..3).all(|i| (there[i] - b[i]).abs() < 1e-15), "{there:?} {b:?}");
            for i in 0..3 {
                for j in 0..3 {
                    let columns: f64 = (0..3).map(|k| r[k][i] * r[k][j]).sum();
                    assert!((columns - f64::from(u8::from(i == j))).abs() < 1e-14);
                }
            }
        }
    }
}
