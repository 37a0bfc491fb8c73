//! What else the sensors see: eyes, heart, the room, the power line. Columns of the mixing matrix, one per time course.

use crate::forward::{GRADIENT_FIELDS, gradient_field, magnetic_dipole, uniform_field};
use crate::random::{Purpose, Streams};
use crate::sensors::{Kind, Sensors};
use crate::vector::{Vec3, add, scale, unit};

/// Where the heart is (m, head coordinates): in the chest, a little to the left.
const HEART: Vec3 = [-0.06, 0.01, -0.40];

/// The lid (1 at a usual blink) and the gaze (1 at a degree to the right).
pub(crate) fn eye_columns(sensors: &Sensors) -> Vec<Vec<f64>> {
    // The cornea is positive; a closing lid carries its charge upwards. The moment is what makes a blink of 100 µV at the brow.
    let upward = unit([0.0, 0.55, 0.85]);
    let moment = 100e-6 / sensors.brow(upward);
    let mut lid = sensors.eyes(scale(upward, moment));
    sensors.set(&mut lid, Kind::EogVertical, || 220e-6);
    sensors.set(&mut lid, Kind::EogHorizontal, || 18e-6);
    let mut gaze = sensors.eyes([0.05 * moment, 0.0, 0.0]);
    sensors.set(&mut gaze, Kind::EogHorizontal, || 14e-6);
    vec![lid, gaze]
}

/// Along the heart's axis (to the left, the front and down), and across it.
pub(crate) fn heart_columns(sensors: &Sensors) -> Vec<Vec<f64>> {
    let (axis, cross) = (unit([-0.55, 0.4, -0.73]), unit([0.6, 0.8, 0.0]));
    let mut along = sensors.heart(HEART, scale(axis, 1.2e-6), scale(axis, 40e-6));
    let mut across = sensors.heart(HEART, scale(cross, 0.8e-6), scale(cross, 25e-6));
    sensors.set(&mut along, Kind::Ecg, || 1.1e-3);
    sensors.set(&mut across, Kind::Ecg, || 0.35e-3);
    vec![along, across]
}

/// Slow fields from outside: uniform ones, gradients, and two magnetic dipoles some metres away.
pub(crate) fn surroundings(sensors: &Sensors, streams: &Streams, factor: f64) -> Vec<Vec<f64>> {
    let mut columns = Vec::new();
    for axis in 0..3 {
        let mut field = [0.0; 3];
        field[axis] = 0.35e-12 * factor;
        columns.push(sensors.meg_in_device(uniform_field(field)));
    }
    for index in 0..GRADIENT_FIELDS {
        columns.push(sensors.meg_in_device(|p| scale(gradient_field(p, index), 1.0e-12 * factor)));
    }
    let mut random = streams.parameters(Purpose::SurroundingsSources);
    for _ in 0..2 {
        let direction = random.direction();
        let at = scale(direction, random.uniform(2.0, 4.0));
        // 0.4 pT at the helmet.
        let moment = scale(random.direction(), 0.4e-12 * factor * crate::vector::norm(at).powi(3) / 1e-7);
        columns.push(sensors.meg_in_device(|p| magnetic_dipole(p, at, moment)));
    }
    columns
}

/// The power line, sine and cosine of each harmonic: fields from outside, and what each electrode's lead picks up.
pub(crate) fn hum(sensors: &Sensors, streams: &Streams, n: usize, factor: f64) -> Vec<Vec<f64>> {
    let mut random = streams.parameters(Purpose::LineSources);
    (0..n)
        .map(|_| {
            let uniform = scale(random.direction(), 0.25e-12 * factor);
            let gradients: [f64; GRADIENT_FIELDS] = std::array::from_fn(|_| 2.5e-12 * factor * random.bounded(2.0));
            let mut column = sensors.meg_in_device(|p| {
                (0..GRADIENT_FIELDS)
                    .fold(uniform, |sum, index| add(sum, scale(gradient_field(p, index), gradients[index])))
            });
            for (kind, size) in
                [(Kind::Eeg, 2.5e-6), (Kind::EogVertical, 3e-6), (Kind::EogHorizontal, 3e-6), (Kind::Ecg, 8e-6)]
            {
                sensors.set(&mut column, kind, || size * factor * random.bounded(2.0));
            }
            column
        })
        .collect()
}
