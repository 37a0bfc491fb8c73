//! Bad EEG channels, interpolated by spherical splines: in epochs, and before the group average.
//!
//! Perrin, Pernier, Bertrand & Echallier (1989), Electroencephalogr. Clin. Neurophysiol. 72:184.

use crate::Result;
use crate::config::keys::{CLEAN, Key, RESULTS, key};
use crate::config::{Checks, Config, Kind};
use crate::input::wanted_types;
use crate::plan::{EpochsAt, Planner};
use crate::step::{About, MethodsText, Script, Step};
use bakusoku_core::ChannelType;
use bakusoku_core::containers::Evoked;
use bakusoku_methods::epochs::MatrixOperator;
use bakusoku_methods::interpolation::{InterpolateBads as Interpolation, interpolate_evoked};
use std::borrow::Cow;

const KEYS: &[Key] = &[
    key(
        CLEAN,
        "interpolate_bads",
        Kind::Bool,
        "false",
        "Interpolate bad EEG channels in epochs, after rejection; they are good from then on.",
    ),
    key(
        RESULTS,
        "interpolate_bads_grand_average",
        Kind::Bool,
        "true",
        "Interpolate bad EEG channels before the group average. Other bad channels are averaged over those in whom they are good.",
    ),
];

const ABOUT: &About = &About {
    name: "interpolate_bads",
    revision: 1,
    keys: &["interpolate_bads"],
    doc: "Interpolates bad EEG channels in epochs (spherical splines).",
};

/// See the module.
pub(crate) struct InterpolateBads;

impl Step for InterpolateBads {
    fn about(&self) -> &'static About {
        ABOUT
    }
    fn keys(&self) -> &'static [Key] {
        KEYS
    }
    fn is_wanted(&self, config: &Config) -> bool {
        config.flag("interpolate_bads") && super::epochs::is_wanted(config)
    }
    fn check(&self, checks: &mut Checks<'_, '_>) {
        if !self.is_wanted(checks.config) {
            return;
        }
        if !wanted_types(checks.config).contains(&ChannelType::Eeg) {
            let hint = Some("bad MEG channels come back with use_maxwell_filter = true");
            checks.add(&["interpolate_bads"], "`interpolate_bads` works on EEG channels", "needs EEG", hint);
        }
    }
    fn plan(&self, unit: &mut Planner<'_>) -> Result<()> {
        let cut: Vec<EpochsAt> = unit.find("cut").unwrap_or_default();
        for epochs in cut {
            let make = |()| Ok(Box::new(MatrixOperator::new(Box::new(Interpolation::default()))) as _);
            unit.after_rejection(epochs, (), make)?;
        }
        Ok(())
    }
    fn methods(&self, _config: &Config, text: &mut MethodsText) {
        text.say("Bad EEG channels were interpolated by spherical splines (Perrin et al., 1989)");
        text.cite(PERRIN);
    }
    fn script(&self, _config: &Config, script: &mut Script) {
        script.line("epochs.load_data().interpolate_bads()");
    }
}

pub(super) const PERRIN: &str = "Perrin et al. (1989) Electroencephalogr. Clin. Neurophysiol. 72:184-187";

/// A member's average as it goes into the group average, and why its bad channels could not be interpolated.
pub(super) fn before_average<'e>(config: &Config, evoked: &'e Evoked) -> (Cow<'e, Evoked>, Option<String>) {
    let params = Interpolation::default();
    let (bad, _) = params.channels(&evoked.info);
    if bad.is_empty() || !config.flag("interpolate_bads_grand_average") {
        return (Cow::Borrowed(evoked), None);
    }
    match interpolate_evoked(evoked, &params) {
        Ok(interpolated) => (Cow::Owned(interpolated), None),
        Err(error) => (Cow::Borrowed(evoked), Some(error.to_string())),
    }
}
