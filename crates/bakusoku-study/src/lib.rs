//! A study: many people's recordings, from `study.toml` to files and a report.

pub mod report;
