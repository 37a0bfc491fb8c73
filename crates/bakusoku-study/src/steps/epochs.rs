//! Epochs per run, runs of a task concatenated; projected, rejected, freed from their baseline.

use super::Step;
use crate::config::{Config, Value};
use crate::input::wanted_types;
use crate::report::data::DropData;
use crate::{Error, Result};
use bakusoku_core::containers::Epochs;
use bakusoku_core::{ChannelType, Info, Picks};
use bakusoku_fiff::FileId;
use bakusoku_io::fif::{EpochsExtras, write_epochs_from};
use bakusoku_methods::epochs::{EpochsParams, EventRepeated, OnMissing};
use ndarray::{Array3, Axis, concatenate};
use std::path::Path;

pub(crate) const STEP: Step = Step {
    name: "epochs",
    revision: 1,
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
    ],
    doc: "Cuts epochs per run, applies projectors, baseline and rejection; concatenates runs (_epo.fif).",
};

/// Limits by channel type; those for types that are not there are left out.
pub(crate) fn limits(config: &Config, key: &str, info: &Info) -> Vec<(ChannelType, f64)> {
    let known =
        config.limits(key).into_iter().filter_map(|(name, value)| Some((ChannelType::from_name(&name)?, value)));
    known.filter(|(ch_type, _)| info.chs.iter().any(|ch| ch.ch_type() == *ch_type)).collect()
}

/// Parameters for the channels at hand.
pub(crate) fn params(config: &Config, info: &Info) -> EpochsParams {
    EpochsParams {
        tmin: config.number("epochs_tmin").unwrap_or(-0.2),
        tmax: config.number("epochs_tmax").unwrap_or(0.5),
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
pub(crate) fn picks(config: &Config, info: &Info) -> Result<Picks> {
    let wanted = wanted_types(config);
    let keep = |index: &usize| {
        let ch_type = info.chs[*index].ch_type();
        !ch_type.is_data() || wanted.contains(&ch_type)
    };
    Ok(Picks::new((0..info.n_channels()).filter(keep).collect(), info.n_channels())?)
}

/// Epochs of several runs one after the other (`mne.concatenate_epochs`): events of later runs are moved behind those
/// of earlier ones, selections count on.
pub(crate) fn concatenate_runs(mut runs: Vec<Epochs>) -> Result<Epochs> {
    if runs.len() == 1 {
        return Ok(runs.remove(0));
    }
    let mut runs = runs.into_iter();
    let Some(mut out) = runs.next() else {
        return Err(Error::data("there are no epochs", "check `conditions`"));
    };
    let mut arrays = vec![std::mem::replace(&mut out.data, Array3::zeros((0, 0, 0)))];
    // mne.concatenate_epochs: 10 s beyond the epochs' end lie between the runs.
    let n_times = arrays[0].len_of(Axis(2)) as i64;
    let tmax = (out.first + n_times - 1) as f64 / out.info.sfreq;
    let mut offset = shift_after(&out, tmax);
    for mut next in runs {
        let n_before = out.drop_log.len();
        out.events.extend(next.events.iter().map(|event| {
            let mut event = *event;
            event.sample += offset;
            event
        }));
        let last = next.events.iter().map(|event| event.sample).max().unwrap_or(0);
        offset += last + gap(&next, tmax);
        out.selection.extend(next.selection.iter().map(|index| index + n_before));
        out.drop_log.append(&mut next.drop_log);
        for (name, code) in next.event_id {
            if !out.event_id.iter().any(|(other, _)| *other == name) {
                out.event_id.push((name, code));
            }
        }
        arrays.push(next.data);
    }
    let views: Vec<_> = arrays.iter().map(|array| array.view()).collect();
    out.data = concatenate(Axis(0), &views).map_err(|_| {
        Error::data("the runs' epochs differ in their channels or length", "leave a run out: exclude_runs")
    })?;
    Ok(out)
}

fn gap(epochs: &Epochs, tmax: f64) -> i64 {
    ((10.0 + tmax) * epochs.info.sfreq) as i64
}

fn shift_after(epochs: &Epochs, tmax: f64) -> i64 {
    epochs.events.iter().map(|event| event.sample).max().unwrap_or(0) + gap(epochs, tmax)
}

/// Complains about a condition without an event, when the study wants that.
pub(crate) fn check_missing(config: &Config, event_id: &[(String, i64)], codes: &[i64]) -> Result<Vec<String>> {
    let mut warnings = Vec::new();
    for (name, code) in event_id {
        if codes.contains(code) {
            continue;
        }
        let mut there: Vec<i64> = codes.to_vec();
        there.sort_unstable();
        there.dedup();
        let message = format!("no event of condition `{name}` (code {code}) found");
        match config.text("on_missing") {
            Some("raise") => {
                return Err(Error::data(
                    message,
                    format!("events found have the codes {there:?}; on_missing can be \"warn\" or \"ignore\""),
                ));
            }
            Some("warn") => warnings.push(message),
            _ => {}
        }
    }
    Ok(warnings)
}

/// What was dropped, for the report.
pub(crate) fn drops(epochs: &Epochs, before: &[i64], conditions: &[(String, Vec<i64>)]) -> DropData {
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
pub(crate) fn wanted(config: &Config) -> bool {
    !matches!(config.get("conditions"), Value::Str(_))
}

/// Writes epochs, whose samples `read` gives one after the other; `sfreq` is that of the filtered recording.
///
/// # Errors
/// When they can't be written.
pub(crate) fn write(
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
