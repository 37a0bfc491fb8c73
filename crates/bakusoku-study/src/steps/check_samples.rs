//! Names channels with samples that are no numbers: filters spread them, and averages become NaN.

use crate::Result;
use crate::plan::{Planner, Tap};
use crate::step::{About, Step};
use bakusoku_core::{Block, Cx, RowSink, Scratch, Sink, Stream};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

const ABOUT: &About = &About {
    name: "check_samples",
    revision: 1,
    keys: &[],
    doc: "Names channels with samples that are NaN or infinite.",
};

/// Channels that are named.
const MOST: usize = 10;

/// See the module.
pub(crate) struct CheckSamples;

impl Step for CheckSamples {
    fn about(&self) -> &'static About {
        ABOUT
    }
    fn plan(&self, unit: &mut Planner<'_>) -> Result<()> {
        for rec in unit.recordings() {
            let at = unit.tip(rec);
            let sfreq = unit.stream(at).sfreq();
            let found = unit.tap(at, |stream: &Stream| Ok(Some(NotFinite::new(stream))));
            let shown = unit.join(Some(rec), found, move |found, work| {
                let found = found.clone().unwrap_or_default();
                if !found.is_empty() {
                    let list: Vec<String> = found
                        .iter()
                        .take(MOST)
                        .map(|(name, sample)| format!("`{name}` at {:.3} s", *sample as f64 / sfreq))
                        .collect();
                    let more = found.len().saturating_sub(MOST);
                    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                    work.warn(format!(
                        "samples are NaN or infinite in {}{more} (first one of each); mark the channels as bad",
                        list.join(", ")
                    ));
                }
                Ok(found.len())
            });
            unit.facts(shown);
        }
        Ok(())
    }
}

/// The first such sample of each good data channel, outside of stretches that were not acquired.
struct NotFinite {
    channels: Vec<Option<String>>,
    gaps: Vec<(u64, u64)>,
    first: Mutex<BTreeMap<usize, u64>>,
}

impl NotFinite {
    fn new(stream: &Stream) -> Self {
        let info = &stream.info;
        let name = |index: usize| {
            let ch = &info.chs[index];
            (ch.ch_type().is_data() && !info.is_bad(index)).then(|| ch.name.clone())
        };
        let gaps = stream.gaps.iter().map(|gap| (gap.start, gap.stop)).collect();
        Self { channels: (0..info.n_channels()).map(name).collect(), gaps, first: Mutex::default() }
    }
    fn look<'x>(&self, ch: usize, start: u64, samples: impl Iterator<Item = &'x f64>) {
        let in_gap = |at: u64| self.gaps.iter().any(|(from, to)| (*from..*to).contains(&at));
        let found = (start..).zip(samples).find(|(at, x)| !x.is_finite() && !in_gap(*at));
        if let Some((at, _)) = found {
            let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
            let known = first.entry(ch).or_insert(at);
            *known = at.min(*known);
        }
    }
}

impl Sink for NotFinite {
    fn push(&mut self, block: &Block, _cx: &Cx) -> bakusoku_core::Result<()> {
        for (ch, row) in block.data.rows().into_iter().enumerate().filter(|(ch, _)| self.channels[*ch].is_some()) {
            self.look(ch, block.start, row.iter());
        }
        Ok(())
    }
    fn rows(&self) -> Option<&dyn RowSink> {
        Some(self)
    }
}

impl RowSink for NotFinite {
    fn wants(&self, ch: usize) -> bool {
        self.channels[ch].is_some()
    }
    fn push_row(&self, ch: usize, row: &[f64], _scratch: &mut Scratch) -> bakusoku_core::Result<()> {
        self.look(ch, 0, row.iter());
        Ok(())
    }
}

impl Tap for NotFinite {
    type Out = Vec<(String, u64)>;
    fn finish(self) -> Result<Self::Out> {
        let first = self.first.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(first.into_iter().filter_map(|(ch, at)| Some((self.channels[ch].clone()?, at))).collect())
    }
}
