//! Epochs per run, runs of a task concatenated; projected, rejected, freed from their baseline.

mod page;
mod spool;

use self::page::DropData;
use self::spool::{EpochsIndex, EpochsSpool, samples};
use crate::config::keys::{CLEAN, EVENTS, Key, NONE, NUMBER_OR_NONE, RESULTS, SPAN, key};
use crate::config::{Checks, Config, Value};
use crate::config::{Field, Kind};
use crate::input::wanted_types;
use crate::plan::{EpochsAt, Planner, Product};
use crate::report::facts::Facts;
use crate::report::{Page, Row};
use crate::step::{About, MethodsText, Script, Step, number};
use crate::steps::events::{UnitEvents, condition_codes};
use crate::{Error, Result};
use bakusoku_core::containers::Epochs;
use bakusoku_core::{Bytes, ChannelType, Info, Need, Picks, Recording, Stream};
use bakusoku_fiff::FileId;
use bakusoku_io::fif::{EpochsExtras, write_epochs_from};
use bakusoku_methods::epochs::{EpochsParams, EpochsPlan, EventRepeated, OnMissing};
use std::path::Path;

/// Channel types that can have a rejection limit.
pub(crate) const LIMITS: &[Field] = &[
    Field { name: "mag", kind: Kind::Positive, doc: "T" },
    Field { name: "grad", kind: Kind::Positive, doc: "T/m" },
    Field { name: "eeg", kind: Kind::Positive, doc: "V" },
    Field { name: "eog", kind: Kind::Positive, doc: "V" },
    Field { name: "ecg", kind: Kind::Positive, doc: "V" },
];

const KEYS: &[Key] = &[
    key(EVENTS, "epochs_tmin", Kind::Number, "-0.2", "Start of epochs (s)."),
    key(EVENTS, "epochs_tmax", Kind::Number, "0.5", "End of epochs (s)."),
    key(
        EVENTS,
        "baseline",
        Kind::Either(&[NONE, SPAN]),
        "[\"none\", 0]",
        "Baseline (s); \"none\" in a pair: the epoch's edge; \"none\": no baseline.",
    ),
    key(EVENTS, "epochs_decim", Kind::Int(1), "1", "Keep every n-th sample of the epochs."),
    key(EVENTS, "detrend", Kind::Either(&[NONE, Kind::Word(&["constant", "linear"])]), "\"none\"", "Detrend epochs."),
    key(
        EVENTS,
        "event_repeated",
        Kind::Word(&["error", "drop", "merge"]),
        "\"error\"",
        "When two events have the same sample.",
    ),
    key(
        CLEAN,
        "reject",
        Kind::Either(&[NONE, Kind::Word(&["autoreject_global", "autoreject_local"]), Kind::Table(LIMITS)]),
        "\"none\"",
        "Peak-to-peak limits above which an epoch is dropped (T, T/m, V).",
    )
    .but(
        &["\"autoreject_global\"", "\"autoreject_local\""],
        "write limits, as { mag = 4e-12, grad = 4e-10, eeg = 150e-6 }",
    ),
    key(
        CLEAN,
        "flat",
        Kind::Either(&[NONE, Kind::Table(LIMITS)]),
        "\"none\"",
        "Peak-to-peak limits below which an epoch is dropped (T, T/m, V).",
    ),
    key(CLEAN, "reject_tmin", NUMBER_OR_NONE, "\"none\"", "Start of the stretch that decides about rejection (s)."),
    key(CLEAN, "reject_tmax", NUMBER_OR_NONE, "\"none\"", "End of the stretch that decides about rejection (s)."),
    key(CLEAN, "reject_by_annotation", Kind::Bool, "true", "Drop epochs that overlap a BAD_ annotation."),
    key(RESULTS, "save_epochs", Kind::Bool, "true", "Write the epochs (_epo.fif)."),
];

const CUT: &About = &About {
    name: "cut",
    revision: 2,
    keys: &[
        "ch_types",
        "conditions",
        "epochs_tmin",
        "epochs_tmax",
        "baseline",
        "epochs_decim",
        "detrend",
        "event_repeated",
        "on_missing",
        "reject",
        "flat",
        "reject_tmin",
        "reject_tmax",
        "reject_by_annotation",
        "eeg_reference",
    ],
    doc: "Cuts epochs per run, applies projectors, baseline and rejection.",
};

const ABOUT: &About =
    &About { name: "epochs", revision: 2, keys: &[], doc: "Concatenates the epochs of all runs (_epo.fif)." };

/// Cuts epochs; steps behind it may put operators before or behind the rejection.
pub(crate) struct CutEpochs;

/// Puts the epochs of all runs together.
pub(crate) struct ConcatenateEpochs;

/// The epochs of all recordings, and what is known of them when they are through.
#[derive(Clone)]
pub(crate) struct UnitEpochs {
    /// Of each recording.
    pub(crate) at: Vec<EpochsAt>,
    /// All of them, without samples.
    pub(crate) joined: Product<Epochs>,
    /// Bytes of one epoch.
    pub(crate) bytes: u64,
    /// How many there may be.
    pub(crate) most: u64,
}

impl Step for CutEpochs {
    fn about(&self) -> &'static About {
        CUT
    }
    fn keys(&self) -> &'static [Key] {
        KEYS
    }
    fn is_wanted(&self, config: &Config) -> bool {
        is_wanted(config)
    }
    fn check(&self, checks: &mut Checks<'_, '_>) {
        let config = checks.config;
        let (Some(tmin), Some(tmax)) = (config.number("epochs_tmin"), config.number("epochs_tmax")) else { return };
        if tmin >= tmax {
            let message = format!("`epochs_tmin` must be below `epochs_tmax`, got {tmin} and {tmax} s");
            checks.add(&["epochs_tmin", "epochs_tmax"], message, "ends before it starts", None);
        }
        if tmax - tmin > MAX_LENGTH {
            let message = format!(
                "epochs of {} s are longer than any recording, `epochs_tmin` and `epochs_tmax` are in s",
                tmax - tmin
            );
            checks.add(&["epochs_tmin", "epochs_tmax"], message, "too long", None);
        }
        checks.inside_epochs("baseline");
    }
    fn plan(&self, unit: &mut Planner<'_>) -> Result<()> {
        let Some(events) = unit.find::<Product<UnitEvents>>("events") else { return Ok(()) };
        let runs = unit.runs();
        let mut cut_epochs: Vec<EpochsAt> = Vec::new();
        for (index, &rec) in runs.iter().enumerate() {
            let tip = unit.tip(rec);
            // The cutter's batch and the writer's slice; the rest waits on disk.
            let bytes = bytes(unit.config(), unit.stream(tip)) * (4 * unit.context.threads as u64 + 4);
            let need = Need { memory: Bytes(bytes), ..Need::default() };
            let config = unit.config().clone();
            cut_epochs.push(unit.epochs(tip, events, need, move |events, stream| cut(&config, events, index, stream)));
        }
        unit.publish("cut", cut_epochs);
        Ok(())
    }
    fn methods(&self, config: &Config, text: &mut MethodsText) {
        let (tmin, tmax) = (number(config.number("epochs_tmin")), number(config.number("epochs_tmax")));
        let mut what = format!("Epochs were cut from {tmin} to {tmax} s around events");
        if let Some((start, stop)) = config.pair("baseline") {
            let edge = |time: Option<f64>, edge: &str| time.map_or_else(|| edge.to_owned(), |time| time.to_string());
            what +=
                &format!(" and baseline-corrected by the mean from {} to {} s", edge(start, &tmin), edge(stop, &tmax));
        }
        text.say(what);
        let limits = config.limits("reject");
        if !limits.is_empty() {
            let limits: Vec<String> = limits.iter().map(|(name, value)| limit(name, *value)).collect();
            text.say(format!("Epochs whose peak-to-peak amplitude exceeded {} were dropped", limits.join(", ")));
        }
    }
    fn script(&self, config: &Config, script: &mut Script) {
        let (tmin, tmax) = (number(config.number("epochs_tmin")), number(config.number("epochs_tmax")));
        let pair = |(start, stop)| format!("({}, {})", number(start), number(stop));
        let baseline = config.pair("baseline").map_or_else(|| "None".into(), pair);
        script.line(format!("epochs = mne.Epochs(raw, events, event_id, {tmin}, {tmax}, baseline={baseline})"));
    }
}

impl Step for ConcatenateEpochs {
    fn about(&self) -> &'static About {
        ABOUT
    }
    fn is_wanted(&self, config: &Config) -> bool {
        is_wanted(config)
    }
    fn plan(&self, unit: &mut Planner<'_>) -> Result<()> {
        let Some(events) = unit.find::<Product<UnitEvents>>("events") else { return Ok(()) };
        let at: Vec<EpochsAt> = unit.find("cut").unwrap_or_default();
        let runs = unit.runs();
        let (mut one, mut most, mut indices, mut spools) = (0, 0, Vec::new(), Vec::new());
        for (&epochs, &rec) in at.iter().zip(&runs) {
            let bytes = bytes(unit.config(), unit.stream(unit.tip(rec)));
            let n = crate::steps::events::most(unit.config(), unit.run(rec), unit.input(rec).stream());
            (one, most) = (one.max(bytes), most + n);
            indices.push(unit.collect(vec![epochs], Need::default(), |_| Ok(EpochsIndex::default())));
            if unit.config().flag("save_epochs") {
                let need = Need { disk: Bytes(bytes * n), ..Need::default() };
                spools.push(unit.collect(vec![epochs], need, |work| Ok(EpochsSpool::new(work.spill))));
            }
        }
        let joined = unit.join(None, (indices, events), |(indices, events), work| {
            let mut joined = concatenate_runs(indices.into_iter().cloned().collect())?;
            for (name, code) in &events.event_id {
                if !joined.event_id.iter().any(|(other, _)| other == name) {
                    joined.event_id.push((name.clone(), *code));
                }
            }
            if joined.events.is_empty() {
                return Err(nothing_left(work.config, &joined, events));
            }
            Ok(joined)
        });
        if unit.config().flag("save_epochs") {
            let keys = unit.derive(&unit.own(), &[], &[joined.id]);
            let config = unit.config().clone();
            let sfreq = unit.stream(unit.tip(runs[0])).sfreq();
            let path = unit.unit_file("epo", ".fif");
            unit.file_from(None, path, keys, (joined, spools), move |(joined, spools), path, id| {
                write(path, joined, &config, sfreq, id, &mut samples(&spools))
            });
            // Single precision.
            unit.file_size(one * most / 2);
        }
        let drops = unit.join(None, (joined, events), |(joined, events), work| {
            let conditions = condition_codes(work.config, &joined.event_id)?;
            Ok(drops(joined, &codes_before(events), &conditions))
        });
        unit.facts(drops);
        unit.publish("epochs", UnitEpochs { at, joined, bytes: one, most });
        Ok(())
    }
    fn section(&self, facts: &Facts, page: &mut Page) {
        if let Some(drops) = facts.get::<DropData>(ABOUT.name, None) {
            page.tile(format!("{} of {}", drops.n_kept, drops.n_before), "epochs kept");
            page.section("epochs", "Epochs", page::drawn(&drops));
        }
    }
    fn summary(&self, facts: &Facts, row: &mut Row) {
        if let Some(drops) = facts.get::<DropData>(ABOUT.name, None) {
            row.cell("epochs kept", [format!("{} of {}", drops.n_kept, drops.n_before)]);
        }
    }
}

/// Longest epochs (s): a day.
const MAX_LENGTH: f64 = 86_400.0;

/// A limit in the unit that people use.
fn limit(ch_type: &str, value: f64) -> String {
    let (factor, unit) = match ch_type {
        "mag" => (1e15, "fT"),
        "grad" => (1e13, "fT/cm"),
        _ => (1e6, "µV"),
    };
    let value = format!("{:.3}", value * factor);
    format!("{} {unit} ({ch_type})", value.trim_end_matches('0').trim_end_matches('.'))
}

/// What will be cut from a recording. One without any event of a condition gives no epochs, and is no error.
fn cut(config: &Config, events: &UnitEvents, index: usize, stream: &Stream) -> Result<EpochsPlan> {
    let stream = crate::steps::reference::with_projector(config, stream)?;
    let picks = picks(config, &stream.info)?;
    let params = params(config, &stream.info);
    let own = &events.runs[index].events;
    let any = own.iter().any(|event| events.event_id.iter().any(|(_, code)| *code == event.code));
    let own = if any { &own[..] } else { &[] };
    Ok(EpochsPlan::new(&stream, own, Some(&events.event_id), Some(&picks), &params)?)
}

/// Codes of all events that could become epochs.
fn codes_before(events: &UnitEvents) -> Vec<i64> {
    let used = |code: &i64| events.event_id.iter().any(|(_, other)| other == code);
    events.runs.iter().flat_map(|run| run.events.iter().map(|event| event.code)).filter(used).collect()
}

/// Why a subject has no epoch at all, and what helps.
fn nothing_left(config: &Config, joined: &Epochs, events: &UnitEvents) -> Error {
    let before = codes_before(events);
    let drops = drops(joined, &before, &[]);
    if before.is_empty() {
        return Error::data(
            "no event of any condition was found",
            "compare `conditions` with events.tsv, or with the codes of the stimulus channel",
        );
    }
    let why: Vec<String> = drops.by_reason.iter().take(3).map(|(name, n)| format!("{name} ({n})")).collect();
    let message = format!("all {} epochs were dropped: {}", drops.n_before, why.join(", "));
    let first = drops.by_reason.first().map_or("", |(reason, _)| reason.as_str());
    let length = |key| number(config.number(key));
    let hint = match first {
        "NO_DATA" | "TOO_SHORT" => format!(
            "epochs from {} to {} s reach beyond the recording; `epochs_tmin` and `epochs_tmax` are in s",
            length("epochs_tmin"),
            length("epochs_tmax")
        ),
        reason if reason.to_lowercase().starts_with("bad") => {
            "stretches marked as bad cover all events; see `annotations` and `reject_by_annotation`".into()
        }
        _ => "raise the limits of `reject`, or mark the channels as bad".into(),
    };
    Error::data(message, hint)
}

/// Limits by channel type; those for types that are not there are left out.
pub(crate) fn limits(config: &Config, key: &str, info: &Info) -> Vec<(ChannelType, f64)> {
    let known =
        config.limits(key).into_iter().filter_map(|(name, value)| Some((ChannelType::from_name(&name)?, value)));
    known.filter(|(ch_type, _)| info.chs.iter().any(|ch| ch.ch_type() == *ch_type)).collect()
}

/// Parameters for the channels at hand.
fn params(config: &Config, info: &Info) -> EpochsParams {
    EpochsParams {
        tmin: config.number("epochs_tmin").unwrap_or_default(),
        tmax: config.number("epochs_tmax").unwrap_or_default(),
        baseline: config.pair("baseline"),
        reject: limits(config, "reject", info),
        flat: limits(config, "flat", info),
        reject_tmin: config.number("reject_tmin"),
        reject_tmax: config.number("reject_tmax"),
        detrend: match config.text("detrend") {
            Some("constant") => Some(0),
            Some("linear") => Some(1),
            _ => None,
        },
        // The pipeline applies the baseline to epochs that are decimated already.
        baseline_after_decim: true,
        decim: config.get("epochs_decim").as_i64().map_or(1, |n| n as usize),
        proj: true,
        event_repeated: match config.text("event_repeated") {
            Some("drop") => EventRepeated::Drop,
            Some("merge") => EventRepeated::Merge,
            _ => EventRepeated::Error,
        },
        reject_by_annotation: config.flag("reject_by_annotation"),
        // Whether a condition is there is asked of all runs together.
        on_missing: OnMissing::Ignore,
    }
}

/// The channels of epochs: all but data channels of other types than the study's.
fn picks(config: &Config, info: &Info) -> Result<Picks> {
    let wanted = wanted_types(config);
    let keep = |index: &usize| {
        let ch_type = info.chs[*index].ch_type();
        !ch_type.is_data() || wanted.contains(&ch_type)
    };
    Ok(Picks::new((0..info.n_channels()).filter(keep).collect(), info.n_channels())?)
}

/// Epochs of several runs one after the other (`mne.concatenate_epochs`), without samples: events of later runs are moved
/// behind those of earlier ones, selections count on. A name has one code in all of them.
fn concatenate_runs(runs: Vec<Epochs>) -> Result<Epochs> {
    let mut runs = runs.into_iter();
    let Some(mut out) = runs.next() else {
        return Err(Error::data("there are no epochs", "check `conditions`"));
    };
    // mne.concatenate_epochs: 10 s beyond the epochs' end lie between the runs.
    let n_times = out.data.dim().2 as i64;
    let tmax = (out.first + n_times - 1) as f64 / out.info.sfreq;
    let gap = |epochs: &Epochs| ((10.0 + tmax) * epochs.info.sfreq) as i64;
    let last = |epochs: &Epochs| epochs.events.iter().map(|event| event.sample).max().unwrap_or(0);
    let mut offset = last(&out) + gap(&out);
    for mut next in runs {
        if next.data.dim() != out.data.dim() {
            let hint = "leave a run out: exclude_runs";
            return Err(Error::data("the runs' epochs differ in their channels or length", hint));
        }
        let recoded = unite_codes(&mut out.event_id, &next.event_id);
        let n_before = out.drop_log.len();
        out.events.extend(next.events.iter().map(|event| {
            let mut event = *event;
            event.sample += offset;
            if let Some((_, code)) = recoded.iter().find(|(old, _)| *old == event.code) {
                event.code = *code;
            }
            event
        }));
        offset += last(&next) + gap(&next);
        out.selection.extend(next.selection.iter().map(|index| index + n_before));
        out.drop_log.append(&mut next.drop_log);
    }
    Ok(out)
}

/// Adds names to a mapping; a code that another name has already is replaced. Merged events (`a/b`) get their codes run by
/// run. Returns old and new codes.
fn unite_codes(all: &mut Vec<(String, i64)>, own: &[(String, i64)]) -> Vec<(i64, i64)> {
    let mut recoded = Vec::new();
    for (name, code) in own {
        if let Some((_, known)) = all.iter().find(|(other, _)| other == name) {
            recoded.extend((known != code).then_some((*code, *known)));
            continue;
        }
        let taken = all.iter().any(|(_, other)| other == code);
        let free = all.iter().chain(own).map(|(_, other)| *other).max().unwrap_or(0) + 1;
        recoded.extend(taken.then_some((*code, free)));
        all.push((name.clone(), if taken { free } else { *code }));
    }
    recoded
}

/// What was dropped, for the report.
fn drops(epochs: &Epochs, before: &[i64], conditions: &[(String, Vec<i64>)]) -> DropData {
    let mut by_reason: Vec<(String, usize)> = Vec::new();
    for reason in epochs.drop_log.iter().flatten().filter(|reason| *reason != "IGNORED") {
        match by_reason.iter_mut().find(|(name, _)| name == reason) {
            Some((_, n)) => *n += 1,
            None => by_reason.push((reason.clone(), 1)),
        }
    }
    by_reason.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let count = |list: &mut dyn Iterator<Item = i64>, codes: &[i64]| list.filter(|code| codes.contains(code)).count();
    let by_condition = conditions
        .iter()
        .map(|(name, codes)| {
            let kept = count(&mut epochs.events.iter().map(|event| event.code), codes);
            (name.clone(), count(&mut before.iter().copied(), codes), kept)
        })
        .collect();
    DropData { n_before: before.len(), n_kept: epochs.events.len(), by_condition, by_reason }
}

/// Whether the study cuts epochs at all.
pub(crate) fn is_wanted(config: &Config) -> bool {
    !matches!(config.get("conditions"), Value::Str(_))
}

/// Writes epochs, whose samples `read` gives one after the other; `sfreq` is that of the filtered recording.
///
/// # Errors
/// When they can't be written.
fn write(
    path: &Path,
    epochs: &Epochs,
    config: &Config,
    sfreq: f64,
    id: FileId,
    read: &mut dyn FnMut(usize, &mut [f64]) -> bakusoku_core::Result<()>,
) -> Result<()> {
    let limits =
        |list: Vec<(ChannelType, f64)>| list.into_iter().map(|(t, value)| (t.name().to_owned(), value)).collect();
    let params = params(config, &epochs.info);
    let extras = EpochsExtras {
        raw_sfreq: Some(sfreq),
        reject: limits(params.reject),
        flat: limits(params.flat),
        reject_tmin: params.reject_tmin,
        reject_tmax: params.reject_tmax,
        ..EpochsExtras::default()
    };
    write_epochs_from(path, epochs, &extras, id, read)?;
    Ok(())
}

/// Bytes of one epoch.
fn bytes(config: &Config, stream: &Stream) -> u64 {
    let length = config.number("epochs_tmax").unwrap_or_default() - config.number("epochs_tmin").unwrap_or_default();
    (stream.n_channels() as f64 * (length * stream.sfreq() + 1.0) * 8.0) as u64
}
