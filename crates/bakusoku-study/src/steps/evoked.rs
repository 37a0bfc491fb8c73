//! Averages of conditions, and contrasts.

use super::Step;
use crate::Result;
use crate::config::{Config, Value};
use bakusoku_core::containers::Evoked;
use bakusoku_methods::evoked::{EvokedSink, Weights, combine_evoked};

pub(crate) const STEP: Step = Step {
    name: "evoked",
    revision: 1,
    keys: &["conditions", "contrasts"],
    doc: "Averages conditions and combines them to contrasts (_ave.fif).",
};

/// What averages the study's conditions, from epochs as they come.
pub(crate) fn sink(config: &Config) -> EvokedSink {
    let kind = |(name, value): (String, Value)| match value {
        Value::Str(kind) => kind,
        _ => name,
    };
    EvokedSink::new(config.conditions().into_iter().map(kind).collect())
}

/// Conditions in the study's order, then contrasts; what can't be computed is left out and said.
///
/// # Errors
/// When averages can't be combined.
pub(crate) fn finish(config: &Config, sink: EvokedSink) -> Result<(Vec<Evoked>, Vec<String>)> {
    let (mut evokeds, mut warnings) = (Vec::new(), Vec::new());
    for ((name, _), mut evoked) in config.conditions().into_iter().zip(sink.into_evokeds()) {
        if evoked.nave == 0.0 {
            warnings.push(format!("condition `{name}` has no epoch left and is not averaged"));
            continue;
        }
        evoked.comment = name;
        evokeds.push(evoked);
    }
    let n_conditions = evokeds.len();
    for (name, members, weights) in config.contrasts() {
        let parts: Vec<&Evoked> = members
            .iter()
            .filter_map(|member| evokeds[..n_conditions].iter().find(|evoked| evoked.comment == *member))
            .collect();
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
