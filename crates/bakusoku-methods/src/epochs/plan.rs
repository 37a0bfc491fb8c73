//! What will be cut: everything that is known before the first sample.

use super::operator::{EpochOperator, Operators};
use super::select::{EventId, Selection, select_events};
use super::{EpochsHeader, EpochsParams, Timeline};
use crate::projection::{Ssp, activate_proj, make_projector_info};
use bakusoku_core::{ChannelType, Error, Event, Info, Picks, Result, Stream};
use std::sync::Arc;

/// Epochs of up to so many samples may be longer than a recording (that was broken off): all are dropped. Longer ones are
/// a mistake, such as milliseconds for seconds.
const LONG: u64 = 1 << 17;

/// A threshold for some channels.
#[derive(Clone, Debug)]
pub(super) struct Limit {
    pub(super) rows: Vec<usize>,
    pub(super) value: f64,
    /// Whether ranges below are rejected, instead of those above.
    pub(super) flat: bool,
}

/// One epoch to be.
#[derive(Clone, Debug)]
pub(super) struct Job {
    /// First sample of the stream.
    pub(super) start: i64,
    /// Its place among those planned.
    pub(super) index: usize,
    /// Its event.
    pub(super) event: Event,
    /// Which of the original events.
    pub(super) selection: usize,
    /// Why it is dropped without looking at samples.
    pub(super) dropped: Option<String>,
}

/// Everything about the epochs of a stream that is known before its first sample.
#[derive(Clone, Debug)]
pub struct EpochsPlan {
    pub(super) timeline: Timeline,
    pub(super) selection: Selection,
    pub(super) picks: Picks,
    /// The epochs as they are cut.
    pub(super) cut: EpochsHeader,
    /// The epochs that are judged.
    pub(super) judged: EpochsHeader,
    /// The epochs that are handed on.
    pub(super) header: EpochsHeader,
    pub(super) before: Operators,
    pub(super) after: Operators,
    /// By channel that is cut: whether it is detrended (data channels are).
    pub(super) detrended: Vec<bool>,
    /// By channel that is judged: whether its baseline is subtracted (data channels, EOG, ECG, EMG and other bipolar ones).
    pub(super) baselined: Vec<bool>,
    pub(super) limits: Vec<Limit>,
    pub(super) ssp: Option<Ssp>,
    pub(super) params: EpochsParams,
    pub(super) jobs: Vec<Job>,
    pub(super) n_times_stream: u64,
}

impl EpochsPlan {
    /// Plans the epochs of a stream. Channels are all unless `picks` says which; without `event_id` every code is a
    /// condition.
    ///
    /// # Errors
    /// When parameters make no sense for the stream, or conditions have no event.
    pub fn new(
        stream: &Stream,
        events: &[Event],
        event_id: Option<&EventId>,
        picks: Option<&Picks>,
        params: &EpochsParams,
    ) -> Result<Self> {
        let timeline = Timeline::new(params, stream.sfreq())?;
        if timeline.n_raw as u64 > stream.n_times.max(LONG) {
            let (name, time) = if params.tmax >= -params.tmin { ("tmax", params.tmax) } else { ("tmin", params.tmin) };
            let expected = format!(
                "such that an epoch fits into the recording of {:.3} s (times are in seconds)",
                stream.n_times as f64 / stream.sfreq()
            );
            return Err(Error::parameter(name, expected, format!("{time} s")));
        }
        let selection = select_events(events, event_id, params)?;
        let picks = picks.cloned().unwrap_or_else(|| Picks::all(stream.n_channels()));
        if picks.is_empty() {
            return Err(Error::parameter("picks", "at least one channel", "none"));
        }
        let cut = EpochsHeader {
            info: Arc::new(stream.info.pick(&picks)),
            event_id: selection.event_id.clone(),
            first: timeline.first_raw,
            n_times: timeline.n_raw,
            raw_sfreq: timeline.raw_sfreq,
            baseline: None,
            n_events: selection.events.len(),
        };
        let plan = Self {
            jobs: jobs(stream, &timeline, &selection, params.reject_by_annotation),
            timeline,
            selection,
            picks,
            judged: cut.clone(),
            header: cut.clone(),
            before: Operators::default(),
            after: Operators::default(),
            detrended: cut.info.chs.iter().map(|ch| is_data(ch.ch_type())).collect(),
            baselined: Vec::new(),
            limits: Vec::new(),
            ssp: None,
            params: params.clone(),
            n_times_stream: stream.n_times,
            cut,
        };
        plan.with_operators(Vec::new(), Vec::new())
    }

    /// The same epochs, with operators in between.
    ///
    /// `before` work on the epochs as they are cut and detrended, at the rate of the stream; then come baseline,
    /// decimation, projectors and rejection, for the channels and bad channels that these operators leave. `after` work
    /// on the epochs that were not rejected.
    ///
    /// # Errors
    /// When the parameters of an operator make no sense, or one before the rejection changes the times.
    pub fn with_operators(
        mut self,
        before: Vec<Box<dyn EpochOperator>>,
        after: Vec<Box<dyn EpochOperator>>,
    ) -> Result<Self> {
        let judged;
        (self.before, judged) = Operators::bind(before, self.cut.clone())?;
        if (judged.n_times, judged.first, judged.info.sfreq) != (self.cut.n_times, self.cut.first, self.cut.info.sfreq)
        {
            return Err(Error::data(format!(
                "{:?} changed the times of epochs before their rejection, expected the same times",
                self.before
            )));
        }
        let mut info = (*judged.info).clone();
        self.baselined = info.chs.iter().map(|ch| has_baseline(ch.ch_type())).collect();
        self.limits = limits(&info, &self.params)?;
        self.ssp = None;
        if self.params.proj {
            self.ssp = Some(make_projector_info(&info, true)?).filter(|ssp| ssp.n_proj() > 0);
            info = activate_proj(&info);
        }
        info.sfreq = self.timeline.sfreq();
        if self.params.decim > 1 && info.lowpass > 0.0 && info.sfreq < 3.0 * info.lowpass {
            tracing::warn!(
                "`decim` = {} leads to {} Hz, which can cause aliasing: the data are low-passed at {} Hz",
                self.params.decim,
                info.sfreq,
                info.lowpass
            );
        }
        self.judged = EpochsHeader {
            info: Arc::new(info),
            first: self.timeline.first(),
            n_times: self.timeline.n_times,
            baseline: self.timeline.baseline,
            ..judged
        };
        (self.after, self.header) = Operators::bind(after, self.judged.clone())?;
        Ok(self)
    }

    /// The time axis.
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }
    /// The events that may become epochs.
    pub fn selection(&self) -> &Selection {
        &self.selection
    }
    /// What will be known about the epochs that are handed on.
    pub fn info(&self) -> &Arc<Info> {
        &self.header.info
    }
    /// What those that take epochs are told first.
    pub fn header(&self) -> EpochsHeader {
        self.header.clone()
    }
    /// Number of values of an epoch that is handed on.
    pub(super) fn size(&self) -> usize {
        self.header.info.n_channels() * self.header.n_times
    }
}

fn is_data(ch_type: ChannelType) -> bool {
    ch_type.is_data() || ch_type == ChannelType::RefMeg
}

fn has_baseline(ch_type: ChannelType) -> bool {
    use ChannelType::*;
    is_data(ch_type) || matches!(ch_type, Eog | Ecg | Emg | Bio)
}

fn limits(info: &Info, params: &EpochsParams) -> Result<Vec<Limit>> {
    let mut out = Vec::new();
    for (name, given, flat) in [("reject", &params.reject, false), ("flat", &params.flat, true)] {
        for (index, &(ch_type, value)) in given.iter().enumerate() {
            if given[..index].iter().any(|(other, _)| *other == ch_type) {
                return Err(Error::parameter(
                    name,
                    "one threshold a channel type",
                    format!("two for {}", ch_type.name()),
                ));
            }
            if value.is_nan() || value < 0.0 {
                return Err(Error::parameter(name, "thresholds from 0 on", format!("{value} for {}", ch_type.name())));
            }
            let of_type = |row: &usize| info.chs[*row].ch_type() == ch_type;
            if !(0..info.n_channels()).any(|row| of_type(&row)) && (flat || value.is_finite()) {
                let expected = format!("channel types that are there, no {} channel is", ch_type.name());
                return Err(Error::parameter(name, expected, ch_type.name()));
            }
            let rows = (0..info.n_channels()).filter(|row| of_type(row) && !info.is_bad(*row)).collect();
            out.push(Limit { rows, value, flat });
        }
    }
    Ok(out)
}

/// The epochs in the order of the events, with those that fall outside or on a bad annotation marked.
fn jobs(stream: &Stream, timeline: &Timeline, selection: &Selection, by_annotation: bool) -> Vec<Job> {
    let sfreq = stream.sfreq();
    // Onset and end (s from the first sample) of what is bad, in order.
    let mut bad: Vec<(f64, f64, &str)> = Vec::new();
    if by_annotation {
        let annotations = &stream.annotations;
        for (index, item) in annotations.items.iter().enumerate() {
            if item.description.to_lowercase().starts_with("bad") {
                let onset = annotations.onset_from_first_sample(index, stream.info.meas_date, stream.first_samp, sfreq);
                bad.push((onset, onset + item.duration, &item.description));
            }
        }
        let marked = !stream.annotated(&["bad_acq_skip"]).is_empty();
        let gaps = stream.gaps.iter().filter(|_| !marked);
        bad.extend(gaps.map(|gap| (gap.start as f64 / sfreq, gap.stop as f64 / sfreq, "BAD_ACQ_SKIP")));
        bad.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    selection
        .events
        .iter()
        .zip(&selection.selection)
        .enumerate()
        .map(|(index, (&event, &selection))| {
            let start = timeline.start(event.sample, stream.first_samp);
            let (reject_start, reject_stop) = timeline.reject_span(event.sample, stream.first_samp);
            let touched = bad
                .iter()
                .find(|(onset, end, _)| *onset < reject_stop as f64 / sfreq && *end > reject_start as f64 / sfreq);
            let dropped = if start < 0 {
                Some("NO_DATA".to_owned())
            } else if let Some((_, _, description)) = touched {
                Some((*description).to_owned())
            } else {
                let available = (stream.n_times as i64 - start).clamp(0, timeline.n_raw as i64) as usize;
                (timeline.n_kept(available) < timeline.n_times).then(|| "TOO_SHORT".to_owned())
            };
            Job { start, index, event, selection, dropped }
        })
        .collect()
}
