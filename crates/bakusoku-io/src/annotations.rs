//! Annotations as a recording has them, whatever its format.

use bakusoku_core::{Annotation, Annotations, Info, OrigTime, Span};
use std::collections::HashSet;

fn seconds_between(later: OrigTime, earlier: OrigTime) -> f64 {
    (later.0.saturating_sub(earlier.0)) as f64 + (f64::from(later.1) - f64::from(earlier.1)) * 1e-6
}

/// What MNE's `set_annotations` makes of a raw file's annotations: cut to the data; onsets from `meas_date` on where
/// there is one, else from the first sample.
pub(crate) fn of_raw(
    mut a: Annotations,
    meas_date: Option<OrigTime>,
    first_samp: i64,
    sfreq: f64,
    n_times: u64,
) -> Annotations {
    let first_time = first_samp as f64 / sfreq;
    // Seconds from the first sample to where onsets count from.
    let shift = match (a.orig_time, meas_date) {
        (Some(orig), Some(meas)) => seconds_between(orig, meas) - first_time,
        (None, Some(_)) => 0.0,
        (_, None) => -first_time,
    };
    let stop = n_times as f64 / sfreq;
    a.items.retain(|item| {
        let onset = item.onset + shift;
        onset.is_finite() && item.duration.is_finite() && onset <= stop && onset + item.duration >= 0.0
    });
    let offset = shift + if meas_date.is_some() { first_time } else { 0.0 };
    for item in &mut a.items {
        let onset = item.onset + shift;
        let limited = (onset.max(0.0), (onset + item.duration).min(stop));
        if limited != (onset, onset + item.duration) {
            item.onset += limited.0 - onset;
            item.duration = (limited.1 - limited.0).max(0.0);
        }
        // Left alone where nothing moves, so that reading and writing changes no bit.
        if offset != 0.0 {
            item.onset += offset;
        }
    }
    a.orig_time = meas_date;
    a.sort();
    a
}

/// Marks gaps as `BAD_ACQ_SKIP`, as MNE does, where the file does not say so itself.
pub(crate) fn mark_gaps(marked: &mut Annotations, gaps: &[Span], info: &Info, first_samp: i64, n_times: u64) {
    if gaps.is_empty() {
        return;
    }
    let known = marked.spans(&["bad_acq_skip"], info.meas_date, first_samp, info.sfreq, n_times);
    let offset = if marked.orig_time.is_some() { first_samp as f64 } else { 0.0 };
    let known: HashSet<(u64, u64)> = known.into_iter().map(|span| (span.start, span.stop)).collect();
    for gap in gaps.iter().filter(|gap| !known.contains(&(gap.start, gap.stop))) {
        marked.items.push(Annotation {
            onset: (gap.start as f64 + offset) / info.sfreq,
            duration: gap.len() as f64 / info.sfreq,
            description: "BAD_ACQ_SKIP".to_owned(),
            ch_names: Vec::new(),
        });
    }
    marked.sort();
}
