//! Heartbeats and blinks: when they are, and which components follow them.
//!
//! | ours | MNE-Python |
//! |---|---|
//! | [`find_heartbeats`], [`qrs_detector`] | `find_ecg_events` |
//! | [`find_blinks`], [`peak_finder`] | `find_eog_events`, `peak_finder` |
//! | [`average_of_sensors`] | what stands for an ECG where there is none |
//! | [`kuiper`], [`ctps`] | `ctps`, of `ICA.find_bads_ecg` |
//! | [`correlations`], [`find_outliers`] | `ICA.score_sources`, `ICA.find_bads_eog` |
//! | [`band_pass`] | the filter that all of them use |
//!
//! Rows are `(n_rows, n_times)`, in whatever unit; times are samples of the rows.

mod blinks;
mod filter;
mod heartbeats;
mod phases;
mod scores;
#[cfg(test)]
mod tests;

pub use blinks::{BlinkParams, find_blinks, peak_finder};
pub use filter::{Band, band_pass};
pub use heartbeats::{HeartbeatParams, average_of_sensors, find_heartbeats, qrs_detector};
pub use phases::{ctps, kuiper};
pub use scores::{correlations, find_outliers, outliers_by_score};
