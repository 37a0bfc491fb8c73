//! A study: many people's recordings, from `study.toml` to files and a report.
//!
//! ```text
//! study.toml ─ Config ─ units (subject × session) ─ plan (headers only) ─ pool: one pass a recording ─ average ─ report
//! ```
//!
//! | to … | use |
//! |---|---|
//! | read and check a study file | [`Study::load`] |
//! | know what would run | [`Study::plan`], [`Study::status`] |
//! | run it | [`Study::run`] |
//! | write a study file for a folder of recordings | [`init`] |
//!
//! [`steps::STEPS`] is the list of steps and their order, [`config::keys::KEYS`] that of the keys.

mod chain;
pub mod config;
mod error;
mod execute;
mod found;
mod init;
mod input;
mod keys;
mod maxfilter;
mod plan;
mod prepare;
pub mod report;
pub mod resume;
mod run;
mod spilled;
pub mod steps;
mod study;
mod system;
mod unit;

pub use config::{Config, ConfigError};
pub use error::{Error, Result};
pub use init::{Draft, init};
pub use maxfilter::{Calibration, MaxfilterOptions, Maxfiltered, maxfilter};
pub use plan::{StudyPlan, UnitPlan};
pub use prepare::Output;
pub use run::{Observer, Outcome, RunOptions};
pub use study::{Study, StudyStatus};
pub use unit::{Run, Unit};
