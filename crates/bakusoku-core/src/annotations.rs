//! Marked stretches of a recording.

use crate::Span;
use serde::{Deserialize, Serialize};

/// One marked stretch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Annotation {
    /// Start (s); from what it counts says [`Annotations::orig_time`].
    pub onset: f64,
    /// Length (s).
    pub duration: f64,
    /// What it is; descriptions that start with `bad` (any case) mark stretches to be left out.
    pub description: String,
    /// The channels it is about; empty: all.
    pub ch_names: Vec<String>,
}

impl Annotation {
    /// The onset as whole microseconds, as MNE has it once annotations belong to a recording: Python's dates and times are
    /// whole microseconds. It decides where an onset between two samples goes.
    pub fn onset_in_whole_microseconds(&self) -> f64 {
        let whole = self.onset.trunc();
        (whole * 1e6 + ((self.onset - whole) * 1e6).round_ties_even()) / 1e6
    }
}

/// Where onsets count from, as seconds and microseconds since 1970 (UTC).
pub type OrigTime = (i64, i32);

/// Marked stretches, sorted by onset (MNE's `Annotations`).
///
/// With `orig_time` onsets count from that moment (usually the start of the measurement, `meas_date`, so that a
/// recording's first sample lies at `first_samp / sfreq`); without it from the recording's first sample.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Annotations {
    /// Where onsets count from; `None`: the first sample.
    pub orig_time: Option<OrigTime>,
    /// The stretches.
    pub items: Vec<Annotation>,
}

impl Annotations {
    /// Sorts by onset, then duration, as MNE does; what has both alike stays in order.
    pub fn sort(&mut self) {
        self.items.sort_by(|a, b| a.onset.total_cmp(&b.onset).then(a.duration.total_cmp(&b.duration)));
    }

    /// Seconds from the recording's first sample to the onset of `items[index]`.
    pub fn onset_from_first_sample(
        &self,
        index: usize,
        meas_date: Option<OrigTime>,
        first_samp: i64,
        sfreq: f64,
    ) -> f64 {
        let onset = self.items[index].onset_in_whole_microseconds();
        match (self.orig_time, meas_date) {
            (Some(orig), Some(meas)) => {
                let shift = (orig.0 - meas.0) as f64 + f64::from(orig.1 - meas.1) * 1e-6;
                onset + shift - first_samp as f64 / sfreq
            }
            // MNE counts such onsets from the first sample after `set_annotations`.
            _ => onset,
        }
    }

    /// The stretches, in samples of the stream, whose description starts with one of `prefixes` (any case).
    ///
    /// Ends are as in MNE's `_annotations_starts_stops`: start rounded by `time_as_index` with `use_rounding`, the stop
    /// from onset plus duration in the same way.
    pub fn spans(
        &self,
        prefixes: &[&str],
        meas_date: Option<OrigTime>,
        first_samp: i64,
        sfreq: f64,
        n_times: u64,
    ) -> Vec<Span> {
        let mut out = Vec::new();
        for (index, item) in self.items.iter().enumerate() {
            let description = item.description.to_lowercase();
            if !prefixes.iter().any(|prefix| description.starts_with(&prefix.to_lowercase())) {
                continue;
            }
            let onset = self.onset_from_first_sample(index, meas_date, first_samp, sfreq);
            let sample = |t: f64| (t * sfreq).round_ties_even().clamp(0.0, n_times as f64) as u64;
            out.push(Span::new(sample(onset), sample(onset + item.duration)));
        }
        out
    }
}
