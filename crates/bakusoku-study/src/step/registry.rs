//! The steps of a study, in order.

use super::Step;
use crate::{Error, Result};
use std::sync::Arc;

/// Steps in the order in which a study does them.
#[derive(Clone)]
pub struct Registry {
    steps: Vec<Arc<dyn Step>>,
}

impl Registry {
    /// These steps.
    pub fn new(steps: Vec<Arc<dyn Step>>) -> Self {
        Self { steps }
    }
    /// All steps, in order.
    pub fn iter(&self) -> impl Iterator<Item = &dyn Step> {
        self.steps.iter().map(|step| &**step)
    }
    /// Puts a step behind the one of that name.
    ///
    /// # Errors
    /// When there is none of that name, or the step's own name is taken.
    pub fn insert_after(&mut self, name: &str, step: Arc<dyn Step>) -> Result<()> {
        let own = step.about().name;
        if self.iter().any(|other| other.about().name == own) {
            return Err(Error::data(format!("there is a step `{own}` already"), "give the step another name"));
        }
        let Some(index) = self.iter().position(|other| other.about().name == name) else {
            let names: Vec<_> = self.iter().map(|step| step.about().name).collect();
            return Err(Error::data(format!("there is no step `{name}`"), format!("steps are: {}", names.join(", "))));
        };
        self.steps.insert(index + 1, step);
        Ok(())
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter().map(|step| step.about().name)).finish()
    }
}
