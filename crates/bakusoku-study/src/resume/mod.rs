//! What is up to date: keys, sidecars, and the order in which an output is replaced.
//!
//! An output's key is the hash of step, revision, the step's own configuration, and the keys of its inputs. Beside
//! each output stands a `.json` with the key and each part's size and hash; an output is skipped only when all of
//! them hold. No database, no lock: safe on a cluster's file system, and after a kill at any byte.

mod key;
mod replace;
mod sidecar;
mod stale;

pub use key::{Key, input_key};
pub use replace::Replacement;
pub use sidecar::{Part, Sidecar, Validity, check, sidecar_path};
pub use stale::{Stale, left_behind, remove_abandoned};
