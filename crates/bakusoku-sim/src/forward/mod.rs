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
