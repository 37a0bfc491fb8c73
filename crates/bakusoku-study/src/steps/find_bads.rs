//! Flat and noisy MEG channels, found run by run on a copy low-passed at 40 Hz.

use super::Step;
use super::maxwell::{Site, amend, whole};
use crate::Result;
use crate::config::{Config, Value};
use crate::input::Input;
use bakusoku_core::run::{Flow, Planned};
use bakusoku_core::{Bytes, ChannelType, Cx, Method, Need, Picks, Recording, Sink, Stream};
use bakusoku_methods::filter::{Filter, FilterParams};
use bakusoku_methods::maxwell::{BadChannels, FindBads, FindBadsParams, MaxwellParams};
use ndarray::{Array2, ArrayViewMut2};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::sync::Arc;

pub(crate) const STEP: Step = Step {
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

/// Whether the study asks for it.
pub(crate) fn wanted(config: &Config) -> bool {
    config.flag("find_flat_channels_meg") || config.flag("find_noisy_channels_meg")
}

/// What was found in a run: the file `_scores.jsonl`. Scores are absent where a channel was left out.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Found {
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
    inner: &'a Input,
    picks: Vec<usize>,
    stream: Stream,
}

impl<'a> Meg<'a> {
    fn new(inner: &'a Input) -> Self {
        let stream = inner.stream();
        let types = [ChannelType::Mag, ChannelType::Grad, ChannelType::RefMeg];
        let picks = Picks::types(&stream.info, &types, false);
        let stream = Stream { info: Arc::new(stream.info.pick(&picks)), ..stream.clone() };
        Self { inner, picks: picks.as_slice().to_vec(), stream }
    }
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

fn params(config: &Config, site: &Site) -> FindBadsParams {
    let extra = config.get("find_bad_channels_extra_kws");
    let number = |name: &str, default: f64| extra.get(name).and_then(Value::as_f64).unwrap_or(default);
    let order = |name: &str, default: usize| extra.get(name).map_or(default, |value| whole(value, default));
    let mut maxwell =
        MaxwellParams { int_order: order("int_order", 8), ext_order: order("ext_order", 3), ..site.common(config) };
    amend(&mut maxwell, extra);
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
pub(crate) fn needs(config: &Config, site: &Site, input: &Input, threads: usize, memory: Bytes) -> Result<Need> {
    let meg = Meg::new(input);
    let params = params(config, site);
    let stream = &meg.stream;
    let held = FindBads::new(stream, &params, threads)?.held_bytes();
    let filter = low_pass(stream);
    let methods: Vec<&dyn Method> = filter.iter().map(|filter| filter as &dyn Method).collect();
    let mut search = Planned { held: Bytes(held), rows: false };
    let mut flow = Flow::straight(stream, &methods)?;
    flow.tap(flow.end(), STEP.name, &mut search);
    Ok(flow.need(threads, memory)?)
}

/// Looks for bad channels.
///
/// # Errors
/// When the recording can't be read, or does not allow it.
pub(crate) fn find(config: &Config, site: &Site, input: &Input, cx: &Cx) -> Result<Found> {
    let meg = Meg::new(input);
    let params = params(config, site);
    let mut found = Found::of(&meg.stream, &search(&meg, &params, cx)?, params.limit);
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
    let methods: Vec<&dyn Method> = filter.iter().map(|filter| filter as &dyn Method).collect();
    let mut search = FindBads::new(stream, params, cx.par.threads())?;
    let mut flow = Flow::straight(stream, &methods)?;
    flow.tap(flow.end(), STEP.name, &mut search);
    flow.run(recording, cx).map_err(bakusoku_core::Error::without_node)?;
    Ok(search.finish())
}

impl Found {
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
