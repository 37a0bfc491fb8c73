//! Evoked responses: averages over epochs, and their combinations.
//!
//! `(n_channels, n_times)` in SI units. Bad channels are averaged like any other; channels that are not data channels
//! (stimulus, EOG, …) are left out, as MNE-Python does.
//!
//! | ours | MNE-Python |
//! |---|---|
//! | [`EvokedSink`], [`average`] | `epochs["condition"].average()` |
//! | [`combine_evoked`] | `mne.combine_evoked` |
//! | [`grand_average`] | `mne.grand_average` (`interpolate_bads=False`) |

mod average;
mod combine;

pub use average::{EvokedSink, average, evoked_picks};
pub use combine::{Weights, combine_evoked, grand_average};
