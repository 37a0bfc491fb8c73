//! Independent components: what follows the heart and the eyes is taken out of the recordings before epochs are cut.
//!
//! As mne-bids-pipeline: the epochs of all runs, high-passed at 1 Hz, are decomposed once per unit (`_ica.fif`). Components
//! and their scores stand in `_ica_components.tsv`; when somebody edits it, the next run applies what it says, decomposes
//! nothing, and the edit stays.

mod components;
mod copy;
mod fit;
mod keys;
mod page;

use self::copy::{Copied, Copy};
use self::fit::Found;
use self::page::IcaData;
use crate::Result;
use crate::config::Config;
use crate::input::wanted_types;
use crate::plan::{Later, Planner, Product};
use crate::report::facts::Facts;
use crate::report::{Page, Row};
use crate::step::{About, MethodsText, Script, Step, number};
use crate::steps::events::UnitEvents;
use bakusoku_core::{Bound, Bytes, LinearMap, Method, Need, Segment, Span, Stream};
use bakusoku_io::fif;
use bakusoku_methods::filter::{Filter, FilterParams};
use bakusoku_methods::ica::{ApplyIca, Selection};
use ndarray::{Array1, Array2};
use serde_json::json;
use std::sync::Arc;

const ABOUT: &About = &About {
    name: "ica",
    revision: 1,
    keys: &[
        "spatial_filter",
        "ch_types",
        "conditions",
        "epochs_tmin",
        "epochs_tmax",
        "reject_by_annotation",
        "ica_algorithm",
        "ica_l_freq",
        "ica_max_iterations",
        "ica_n_components",
        "ica_decim",
        "ica_reject",
        "ica_use_ecg_detection",
        "ica_ecg_threshold",
        "ica_use_eog_detection",
        "ica_eog_threshold",
        "random_state",
    ],
    doc: "Independent components of heart and eyes (_ica.fif, _ica_components.tsv), taken out before epochs are cut.",
};

/// See the module.
pub(crate) struct IndependentComponents;

impl Step for IndependentComponents {
    fn about(&self) -> &'static About {
        ABOUT
    }
    fn keys(&self) -> &'static [crate::config::keys::Key] {
        keys::KEYS
    }
    fn is_wanted(&self, config: &Config) -> bool {
        config.text("spatial_filter") == Some("ica") && super::epochs::is_wanted(config)
    }
    fn plan(&self, unit: &mut Planner<'_>) -> Result<()> {
        let Some(events) = unit.find::<Product<UnitEvents>>("events") else { return Ok(()) };
        let runs = unit.runs();
        let types = wanted_types(unit.config());
        let l_freq = unit.config().number("ica_l_freq");
        let mut copies: Vec<Product<Option<Copied>>> = Vec::new();
        let mut bytes = 0;
        for &rec in &runs {
            let tip = unit.tip(rec);
            let at = match l_freq {
                Some(l_freq) if unit.stream(tip).info.highpass < l_freq => {
                    let filter = Filter::new(FilterParams::new(Some(l_freq), None));
                    unit.branch(tip, "ica_copy", Later::now(filter))?
                }
                _ => tip,
            };
            let stream = unit.stream(at);
            bytes += 8 * copy::picks(&types, stream).len() as u64 * stream.n_times;
            let types = types.clone();
            copies.push(unit.tap(at, move |stream| Ok(Some(Copy::new(&types, stream)))));
        }
        // The epochs, what is whitened of them, and the sources.
        let need = Need { memory: Bytes(4 * bytes), ..Need::default() };
        let found = unit.join_reading(None, (copies, events), vec![], vec![], need, |(copies, events), work| {
            fit::find(&copies, events, work)
        });
        let path = unit.unit_file("ica", ".fif");
        let table = unit.unit_file("ica_components", ".tsv");
        let beside = table.clone();
        let found = unit.cached_file(
            found,
            path,
            false,
            |found, path, id| Ok(fif::write_ica(path, &found.ica, id)?),
            move |path| {
                let (ecg, eog) = components::scores(&beside);
                Ok(Found { ica: Arc::new(fif::read_ica(path)?), ecg, eog })
            },
        );
        let keys = unit.derive(&unit.own(), &[], &[found.id]);
        let edited = components::edited(&table, &keys.key, ABOUT.revision, &unit.own())?;
        unit.file_from(None, table, keys, found, |found, path, _| Ok(fs_err::write(path, components::table(found))?));
        if edited.is_some() {
            unit.keep_file();
        }
        let settings = json!({"own": unit.own(), "edited": edited});
        for &rec in &runs {
            let channels = {
                let stream = unit.stream(unit.tip(rec));
                let picks = bakusoku_core::Picks::types(&stream.info, &types, true);
                picks.iter().collect()
            };
            let by_hand = edited.clone();
            let apply = Later::after(found, Unchanged { channels }, move |found| apply(found, by_hand.as_ref()));
            unit.extend(rec, "cleaned", apply.settings(settings.clone()))?;
        }
        let shown = unit.join(None, found, move |found, _| Ok(page::shown(found, edited.as_ref())));
        unit.facts(shown);
        Ok(())
    }
    fn section(&self, facts: &Facts, page: &mut Page) {
        if let Some(data) = facts.get::<IcaData>(ABOUT.name, None) {
            page.tile(format!("{} of {}", page::n_out(&data), data.components.len()), "components taken out");
            page.section("ica", "Independent components", page::drawn(&data));
        }
    }
    fn summary(&self, facts: &Facts, row: &mut Row) {
        if let Some(data) = facts.get::<IcaData>(ABOUT.name, None) {
            row.cell("components out", [format!("{} of {}", page::n_out(&data), data.components.len())]);
        }
    }
    fn methods(&self, config: &Config, text: &mut MethodsText) {
        let algorithm = match config.text("ica_algorithm") {
            Some("fastica") => "FastICA's components, found by Picard",
            Some("extended_infomax" | "picard-extended_infomax") => "extended Infomax, by Picard",
            _ => "Picard",
        };
        let mut what = format!("Epochs were decomposed into independent components ({algorithm}; Ablin et al., 2018)");
        if let Some(l_freq) = config.number("ica_l_freq") {
            what += &format!(" after a high-pass filter at {l_freq} Hz");
        }
        text.say(what);
        text.cite("Ablin, Cardoso & Gramfort (2018) IEEE Trans. Signal Process. 66:4040-4049");
        let mut by: Vec<&str> = Vec::new();
        if config.flag("ica_use_ecg_detection") {
            by.push("the heart (cross-trial phase statistics; Dammers et al., 2008)");
            text.cite("Dammers et al. (2008) IEEE Trans. Biomed. Eng. 55:2353-2362");
        }
        if config.flag("ica_use_eog_detection") {
            by.push("the eyes (correlation with the EOG)");
        }
        if !by.is_empty() {
            text.say(format!("Components that follow {} were taken out", by.join(" and ")));
        }
    }
    fn script(&self, config: &Config, script: &mut Script) {
        let n = number(config.number("ica_n_components"));
        let seed = config.get("random_state").as_i64().unwrap_or(42);
        let raw = match config.number("ica_l_freq") {
            Some(l_freq) => format!("raw.copy().filter({l_freq}, None)"),
            None => "raw".into(),
        };
        let (tmin, tmax) = (number(config.number("epochs_tmin")), number(config.number("epochs_tmax")));
        script.line(format!("raw_ica = {raw}"));
        script.line(format!(
            "epochs_ica = mne.Epochs(raw_ica, events, event_id, {tmin}, {tmax}, baseline=None, proj=False)"
        ));
        script.line(format!(
            "ica = mne.preprocessing.ICA({n}, method=\"picard\", random_state={seed}, fit_params=dict(fastica_it=5))"
        ));
        script.line("ica.fit(epochs_ica)");
        if config.flag("ica_use_ecg_detection") {
            let threshold = number(config.number("ica_ecg_threshold"));
            script.line("ecg_epochs = mne.preprocessing.create_ecg_epochs(raw_ica)");
            script.line(format!("ica.exclude += ica.find_bads_ecg(ecg_epochs, threshold={threshold})[0]"));
        }
        if config.flag("ica_use_eog_detection") {
            let threshold = number(config.number("ica_eog_threshold"));
            script.line("eog_epochs = mne.preprocessing.create_eog_epochs(raw_ica)");
            script.line(format!("ica.exclude += ica.find_bads_eog(eog_epochs, threshold={threshold})[0]"));
        }
        script.line("ica.apply(raw)");
    }
}

/// Takes out what was found, or what somebody wrote into the table.
fn apply(found: &Found, by_hand: Option<&Vec<usize>>) -> Result<Box<dyn Method>> {
    let mut ica = (*found.ica).clone();
    let exclude = by_hand.cloned().unwrap_or_else(|| ica.exclude.clone());
    ica.exclude.clear();
    Ok(Box::new(ApplyIca { ica: Arc::new(ica), selection: Selection { exclude, ..Selection::default() } }))
}

/// Stands for what is taken out as long as that is not known.
#[derive(Debug)]
struct Unchanged {
    channels: Vec<usize>,
}

impl Method for Unchanged {
    fn name(&self) -> &'static str {
        "apply_ica"
    }
    fn output(&self, input: &Stream) -> bakusoku_core::Result<Stream> {
        Ok(input.clone())
    }
    fn bind(&self, input: &Stream) -> bakusoku_core::Result<Bound> {
        let n = self.channels.len();
        Ok(Bound::Matrix(LinearMap {
            channels: self.channels.clone(),
            matrix: Array2::eye(n),
            offset: Some(Array1::zeros(n)),
            segments: vec![Segment::Process(Span::new(0, input.n_times))],
            finite: false,
        }))
    }
}
