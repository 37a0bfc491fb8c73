//! The laws.

mod method;
mod recording;

pub use method::method;
pub use recording::recording;
