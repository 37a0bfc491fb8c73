//! High-pass, low-pass, band-pass: data channels, bad ones included, not EOG or ECG.

use super::Step;
use crate::config::Config;
use bakusoku_core::Method;
use bakusoku_methods::filter::{Filter, FilterParams, TransBandwidth};

pub(crate) const STEP: Step = Step {
    name: "filter",
    revision: 1,
    keys: &["l_freq", "h_freq", "l_trans_bandwidth", "h_trans_bandwidth"],
    doc: "Filters data channels, bad ones included, not EOG or ECG.",
};

/// The parameters, when the study asks for it.
pub(crate) fn params(config: &Config) -> Option<FilterParams> {
    let (l_freq, h_freq) = (config.number("l_freq"), config.number("h_freq"));
    if l_freq.is_none() && h_freq.is_none() {
        return None;
    }
    let width = |key: &str| config.number(key).map_or_else(TransBandwidth::default, TransBandwidth::Hz);
    Some(FilterParams {
        l_trans_bandwidth: width("l_trans_bandwidth"),
        h_trans_bandwidth: width("h_trans_bandwidth"),
        ..FilterParams::new(l_freq, h_freq)
    })
}

/// The method, when the study asks for it.
pub(crate) fn method(config: &Config) -> Option<Box<dyn Method>> {
    params(config).map(|params| Box::new(Filter::new(params)) as Box<dyn Method>)
}
