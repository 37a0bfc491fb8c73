//! Line noise: notches in data channels, bad ones included.

use crate::Result;
use crate::config::Config;
use crate::config::Kind;
use crate::config::keys::{FILTER, Key, NONE, key};
use crate::plan::{Later, Planner};
use crate::report::facts::Facts;
use crate::report::page::{Page, note};
use crate::step::{About, MethodsText, Script, Step};
use bakusoku_methods::notch::{Notch, NotchParams};

const KEYS: &[Key] = &[
    key(
        FILTER,
        "notch_freq",
        Kind::Either(&[NONE, Kind::Positive, Kind::List(&Kind::Positive)]),
        "\"none\"",
        "Frequencies to notch out (Hz).",
    ),
    key(FILTER, "notch_trans_bandwidth", Kind::Positive, "1.0", "Width of the notches' transition bands (Hz)."),
    key(
        FILTER,
        "notch_widths",
        Kind::Either(&[NONE, Kind::Positive, Kind::List(&Kind::Positive)]),
        "\"none\"",
        "Width of the notches (Hz); \"none\": frequency / 200.",
    ),
];

const ABOUT: &About = &About {
    name: "notch_filter",
    revision: 1,
    keys: &["notch_freq", "notch_trans_bandwidth", "notch_widths"],
    doc: "Takes line noise out of data channels, bad ones included.",
};

/// See the module.
pub(crate) struct NotchFilter;

/// Frequencies as text.
fn list(config: &Config) -> String {
    config.numbers("notch_freq").iter().map(f64::to_string).collect::<Vec<_>>().join(", ")
}

fn params(config: &Config) -> NotchParams {
    let widths = config.numbers("notch_widths");
    let params = NotchParams::new(config.numbers("notch_freq"));
    NotchParams {
        notch_widths: (!widths.is_empty()).then_some(widths),
        trans_bandwidth: config.number("notch_trans_bandwidth").unwrap_or(params.trans_bandwidth),
        ..params
    }
}

impl Step for NotchFilter {
    fn about(&self) -> &'static About {
        ABOUT
    }
    fn keys(&self) -> &'static [Key] {
        KEYS
    }
    fn is_wanted(&self, config: &Config) -> bool {
        !config.numbers("notch_freq").is_empty()
    }
    fn plan(&self, unit: &mut Planner<'_>) -> Result<()> {
        for rec in unit.recordings() {
            unit.extend(rec, "notched", Later::now(Notch::new(params(unit.config()))))?;
            let text = format!("notches at {} Hz (FIR, zero phase)", list(unit.config()));
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
        text.say(format!("Line noise was notch-filtered at {} Hz (zero-phase FIR filter)", list(config)));
    }
    fn script(&self, config: &Config, script: &mut Script) {
        script.line(format!("raw.notch_filter([{}])", list(config)));
    }
}
