//! Which events become epochs.

use super::{EpochsParams, OnMissing, repeated};
use bakusoku_core::{Error, Event, Result};

/// Names of conditions and their codes.
pub type EventId = Vec<(String, i64)>;

/// Which events become epochs, and why the others do not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    /// The events, one per epoch.
    pub events: Vec<Event>,
    /// Which of the original events each one is.
    pub selection: Vec<usize>,
    /// Names and codes.
    pub event_id: EventId,
    /// For every original event why it was dropped; empty: not yet.
    pub drop_log: Vec<Vec<String>>,
}

/// Chooses the events of the conditions, and resolves those that fall on the same sample.
///
/// Without `event_id` every code is a condition named by its number.
///
/// # Errors
/// When a condition has no event, or events fall on the same sample, and the parameters do not allow it.
pub fn select_events(events: &[Event], event_id: Option<&EventId>, params: &EpochsParams) -> Result<Selection> {
    let event_id: EventId = match event_id {
        Some(event_id) => event_id.clone(),
        None => {
            let mut codes: Vec<i64> = events.iter().map(|event| event.code).collect();
            codes.sort_unstable();
            codes.dedup();
            codes.into_iter().map(|code| (code.to_string(), code)).collect()
        }
    };
    for (name, code) in &event_id {
        if !events.iter().any(|event| event.code == *code) {
            let message = format!("no event of condition `{name}` (code {code}) found");
            match params.on_missing {
                OnMissing::Raise => {
                    return Err(Error::Data {
                        message,
                        hint: Some("`on_missing` can be \"warn\" or \"ignore\"".into()),
                    });
                }
                OnMissing::Warn => tracing::warn!("{message}"),
                OnMissing::Ignore => {}
            }
        }
    }
    let wanted = |event: &Event| event_id.iter().any(|(_, code)| *code == event.code);
    let selection: Vec<usize> = (0..events.len()).filter(|&index| wanted(&events[index])).collect();
    if selection.is_empty() && !events.is_empty() {
        return Err(Error::data("none of the events belongs to a condition, expected at least one"));
    }
    let drop_log =
        events.iter().map(|event| if wanted(event) { Vec::new() } else { vec!["IGNORED".to_owned()] }).collect();
    let chosen =
        Selection { events: selection.iter().map(|&index| events[index]).collect(), selection, event_id, drop_log };
    let chosen = repeated::resolve(chosen, params.event_repeated)?;
    if chosen.events.windows(2).any(|w| w[1].sample <= w[0].sample) {
        tracing::warn!("the events are not in order of time");
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::super::EventRepeated;
    use super::*;

    fn events(list: &[(i64, i64)]) -> Vec<Event> {
        list.iter().map(|&(sample, code)| Event { sample, previous: 0, code }).collect()
    }

    #[test]
    fn other_events_are_ignored() {
        let events = events(&[(10, 1), (20, 2), (30, 9)]);
        let params = EpochsParams::default();
        let chosen = select_events(&events, Some(&vec![("a".into(), 1), ("b".into(), 9)]), &params).unwrap();
        assert_eq!(chosen.selection, [0, 2]);
        assert_eq!(chosen.drop_log, [vec![], vec!["IGNORED".to_owned()], vec![]]);
        assert!(select_events(&events, Some(&vec![("c".into(), 4)]), &params).is_err());
        let names: Vec<_> = select_events(&events, None, &params).unwrap().event_id;
        assert_eq!(names, [("1".into(), 1), ("2".into(), 2), ("9".into(), 9)]);
    }

    #[test]
    fn repeated_events_are_dropped_or_merged() {
        let events = events(&[(10, 1), (10, 2), (20, 2), (20, 1), (30, 1), (30, 1)]);
        let event_id: EventId = vec![("aud".into(), 1), ("vis".into(), 2)];
        let with = |event_repeated| EpochsParams { event_repeated, ..Default::default() };
        assert!(select_events(&events, Some(&event_id), &with(EventRepeated::Error)).is_err());
        let dropped = select_events(&events, Some(&event_id), &with(EventRepeated::Drop)).unwrap();
        assert_eq!(dropped.selection, [0, 2, 4]);
        assert_eq!(dropped.drop_log[1], ["DROP DUPLICATE"]);
        let merged = select_events(&events, Some(&event_id), &with(EventRepeated::Merge)).unwrap();
        assert_eq!(merged.selection, [0, 2, 4]);
        assert_eq!(merged.events.iter().map(|e| e.code).collect::<Vec<_>>(), [3, 3, 1]);
        // As MNE 1.13: `vis` is gone, no event of it is left.
        assert_eq!(merged.event_id, [("aud".into(), 1), ("aud/vis".into(), 3)]);
        assert_eq!(merged.drop_log[5], ["MERGE DUPLICATE"]);
    }
}
