//! Results in memory.

mod covariance;
mod epochs;
mod evoked;
mod raw;
mod spectrum;

pub use covariance::Covariance;
pub use epochs::Epochs;
pub use evoked::Evoked;
pub use raw::Raw;
pub use spectrum::Spectrum;
