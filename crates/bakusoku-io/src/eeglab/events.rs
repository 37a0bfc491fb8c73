//! Events as annotations.

use super::mat::Value;
use super::set::Set;
use bakusoku_core::{Annotation, Annotations};

/// The events of a continuous set, onsets from its first sample.
pub(super) fn annotations(set: &Set) -> Annotations {
    let Some(events) = set.records("event") else { return Annotations::default() };
    let column = |name| events.column(name).map(|column| column.collect::<Vec<&Value>>());
    let (Some(latencies), Some(types)) = (column("latency"), column("type")) else {
        tracing::warn!("`{}`: its events have no `latency` or no `type`; they are left out", set.path.display());
        return Annotations::default();
    };
    let durations = column("duration");
    let (mut items, mut n_nowhere, mut n_before) = (Vec::new(), 0usize, 0usize);
    for (index, (latency, event_type)) in latencies.into_iter().zip(types).enumerate() {
        // Latencies count samples from 1, with fractions.
        let Some(sample) = latency.number().map(|latency| latency - 1.0).filter(|sample| sample.is_finite()) else {
            n_nowhere += 1;
            continue;
        };
        n_before += usize::from((sample).round_ties_even() < 0.0);
        let duration = durations.as_ref().and_then(|durations| durations[index].number());
        items.push(Annotation {
            onset: sample / set.sfreq,
            duration: duration.filter(|duration| duration.is_finite()).unwrap_or(0.0) / set.sfreq,
            description: event_type.shown(),
            ch_names: Vec::new(),
        });
    }
    if n_nowhere > 0 {
        tracing::warn!("`{}`: {n_nowhere} events have no latency; they are left out, as in EEGLAB", set.path.display());
    }
    if n_before > 0 {
        tracing::warn!("`{}`: {n_before} events lie before the first sample; they are left out", set.path.display());
    }
    if items.iter().any(|item| item.description == "boundary") {
        tracing::warn!(
            "`{}`: samples are missing where annotations say `boundary`; filters should not run across them",
            set.path.display()
        );
    }
    Annotations { orig_time: None, items }
}
