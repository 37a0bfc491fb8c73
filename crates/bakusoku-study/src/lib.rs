//! A study: many people's recordings, from `study.toml` to files and a report.

pub mod config;
mod error;
pub mod report;
pub mod resume;
mod system;

pub use config::{Config, ConfigError};
pub use error::{Error, Result};
