//! The methods: what is done to recordings, with MNE-Python's parameters, defaults and numbers.
//!
//! Each has a folder: a kernel on array views, which serves arrays as they are, and what carries samples from block to
//! block around it. Arrays are `(n_channels, n_times)`, f64, SI units. No method reads or writes a file, starts a
//! thread, or knows a sibling of this crate.
//!
//! | rows, one channel at a time | columns, all channels at once | sinks, where a stream ends |
//! |---|---|---|
//! | [`filter`], [`notch`], [`resample`] | [`compensation`], [`ica`], [`interpolation`], [`maxwell`], [`projection`], [`reference`] | [`psd`], [`epochs`], [`evoked`], [`covariance`] |
//!
//! [`artifacts`] are found in single channels and in components; [`events`] are found before the main pass, on the stimulus channels alone; [`headshape`] fits a sphere to the
//! digitised head.

pub mod artifacts;
pub mod compensation;
pub mod covariance;
pub mod epochs;
pub mod events;
pub mod evoked;
pub mod filter;
pub mod headshape;
pub mod ica;
pub mod interpolation;
pub mod maxwell;
pub mod notch;
pub mod projection;
pub mod psd;
pub mod reference;
pub mod resample;

mod map_rows;
mod picks;
mod serde_str;

#[cfg(test)]
mod golden;
#[cfg(test)]
mod testing;
