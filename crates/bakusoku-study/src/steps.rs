//! THE list of steps, in the order in which a study does them. A new step is a file in `steps/` and one line here.

pub(crate) mod average;
pub(crate) mod bads;
pub(crate) mod covariance;
pub(crate) mod empty_room;
pub(crate) mod epochs;
pub(crate) mod esss;
pub(crate) mod events;
pub(crate) mod evoked;
pub(crate) mod filter;
pub(crate) mod find_bads;
pub(crate) mod maxwell;
pub(crate) mod maxwell_page;
pub(crate) mod notch;
pub(crate) mod psd;
pub(crate) mod raw;
pub(crate) mod reference;
pub(crate) mod report;
pub(crate) mod resample;

/// A step of a study.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Its name, in keys, sidecars and messages.
    pub name: &'static str,
    /// Counts up when its results change for the same input and configuration.
    pub revision: u32,
    /// Its own configuration: the keys of `study.toml` on which its results depend.
    pub keys: &'static [&'static str],
    /// What it does.
    pub doc: &'static str,
}

/// All steps, in order.
pub const STEPS: &[&Step] = &[
    &bads::STEP,
    &empty_room::STEP,
    &find_bads::STEP,
    &esss::STEP,
    &maxwell::STEP,
    &notch::STEP,
    &filter::STEP,
    &resample::STEP,
    &raw::STEP,
    &psd::STEP,
    &events::STEP,
    &reference::STEP,
    &epochs::STEP,
    &evoked::STEP,
    &covariance::STEP,
    &report::STEP,
    &average::STEP,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::keys;

    #[test]
    fn steps_are_named_once_and_use_keys_of_the_table() {
        for step in STEPS {
            assert_eq!(STEPS.iter().filter(|other| other.name == step.name).count(), 1, "{}", step.name);
            for key in step.keys {
                assert!(keys::find(key).is_some(), "{} names `{key}`", step.name);
            }
        }
    }
}
