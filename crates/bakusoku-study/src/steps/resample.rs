//! Another sampling frequency: all channels; stimulus channels are subsampled, never filtered.

use crate::Result;
use crate::config::Config;
use crate::config::keys::{FILTER, Key, POSITIVE_OR_NONE, key};
use crate::plan::{Later, Planner};
use crate::report::facts::Facts;
use crate::report::page::{Page, note};
use crate::step::{About, MethodsText, Script, Step, number};
use bakusoku_methods::resample::{Resample, ResampleParams};

const KEYS: &[Key] = &[key(
    FILTER,
    "raw_resample_sfreq",
    POSITIVE_OR_NONE,
    "\"none\"",
    "Resample the recording to this frequency (Hz).",
)];

const ABOUT: &About = &About {
    name: "resample",
    revision: 1,
    keys: &["raw_resample_sfreq"],
    doc: "Resamples all channels; stimulus channels are subsampled, never filtered.",
};

/// See the module.
pub(crate) struct ResampleRaw;

impl Step for ResampleRaw {
    fn about(&self) -> &'static About {
        ABOUT
    }
    fn keys(&self) -> &'static [Key] {
        KEYS
    }
    fn is_wanted(&self, config: &Config) -> bool {
        config.number("raw_resample_sfreq").is_some()
    }
    fn plan(&self, unit: &mut Planner<'_>) -> Result<()> {
        let Some(sfreq) = unit.config().number("raw_resample_sfreq") else { return Ok(()) };
        for rec in unit.recordings() {
            unit.extend(rec, "resampled", Later::now(Resample::new(ResampleParams::new(sfreq))))?;
            let text = unit.value(Some(rec), format!("resampled to {sfreq} Hz (Fourier)"));
            unit.facts(text);
        }
        Ok(())
    }
    fn section(&self, facts: &Facts, page: &mut Page) {
        for run in facts.runs() {
            if let Some(text) = facts.get::<String>(ABOUT.name, Some(run)) {
                page.line(run, note(&text));
            }
        }
    }
    fn methods(&self, config: &Config, text: &mut MethodsText) {
        text.say(format!("They were resampled to {} Hz", number(config.number("raw_resample_sfreq"))));
    }
    fn script(&self, config: &Config, script: &mut Script) {
        script.line(format!("raw.resample({})", number(config.number("raw_resample_sfreq"))));
    }
}
