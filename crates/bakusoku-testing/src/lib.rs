//! What every format and every method must obey, as functions that tests call; and recordings small enough to try them on.
//!
//! A law panics, naming what it tried, when it is broken. It is called from the tests of the crate that adds a format or
//! a method: one line there, nothing to change here.

// Laws are tests: they say what is wrong by panicking.
#![allow(clippy::unwrap_used, clippy::missing_panics_doc)]

mod keep;
pub mod laws;
mod recordings;

pub use keep::{Keep, KeepRows};
pub use recordings::{channel, noise};
