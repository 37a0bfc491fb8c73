//! EEG reference and projectors: the average reference is a projector from the good EEG channels, added behind those of
//! the recording and applied with them; other references are subtracted directly, before epochs are cut.

use super::Step;
use crate::Result;
use crate::config::{Config, Value};
use bakusoku_core::{ChannelType, Method, Picks, Stream};
use bakusoku_methods::projection::{has_eeg_average_ref_proj, make_eeg_average_ref_proj};
use bakusoku_methods::reference::{EegReference, SetEegReference};
use std::sync::Arc;

pub(crate) const STEP: Step = Step {
    name: "reference",
    revision: 1,
    keys: &["eeg_reference", "spatial_filter", "ch_types"],
    doc: "Sets the EEG reference and applies the projectors of the recording.",
};

fn has_eeg(config: &Config, stream: &Stream) -> bool {
    crate::input::wanted_types(config).contains(&ChannelType::Eeg)
        && !Picks::types(&stream.info, &[ChannelType::Eeg], true).is_empty()
}

/// The method behind the filtered recording, where the reference is not the average.
pub(crate) fn method(config: &Config, stream: &Stream) -> Option<Box<dyn Method>> {
    let value = config.get("eeg_reference");
    if !has_eeg(config, stream) || value.is_none() || *value == Value::Str("average".into()) {
        return None;
    }
    Some(Box::new(SetEegReference { ref_channels: EegReference::Channels(value.texts()) }))
}

/// What epochs are cut from: the stream with the average reference among its projectors, where the study asks for it.
///
/// # Errors
/// When there is no good EEG channel to average.
pub(crate) fn with_projector(config: &Config, stream: &Stream) -> Result<Stream> {
    let average = *config.get("eeg_reference") == Value::Str("average".into());
    if !average || !has_eeg(config, stream) || has_eeg_average_ref_proj(&stream.info) {
        return Ok(stream.clone());
    }
    let mut info = (*stream.info).clone();
    info.projs.push(make_eeg_average_ref_proj(&info, false)?);
    Ok(Stream { info: Arc::new(info), ..stream.clone() })
}
