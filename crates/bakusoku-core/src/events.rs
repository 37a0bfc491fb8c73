//! Events.

use serde::{Deserialize, Serialize};

/// One event, as a row of MNE's events array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Event {
    /// Sample, `first_samp` included.
    pub sample: i64,
    /// Value of the stimulus channel before it.
    pub previous: i64,
    /// Code.
    pub code: i64,
}

/// Events in order of time.
pub type Events = Vec<Event>;
