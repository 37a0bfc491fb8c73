//! What a step is: everything that may be known about it, in one place.
//!
//! A step *declares*: which keys it reads, whether a study wants it, which signals, taps, products and files it adds to a
//! unit ([`Step::plan`]) or to a group of units ([`Step::plan_group`]), what it shows, and what it says in the methods
//! paragraph. The planner reads the declarations; nobody else knows a step.

mod methods_text;
mod registry;
mod script;

pub use methods_text::MethodsText;
pub use registry::Registry;
pub use script::Script;
pub(crate) use script::number;

use crate::Result;
use crate::config::keys::Key;
use crate::config::{Checks, Config};
use crate::plan::{Members, Planner};
use crate::report::facts::Facts;
use crate::report::{Page, Row};

/// A step's name, revision, and the keys on which its results depend.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// Its name, in sidecars and messages.
    pub name: &'static str,
    /// Counts up when its results change for the same input and configuration.
    pub revision: u32,
    /// Keys of `study.toml` on which its results depend.
    pub keys: &'static [&'static str],
    /// What it does.
    pub doc: &'static str,
}

/// A step of a study. Only [`about`](Step::about) must be there; the rest is what the step takes part in.
pub trait Step: Send + Sync {
    /// Name, revision, keys.
    fn about(&self) -> &'static About;
    /// Keys that it brings: what they may be, defaults, meaning.
    fn keys(&self) -> &'static [Key] {
        &[]
    }
    /// Whether the study asks for it.
    fn is_wanted(&self, config: &Config) -> bool {
        let _ = config;
        true
    }
    /// Says what does not fit together in the study file; also asked where the study does not want the step.
    fn check(&self, checks: &mut Checks<'_, '_>) {
        let _ = checks;
    }
    /// What it does in a unit; headers only, no sample is read.
    ///
    /// # Errors
    /// When a recording does not allow what the study asks.
    fn plan(&self, unit: &mut Planner<'_>) -> Result<()> {
        let _ = unit;
        Ok(())
    }
    /// What it does with all units of one session and task.
    ///
    /// # Errors
    /// When the units do not allow what the study asks.
    fn plan_group(&self, group: &mut Planner<'_>, members: &Members) -> Result<()> {
        let _ = (group, members);
        Ok(())
    }
    /// Its part of a unit's page, or of a group's part of the index, drawn from its own facts.
    fn section(&self, facts: &Facts, page: &mut Page) {
        let _ = (facts, page);
    }
    /// What it says in a unit's row of the index, from its own facts.
    fn summary(&self, facts: &Facts, row: &mut Row) {
        let _ = (facts, row);
    }
    /// Its sentences and citations in the methods paragraph.
    fn methods(&self, config: &Config, text: &mut MethodsText) {
        let _ = (config, text);
    }
    /// The lines of an MNE-Python script that do the same.
    fn script(&self, config: &Config, script: &mut Script) {
        let _ = (config, script);
    }
}
