//! EEG reference and projectors: the average reference is a projector from the good EEG channels, added behind those of
//! the recording and applied with them; other references are subtracted directly, before epochs are cut.

use crate::Result;
use crate::config::Kind;
use crate::config::keys::{CLEAN, Key, NAMES, key};
use crate::config::{Config, Value};
use crate::plan::{Later, Planner};
use crate::step::{About, MethodsText, Script, Step};
use bakusoku_core::{ChannelType, Picks, Stream};
use bakusoku_methods::projection::{has_eeg_average_ref_proj, make_eeg_average_ref_proj};
use bakusoku_methods::reference::{EegReference, SetEegReference};
use std::sync::Arc;

const KEYS: &[Key] = &[
    key(
        CLEAN,
        "eeg_reference",
        Kind::Either(&[Kind::Text, NAMES]),
        "\"average\"",
        "EEG reference: \"average\", \"none\" (as recorded), or channel names.",
    ),
    key(
        CLEAN,
        "spatial_filter",
        Kind::Word(&["none", "ssp", "ica"]),
        "\"none\"",
        "How to remove ocular and cardiac artifacts.",
    )
    .but(&["\"ssp\""], "write \"ica\", or \"none\"; projectors that stand in the recordings are applied"),
];

const ABOUT: &About = &About {
    name: "reference",
    revision: 1,
    keys: &["eeg_reference", "spatial_filter", "ch_types"],
    doc: "Sets the EEG reference and applies the projectors of the recording.",
};

/// See the module.
pub(crate) struct Reference;

impl Step for Reference {
    fn about(&self) -> &'static About {
        ABOUT
    }
    fn keys(&self) -> &'static [Key] {
        KEYS
    }
    fn is_wanted(&self, config: &Config) -> bool {
        super::epochs::is_wanted(config)
    }
    fn plan(&self, unit: &mut Planner<'_>) -> Result<()> {
        let value = unit.config().get("eeg_reference");
        // An empty list, as in MNE: no other reference.
        if value.is_none() || value.texts().is_empty() || is_average(unit.config()) {
            return Ok(());
        }
        for rec in unit.recordings() {
            if has_eeg(unit.config(), unit.stream(unit.tip(rec))) {
                let ref_channels = EegReference::Channels(value.texts());
                unit.extend(rec, "referenced", Later::now(SetEegReference { ref_channels }))?;
            }
        }
        Ok(())
    }
    fn methods(&self, config: &Config, text: &mut MethodsText) {
        let value = config.get("eeg_reference");
        let is_kept = value.is_none() || value.texts().is_empty();
        if !crate::input::wanted_types(config).contains(&ChannelType::Eeg) || is_kept {
            return;
        }
        let to = if is_average(config) { "the average of all good channels".into() } else { value.texts().join(", ") };
        text.say(format!("EEG was re-referenced to {to}"));
    }
    fn script(&self, config: &Config, script: &mut Script) {
        if crate::input::wanted_types(config).contains(&ChannelType::Eeg) {
            let value = config.get("eeg_reference").texts();
            let value = if is_average(config) { "\"average\", projection=True".into() } else { format!("{value:?}") };
            script.line(format!("raw.set_eeg_reference({value})"));
        }
    }
}

fn is_average(config: &Config) -> bool {
    *config.get("eeg_reference") == Value::Str("average".into())
}

fn has_eeg(config: &Config, stream: &Stream) -> bool {
    crate::input::wanted_types(config).contains(&ChannelType::Eeg)
        && !Picks::types(&stream.info, &[ChannelType::Eeg], true).is_empty()
}

/// What epochs are cut from: the stream with the average reference among its projectors, where the study asks for it.
///
/// # Errors
/// When there is no good EEG channel to average.
pub(crate) fn with_projector(config: &Config, stream: &Stream) -> Result<Stream> {
    if !is_average(config) || !has_eeg(config, stream) || has_eeg_average_ref_proj(&stream.info) {
        return Ok(stream.clone());
    }
    let mut info = (*stream.info).clone();
    info.projs.push(make_eeg_average_ref_proj(&info, false)?);
    Ok(Stream { info: Arc::new(info), ..stream.clone() })
}
