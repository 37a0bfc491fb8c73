//! Work in progress.

pub mod events;
pub mod projection;
pub mod reference;
#[cfg(test)]
mod testing;
pub mod epochs;
