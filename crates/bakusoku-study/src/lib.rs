//! A study: many people's recordings, from `study.toml` to files and a report.
//!
//! ```text
//! study.toml ─ Config ─ units (subject × session) ─ steps declare ─ plan: passes ─ pool: units, then groups ─ report
//! ```
//!
//! | to … | use |
//! |---|---|
//! | read and check a study file | [`Study::load`] |
//! | know what would run | [`Study::plan`], [`Study::status`] |
//! | run it | [`Study::run`] |
//! | write a study file for a folder of recordings | [`init`] |
//!
//! [`steps::builtin`] is the list of steps and their order; [`step::Step`] is what a step can say of itself.

pub mod config;
mod error;
mod init;
mod input;
mod keys;
mod maxfilter;
mod output;
pub mod plan;
mod positions;
pub mod report;
pub mod resume;
mod run;
pub mod step;
pub mod steps;
mod study;
mod study_plan;
mod system;
mod unit;

pub use config::{Config, ConfigError};
pub use error::{Error, Result};
pub use init::{Draft, init};
pub use maxfilter::{Calibration, MaxfilterOptions, Maxfiltered, maxfilter};
pub use output::Output;
pub use run::{Noted, Observer, Outcome, RunOptions};
pub use study::{Study, StudyStatus};
pub use study_plan::{GroupPlan, StudyPlan, UnitPlan};
pub use unit::{Run, Unit};
