//! What happens to tasks, as it happens: for progress bars, tables and logs.

use std::sync::Arc;
use std::time::Duration;

use crate::{Bytes, Need, TaskError};

/// Something happened to a task. Borrowed: an observer copies what it keeps.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// The call (`map`, `imap`, …) that the task belongs to; numbers are unique in a process.
    pub batch: u64,
    /// The task's item, counted from 0.
    pub index: usize,
    /// The item's label; `item 3` where none was given.
    pub label: &'a str,
    /// What happened.
    pub kind: EventKind<'a>,
}

/// What can happen to a task, in this order: `Queued`, `Started`, any number of `Progress`, and one of the last three.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum EventKind<'a> {
    /// It waits for its turn, or for this much memory and disk.
    Queued {
        /// What it asks for.
        need: Need,
    },
    /// It was admitted and computes.
    Started {
        /// Whether it is larger than the whole budget and runs alone.
        alone: bool,
    },
    /// It said how far it is.
    Progress {
        /// From 0 to 1.
        fraction: f64,
        /// What it does now.
        what: &'a str,
    },
    /// It returned.
    Finished {
        /// Time since `Started`.
        wall: Duration,
        /// What it reported by [`TaskContext::used`](crate::TaskContext::used).
        used: Option<Bytes>,
    },
    /// It returned an error or panicked.
    Failed {
        /// Time since `Started`.
        wall: Duration,
        /// Why.
        error: &'a TaskError,
    },
    /// It was cancelled, before it started or because it looked at its [`Cancel`](crate::Cancel).
    Cancelled,
}

/// Who is told. Called on the thread of the task, between its steps: quick, and never calling the pool.
pub(crate) type Observer = Arc<dyn Fn(&Event<'_>) + Send + Sync>;
