//! Another sampling frequency: all channels; stimulus channels are subsampled, never filtered.

use super::Step;
use crate::config::Config;
use bakusoku_core::Method;
use bakusoku_methods::resample::{Resample, ResampleParams};

pub(crate) const STEP: Step = Step {
    name: "resample",
    revision: 1,
    keys: &["raw_resample_sfreq"],
    doc: "Resamples all channels; stimulus channels are subsampled, never filtered.",
};

/// The method, when the study asks for it.
pub(crate) fn method(config: &Config) -> Option<Box<dyn Method>> {
    let sfreq = config.number("raw_resample_sfreq")?;
    Some(Box::new(Resample::new(ResampleParams::new(sfreq))))
}
