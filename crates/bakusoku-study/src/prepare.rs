//! A unit made ready from headers only: its recordings, what will be done to them, what comes out, and whether that is
//! there already.

use crate::chain::Steps;
use crate::config::Config;
use crate::execute::at;
use crate::input::{self, Input};
use crate::keys::Keys;
use crate::report::data::Failure;
use crate::resume::{Sidecar, Validity, check, input_key};
use crate::steps::maxwell::Site;
use crate::steps::{self, Step};
use crate::unit::{Run, Source, Unit, failure};
use crate::{Error, Result};
use bakusoku_bids::{Derivatives, Entities};
use bakusoku_core::run::{NodeId, Planned};
use bakusoku_core::{Bytes, Need, Recording};
use bakusoku_methods::maxwell::MaxwellParams;
use bakusoku_methods::psd::WelchSink;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Rows and blocks that one subject has in hand.
pub(crate) const IN_HAND: Bytes = Bytes(86_000_000);

/// A file that a study makes.
#[derive(Clone, Debug)]
pub struct Output {
    /// Where.
    pub path: PathBuf,
    /// The step that makes it.
    pub step: &'static str,
    pub(crate) revision: u32,
    pub(crate) config: Value,
    pub(crate) keys: Keys,
    pub(crate) sources: Vec<String>,
    /// Whether it is up to date, and why not.
    pub validity: Validity,
}

impl Output {
    /// A file, and whether it is up to date.
    pub(crate) fn new(path: PathBuf, step: &Step, config: Value, keys: Keys, sources: Vec<String>) -> Self {
        let validity = check(&path, &keys.key, step.revision, &config);
        Self { path, step: step.name, revision: step.revision, config, keys, sources, validity }
    }
    /// Whether it must be made.
    pub fn is_due(&self) -> bool {
        !self.validity.is_current()
    }
    /// The sidecar that will stand beside it.
    pub(crate) fn sidecar(&self) -> Sidecar {
        Sidecar {
            key: self.keys.key.clone(),
            step: self.step.into(),
            revision: self.revision,
            version: env!("CARGO_PKG_VERSION").into(),
            sources: self.sources.clone(),
            config: self.config.clone(),
            parts: Vec::new(),
        }
    }
}

/// A recording made ready.
pub(crate) struct PreparedRun {
    pub(crate) label: String,
    pub(crate) input: Input,
    /// Bad channels found in it: `_scores.jsonl` and `_bads.tsv`.
    pub(crate) found: Option<(Output, Output)>,
    pub(crate) maxwell: Option<MaxwellParams>,
    pub(crate) steps: Steps,
    pub(crate) raw: Option<Output>,
    pub(crate) psd: Option<Output>,
}

impl PreparedRun {
    fn outputs(&self) -> impl Iterator<Item = &Output> {
        let found = self.found.iter().flat_map(|(scores, table)| [scores, table]);
        found.chain(&self.raw).chain(&self.psd)
    }
    fn outputs_mut(&mut self) -> impl Iterator<Item = &mut Output> {
        let found = self.found.iter_mut().flat_map(|(scores, table)| [scores, table]);
        found.chain(&mut self.raw).chain(&mut self.psd)
    }
}

/// A unit made ready.
pub(crate) struct Prepared {
    /// The subject's, then the empty room.
    pub(crate) runs: Vec<PreparedRun>,
    pub(crate) room: Option<Run>,
    /// What stands beside the recordings for the Maxwell filter.
    pub(crate) site: Option<Site>,
    /// Directions of the empty room for the Maxwell filter.
    pub(crate) esss: Option<Output>,
    pub(crate) epochs: Option<Output>,
    pub(crate) evoked: Option<Output>,
    pub(crate) covariance: Option<Output>,
    /// What the report is made from.
    pub(crate) record: Output,
    pub(crate) need: Need,
}

impl Prepared {
    /// All files, in order.
    pub(crate) fn outputs(&self) -> Vec<&Output> {
        let runs = self.runs.iter().flat_map(PreparedRun::outputs);
        let unit = self.epochs.iter().chain(&self.evoked).chain(&self.covariance);
        self.esss.iter().chain(runs).chain(unit).chain([&self.record]).collect()
    }
    /// What is done to each run, once its bad channels or the parameters of its Maxwell filter have changed.
    ///
    /// # Errors
    /// When parameters do not fit.
    pub(crate) fn plan_anew(&mut self, config: &Config) -> Result<()> {
        for run in &mut self.runs {
            let steps = Steps::new(config, run.input.stream(), run.maxwell.as_ref());
            run.steps = at(&steps::maxwell::STEP, Some(&run.label), steps)?;
        }
        Ok(())
    }
    /// Takes all files as not there (`--force`).
    pub(crate) fn forget(&mut self) {
        let runs = self.runs.iter_mut().flat_map(PreparedRun::outputs_mut);
        let unit = self.epochs.iter_mut().chain(&mut self.evoked).chain(&mut self.covariance);
        for output in self.esss.iter_mut().chain(runs).chain(unit).chain([&mut self.record]) {
            output.validity = Validity::Outdated("to be made anew".into());
        }
    }
}

/// Makes a unit ready.
///
/// # Errors
/// When a recording can't be opened, or a parameter does not fit it.
pub(crate) fn prepare(
    config: &Config,
    source: &Source,
    results: &Derivatives,
    unit: &Unit,
    threads: usize,
) -> Result<Prepared, Failure> {
    if let Some(broken) = &unit.broken {
        return Err(broken.clone());
    }
    ready(config, source, results, unit, threads).map_err(|error| failure("prepare", &error))
}

fn ready(config: &Config, source: &Source, results: &Derivatives, unit: &Unit, threads: usize) -> Result<Prepared> {
    let data_type = unit.data_type();
    let mut inputs = input::open(config, source, unit)?;
    let maxwell = |error| Error::Step { step: steps::maxwell::STEP.name, run: None, source: Box::new(error) };
    let of_reference = steps::maxwell::reference_run(config, unit).map_err(maxwell)?;
    let (filters, searches) = (steps::maxwell::wanted(config), steps::find_bads::wanted(config));
    let site = if filters || searches {
        let site = Site::read(config, source, unit, &inputs);
        Some(site.map_err(maxwell)?)
    } else {
        None
    };
    // The empty room is one more recording, the last.
    let (reference, like) = (&unit.runs[of_reference], inputs[of_reference].stream().clone());
    let room = steps::empty_room::find(config, source, unit, reference, &like, &mut inputs[of_reference].warnings);
    let room =
        room.map_err(|error| Error::Step { step: steps::empty_room::STEP.name, run: None, source: Box::new(error) })?;
    if let Some(room) = &room {
        let like = (filters || searches).then_some(&like);
        inputs.push(input::open_room(config, source, unit, room, like)?);
        input::unite(&mut inputs.iter_mut().collect::<Vec<_>>());
    }
    let listed: Vec<&Run> = unit.runs.iter().chain(&room).collect();
    let hash = config.text("memory_file_method") == Some("hash");
    let file = |path: &PathBuf| -> Result<Keys> {
        let (key, id) = input_key(&source.relative(path), std::slice::from_ref(path), hash)?;
        Ok(Keys { key, id })
    };
    let mut need = Need::default();
    let mut opened = Vec::new();
    for (run, input) in listed.iter().zip(&inputs) {
        let (key, id) = input_key(&source.relative(&run.found.path), &run.found.parts, hash)?;
        let mut keys = vec![Keys { key, id }];
        keys.extend(run.channels.as_ref().map(file).transpose()?);
        // Only stretches marked as bad reach the recording itself; all else in `events.tsv` is the events step's.
        let info = &input.stream().info;
        let marked: Vec<Value> = input
            .stream()
            .annotations
            .items
            .iter()
            .map(|item| json!([item.onset, item.duration, item.description]))
            .collect();
        let own = json!({"bads": info.bads, "annotations": marked, "config": config.own(steps::bads::STEP.keys)});
        opened.push(Keys::of(&steps::bads::STEP, &own, &keys.iter().collect::<Vec<_>>()));
    }
    if room.is_some()
        && let Some(own) = opened.pop()
    {
        let step = &steps::empty_room::STEP;
        opened.push(Keys::of(step, &config.own(step.keys), &[&own, &opened[of_reference]]));
    }
    let names = |run: &Run, processing: Option<&str>, suffix: &str, extension: &str| {
        let mut entities = run.found.entities.clone();
        entities.processing = processing.map(Into::into);
        results.path(&entities, data_type, suffix, extension)
    };
    let sources_of = |run: &Run| vec![source.relative(&run.found.path)];
    // Bad channels are found in each run, and count in all.
    let (mut found, mut found_keys) = (Vec::new(), Vec::new());
    for (index, (run, input)) in listed.iter().zip(&inputs).enumerate() {
        let Some(site) = site.as_ref().filter(|_| searches) else {
            found.push(None);
            continue;
        };
        let step = &steps::find_bads::STEP;
        let fail = |error| Error::Step { step: step.name, run: Some(run.label()), source: Box::new(error) };
        need = need.max(steps::find_bads::needs(config, site, input, threads, IN_HAND).map_err(fail)?);
        let beside: Vec<Keys> = site.shared_files().into_iter().map(file).collect::<Result<_>>()?;
        let inputs: Vec<&Keys> = std::iter::once(&opened[index]).chain(&beside).collect();
        let own = config.own(step.keys);
        let keys = Keys::of(step, &own, &inputs);
        found_keys.push(keys.clone());
        let output = |path| Output::new(path, step, own.clone(), keys.clone(), sources_of(run));
        let (scores, table) = (names(run, None, "scores", ".jsonl"), names(run, None, "bads", ".tsv"));
        found.push(Some((output(scores), output(table))));
    }

    let mut esss = None;
    if let (Some(room), Some(own)) = (room.as_ref().filter(|_| steps::esss::wanted(config)), opened.last()) {
        let (step, set) = (&steps::esss::STEP, config.own(steps::esss::STEP.keys));
        let inputs: Vec<&Keys> = std::iter::once(own).chain(&found_keys).collect();
        let keys = Keys::of(step, &set, &inputs);
        esss = Some(Output::new(names(room, None, "esssproj", ".fif"), step, set, keys, sources_of(room)));
    }
    let place = |index: usize| if index < unit.runs.len() { index } else { of_reference };
    let mut runs = Vec::new();
    let (mut filtered_keys, mut event_keys) = (Vec::new(), Vec::new());
    for (index, ((run, input), found)) in listed.iter().zip(inputs).zip(found).enumerate() {
        let label = run.label();
        let fail = |error: Error| Error::Step { step: "plan", run: Some(label.clone()), source: Box::new(error) };
        let maxwell = site.as_ref().filter(|_| filters).map(|site| site.params(config, place(index)));
        let chain = Steps::new(config, input.stream(), maxwell.as_ref()).map_err(|error| fail(error.into()))?;
        need = need.max(need_of_pass(config, &chain, threads).map_err(|error| fail(error.into()))?);

        let mut at = opened[index].clone();
        if searches {
            let all: Vec<&Keys> = std::iter::once(&at).chain(&found_keys).collect();
            at = Keys::of(&steps::find_bads::STEP, &json!("united"), &all);
        }
        for step in &chain.steps {
            let mut own = config.own(step.keys);
            let mut inputs = vec![at.clone()];
            if step.name == steps::maxwell::STEP.name
                && let Some(site) = &site
            {
                own = json!({"config": own, "destination": site.destination_json()});
                inputs.extend(site.files(place(index)).into_iter().map(file).collect::<Result<Vec<_>>>()?);
                inputs.extend(esss.iter().map(|output| output.keys.clone()));
            }
            at = Keys::of(step, &own, &inputs.iter().collect::<Vec<_>>());
        }
        let output = |step: &Step, path: PathBuf| {
            let own = config.own(step.keys);
            let keys = Keys::of(step, &own, &[&at]);
            Output::new(path, step, own, keys, sources_of(run))
        };
        let raw = config
            .flag("save_filtered_raw")
            .then(|| output(&steps::raw::STEP, names(run, Some("filt"), "raw", ".fif")));
        let psd = (!config.get("psd").is_none()).then(|| output(&steps::psd::STEP, names(run, None, "psd", ".h5")));
        filtered_keys.push(at.clone());
        runs.push(PreparedRun { label, input, found, maxwell, steps: chain, raw, psd });
        if index >= unit.runs.len() {
            continue;
        }
        let mut inputs = vec![opened[index].clone()];
        if steps::events::from_table(config, run) {
            inputs.extend(run.events.as_ref().map(file).transpose()?);
        }
        event_keys.push(Keys::of(
            &steps::events::STEP,
            &config.own(steps::events::STEP.keys),
            &inputs.iter().collect::<Vec<_>>(),
        ));
    }
    let noise = room.as_ref().and_then(|_| filtered_keys.pop());

    let entities = unit.entities();
    let path = |suffix: &str| results.path(&entities, data_type, suffix, ".fif");
    let sources: Vec<String> = unit.runs.iter().map(|run| source.relative(&run.found.path)).collect();
    let all: Vec<&Keys> = filtered_keys.iter().chain(&event_keys).collect();
    let reference = Keys::of(&steps::reference::STEP, &config.own(steps::reference::STEP.keys), &all);
    let cut = Keys::of(&steps::epochs::STEP, &config.own(steps::epochs::STEP.keys), &[&reference]);
    let wanted = steps::epochs::wanted(config);
    let (mut epochs, mut evoked, mut covariance) = (None, None, None);
    if wanted {
        let (one, all) = epochs_bytes(config, &runs[..unit.runs.len()]);
        // The cutter's batch and the writer's slice; the rest waits on disk.
        need.memory += Bytes(one * (4 * threads as u64 + 4));
        need.disk += Bytes(all);
        if config.flag("save_epochs") {
            let own = json!({"epochs": config.own(steps::epochs::STEP.keys), "reference": config.own(steps::reference::STEP.keys),
                "events": config.own(steps::events::STEP.keys)});
            epochs = Some(Output::new(path("epo"), &steps::epochs::STEP, flat(&own), cut.clone(), sources.clone()));
        }
        let make = |step: &Step, suffix: &str| {
            let own = config.own(step.keys);
            Output::new(path(suffix), step, own.clone(), Keys::of(step, &own, &[&cut]), sources.clone())
        };
        evoked = Some(make(&steps::evoked::STEP, "ave"));
        if config.pair("noise_cov").is_some() {
            covariance = Some(make(&steps::covariance::STEP, "cov"));
        }
    }
    if let (Some(room), Some(noise)) = (room.as_ref().filter(|_| steps::empty_room::gives_covariance(config)), &noise) {
        let step = &steps::covariance::STEP;
        let own = config.own(step.keys);
        let keys = Keys::of(step, &own, &[noise]);
        covariance = Some(Output::new(names(room, None, "cov", ".fif"), step, own, keys, sources_of(room)));
    }
    let parts: Vec<&Output> = esss
        .iter()
        .chain(runs.iter().flat_map(PreparedRun::outputs))
        .chain(&epochs)
        .chain(&evoked)
        .chain(&covariance)
        .collect();
    let mut inputs: Vec<&Keys> = parts.iter().map(|output| &output.keys).collect();
    inputs.extend([&cut]);
    let own = config.own(steps::report::STEP.keys);
    let keys = Keys::of(&steps::report::STEP, &own, &inputs);
    let record = Output::new(record_path(results, &entities), &steps::report::STEP, own, keys, sources);
    Ok(Prepared { runs, room, site, esss, epochs, evoked, covariance, record, need })
}

/// Where a unit's report data are kept.
pub(crate) fn record_path(results: &Derivatives, entities: &Entities) -> PathBuf {
    results.root().join(".bakusoku").join(format!("{entities}.record"))
}

/// One table of configuration out of several.
fn flat(tables: &Value) -> Value {
    let tables = tables.as_object().into_iter().flat_map(|tables| tables.values());
    Value::Object(
        tables.filter_map(Value::as_object).flatten().map(|(key, value)| (key.clone(), value.clone())).collect(),
    )
}

/// Bytes of one epoch, and of all of them: a guess from headers, one event a second at most.
fn epochs_bytes(config: &Config, runs: &[PreparedRun]) -> (u64, u64) {
    let length = config.number("epochs_tmax").unwrap_or(0.5) - config.number("epochs_tmin").unwrap_or(-0.2);
    let (mut one, mut all) = (0.0_f64, 0.0);
    for run in runs {
        let stream = run.steps.filtered();
        let bytes = stream.n_channels() as f64 * length * stream.sfreq() * 8.0;
        one = one.max(bytes);
        all += bytes * stream.n_times as f64 / stream.sfreq();
    }
    (one as u64, all as u64)
}

/// What one pass over a recording takes, with all that listens.
fn need_of_pass(config: &Config, chain: &Steps, threads: usize) -> bakusoku_core::Result<Need> {
    let (mut raw, mut epochs) = (Planned::default(), Planned::default());
    let mut looks: Vec<(usize, steps::psd::Glance)> = [Some(0), chain.sss]
        .into_iter()
        .flatten()
        .filter_map(|at| Some((at, steps::psd::Glance::new(config, &chain.streams[at])?)))
        .collect();
    let mut psd = WelchSink::new(&steps::psd::params(config), chain.filtered()).ok();
    let mut flow = chain.flow()?;
    let nodes: Vec<NodeId> = flow.nodes().collect();
    for (place, look) in &mut looks {
        flow.tap(nodes[*place], steps::psd::STEP.name, look);
    }
    if let Some(psd) = &mut psd {
        flow.tap(nodes[chain.filtered], steps::psd::STEP.name, psd);
    }
    if config.flag("save_filtered_raw") {
        flow.tap(nodes[chain.filtered], steps::raw::STEP.name, &mut raw);
    }
    flow.tap(flow.end(), steps::epochs::STEP.name, &mut epochs);
    flow.need(threads, IN_HAND)
}
