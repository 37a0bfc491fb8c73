//! Power spectra by Welch's method (MNE's `raw.compute_psd(method="welch")`, `psd_array_welch`).
//!
//! Rows are `(n_times,)` in SI units, spectra `(n_freqs,)` in units squared per Hz. Stretches marked as bad are left out,
//! each good stretch counts by its samples.
//!
//! Welch (1967), *IEEE Trans. Audio Electroacoust.* 15(2).

mod columns;
mod kernel;
mod params;
mod sink;
#[cfg(test)]
mod tests;

pub use kernel::{Welch, psd_array_welch, psd_array_welch_complex, psd_array_welch_segments};
pub use params::{Average, WelchParams};
pub use sink::WelchSink;
