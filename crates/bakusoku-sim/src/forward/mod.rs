//! From sources to sensors: what a source of unit strength does to each coil and electrode (SI units throughout).
//!
//! | | model | source |
//! |---|---|---|
//! | [`meg_dipole`] | current dipole in a spherically symmetric conductor | Sarvas (1987), eq. 25 |
//! | [`Shells`] | current dipole in a sphere of several shells, potential on its surface | series of Legendre polynomials |
//! | [`Coil`] | flux through a coil by a few points | MNE's coil definitions, accuracy *normal* |
//! | [`current_dipole`], [`magnetic_dipole`], [`uniform_field`], [`gradient_field`] | what comes from outside | textbook |

mod coil;
mod outside;
mod sarvas;
mod shells;

pub use coil::Coil;
pub use outside::{GRADIENT_FIELDS, current_dipole, gradient_field, magnetic_dipole, uniform_field};
pub use sarvas::meg_dipole;
pub use shells::Shells;

/// µ0 / 4π (T·m/A).
pub(crate) const MU0_OVER_4PI: f64 = 1e-7;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::{eeg60, neuromag306};
    use crate::vector::{scale, sub, unit};

    /// What MNE-Python 1.13 computes for a dipole of 1 A·m (`make_sphere_model` with this centre and radius, `dev_head_t` the
    /// identity, `make_forward_dipole`): T/m, T, and V against FCz. It takes the coils' fine definition and approximates the
    /// shells by three homogeneous spheres, hence a part in a hundred.
    #[test]
    fn the_forward_models_agree_with_mne() {
        let (centre, radius) = ([0.0, 0.014, -0.008], 0.09);
        let source = sub([-0.05, 0.005, 0.01], centre);
        let moment = unit([3.0, 5.0, -8.0]);
        let meg = [
            ("MEG 0113", 8.97975e-06),
            ("MEG 0112", 3.46174e-05),
            ("MEG 0111", 4.41572e-07),
            ("MEG 1521", 4.60202e-06),
            ("MEG 0242", 1.76717e-04),
            ("MEG 1332", -1.34851e-05),
        ];
        for (name, expected) in meg {
            let sensor = neuromag306().into_iter().find(|s| s.name == name).unwrap();
            let got = Coil::new(&sensor, None).flux(|p| meg_dipole(sub(p, centre), source, moment));
            let largest: f64 = if name.ends_with('1') { 4.6e-6 } else { 1.8e-4 };
            assert!((got - expected).abs() < 0.01 * largest, "{name}: {got:e} {expected:e}");
        }
        let (cap, reference) = eeg60();
        let head = Shells::head(radius);
        let at = |direction| head.potential(direction, source, moment);
        for (name, expected) in [("Cz", -24.4791), ("T7", 20.6315), ("CP5", -112.082), ("O2", 16.7666)] {
            let electrode = cap.iter().find(|e| e.name == name).unwrap();
            let got = at(scale(electrode.direction, radius)) - at(reference.direction);
            assert!((got - expected).abs() < 0.01 * 112.0, "{name}: {got} {expected}");
        }
    }
}
