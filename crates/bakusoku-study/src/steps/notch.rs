//! Line noise: notches in data channels, bad ones included.

use super::Step;
use crate::config::Config;
use bakusoku_core::Method;
use bakusoku_methods::notch::{Notch, NotchParams};

pub(crate) const STEP: Step = Step {
    name: "notch_filter",
    revision: 1,
    keys: &["notch_freq", "notch_trans_bandwidth", "notch_widths"],
    doc: "Takes line noise out of data channels, bad ones included.",
};

/// The method, when the study asks for it.
pub(crate) fn method(config: &Config) -> Option<Box<dyn Method>> {
    let freqs = config.numbers("notch_freq");
    if freqs.is_empty() {
        return None;
    }
    let widths = config.numbers("notch_widths");
    let params = NotchParams {
        notch_widths: (!widths.is_empty()).then_some(widths),
        trans_bandwidth: config.number("notch_trans_bandwidth").unwrap_or(1.0),
        ..NotchParams::new(freqs)
    };
    Some(Box::new(Notch::new(params)))
}
