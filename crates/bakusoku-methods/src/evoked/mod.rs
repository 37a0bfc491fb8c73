//! Evoked responses: averages over epochs, and their combinations.
//!
//! `(n_channels, n_times)` in SI units. Bad channels are averaged like any other; channels that are not data channels
//! (stimulus, EOG, …) are left out, as MNE-Python does.
//!
//! | ours | MNE-Python |
//! |---|---|
//! | [`EvokedSink`], [`average`] | `epochs["condition"].average()` |
//! | [`combine_evoked`] | `mne.combine_evoked` |
//! | [`gfp`] | `evoked.plot(gfp=True)` |
//! | [`grand_average`] | `mne.grand_average` (`interpolate_bads=False`) |

mod average;
mod combine;
mod gfp;
mod same_channels;

pub(crate) use same_channels::same_channels;

pub use average::{EvokedSink, average, evoked_picks};
pub use combine::{Weights, combine_evoked, grand_average};
pub use gfp::gfp;
