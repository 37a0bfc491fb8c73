//! Epochs: stretches around events, cut from a recording as it flows.
//!
//! Each epoch is detrended, baseline-corrected, decimated, projected, and then kept or rejected, in this order
//! (MNE-Python's). Operators (ICA, interpolation, …) may stand before the baseline correction, and behind the rejection.
//! An epoch is `(n_channels, n_times)` in SI units; the sample of time `t` lies at
//! `round(event + tmin · sfreq) - first_samp`, half to even.
//!
//! | to … | use | MNE-Python |
//! |---|---|---|
//! | cut an array | [`epochs_from_array`] | `mne.Epochs(raw, ...).get_data()` |
//! | cut a stream, in bounded memory | [`EpochsSink`] with any [`EpochSink`]s | |
//! | keep the epochs of a stream | [`KeepEpochs`] | `epochs.load_data()` |
//! | change epochs on their way | [`EpochOperator`] in [`EpochsPlan::with_operators`] | `ica.apply(epochs)` |
//! | know what would be cut | [`EpochsPlan`] | `epochs.times`, `epochs.drop_log` before loading |

mod array;
mod cut;
mod keep;
mod operator;
mod params;
mod plan;
mod repeated;
mod select;
mod sink;
mod timeline;

pub use array::epochs_from_array;
pub use keep::KeepEpochs;
pub use operator::{EpochMut, EpochOperator, MatrixOperator};
pub use params::{Baseline, EpochsParams, EventRepeated, OnMissing};
pub use plan::EpochsPlan;
pub use select::{EventId, Selection, select_events};
pub use sink::{DropLog, Epoch, EpochSink, EpochsHeader, EpochsSink, Kept};
pub use timeline::{BaselineSamples, Timeline};

#[cfg(test)]
mod tests;
