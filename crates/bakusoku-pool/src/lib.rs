//! The engine that owns all parallelism of bakusoku: cores, memory and disk are found by [`Budget`], tasks (subjects)
//! are run by [`Pool`], and their inner work (channels, windows) is spread by [`Par`]. Nobody else starts a thread.
//!
//! Knows nothing of M/EEG. The terms and the invariants are in this crate's README.

mod bytes;
mod cancel;
mod engine;
mod error;
mod par;
mod pool;
mod spill;

pub use bytes::{Bytes, Need};
pub use cancel::{Cancel, Cancelled};
pub use error::PoolError;
pub use par::Par;
pub use spill::{SpillDir, SpillFile};
