//! Work in progress.

pub mod linalg;
pub mod stats;
