//! Results in memory.

mod covariance;
mod epochs;
mod evoked;
mod ica;
mod raw;
mod spectrum;

pub use covariance::Covariance;
pub use epochs::Epochs;
pub use evoked::Evoked;
pub use ica::{Ica, IcaFit};
pub use raw::Raw;
pub use spectrum::Spectrum;
