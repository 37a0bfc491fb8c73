//! High-pass, low-pass, band-pass: data channels, bad ones included, not EOG or ECG.

use crate::Result;
use crate::config::Kind;
use crate::config::keys::{FILTER, Key, POSITIVE_OR_NONE, key};
use crate::config::{Checks, Config};
use crate::plan::{Later, Planner};
use crate::report::facts::Facts;
use crate::report::page::{Page, note};
use crate::step::{About, MethodsText, Script, Step, number};
use bakusoku_methods::filter::{Filter, FilterParams, TransBandwidth};

const AUTO_OR_POSITIVE: Kind = Kind::Either(&[Kind::Word(&["auto"]), Kind::Positive]);

const KEYS: &[Key] = &[
    key(
        FILTER,
        "l_freq",
        POSITIVE_OR_NONE,
        "\"none\"",
        "Low edge of the pass band (Hz); \"none\": no high-pass filter.",
    ),
    key(FILTER, "h_freq", POSITIVE_OR_NONE, "40.0", "High edge of the pass band (Hz); \"none\": no low-pass filter."),
    key(FILTER, "l_trans_bandwidth", AUTO_OR_POSITIVE, "\"auto\"", "Width of the transition band at l_freq (Hz)."),
    key(FILTER, "h_trans_bandwidth", AUTO_OR_POSITIVE, "\"auto\"", "Width of the transition band at h_freq (Hz)."),
];

const ABOUT: &About = &About {
    name: "filter",
    revision: 1,
    keys: &["l_freq", "h_freq", "l_trans_bandwidth", "h_trans_bandwidth"],
    doc: "Filters data channels, bad ones included, not EOG or ECG.",
};

/// See the module.
pub(crate) struct BandPass;

fn params(config: &Config) -> FilterParams {
    let width = |key: &str| config.number(key).map_or_else(TransBandwidth::default, TransBandwidth::Hz);
    FilterParams {
        l_trans_bandwidth: width("l_trans_bandwidth"),
        h_trans_bandwidth: width("h_trans_bandwidth"),
        ..FilterParams::new(config.number("l_freq"), config.number("h_freq"))
    }
}

/// The filter in words, with its length.
fn words(params: &FilterParams, sfreq: f64) -> String {
    let edge = |freq: Option<f64>, none: &str| freq.map_or_else(|| none.to_owned(), |freq| format!("{freq} Hz"));
    let taps = params.taps(sfreq).map_or(0, |taps| taps.len());
    format!(
        "pass band {} to {}: FIR, Hamming window, zero phase, {taps} taps ({:.2} s)",
        edge(params.l_freq, "0 Hz"),
        edge(params.h_freq, "Nyquist frequency"),
        taps as f64 / sfreq
    )
}

impl Step for BandPass {
    fn about(&self) -> &'static About {
        ABOUT
    }
    fn keys(&self) -> &'static [Key] {
        KEYS
    }
    fn is_wanted(&self, config: &Config) -> bool {
        config.number("l_freq").is_some() || config.number("h_freq").is_some()
    }
    fn check(&self, checks: &mut Checks<'_, '_>) {
        let config = checks.config;
        if let (Some(l_freq), Some(h_freq)) = (config.number("l_freq"), config.number("h_freq"))
            && l_freq >= h_freq
        {
            let message = format!("`l_freq` must be below `h_freq`, got {l_freq} and {h_freq} Hz");
            checks.add(&["l_freq", "h_freq"], message, "not a pass band", None);
        }
    }
    fn plan(&self, unit: &mut Planner<'_>) -> Result<()> {
        for rec in unit.recordings() {
            let params = params(unit.config());
            let text = words(&params, unit.stream(unit.tip(rec)).sfreq());
            unit.extend(rec, "filtered", Later::now(Filter::new(params)))?;
            let text = unit.value(Some(rec), text);
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
        let what = match (config.number("l_freq"), config.number("h_freq")) {
            (Some(l), Some(h)) => format!("band-pass filtered from {l} to {h} Hz"),
            (Some(l), None) => format!("high-pass filtered at {l} Hz"),
            (_, h) => format!("low-pass filtered at {} Hz", number(h)),
        };
        text.say(format!("Recordings were {what} (zero-phase FIR filter, Hamming window; Widmann et al., 2015)"));
        text.cite("Widmann et al. (2015) J. Neurosci. Methods 250:34-46");
    }
    fn script(&self, config: &Config, script: &mut Script) {
        let (l_freq, h_freq) = (number(config.number("l_freq")), number(config.number("h_freq")));
        script.line(format!("raw.filter({l_freq}, {h_freq})"));
    }
}
