//! Keys along a unit's steps.

use crate::resume::Key;
use crate::steps::Step;
use serde_json::Value;

/// Two keys of the same thing: one that says whether it is up to date, and one made from contents only, from which
/// identifiers inside files come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keys {
    pub(crate) key: Key,
    pub(crate) id: Key,
}

impl Keys {
    /// What a step makes of inputs.
    pub(crate) fn of(step: &Step, config: &Value, inputs: &[&Keys]) -> Self {
        let pick = |f: fn(&Keys) -> &Key| inputs.iter().map(|keys| f(keys).clone()).collect::<Vec<_>>();
        Self {
            key: Key::of(step.name, step.revision, config, &pick(|keys| &keys.key)),
            id: Key::of(step.name, step.revision, config, &pick(|keys| &keys.id)),
        }
    }
}
