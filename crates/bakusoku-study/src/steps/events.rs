//! Events: from `events.tsv` as annotations, else from the stimulus channel at the original rate, moved as
//! `raw.resample(events=…)` moves them.

use super::Step;
use crate::config::{Config, Value};
use crate::report::data::EventCount;
use crate::unit::Run;
use crate::{Error, Result};
use bakusoku_bids::sidecar::{self, EventRow, EventsTable};
use bakusoku_core::{Annotation, Annotations, Event, Events, Recording, Stream};
use bakusoku_methods::events::{FindEvents, MaskType, events_from_annotations, matching_codes};
use bakusoku_methods::resample::resample_events;

pub(crate) const STEP: Step = Step {
    name: "events",
    revision: 1,
    keys: &[
        "events",
        "conditions",
        "stim_channel",
        "event_mask",
        "event_mask_type",
        "min_duration",
        "shortest_event",
        "initial_event",
        "event_offset",
        "on_missing",
    ],
    doc: "Finds events: events.tsv if there is one, else the stimulus channel at the original rate.",
};

/// The events of one recording.
#[derive(Clone, Debug, Default)]
pub(crate) struct RunEvents {
    /// At the rate of the filtered recording.
    pub(crate) events: Events,
    /// Names and codes of those that the study uses, as they stand in the epochs.
    pub(crate) event_id: Vec<(String, i64)>,
    /// Where they come from, in words.
    pub(crate) source: String,
    /// All kinds of events found.
    pub(crate) counts: Vec<EventCount>,
    /// Onset (s from the first sample) and index into `counts`.
    pub(crate) times: Vec<(f64, usize)>,
}

/// Whether the events of a run come from its `events.tsv`.
pub(crate) fn from_table(config: &Config, run: &Run) -> bool {
    run.events.is_some() && config.text("events") != Some("stim")
}

/// Finds the events of a run; `filtered` is what its recording becomes.
///
/// # Errors
/// When there are none, or conditions have none.
pub(crate) fn find(config: &Config, run: &Run, input: &dyn Recording, filtered: &Stream) -> Result<RunEvents> {
    if let Some(path) = run.events.as_ref().filter(|_| config.text("events") != Some("stim")) {
        let rows = sidecar::read_events(path)?.rows;
        let codes = config.conditions().iter().all(|(_, value)| matches!(value, Value::Int(_)));
        if let Some(found) = of_table(config, &rows, codes, input.stream(), filtered)? {
            return Ok(found);
        }
    }
    if config.text("events") == Some("bids") {
        return Err(Error::data(
            format!("`{}` has no events.tsv with what the conditions need", run.name()),
            "write events = \"auto\" to use the stimulus channel",
        ));
    }
    if let Some((name, _)) = config.conditions().iter().find(|(_, value)| matches!(value, Value::Str(_))) {
        return Err(Error::data(
            format!("condition `{name}` is a trial_type, but `{}` has no events.tsv", run.name()),
            "conditions can be stimulus codes: { auditory = 1 }",
        ));
    }
    of_stim(config, input, filtered)
}

/// The conditions of the study, and the codes behind each.
///
/// # Errors
/// When a condition stands for no event.
pub(crate) fn condition_codes(config: &Config, event_id: &[(String, i64)]) -> Result<Vec<(String, Vec<i64>)>> {
    let optional = config.text("on_missing") != Some("raise");
    let mut out = Vec::new();
    for (name, value) in config.conditions() {
        match value {
            Value::Int(code) => out.push((name, vec![code])),
            Value::Str(kind) => match matching_codes(event_id, &kind) {
                Ok(codes) => out.push((name, codes)),
                Err(_) if optional => out.push((name, Vec::new())),
                Err(error) => return Err(error.into()),
            },
            _ => {}
        }
    }
    Ok(out)
}

/// Codes of the study's conditions as they are named there.
fn named_codes(config: &Config) -> Vec<(String, i64)> {
    config.conditions().into_iter().filter_map(|(name, value)| Some((name, value.as_i64()?))).collect()
}

fn of_stim(config: &Config, input: &dyn Recording, filtered: &Stream) -> Result<RunEvents> {
    let stream = input.stream();
    let find = FindEvents {
        stim_channel: match config.get("stim_channel") {
            Value::Str(text) if text == "auto" => Vec::new(),
            value => value.texts(),
        },
        min_duration: config.number("min_duration").unwrap_or(0.0),
        shortest_event: config.get("shortest_event").as_i64().unwrap_or(2),
        mask: config.get("event_mask").as_i64(),
        mask_type: if config.text("event_mask_type") == Some("not_and") { MaskType::NotAnd } else { MaskType::And },
        initial_event: config.flag("initial_event"),
        ..FindEvents::default()
    };
    let mut events = find.run(input)?;
    let offset = (config.number("event_offset").unwrap_or(0.0) * stream.sfreq()).round_ties_even() as i64;
    events.iter_mut().for_each(|event| event.sample += offset);
    let names = bakusoku_methods::events::stim_channels(&stream.info, &find.stim_channel)?;
    let event_id = named_codes(config);
    let times = |event: &Event| (event.sample - stream.first_samp) as f64 / stream.sfreq();
    let mut out = summary(format!("stimulus channel {}", names.join(", ")), &events, &event_id, times);
    out.events = resample_events(&events, stream, filtered);
    out.event_id = event_id;
    Ok(out)
}

/// Events of a table, as mne-bids makes them annotations and MNE makes these events of the resampled recording; `None`
/// when the table does not hold what the conditions need.
fn of_table(
    config: &Config,
    rows: &[EventRow],
    codes: bool,
    stream: &Stream,
    filtered: &Stream,
) -> Result<Option<RunEvents>> {
    let bad = |kind: &str| kind.to_lowercase().starts_with("bad") || kind.to_lowercase().starts_with("edge");
    // Rows outside of the recording have no sample; opening it said so.
    let length = stream.n_times as f64 / stream.sfreq();
    let inside = rows.iter().filter(|row| EventsTable::is_inside(row, length));
    let rows: Vec<&EventRow> = inside.filter(|row| !row.trial_type.as_deref().is_some_and(bad)).collect();
    let name = |row: &EventRow| if codes { row.value.map(|value| value.to_string()) } else { row.trial_type.clone() };
    let named: Vec<(&EventRow, String)> = rows.iter().filter_map(|row| Some((*row, name(row)?))).collect();
    if named.is_empty() {
        return Ok(None);
    }
    let mut kinds: Vec<&str> = named.iter().map(|(_, name)| name.as_str()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let all: Vec<(String, i64)> = kinds
        .iter()
        .enumerate()
        .map(|(index, kind)| ((*kind).to_owned(), if codes { kind.parse().unwrap_or(0) } else { index as i64 + 1 }))
        .collect();
    let offset = config.number("event_offset").unwrap_or(0.0);
    // MNE counts annotations from the measurement's start where that is known: from there the first sample lies at
    // `first_samp / sfreq`, which is slightly another time after resampling.
    let dated = stream.info.meas_date.is_some();
    let shift = if dated { stream.first_samp as f64 / stream.sfreq() } else { 0.0 };
    let items = named
        .iter()
        .map(|(row, name)| Annotation {
            onset: row.onset + offset + shift,
            duration: row.duration,
            description: name.clone(),
            ch_names: Vec::new(),
        })
        .collect();
    let mut annotations = Annotations { orig_time: stream.info.meas_date, items };
    annotations.sort();
    let annotated = Stream { annotations, ..filtered.clone() };
    let (events, _) = events_from_annotations(&annotated, Some(&all))?;
    let mut event_id: Vec<(String, i64)> = if codes { named_codes(config) } else { Vec::new() };
    if !codes {
        let used: Vec<i64> = condition_codes(config, &all)?.into_iter().flat_map(|(_, codes)| codes).collect();
        event_id = all.iter().filter(|(_, code)| used.contains(code)).cloned().collect();
    }
    let label: Vec<(String, i64)> = if codes { event_id.clone() } else { all };
    let at = |event: &Event| (event.sample - filtered.first_samp) as f64 / filtered.sfreq();
    let mut out = summary("events.tsv".into(), &events, &label, at);
    for count in &mut out.counts {
        count.used = event_id.iter().any(|(_, code)| *code == count.code);
    }
    out.events = events;
    out.event_id = event_id;
    Ok(Some(out))
}

fn summary(source: String, events: &Events, names: &[(String, i64)], time: impl Fn(&Event) -> f64) -> RunEvents {
    let mut codes: Vec<i64> = events.iter().map(|event| event.code).collect();
    codes.sort_unstable();
    codes.dedup();
    let counts: Vec<EventCount> = codes
        .iter()
        .map(|&code| {
            let name = names.iter().find(|(_, other)| *other == code).map(|(name, _)| name.clone());
            let n = events.iter().filter(|event| event.code == code).count();
            EventCount { used: name.is_some(), name: name.unwrap_or_else(|| code.to_string()), code, n }
        })
        .collect();
    let times = events.iter().map(|event| (time(event), codes.binary_search(&event.code).unwrap_or(0))).collect();
    RunEvents { source, counts, times, ..RunEvents::default() }
}
