//! Averages of conditions, and contrasts.

use super::epochs::UnitEpochs;
use crate::Result;
use crate::config::keys::{Key, NAMES, RESULTS, key};
use crate::config::{Checks, Config, Value, nearest_name};
use crate::config::{Field, Kind};
use crate::plan::{EpochTap, Planner};
use crate::report::evoked::{self, EvokedData, Scales, Topomaps, evoked_data};
use crate::report::facts::Facts;
use crate::report::{Page, Row};
use crate::step::{About, MethodsText, Script, Step};
use bakusoku_core::containers::Evoked;
use bakusoku_core::{Bytes, Need};
use bakusoku_io::fif;
use bakusoku_methods::evoked::{EvokedSink, Weights, combine_evoked};
use maud::html;

const CONTRAST: Kind = Kind::Either(&[
    Kind::Tuple(&[Kind::Text, Kind::Text]),
    Kind::Table(&[
        Field { name: "name", kind: Kind::Text, doc: "Name of the contrast." },
        Field { name: "conditions", kind: NAMES, doc: "Conditions." },
        Field { name: "weights", kind: Kind::List(&Kind::Number), doc: "Weight of each condition." },
    ]),
]);

const KEYS: &[Key] = &[key(
    RESULTS,
    "contrasts",
    Kind::List(&CONTRAST),
    "[]",
    "Differences of conditions: [[\"a\", \"b\"]] is a minus b; or { name, conditions, weights }.",
)];

pub(crate) const ABOUT: &About = &About {
    name: "evoked",
    revision: 2,
    keys: &["conditions", "contrasts"],
    doc: "Averages conditions and combines them to contrasts (_ave.fif).",
};

/// See the module.
pub(crate) struct AverageEpochs;

impl Step for AverageEpochs {
    fn about(&self) -> &'static About {
        ABOUT
    }
    fn keys(&self) -> &'static [Key] {
        KEYS
    }
    fn is_wanted(&self, config: &Config) -> bool {
        super::epochs::is_wanted(config)
    }
    fn check(&self, checks: &mut Checks<'_, '_>) {
        let conditions = checks.config.conditions();
        for (name, members, weights) in checks.config.contrasts() {
            let keys = &["contrasts"];
            if name.is_empty() {
                checks.add(keys, "a contrast needs a `name`", "no name", None);
            }
            if members.is_empty() || members.len() != weights.len() {
                let (n_weights, n_members) = (weights.len(), members.len());
                let message = format!(
                    "contrast `{name}` must have as many weights as conditions, got {n_weights} and {n_members}"
                );
                checks.add(keys, message, "does not fit", None);
            }
            for member in members.iter().filter(|member| !conditions.iter().any(|(name, _)| name == *member)) {
                let near = nearest_name(member, conditions.iter().map(|(name, _)| name.as_str()));
                let hint = near.map(|near| format!("did you mean {near:?}?"));
                let message = format!("contrast `{name}` names {member:?}, which is not among the conditions");
                checks.add(keys, message, "no such condition", hint.as_deref());
            }
        }
    }
    fn plan(&self, unit: &mut Planner<'_>) -> Result<()> {
        let Some(epochs) = unit.find::<UnitEpochs>("epochs") else { return Ok(()) };
        let n = unit.config().conditions().len() as u64;
        let config = unit.config().clone();
        let need = Need { memory: Bytes(2 * n * epochs.bytes), ..Need::default() };
        let averages = unit.collect(epochs.at, need, move |_| Ok(Averages(sink(&config))));
        let evokeds = unit.join(None, (averages, epochs.joined), |(averages, _), work| {
            let (evokeds, warnings) = finish(work.config, averages)?;
            warnings.into_iter().for_each(|text| work.warn(text));
            Ok(evokeds)
        });
        let path = unit.unit_file("ave", ".fif");
        unit.file(evokeds, path, |evokeds, path, id| Ok(fif::write_evoked(path, evokeds, id)?));
        let shown = unit.join(None, evokeds, |evokeds, work| Ok(shown(work.config, evokeds)));
        unit.facts(shown);
        Ok(())
    }
    fn section(&self, facts: &Facts, page: &mut Page) {
        let shown: Vec<EvokedData> = facts.get(ABOUT.name, None).unwrap_or_default();
        if shown.is_empty() {
            return;
        }
        let scales = Scales::of(shown.iter());
        let mut topomaps = Topomaps::default();
        let drawn = html! {
            @for response in &shown {
                (evoked::heading(response))
                (evoked::evoked(response, &scales, &mut topomaps))
            }
        };
        page.result("evoked", "Evoked responses", drawn);
    }
    fn summary(&self, facts: &Facts, row: &mut Row) {
        let shown: Vec<EvokedData> = facts.get(ABOUT.name, None).unwrap_or_default();
        let conditions = shown.iter().filter(|evoked| !evoked.is_contrast);
        row.cell("averaged", conditions.map(|evoked| format!("{} {}", evoked.name, evoked.nave)));
    }
    fn methods(&self, _config: &Config, text: &mut MethodsText) {
        text.say("The remaining epochs were averaged by condition");
    }
    fn script(&self, config: &Config, script: &mut Script) {
        let names: Vec<String> = config.conditions().into_iter().map(|(name, _)| format!("{name:?}")).collect();
        script.line(format!("evokeds = [epochs[name].average() for name in [{}]]", names.join(", ")));
        for (_, members, weights) in config.contrasts() {
            let members: Vec<String> = members.iter().map(|name| format!("epochs[{name:?}].average()")).collect();
            script.line(format!("evokeds.append(mne.combine_evoked([{}], {weights:?}))", members.join(", ")));
        }
    }
}

/// Averages as epochs come.
struct Averages(EvokedSink);

impl bakusoku_methods::epochs::EpochSink for Averages {
    fn begin(&mut self, header: &bakusoku_methods::epochs::EpochsHeader) -> bakusoku_core::Result<()> {
        self.0.begin(header)
    }
    fn push(
        &mut self,
        epoch: &bakusoku_methods::epochs::Epoch<'_>,
        par: &bakusoku_core::Par,
    ) -> bakusoku_core::Result<()> {
        self.0.push(epoch, par)
    }
}

impl EpochTap for Averages {
    type Out = Vec<Evoked>;
    fn finish(self) -> Result<Vec<Evoked>> {
        Ok(self.0.into_evokeds())
    }
}

/// What averages the study's conditions, from epochs as they come.
fn sink(config: &Config) -> EvokedSink {
    let kind = |(name, value): (String, Value)| match value {
        Value::Str(kind) => kind,
        _ => name,
    };
    EvokedSink::new(config.conditions().into_iter().map(kind).collect())
}

/// Conditions in the study's order, then contrasts; what can't be computed is left out and said.
fn finish(config: &Config, averages: &[Evoked]) -> Result<(Vec<Evoked>, Vec<String>)> {
    let (mut evokeds, mut warnings) = (Vec::new(), Vec::new());
    for ((name, _), evoked) in config.conditions().into_iter().zip(averages) {
        if evoked.nave == 0.0 {
            warnings.push(format!("condition `{name}` has no epoch left and is not averaged"));
            continue;
        }
        evokeds.push(Evoked { comment: name, ..evoked.clone() });
    }
    let n_conditions = evokeds.len();
    for (name, members, weights) in config.contrasts() {
        let parts: Vec<&Evoked> = members
            .iter()
            .filter_map(|member| evokeds[..n_conditions].iter().find(|evoked| evoked.comment == *member))
            .collect();
        if parts.len() != members.len() {
            warnings.push(format!("contrast `{name}` lacks a condition and is not computed"));
            continue;
        }
        let contrast = combine_evoked(&parts, &Weights::Given(weights))?;
        evokeds.push(Evoked { comment: name, ..contrast });
    }
    Ok((evokeds, warnings))
}

fn shown(config: &Config, evokeds: &[Evoked]) -> Vec<EvokedData> {
    let types = crate::input::wanted_types(config);
    let conditions = config.conditions();
    let is_contrast = |evoked: &Evoked| !conditions.iter().any(|(name, _)| *name == evoked.comment);
    evokeds.iter().map(|evoked| evoked_data(evoked, is_contrast(evoked), &types)).collect()
}
