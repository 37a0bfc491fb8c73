//! THE list of steps, in the order in which a study does them. A new step is a file (or folder) in `steps/` and one line here.

pub(crate) mod average;
pub(crate) mod bads;
mod check_samples;
pub(crate) mod covariance;
pub(crate) mod empty_room;
pub(crate) mod epochs;
pub(crate) mod esss;
pub(crate) mod events;
pub(crate) mod evoked;
pub(crate) mod filter;
pub(crate) mod find_bads;
pub(crate) mod ica;
pub(crate) mod interpolate_bads;
pub(crate) mod maxwell;
pub(crate) mod notch;
pub(crate) mod psd;
pub(crate) mod raw;
pub(crate) mod reference;
pub(crate) mod report;
pub(crate) mod resample;

use crate::step::{Registry, Step};
use std::sync::Arc;

/// All steps that come with bakusoku, in order.
pub fn builtin() -> Registry {
    let steps: Vec<Arc<dyn Step>> = vec![
        Arc::new(bads::Bads),
        Arc::new(empty_room::EmptyRoom),
        Arc::new(find_bads::FindBadChannels),
        Arc::new(check_samples::CheckSamples),
        Arc::new(esss::ExtendedSss),
        Arc::new(maxwell::Maxwell),
        Arc::new(notch::NotchFilter),
        Arc::new(filter::BandPass),
        Arc::new(resample::ResampleRaw),
        Arc::new(raw::Raw),
        Arc::new(psd::Psd),
        Arc::new(events::FindEventsStep),
        Arc::new(reference::Reference),
        Arc::new(ica::IndependentComponents),
        Arc::new(epochs::CutEpochs),
        Arc::new(interpolate_bads::InterpolateBads),
        Arc::new(epochs::ConcatenateEpochs),
        Arc::new(evoked::AverageEpochs),
        Arc::new(covariance::NoiseCovariance),
        Arc::new(report::Report),
        Arc::new(average::GroupAverage),
    ];
    Registry::new(steps)
}

#[cfg(test)]
mod tests {
    use crate::config::keys;

    #[test]
    fn steps_are_named_once_and_use_keys_of_the_table() {
        let registry = super::builtin();
        for step in registry.iter().map(|step| step.about()) {
            assert_eq!(registry.iter().filter(|other| other.about().name == step.name).count(), 1, "{}", step.name);
            for key in step.keys {
                assert!(keys::find(key).is_some(), "{} names `{key}`", step.name);
            }
        }
    }
}
