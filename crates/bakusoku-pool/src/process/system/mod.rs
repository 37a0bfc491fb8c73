//! What the system gives: files to wait for, other processes, lines between them, memory that two of them see.
//!
//! Linux has the best of each. The portable way is there for macOS, and is tried on Linux too:
//! `RUSTFLAGS="--cfg bakusoku_portable" cargo test -p bakusoku-pool`.

mod libraries;
#[cfg(all(target_os = "linux", not(bakusoku_portable)))]
mod linux;
#[cfg(not(all(target_os = "linux", not(bakusoku_portable))))]
mod portable;

pub(super) use libraries::{libraries, loads};
#[cfg(all(target_os = "linux", not(bakusoku_portable)))]
pub(super) use linux::*;
#[cfg(not(all(target_os = "linux", not(bakusoku_portable))))]
pub(super) use portable::*;

/// Files that may become ready in one turn; the rest in the next.
pub(super) const EVENTS: usize = 64;
