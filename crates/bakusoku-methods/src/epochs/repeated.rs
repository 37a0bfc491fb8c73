//! Events that fall on the same sample.

use super::{EventId, EventRepeated, Selection};
use bakusoku_core::{Error, Event, Result};
use std::collections::BTreeSet;

/// Resolves events on the same sample (`mne.epochs._handle_event_repeated`).
pub(super) fn resolve(mut selection: Selection, how: EventRepeated) -> Result<Selection> {
    let samples: BTreeSet<i64> = selection.events.iter().map(|event| event.sample).collect();
    if samples.len() == selection.events.len() {
        return Ok(selection);
    }
    let (reason, keep) = match how {
        EventRepeated::Error => {
            return Err(Error::Data {
                message: "several events fall on the same sample, expected one at most".into(),
                hint: Some("set `event_repeated` to \"drop\" or \"merge\"".into()),
            });
        }
        EventRepeated::Drop => {
            // In order of time, the first of each.
            let keep = samples.iter().map(|&sample| first_at(&selection.events, sample)).collect();
            ("DROP DUPLICATE", keep)
        }
        EventRepeated::Merge => {
            let gone = merge(&mut selection);
            let keep = (0..selection.events.len()).filter(|index| !gone.contains(index)).collect();
            ("MERGE DUPLICATE", keep)
        }
    };
    let keep: Vec<usize> = keep;
    for index in (0..selection.events.len()).filter(|index| !keep.contains(index)) {
        selection.drop_log[selection.selection[index]].push(reason.into());
    }
    selection.events = keep.iter().map(|&index| selection.events[index]).collect();
    selection.selection = keep.iter().map(|&index| selection.selection[index]).collect();
    let used: BTreeSet<i64> = selection.events.iter().flat_map(|event| [event.previous, event.code]).collect();
    selection.event_id.retain(|(_, code)| used.contains(code));
    Ok(selection)
}

fn first_at(events: &[Event], sample: i64) -> usize {
    events.iter().position(|event| event.sample == sample).expect("the sample was taken from these events")
}

/// Makes the first event of each sample stand for all of them; returns the others (`mne.epochs._merge_events`).
fn merge(selection: &mut Selection) -> BTreeSet<usize> {
    let events = selection.events.clone();
    let mut gone = BTreeSet::new();
    let samples: BTreeSet<i64> = events.iter().map(|event| event.sample).collect();
    for sample in samples {
        let here: Vec<usize> = (0..events.len()).filter(|&index| events[index].sample == sample).collect();
        if here.len() < 2 {
            continue;
        }
        let befores: BTreeSet<i64> = here.iter().map(|&index| events[index].previous).collect();
        let codes: BTreeSet<i64> = here.iter().map(|&index| events[index].code).collect();
        let first = codes.iter().next().copied().unwrap_or_default();
        let code = if codes.len() == 1 { first } else { merged_code(&mut selection.event_id, &codes, &events) };
        let previous = if befores.len() == 1 { befores.iter().next().copied().unwrap_or_default() } else { 0 };
        selection.events[here[0]] = Event { sample, previous, code };
        gone.extend(&here[1..]);
    }
    gone
}

/// The code of several events at once: that of a name made of the same parts, else a free one.
fn merged_code(event_id: &mut EventId, codes: &BTreeSet<i64>, events: &[Event]) -> i64 {
    let names: BTreeSet<String> = codes
        .iter()
        .filter_map(|code| event_id.iter().find(|(_, other)| other == code).map(|(name, _)| name.clone()))
        .collect();
    let parts = |name: &str| name.split('/').map(str::to_owned).collect::<BTreeSet<String>>();
    if let Some((_, code)) = event_id.iter().find(|(name, _)| parts(name) == names) {
        return *code;
    }
    let mut taken: BTreeSet<i64> = event_id.iter().map(|(_, code)| *code).collect();
    taken.extend(events.iter().flat_map(|event| [event.previous, event.code]));
    let taken: Vec<i64> = taken.into_iter().collect();
    let code = if taken[0] > 1 {
        1
    } else {
        // Behind the first one that has no neighbour, else behind the last.
        taken.windows(2).find(|w| w[1] - w[0] > 1).map_or(taken[taken.len() - 1] + 1, |w| w[0] + 1)
    };
    event_id.push((names.into_iter().collect::<Vec<_>>().join("/"), code));
    code
}
