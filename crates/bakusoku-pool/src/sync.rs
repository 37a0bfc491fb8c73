//! Atomics and threads of what loom checks: std's, or loom's under `--cfg loom` (`scripts/test` has the command).

#[cfg(loom)]
pub(crate) use loom::{sync::atomic, thread};
#[cfg(not(loom))]
pub(crate) use std::{sync::atomic, thread};
