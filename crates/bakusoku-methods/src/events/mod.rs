//! Events: from stimulus channels, from annotations, and their way through resampling.
//!
//! A stimulus channel holds whole numbers; an event is a change of its value. Samples of events count from the start of
//! the acquisition (`first_samp` included), as in MNE-Python.
//!
//! | ours | MNE-Python |
//! |---|---|
//! | [`FindEvents`], [`find_events`] | `mne.find_events` |
//! | [`find_stim_steps`] | `mne.find_stim_steps` |
//! | [`events_from_annotations`] | `mne.events_from_annotations` |
//! | [`resample_events`] | `raw.resample(..., events=events)` |
//! | [`make_fixed_length_events`] | `mne.make_fixed_length_events` |
//! | [`matching_codes`] | `epochs["auditory"]` |

mod annotations;
mod find;
mod fixed_length;
mod transitions;

pub use annotations::{events_from_annotations, matching_codes};
pub use find::{Consecutive, FindEvents, Found, MaskType, Output, find_events};
pub use fixed_length::{make_fixed_length_events, resample_events};
pub use transitions::{Step, StepReader, find_stim_steps};
