//! Events: from `events.tsv` as annotations; else from the stimulus channel at the original rate, moved as
//! `raw.resample(events=…)` moves them, where conditions are codes, and from the recording's own annotations where they are
//! names.

mod page;

use self::page::{EventCount, ShownEvents};
use crate::config::Kind;
use crate::config::keys::{EVENTS, Key, NAMES, NONE, key};
use crate::config::{Checks, Config, Value};
use crate::plan::Planner;
use crate::report::Page;
use crate::report::facts::Facts;
use crate::step::{About, Script, Step};
use crate::unit::Run;
use crate::{Error, Result};
use bakusoku_bids::sidecar::{self, EventRow, EventsTable};
use bakusoku_core::{Annotation, Annotations, Event, Events, Need, Recording, Stream};
use bakusoku_methods::events::{FindEvents, Found, MaskType, events_from_annotations, matching_codes};
use bakusoku_methods::resample::resample_events;

const KEYS: &[Key] = &[
    key(
        EVENTS,
        "conditions",
        Kind::Either(&[NONE, NAMES, Kind::Map(&Kind::Either(&[Kind::Int(0), Kind::Text]))]),
        "\"none\"",
        "Conditions: { auditory = 1 } names stimulus codes; texts are trial_type names of events.tsv, parts between / are groups.",
    ),
    key(
        EVENTS,
        "events",
        Kind::Word(&["auto", "stim", "bids", "annotations"]),
        "\"auto\"",
        "Where events come from: \"auto\": events.tsv if there is one, else the stimulus channel for codes, annotations for names.",
    ),
    key(
        EVENTS,
        "stim_channel",
        Kind::Either(&[Kind::Text, NAMES]),
        "\"auto\"",
        "Stimulus channel; \"auto\": as MNE chooses (STI101, else STI 014, else STI014, else all of type stim).",
    ),
    key(
        EVENTS,
        "event_mask",
        Kind::Either(&[NONE, Kind::Int(0)]),
        "\"none\"",
        "Bits of the stimulus channel; see event_mask_type.",
    ),
    key(
        EVENTS,
        "event_mask_type",
        Kind::Word(&["and", "not_and"]),
        "\"and\"",
        "\"and\": keep the bits of event_mask; \"not_and\": leave them out.",
    ),
    key(
        EVENTS,
        "uint_cast",
        Kind::Bool,
        "false",
        "Whether values of the stimulus channel are 16 bits without a sign (Neuromag systems with STI016 active).",
    ),
    key(EVENTS, "min_duration", Kind::NotNegative, "0.0", "Shortest event (s)."),
    key(EVENTS, "shortest_event", Kind::Int(1), "2", "Shortest event (samples); a shorter one is an error."),
    key(EVENTS, "initial_event", Kind::Bool, "false", "Whether a value at the start of the recording is an event."),
    key(EVENTS, "event_offset", Kind::Number, "0.0", "Delay of the stimulus after its trigger (s)."),
    key(
        EVENTS,
        "on_missing",
        Kind::Word(&["raise", "warn", "ignore"]),
        "\"raise\"",
        "When a condition has no event in a subject.",
    ),
];

const ABOUT: &About = &About {
    name: "events",
    revision: 3,
    keys: &[
        "events",
        "conditions",
        "stim_channel",
        "event_mask",
        "event_mask_type",
        "uint_cast",
        "min_duration",
        "shortest_event",
        "initial_event",
        "event_offset",
        "on_missing",
    ],
    doc: "Finds events: events.tsv if there is one, else the stimulus channel at the original rate, or annotations.",
};

/// See the module.
pub(crate) struct FindEventsStep;

impl Step for FindEventsStep {
    fn about(&self) -> &'static About {
        ABOUT
    }
    fn keys(&self) -> &'static [Key] {
        KEYS
    }
    fn is_wanted(&self, config: &Config) -> bool {
        crate::steps::epochs::is_wanted(config)
    }
    fn check(&self, checks: &mut Checks<'_, '_>) {
        let conditions = checks.config.conditions();
        for (name, value) in &conditions {
            if conditions.iter().filter(|(_, other)| other == value).count() > 1 && matches!(value, Value::Int(_)) {
                let message = format!("condition `{name}` has a code that another one has too");
                checks.add(&["conditions"], message, "the same code twice", None);
            }
        }
        let codes = conditions.iter().filter(|(_, value)| matches!(value, Value::Int(_))).count();
        if codes != 0 && codes != conditions.len() {
            let hint = Some("use stimulus codes for all, or trial_type names for all");
            checks.add(&["conditions"], "`conditions` mixes codes and names", "codes and names", hint);
        }
        if checks.config.text("events") == Some("stim") && codes != conditions.len() {
            let hint = Some("write codes, as { auditory = 1 }");
            let message = "events = \"stim\" needs conditions with stimulus codes";
            checks.add(&["conditions", "events"], message, "names, not codes", hint);
        }
    }
    fn plan(&self, unit: &mut Planner<'_>) -> Result<()> {
        let runs = unit.runs();
        let mut found = Vec::new();
        for &rec in &runs {
            let run = unit.run(rec).clone();
            let at = unit.place(rec, "source").unwrap_or_else(|| unit.tip(rec));
            let mut files = Vec::new();
            if let Some(path) = run.events.as_ref().filter(|_| from_table(unit.config(), &run)) {
                files.push(unit.file_keys(path)?);
            }
            let read = unit.join_reading(Some(rec), (), vec![at], files, Need::default(), move |(), work| {
                let found = read(work.config, &run, &work.recording(at)?)?;
                if let FoundEvents::Stim(stim) = &found {
                    for name in &stim.negative {
                        work.warn(format!(
                            "stimulus channel `{name}` has negative values, whose absolute values count as events; if these are \
                             codes above 32767, write uint_cast = true"
                        ));
                    }
                }
                Ok(found)
            });
            found.push(read);
        }
        // What becomes of the recordings: events are moved to the rate of what epochs are cut from.
        let streams: Vec<(String, Stream, Stream)> = runs
            .iter()
            .map(|&rec| {
                let source = unit.place(rec, "source").unwrap_or_else(|| unit.tip(rec));
                (unit.label(rec).to_owned(), unit.stream(source).clone(), unit.stream(unit.tip(rec)).clone())
            })
            .collect();
        let events = unit.join(None, found, move |found, work| {
            let names = names(&found);
            let codes = NamedCodes::new(work.config, &names)?;
            let mut out = Vec::new();
            for (found, (label, source, cut)) in found.iter().zip(&streams) {
                out.push(of_run(work.config, &codes, found, source, cut).map_err(|error| Error::Step {
                    step: ABOUT.name,
                    run: Some(label.clone()),
                    source: Box::new(error),
                })?);
            }
            let codes_found: Vec<i64> = out.iter().flat_map(|run| run.events.iter().map(|event| event.code)).collect();
            for text in check_missing(work.config, &codes.event_id, &codes_found)? {
                work.warn(text);
            }
            Ok(UnitEvents { runs: out, event_id: codes.event_id })
        });
        for (index, &rec) in runs.iter().enumerate() {
            let own = unit.join(Some(rec), events, move |events, _| Ok(events.runs[index].shown.clone()));
            unit.facts(own);
        }
        unit.publish("events", events);
        Ok(())
    }
    fn section(&self, facts: &Facts, page: &mut Page) {
        for run in facts.runs() {
            if let Some(shown) = facts.get::<ShownEvents>(ABOUT.name, Some(run))
                && !shown.counts.is_empty()
            {
                page.recording(run, page::drawn(&shown, facts.recording(run).duration_s));
            }
        }
    }
    fn script(&self, config: &Config, script: &mut Script) {
        let codes: Vec<String> =
            named_codes(config).into_iter().map(|(name, code)| format!("{name:?}: {code}")).collect();
        if codes.is_empty() {
            script.line("events, event_id = mne.events_from_annotations(raw)");
        } else {
            script.line("events = mne.find_events(raw)").line(format!("event_id = {{{}}}", codes.join(", ")));
        }
    }
}

/// The events of a unit.
#[derive(Clone, Debug, Default)]
pub(crate) struct UnitEvents {
    /// Of each recording.
    pub(crate) runs: Vec<RunEvents>,
    /// Names and codes of those that the study uses: one mapping for all recordings.
    pub(crate) event_id: Vec<(String, i64)>,
}

/// What a recording (or its table) says.
#[derive(Clone, Debug)]
pub(crate) enum FoundEvents {
    /// Rows of `events.tsv` with the name or code of each.
    Table(Vec<(EventRow, String)>),
    /// Annotations of the recording, as rows of such a table.
    Annotations(Vec<(EventRow, String)>),
    /// Of stimulus channels.
    Stim(Found),
}

/// The events of one recording.
#[derive(Clone, Debug, Default)]
pub(crate) struct RunEvents {
    /// At the rate of the recording that epochs are cut from.
    pub(crate) events: Events,
    pub(crate) shown: ShownEvents,
}

/// Names (or codes) of all rows, over all recordings, in alphabetical order.
fn names(found: &[&FoundEvents]) -> Vec<String> {
    let rows = found.iter().filter_map(|found| match found {
        FoundEvents::Table(rows) | FoundEvents::Annotations(rows) => Some(rows),
        FoundEvents::Stim(_) => None,
    });
    let mut names: Vec<String> = rows.flatten().map(|(_, name)| name.clone()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// One mapping of names to codes over all recordings, as mne-bids-pipeline's `annotations_to_events`.
struct NamedCodes {
    /// Of all kinds of events in tables.
    all: Vec<(String, i64)>,
    /// Of those that the study uses.
    event_id: Vec<(String, i64)>,
}

impl NamedCodes {
    fn new(config: &Config, names: &[String]) -> Result<Self> {
        if has_codes(config) {
            let all = names.iter().filter_map(|name| Some((name.clone(), name.parse().ok()?))).collect();
            return Ok(Self { all, event_id: named_codes(config) });
        }
        let all: Vec<(String, i64)> = names.iter().cloned().zip(1..).collect();
        let used: Vec<i64> = condition_codes(config, &all)?.into_iter().flat_map(|(_, codes)| codes).collect();
        let event_id = all.iter().filter(|(_, code)| used.contains(code)).cloned().collect();
        Ok(Self { all, event_id })
    }
}

/// Whether conditions are stimulus codes.
fn has_codes(config: &Config) -> bool {
    config.conditions().iter().all(|(_, value)| matches!(value, Value::Int(_)))
}

/// Complains about a condition without an event in any recording, when the study wants that.
fn check_missing(config: &Config, event_id: &[(String, i64)], codes: &[i64]) -> Result<Vec<String>> {
    let mut warnings = Vec::new();
    for (name, code) in event_id.iter().filter(|(_, code)| !codes.contains(code)) {
        let mut there: Vec<i64> = codes.to_vec();
        there.sort_unstable();
        there.dedup();
        let message = format!("no event of condition `{name}` (code {code}) found");
        match config.text("on_missing") {
            Some("raise") => {
                let hint = format!("events found have the codes {there:?}; on_missing can be \"warn\" or \"ignore\"");
                return Err(Error::data(message, hint));
            }
            Some("warn") => warnings.push(message),
            _ => {}
        }
    }
    Ok(warnings)
}

/// How many events a recording may have: as many as its table has rows of its conditions, else a guess of two a second.
pub(crate) fn most(config: &Config, run: &Run, stream: &Stream) -> u64 {
    let rows = run.events.as_ref().filter(|_| from_table(config, run)).and_then(|path| sidecar::read_events(path).ok());
    let Some(table) = rows else { return (2.0 * stream.n_times as f64 / stream.sfreq()) as u64 };
    let conditions = config.conditions();
    let parts = |name: &str| name.split('/').map(str::to_owned).collect::<Vec<_>>();
    let used = |row: &&EventRow| {
        conditions.iter().any(|(name, value)| match (value, &row.trial_type, row.value) {
            (Value::Int(code), _, Some(value)) => *code == value,
            (Value::Str(text), Some(kind), _) => {
                let kind = parts(kind);
                parts(text).iter().all(|part| kind.contains(part)) || parts(name).iter().all(|part| kind.contains(part))
            }
            _ => true,
        })
    };
    // Names may come from elsewhere: then any row may be one.
    match table.rows.iter().filter(used).count() {
        0 => table.rows.len() as u64,
        n => n as u64,
    }
}

/// Whether the events of a run come from its `events.tsv`.
pub(crate) fn from_table(config: &Config, run: &Run) -> bool {
    run.events.is_some() && !matches!(config.text("events"), Some("stim" | "annotations"))
}

/// Finds the events of a run.
///
/// # Errors
/// When a file can't be read, or there is nothing that could hold events.
fn read(config: &Config, run: &Run, recording: &dyn Recording) -> Result<FoundEvents> {
    let codes = has_codes(config);
    if let Some(path) = run.events.as_ref().filter(|_| from_table(config, run)) {
        let bad = |kind: &str| kind.to_lowercase().starts_with("bad") || kind.to_lowercase().starts_with("edge");
        let name = |row: &EventRow| match codes {
            true => row.value.map(|value| value.to_string()),
            false => row.trial_type.clone(),
        };
        let rows = sidecar::read_events(path)?.rows;
        let is_empty = rows.is_empty();
        let good = rows.into_iter().filter(|row| !row.trial_type.as_deref().is_some_and(bad));
        let rows: Vec<_> = good.filter_map(|row| name(&row).map(|name| (row, name))).collect();
        // A table without a single event that could be meant leaves the word to the stimulus channel; without one it says
        // that there are none.
        if !rows.is_empty() || (is_empty && !codes) {
            return Ok(FoundEvents::Table(rows));
        }
    }
    let wanted = config.text("events");
    if wanted == Some("annotations") || wanted != Some("bids") && !codes {
        let rows = of_annotations(recording.stream(), codes);
        if !rows.is_empty() {
            return Ok(FoundEvents::Annotations(rows));
        }
    }
    if wanted == Some("annotations") {
        let message = format!("`{}` has no annotation that could be an event", run.name());
        return Err(Error::data(message, "events = \"auto\" looks into events.tsv and the stimulus channel, too"));
    }
    if wanted == Some("bids") || !codes {
        let what = match run.events {
            Some(_) => format!("the events.tsv of `{}` has no row with what the conditions need", run.name()),
            None if codes => format!("`{}` has no events.tsv", run.name()),
            None => format!("`{}` has neither events.tsv nor annotations", run.name()),
        };
        let hint = match codes {
            true => "write events = \"auto\" to use the stimulus channel",
            false => "conditions can be stimulus codes: { auditory = 1 }",
        };
        return Err(Error::data(what, hint));
    }
    of_stim(config, recording)
}

/// Annotations that mark no stretch to be left out, as rows of a table; where conditions are codes, those that are numbers.
fn of_annotations(stream: &Stream, codes: bool) -> Vec<(EventRow, String)> {
    let (annotations, info) = (&stream.annotations, &stream.info);
    let mut rows = Vec::new();
    for (index, item) in annotations.items.iter().enumerate() {
        let name = &item.description;
        let marks = ["bad", "edge"].iter().any(|mark| name.to_lowercase().starts_with(mark));
        let value = name.parse().ok();
        if marks || codes && value.is_none() {
            continue;
        }
        let onset = annotations.onset_from_first_sample(index, info.meas_date, stream.first_samp, info.sfreq);
        let trial_type = Some(name.clone());
        let row = EventRow { onset, duration: item.duration, trial_type, value, sample: None, line: index + 1 };
        rows.push((row, name.clone()));
    }
    rows
}

/// The events of a run with their codes, at the rate of `cut`.
fn of_run(
    config: &Config,
    codes: &NamedCodes,
    found: &FoundEvents,
    source: &Stream,
    cut: &Stream,
) -> Result<RunEvents> {
    match found {
        FoundEvents::Table(rows) => of_table(config, codes, rows, source, cut, "events.tsv"),
        FoundEvents::Annotations(rows) => of_table(config, codes, rows, source, cut, "annotations"),
        FoundEvents::Stim(Found { events, stim_channels, .. }) => {
            let times = |event: &Event| (event.sample - source.first_samp) as f64 / source.sfreq();
            let channels = format!("stimulus channel {}", stim_channels.join(", "));
            let shown = summary(channels, events, &codes.event_id, &codes.event_id, times);
            Ok(RunEvents { events: resample_events(events, source, cut), shown })
        }
    }
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

fn of_stim(config: &Config, recording: &dyn Recording) -> Result<FoundEvents> {
    let stream = recording.stream();
    let find = FindEvents {
        stim_channel: match config.get("stim_channel") {
            Value::Str(text) if text == "auto" => Vec::new(),
            value => value.texts(),
        },
        min_duration: config.number("min_duration").unwrap_or_default(),
        shortest_event: config.get("shortest_event").as_i64().unwrap_or_default(),
        mask: config.get("event_mask").as_i64(),
        mask_type: if config.text("event_mask_type") == Some("not_and") { MaskType::NotAnd } else { MaskType::And },
        initial_event: config.flag("initial_event"),
        uint_cast: config.flag("uint_cast"),
        ..FindEvents::default()
    };
    let mut found = find.find(recording)?;
    let offset = (config.number("event_offset").unwrap_or_default() * stream.sfreq()).round_ties_even() as i64;
    found.events.iter_mut().for_each(|event| event.sample += offset);
    Ok(FoundEvents::Stim(found))
}

/// Events of a table, as mne-bids makes them annotations and MNE makes these events of the resampled recording. Rows
/// outside of the recording are left out, as by mne-bids.
fn of_table(
    config: &Config,
    codes: &NamedCodes,
    rows: &[(EventRow, String)],
    source: &Stream,
    cut: &Stream,
    whence: &str,
) -> Result<RunEvents> {
    let offset = config.number("event_offset").unwrap_or_default();
    let end = source.n_times as f64 / source.sfreq();
    let inside =
        |row: &EventRow| EventsTable::is_inside(row, end) && row.onset + offset >= 0.0 && row.onset + offset <= end;
    // MNE counts annotations from the measurement's start where that is known: from there the first sample lies at
    // `first_samp / sfreq`, which is slightly another time after resampling.
    let dated = source.info.meas_date.is_some();
    let shift = if dated { source.first_samp as f64 / source.sfreq() } else { 0.0 };
    let items = rows
        .iter()
        .filter(|(row, _)| inside(row))
        .map(|(row, name)| Annotation {
            onset: row.onset + offset + shift,
            duration: row.duration,
            description: name.clone(),
            ch_names: Vec::new(),
        })
        .collect();
    let mut annotations = Annotations { orig_time: source.info.meas_date, items };
    annotations.sort();
    let annotated = Stream { annotations, ..cut.clone() };
    let events = match annotated.annotations.items.is_empty() {
        true => Events::default(),
        false => events_from_annotations(&annotated, Some(&codes.all))?.0,
    };
    let at = |event: &Event| (event.sample - cut.first_samp) as f64 / cut.sfreq();
    let names = if has_codes(config) { &codes.event_id } else { &codes.all };
    let shown = summary(whence.into(), &events, names, &codes.event_id, at);
    Ok(RunEvents { events, shown })
}

fn summary(
    source: String,
    events: &Events,
    names: &[(String, i64)],
    used: &[(String, i64)],
    time: impl Fn(&Event) -> f64,
) -> ShownEvents {
    let mut codes: Vec<i64> = events.iter().map(|event| event.code).collect();
    codes.sort_unstable();
    codes.dedup();
    let counts: Vec<EventCount> = codes
        .iter()
        .map(|&code| {
            let name = names.iter().find(|(_, other)| *other == code).map(|(name, _)| name.clone());
            let n = events.iter().filter(|event| event.code == code).count();
            let used = used.iter().any(|(_, other)| *other == code);
            EventCount { used, name: name.unwrap_or_else(|| code.to_string()), code, n }
        })
        .collect();
    let times = events.iter().map(|event| (time(event), codes.binary_search(&event.code).unwrap_or(0))).collect();
    ShownEvents { source, counts, times }
}
