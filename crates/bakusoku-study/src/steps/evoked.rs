//! Averages of conditions, and contrasts.

use super::Step;
use crate::Result;
use crate::config::{Config, Value};
use bakusoku_core::containers::{Epochs, Evoked};
use bakusoku_methods::evoked::{Weights, average, combine_evoked};

pub(crate) const STEP: Step = Step {
    name: "evoked",
    revision: 1,
    keys: &["conditions", "contrasts"],
    doc: "Averages conditions and combines them to contrasts (_ave.fif).",
};

/// Conditions in the study's order, then contrasts; what can't be computed is left out and said.
///
/// # Errors
/// When epochs have no data channel.
pub(crate) fn compute(config: &Config, epochs: &Epochs, codes: &[(String, Vec<i64>)]) -> Result<(Vec<Evoked>, Vec<String>)> {
    let (mut evokeds, mut warnings) = (Vec::new(), Vec::new());
    for (name, value) in config.conditions() {
        let codes = codes.iter().find(|(other, _)| *other == name).map_or(&[][..], |(_, codes)| codes);
        if !epochs.events.iter().any(|event| codes.contains(&event.code)) {
            warnings.push(format!("condition `{name}` has no epoch left and is not averaged"));
            continue;
        }
        let kind = match &value {
            Value::Str(kind) => kind.as_str(),
            _ => name.as_str(),
        };
        let mut evoked = average(epochs, Some(kind))?;
        evoked.comment = name;
        evokeds.push(evoked);
    }
    let n_conditions = evokeds.len();
    for (name, members, weights) in config.contrasts() {
        let parts: Vec<&Evoked> =
            members.iter().filter_map(|member| evokeds[..n_conditions].iter().find(|evoked| evoked.comment == *member)).collect();
        if parts.len() != members.len() {
            warnings.push(format!("contrast `{name}` lacks a condition and is not computed"));
            continue;
        }
        let mut contrast = combine_evoked(&parts, &Weights::Given(weights))?;
        contrast.comment = name;
        evokeds.push(contrast);
    }
    Ok((evokeds, warnings))
}
