//! Flat and noisy MEG channels, found run by run on a copy low-passed at 40 Hz.

mod keys;
mod page;

use crate::Result;
use crate::config::{Checks, Config, Value};
use crate::plan::{PASS_BUFFER, Planner, Product};
use crate::report::Page;
use crate::report::facts::Facts;
use crate::step::{About, MethodsText, Script, Step};
use crate::steps::maxwell::{MaxwellInputs, apply_extra, as_usize};
use bakusoku_core::run::{Flow, NodeId, Planned};
use bakusoku_core::{Bytes, ChannelType, Cx, Info, Need, Picks, Recording, Sink, Stream};
use bakusoku_methods::filter::{Filter, FilterParams};
use bakusoku_methods::maxwell::{BadChannels, FindBads, FindBadsParams, MaxwellParams};
use ndarray::{Array2, ArrayViewMut2};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::sync::Arc;

pub(crate) const ABOUT: &About = &About {
    name: "find_bads",
    revision: 1,
    keys: &[
        "find_flat_channels_meg",
        "find_noisy_channels_meg",
        "find_bad_channels_extra_kws",
        "mf_head_origin",
        "mf_cal_fname",
        "mf_ctc_fname",
    ],
    doc: "Finds flat and noisy MEG channels in each run (_bads.tsv, _scores.jsonl); those of all runs are united.",
};

/// As mne-bids-pipeline: Hz.
const H_FREQ: f64 = 40.0;

/// See the module.
pub(crate) struct FindBadChannels;

impl Step for FindBadChannels {
    fn about(&self) -> &'static About {
        ABOUT
    }
    fn keys(&self) -> &'static [crate::config::keys::Key] {
        keys::KEYS
    }
    fn is_wanted(&self, config: &Config) -> bool {
        is_wanted(config)
    }
    fn check(&self, checks: &mut Checks<'_, '_>) {
        if !self.is_wanted(checks.config) {
            return;
        }
        crate::steps::maxwell::check_types(checks, &["find_noisy_channels_meg", "find_flat_channels_meg"]);
    }
    fn plan(&self, unit: &mut Planner<'_>) -> Result<()> {
        let inputs = unit.shared(MaxwellInputs::read)?;
        let shared_files =
            inputs.shared_files().into_iter().map(|path| unit.file_keys(path)).collect::<Result<Vec<_>>>()?;
        let mut all: Vec<Product<BadChannelScores>> = Vec::new();
        for rec in unit.recordings() {
            let at = unit.tip(rec);
            let known = unit.input(rec).bads.clone();
            let need = needs(unit.config(), &inputs, unit.stream(at), unit.context.threads)
                .map_err(|error| unit.fail(Some(rec), error))?;
            let own = inputs.clone();
            let found = unit.join_reading(Some(rec), (), vec![at], shared_files.clone(), need, move |(), work| {
                find(work.config, &own, &work.recording(at)?, &work.cx())
            });
            let (scores, table) =
                (unit.run_file(rec, None, "scores", ".jsonl"), unit.run_file(rec, None, "bads", ".tsv"));
            let found = unit.cached_file(
                found,
                scores,
                false,
                |found, path, _| {
                    let text = serde_json::to_string(found).map_err(std::io::Error::from)?;
                    Ok(fs_err::write(path, text)?)
                },
                |path| Ok(serde_json::from_str(&fs_err::read_to_string(path)?).map_err(std::io::Error::from)?),
            );
            unit.file(found, table, move |found, path, _| Ok(fs_err::write(path, found.table(&known))?));
            let page = unit.join(Some(rec), found, |found, _| Ok(page::found(found)));
            unit.facts(page);
            all.push(found);
        }
        // Bad in one recording, bad in all.
        for rec in unit.recordings() {
            unit.amend(rec, "marked", all.clone(), |found, stream| {
                let bad = |name: &str| found.iter().any(|found| found.is_bad(name));
                let old = &stream.info;
                let bads = old.ch_names().filter(|name| old.bads.iter().any(|b| b == name) || bad(name));
                let info = Info { bads: bads.map(str::to_owned).collect(), ..(**old).clone() };
                Ok(Stream { info: Arc::new(info), ..stream.clone() })
            })?;
        }
        unit.publish("bad_channels", all);
        Ok(())
    }
    fn section(&self, facts: &Facts, page: &mut Page) {
        for run in facts.runs() {
            if let Some(shown) = facts.get::<page::FoundBadsData>(ABOUT.name, Some(run)) {
                page.recording(run, page::drawn(&shown));
            }
        }
    }
    fn methods(&self, config: &Config, text: &mut MethodsText) {
        let kinds = match (config.flag("find_flat_channels_meg"), config.flag("find_noisy_channels_meg")) {
            (true, true) => "Flat and noisy",
            (true, false) => "Flat",
            _ => "Noisy",
        };
        text.say(format!(
            "{kinds} MEG channels were found automatically by comparison with their Maxwell-filtered signals"
        ));
    }
    fn script(&self, _config: &Config, script: &mut Script) {
        script.line("noisy, flat = mne.preprocessing.find_bad_channels_maxwell(raw)");
        script.line("raw.info[\"bads\"] += noisy + flat");
    }
}

/// Whether the study asks for it.
pub(crate) fn is_wanted(config: &Config) -> bool {
    config.flag("find_flat_channels_meg") || config.flag("find_noisy_channels_meg")
}

/// What was found in a run: the file `_scores.jsonl`. Scores are absent where a channel was left out.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct BadChannelScores {
    pub(crate) noisy: Vec<String>,
    pub(crate) flat: Vec<String>,
    pub(crate) limit: f64,
    pub(crate) ch_names: Vec<String>,
    pub(crate) ch_types: Vec<String>,
    /// Start and end of each interval (s).
    pub(crate) bins: Vec<[f64; 2]>,
    pub(crate) scores_noisy: Vec<Vec<Option<f64>>>,
    pub(crate) scores_flat: Vec<Vec<Option<f64>>>,
    pub(crate) limits_flat: Vec<Option<f64>>,
}

/// MEG channels of a recording.
struct Meg<'a> {
    inner: &'a dyn Recording,
    picks: Vec<usize>,
    stream: Stream,
}

impl<'a> Meg<'a> {
    fn new(inner: &'a dyn Recording) -> Self {
        let (picks, stream) = meg(inner.stream());
        Self { inner, picks: picks.as_slice().to_vec(), stream }
    }
}

/// The MEG channels of a stream.
fn meg(stream: &Stream) -> (Picks, Stream) {
    let types = [ChannelType::Mag, ChannelType::Grad, ChannelType::RefMeg];
    let picks = Picks::types(&stream.info, &types, false);
    let info = Arc::new(stream.info.pick(&picks));
    (picks, Stream { info, ..stream.clone() })
}

impl Recording for Meg<'_> {
    fn stream(&self) -> &Stream {
        &self.stream
    }
    fn read(&self, times: Range<u64>, picks: &Picks, out: ArrayViewMut2<'_, f64>) -> bakusoku_core::Result<()> {
        self.check(&times, picks, &out)?;
        let theirs = picks.iter().map(|index| self.picks[index]).collect();
        self.inner.read(times, &Picks::new(theirs, self.inner.stream().n_channels())?, out)
    }
}

/// The low-pass filter, where the recording reaches higher.
fn low_pass(stream: &Stream) -> Option<Filter> {
    (stream.info.lowpass > H_FREQ).then(|| Filter::new(FilterParams::new(None, Some(H_FREQ))))
}

fn params(config: &Config, inputs: &MaxwellInputs) -> FindBadsParams {
    let extra = config.get("find_bad_channels_extra_kws");
    let number = |name: &str, default: f64| extra.get(name).and_then(Value::as_f64).unwrap_or(default);
    let order = |name: &str, default: usize| extra.get(name).map_or(default, |value| as_usize(value, default));
    let mut maxwell =
        MaxwellParams { int_order: order("int_order", 8), ext_order: order("ext_order", 3), ..inputs.common(config) };
    apply_extra(&mut maxwell, extra);
    FindBadsParams {
        limit: number("limit", 7.0),
        duration: number("duration", 5.0),
        min_count: order("min_count", 5),
        maxwell,
    }
}

/// What the search takes.
///
/// # Errors
/// When its parameters do not fit the recording.
fn needs(config: &Config, inputs: &MaxwellInputs, stream: &Stream, threads: usize) -> Result<Need> {
    let (_, stream) = meg(stream);
    let held = FindBads::new(&stream, &params(config, inputs), threads)?.held_bytes();
    let filter = low_pass(&stream);
    let mut planned = Planned { held: Bytes(held), rows: false };
    let mut flow = Flow::new(&stream);
    if let Some(filter) = &filter {
        flow.add(NodeId::SOURCE, "filter", filter)?;
    }
    flow.tap(flow.end(), ABOUT.name, &mut planned);
    Ok(flow.need(threads, PASS_BUFFER)?)
}

/// Looks for bad channels.
///
/// # Errors
/// When the recording can't be read, or does not allow it.
fn find(config: &Config, inputs: &MaxwellInputs, input: &dyn Recording, cx: &Cx) -> Result<BadChannelScores> {
    let meg = Meg::new(input);
    let params = params(config, inputs);
    let mut found = BadChannelScores::of(&meg.stream, &search(&meg, &params, cx)?, params.limit);
    if !config.flag("find_flat_channels_meg") {
        found.flat.clear();
    }
    if !config.flag("find_noisy_channels_meg") {
        found.noisy.clear();
    }
    Ok(found)
}

/// Looks for bad channels of a recording, below 40 Hz.
///
/// # Errors
/// When the recording can't be read, or does not allow it.
pub(crate) fn search(recording: &dyn Recording, params: &FindBadsParams, cx: &Cx) -> Result<BadChannels> {
    let stream = recording.stream();
    let filter = low_pass(stream);
    let mut search = FindBads::new(stream, params, cx.par.threads())?;
    let mut flow = Flow::new(stream);
    if let Some(filter) = &filter {
        flow.add(NodeId::SOURCE, "filter", filter)?;
    }
    flow.tap(flow.end(), ABOUT.name, &mut search);
    flow.run(recording, cx)?;
    Ok(search.finish())
}

impl BadChannelScores {
    fn of(stream: &Stream, found: &BadChannels, limit: f64) -> Self {
        let ch_type = |name: &String| {
            let index = stream.info.index_of(name);
            index.map_or("misc", |index| stream.info.chs[index].ch_type().name()).to_owned()
        };
        let rows = |scores: &Array2<f64>| {
            let row = |row: ndarray::ArrayView1<'_, f64>| row.iter().map(|&x| x.is_finite().then_some(x)).collect();
            scores.rows().into_iter().map(row).collect()
        };
        Self {
            noisy: found.noisy.clone(),
            flat: found.flat.clone(),
            limit,
            ch_names: found.ch_names.clone(),
            ch_types: found.ch_names.iter().map(ch_type).collect(),
            bins: found.bins.rows().into_iter().map(|bin| [bin[0], bin[1]]).filter(|bin| !bin[0].is_nan()).collect(),
            scores_noisy: rows(&found.scores_noisy),
            scores_flat: rows(&found.scores_flat),
            limits_flat: found.limits_flat.iter().map(|&x| x.is_finite().then_some(x)).collect(),
        }
    }
    /// Whether a channel is bad.
    fn is_bad(&self, name: &str) -> bool {
        self.flat.iter().chain(&self.noisy).any(|bad| bad == name)
    }
    /// Channels and why they are bad.
    pub(crate) fn reasons(&self) -> Vec<(String, String)> {
        let flat = self.flat.iter().map(|name| (name.clone(), "found flat".to_owned()));
        let noisy = self.noisy.iter().filter(|name| !self.flat.contains(name));
        flat.chain(noisy.map(|name| (name.clone(), "found noisy".to_owned()))).collect()
    }
    /// As mne-bids-pipeline's `_bads.tsv`: name and reason.
    pub(crate) fn table(&self, known: &[(String, String)]) -> String {
        let mut rows: Vec<(String, String)> = self
            .reasons()
            .into_iter()
            .map(|(name, why)| (name, if why == "found flat" { "auto-flat".into() } else { "auto-noisy".into() }))
            .collect();
        rows.extend(known.iter().map(|(name, whence)| (name.clone(), format!("pre-existing ({whence})"))));
        rows.sort();
        let mut out = String::from("name\treason\n");
        for (name, reason) in rows {
            out.push_str(&format!("{name}\t{reason}\n"));
        }
        out
    }
    /// The largest score of a channel, and in how many intervals it was above the limit.
    pub(crate) fn worst(&self, name: &str) -> (f64, usize) {
        let Some(row) = self.ch_names.iter().position(|other| other == name) else { return (0.0, 0) };
        let scores = || self.scores_noisy[row].iter().flatten();
        (scores().copied().fold(f64::NEG_INFINITY, f64::max), scores().filter(|&&score| score >= self.limit).count())
    }
}
