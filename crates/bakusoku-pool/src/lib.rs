//! The engine that owns all parallelism of bakusoku: cores, memory and disk are found by [`Budget`], tasks (subjects)
//! are run by [`Pool`], and their inner work (channels, windows) is spread by [`Par`]. Nobody else starts a thread.
//!
//! Knows nothing of M/EEG. The terms and the invariants are in this crate's README.

mod asynchronous;
mod batch;
mod budget;
mod bytes;
mod cancel;
mod engine;
mod error;
mod event;
mod imap;
pub mod memory;
mod par;
mod pool;
pub mod process;
mod spill;
mod star;
mod task;
mod tasks;

pub use asynchronous::AsyncResult;
pub use budget::{Budget, Found};
pub use bytes::{Bytes, Need};
pub use cancel::{Cancel, Cancelled};
pub use error::PoolError;
pub use event::{Event, EventKind};
pub use imap::Imap;
pub use par::Par;
pub use pool::{HighWater, Pool};
pub use spill::{SpillDir, SpillFile};
pub use star::Star;
pub use task::{Cause, TaskCx, TaskError};
pub use tasks::Tasks;
