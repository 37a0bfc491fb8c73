//! Work in progress.

pub mod events;
pub mod projection;
pub mod reference;
pub mod filter;
pub mod notch;
pub mod psd;
pub mod resample;
mod choice;
mod rows;
mod text;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod testing;
pub mod epochs;
pub mod evoked;
pub mod covariance;
