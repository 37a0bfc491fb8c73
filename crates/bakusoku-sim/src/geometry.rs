//! Where the sensors are: facts, read from two tables beside this crate (`data/make_geometry.py` says their sources).

use crate::vector::Vec3;

/// Coil type of a Vectorview planar gradiometer (`FIFFV_COIL_VV_PLANAR_T1`).
pub const VV_PLANAR_T1: i32 = 3012;
/// Coil type of a Vectorview magnetometer of 25.8 mm (`FIFFV_COIL_VV_MAG_T1`).
pub const VV_MAG_T1: i32 = 3022;
/// Coil type of a Vectorview magnetometer of 21 mm (`FIFFV_COIL_VV_MAG_T3`).
pub const VV_MAG_T3: i32 = 3024;

/// A MEG sensor, in device coordinates.
#[derive(Clone, Debug, PartialEq)]
pub struct Sensor {
    /// Name, as in `MEG 0111`.
    pub name: String,
    /// FIFF's coil type.
    pub coil_type: i32,
    /// Position (m), and the directions ex, ey and ez of the coil.
    pub loc: [f64; 12],
}

/// An electrode on a sphere.
#[derive(Clone, Debug, PartialEq)]
pub struct Electrode {
    /// Name, as in `Fp1`.
    pub name: String,
    /// Direction from the sphere's centre: x to the right ear, y to the nose, z upwards.
    pub direction: Vec3,
}

fn lines(table: &'static str) -> impl Iterator<Item = (&'static str, Vec<f64>)> {
    table.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let mut words = line.split_ascii_whitespace();
        let name = words.next().expect("each line of the built-in table starts with a name");
        (name, words.map(|word| word.parse().expect("the built-in table holds numbers after the name")).collect())
    })
}

/// The 306 sensors of a Neuromag helmet: 102 places, each with two planar gradiometers and a magnetometer.
pub fn neuromag306() -> Vec<Sensor> {
    lines(include_str!("../data/neuromag306.txt"))
        .map(|(name, numbers)| Sensor {
            name: format!("MEG {}", name.trim_start_matches("MEG")),
            coil_type: numbers[0] as i32,
            loc: std::array::from_fn(|i| numbers[i + 1]),
        })
        .collect()
}

/// 60 electrodes of the extended 10-20 system, and the reference (FCz).
pub fn eeg60() -> (Vec<Electrode>, Electrode) {
    let mut cap: Vec<Electrode> = lines(include_str!("../data/eeg60.txt"))
        .map(|(name, angles)| {
            let (inclination, azimuth) = (angles[0].to_radians(), angles[1].to_radians());
            let (sin, z) = inclination.sin_cos();
            Electrode { name: name.to_owned(), direction: [sin * azimuth.cos(), sin * azimuth.sin(), z] }
        })
        .collect();
    let reference = cap.pop().expect("the built-in table ends with the reference");
    (cap, reference)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vector::{cross, dot, norm, sub};

    #[test]
    fn the_helmet_has_102_triplets_with_orthonormal_frames() {
        let sensors = neuromag306();
        assert_eq!(sensors.len(), 306);
        assert_eq!(sensors.iter().filter(|s| s.coil_type == VV_PLANAR_T1).count(), 204);
        assert_eq!(sensors.iter().filter(|s| s.coil_type == VV_MAG_T3).count(), 102);
        assert_eq!(sensors[0].name, "MEG 0113");
        for triplet in sensors.chunks(3) {
            let at = |s: &Sensor| [s.loc[0], s.loc[1], s.loc[2]];
            assert!(triplet.iter().all(|s| at(s) == at(&triplet[0]) && s.name[..7] == triplet[0].name[..7]));
        }
        for s in &sensors {
            let (ex, ey, ez) =
                ([s.loc[3], s.loc[4], s.loc[5]], [s.loc[6], s.loc[7], s.loc[8]], [s.loc[9], s.loc[10], s.loc[11]]);
            assert!(norm(sub(cross(ex, ey), ez)) < 2e-3, "{}", s.name);
            // The coils look away from the head.
            assert!(dot(ez, [s.loc[0], s.loc[1] - 0.02, s.loc[2] + 0.02]) > 0.0, "{}", s.name);
        }
    }

    #[test]
    fn the_cap_is_where_10_20_puts_it() {
        let (cap, reference) = eeg60();
        assert_eq!((cap.len(), reference.name.as_str()), (60, "FCz"));
        let at = |name: &str| cap.iter().find(|e| e.name == name).unwrap().direction;
        assert!(at("Cz")[2] > 0.999_999);
        assert!(at("Oz")[1] < -0.95 && at("Fpz")[1] > 0.95);
        assert!(at("T7")[0] < -0.95 && at("T8")[0] > 0.95);
        // Left and right mirror each other.
        for (left, right) in [("Fp1", "Fp2"), ("C3", "C4"), ("PO7", "PO8"), ("FT7", "FT8")] {
            let (l, r) = (at(left), at(right));
            assert!(norm([l[0] + r[0], l[1] - r[1], l[2] - r[2]]) < 1e-12);
        }
        assert!((at("C3")[2] - (46f64).to_radians().cos()).abs() < 0.02);
    }
}
