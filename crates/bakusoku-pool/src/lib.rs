//! All parallelism of bakusoku: [`Budget`] detects cores, memory and disk, [`Pool`] runs tasks (subjects), and [`Par`] runs
//! their inner loops (channels, windows). No other crate starts a thread.
//!
//! This crate knows nothing of M/EEG. Its README lists terms and invariants.

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
mod star_fn;
mod sync;
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
pub use pool::{PeakUsage, Pool};
pub use spill::{SpillDir, SpillFile};
pub use star_fn::StarFn;
pub use task::{Cause, TaskContext, TaskError};
pub use tasks::Tasks;
