//! `find_events`: onsets and offsets on stimulus channels.

use super::transitions::{Step, StepReader, merge_steps, pad};
use bakusoku_core::{ChannelType, Error, Event, Events, Info, Picks, Recording, Result};
use ndarray::Array2;
use serde::{Deserialize, Serialize};

/// What of an event is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Output {
    /// Where the value rises.
    #[default]
    Onset,
    /// The last sample before it falls.
    Offset,
    /// Every step up or down.
    Step,
}

/// How events count that follow one another without a zero between.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Consecutive {
    /// When the value rises (MNE's `"increasing"`).
    #[default]
    Increasing,
    /// Always (MNE's `True`).
    Always,
    /// Never: only changes from and to zero count (MNE's `False`).
    Never,
}

/// What the mask does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaskType {
    /// Only bits of the mask pass.
    #[default]
    And,
    /// Bits of the mask are taken away.
    NotAnd,
}

/// The parameters of `mne.find_events`, with its defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FindEvents {
    /// Names of the stimulus channels; empty: `STI101`, else `STI 014`, else all of that type.
    pub stim_channel: Vec<String>,
    /// What of an event is told.
    pub output: Output,
    /// How events count that follow one another without a zero between.
    pub consecutive: Consecutive,
    /// Changes that do not last as long (s) are not counted.
    pub min_duration: f64,
    /// Two events nearer than this (samples) are an error.
    pub shortest_event: i64,
    /// Applied to the values, bit by bit.
    pub mask: Option<i64>,
    /// Takes values as 16 bits without a sign, against a fault of Neuromag systems with STI016.
    pub uint_cast: bool,
    /// What the mask does.
    pub mask_type: MaskType,
    /// Whether a value other than zero in the first sample is an event.
    pub initial_event: bool,
}

impl Default for FindEvents {
    fn default() -> Self {
        Self {
            stim_channel: Vec::new(),
            output: Output::default(),
            consecutive: Consecutive::default(),
            min_duration: 0.0,
            shortest_event: 2,
            mask: None,
            uint_cast: false,
            mask_type: MaskType::default(),
            initial_event: false,
        }
    }
}

/// Samples of the stimulus channels that are read at once.
const CHUNK: u64 = 262_144;

/// What was found in a recording.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// The events.
    pub events: Events,
    /// The stimulus channels.
    pub stim_channels: Vec<String>,
    /// Those of them with negative values, of which the absolute values were used (as MNE does).
    pub negative: Vec<String>,
}

/// What to tell where a channel has negative values.
fn about_negative(name: &str) -> String {
    format!(
        "stimulus channel `{name}` contains negative values, their absolute values are used; with data of a Neuromag system \
         with STI016 active, `uint_cast` works around a fault of the acquisition"
    )
}

impl FindEvents {
    /// Finds the events of a recording: reads its stimulus channels only, piece by piece. Negative values are logged.
    ///
    /// # Errors
    /// When there is no stimulus channel, when events are too short, or when reading fails.
    pub fn run(&self, recording: &dyn Recording) -> Result<Events> {
        let found = self.find(recording)?;
        found.negative.iter().for_each(|name| tracing::warn!("{}", about_negative(name)));
        Ok(found.events)
    }

    /// Finds the events of a recording, and says where they come from.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn find(&self, recording: &dyn Recording) -> Result<Found> {
        let stream = recording.stream();
        let names = stim_channels(&stream.info, &self.stim_channel).map_err(|error| match error {
            Error::Data { .. } if !stream.annotations.items.is_empty() => Error::Data {
                message: "no stimulus channel found, expected one".into(),
                hint: Some("the recording has annotations: events can be made from them".into()),
            },
            error => error,
        })?;
        let picks = Picks::names(&stream.info, &names)?;
        let mut readers: Vec<_> = names.iter().map(|_| StepReader::new(stream.first_samp, self.uint_cast)).collect();
        let mut start = 0;
        while start < stream.n_times {
            let stop = (start + CHUNK).min(stream.n_times);
            let mut chunk = Array2::zeros((names.len(), (stop - start) as usize));
            recording.read(start..stop, &picks, chunk.view_mut())?;
            for (reader, row) in readers.iter_mut().zip(chunk.rows()) {
                reader.push(row.as_slice().expect("a fresh array is in C order"));
            }
            start = stop;
        }
        let (mut events, mut negative) = (Vec::new(), Vec::new());
        for (reader, name) in readers.into_iter().zip(&names) {
            let (of_channel, is_negative) = self.interpret(reader, stream.sfreq(), name)?;
            events.extend(of_channel);
            negative.extend(is_negative.then(|| name.clone()));
        }
        Ok(Found { events: unique(events), stim_channels: names, negative })
    }

    /// What the steps of one channel mean, and whether it has negative values.
    fn interpret(&self, reader: StepReader, sfreq: f64, name: &str) -> Result<(Events, bool)> {
        let first_samp = reader.first_samp();
        let (initial, mut steps, end, negative) = reader.finish();
        let min_samples = self.min_duration * sfreq;
        // MNE: joins what is strictly shorter than the duration asked for.
        let mut merge = if min_samples > 0.0 { min_samples.floor() as i64 } else { 0 };
        if min_samples > 0.0 && merge as f64 == min_samples {
            merge -= 1;
        }
        pad(&mut steps, None, Some(0), end);
        merge_steps(&mut steps, merge);
        if initial != 0 && self.initial_event {
            steps.insert(0, Step { sample: first_samp, before: 0, after: initial });
        } else if initial != 0 {
            tracing::info!(
                "stimulus channel `{name}` has a non-zero initial value of {initial}; `initial_event` makes it an event"
            );
        }
        Ok((self.select(steps, name)?, negative))
    }

    /// Onsets and offsets among the steps.
    fn select(&self, mut steps: Vec<Step>, name: &str) -> Result<Events> {
        if let Some(mask) = self.mask {
            let mask = if self.mask_type == MaskType::And { mask } else { !mask };
            for step in &mut steps {
                (step.before, step.after) = (step.before & mask, step.after & mask);
            }
        }
        steps.retain(|step| step.before != step.after);
        let is_onset = |s: &Step| match self.consecutive {
            Consecutive::Increasing => s.after > s.before,
            Consecutive::Always => s.after > 0,
            Consecutive::Never => s.before == 0,
        };
        let is_offset = |s: &Step| match self.consecutive {
            Consecutive::Increasing => (s.after > s.before || s.after == 0) && s.before > 0,
            Consecutive::Always => s.before > 0,
            Consecutive::Never => s.after == 0,
        };
        let mut onsets: Vec<usize> = (0..steps.len()).filter(|&i| is_onset(&steps[i])).collect();
        let mut offsets: Vec<usize> = (0..steps.len()).filter(|&i| is_offset(&steps[i])).collect();
        if onsets.is_empty() || offsets.is_empty() {
            return Ok(Vec::new());
        }
        if onsets[0] > offsets[0] {
            tracing::info!("removing orphaned offset at the beginning of the file");
            offsets.remove(0);
        }
        if offsets.last().is_none_or(|&last| onsets[onsets.len() - 1] > last) {
            tracing::info!("removing orphaned onset at the end of the file");
            onsets.pop();
        }
        let event = |s: &Step| Event { sample: s.sample, previous: s.before, code: s.after };
        let events: Events = match self.output {
            Output::Onset => onsets.iter().map(|&i| event(&steps[i])).collect(),
            Output::Step => {
                let mut both = [onsets, offsets].concat();
                both.sort_unstable();
                both.dedup();
                both.iter().map(|&i| event(&steps[i])).collect()
            }
            Output::Offset if onsets.len() == offsets.len() => onsets
                .iter()
                .zip(&offsets)
                .map(|(&on, &off)| Event {
                    sample: steps[off].sample - 1,
                    previous: steps[off].after,
                    code: steps[on].after,
                })
                .collect(),
            Output::Offset => {
                return Err(Error::data(format!(
                    "stimulus channel `{name}` has {} onsets and {} offsets, expected as many of both",
                    onsets.len(),
                    offsets.len()
                )));
            }
        };
        let short = events.windows(2).filter(|w| w[1].sample - w[0].sample < self.shortest_event).count();
        if short > 0 {
            return Err(Error::Data {
                message: format!(
                    "stimulus channel `{name}` has {short} events shorter than `shortest_event` ({} samples)",
                    self.shortest_event
                ),
                hint: Some(
                    "these are very unusual; set `min_duration` to x / sfreq, x one sample shorter than the shortest event"
                        .into(),
                ),
            });
        }
        Ok(events)
    }
}

/// The events of one stimulus channel given as samples (a row of an array).
///
/// # Errors
/// When events are too short.
pub fn find_events(samples: &[f64], first_samp: i64, sfreq: f64, parameters: &FindEvents) -> Result<Events> {
    let mut reader = StepReader::new(first_samp, parameters.uint_cast);
    reader.push(samples);
    let name = parameters.stim_channel.first().map_or("stim", String::as_str);
    let (events, is_negative) = parameters.interpret(reader, sfreq, name)?;
    if is_negative {
        tracing::warn!("{}", about_negative(name));
    }
    Ok(unique(events))
}

/// The stimulus channels: those named, else `STI101`, else `STI 014`, else all of that type.
///
/// # Errors
/// When a name is not among the channels, or there is no stimulus channel.
fn stim_channels(info: &Info, names: &[String]) -> Result<Vec<String>> {
    if !names.is_empty() {
        Picks::names(info, names)?;
        return Ok(names.to_vec());
    }
    for name in ["STI101", "STI 014"] {
        if info.index_of(name).is_some() {
            return Ok(vec![name.to_owned()]);
        }
    }
    let picks = Picks::types(info, &[ChannelType::Stim], true);
    if picks.is_empty() {
        return Err(Error::Data {
            message: "no stimulus channel found, expected one".into(),
            hint: Some("name it by `stim_channel`".into()),
        });
    }
    Ok(picks.iter().map(|index| info.chs[index].name.clone()).collect())
}

/// In order of time, each once.
fn unique(mut events: Events) -> Events {
    // At the same sample MNE's order is that of the bytes of `previous` and `code`.
    events.sort_by_key(|e| (e.sample, e.previous.to_le_bytes(), e.code.to_le_bytes()));
    let before = events.len();
    events.dedup();
    if events.len() < before {
        tracing::warn!(
            "some events are duplicated in different stimulus channels, {} were left out",
            before - events.len()
        );
    }
    events
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::info_of;
    use bakusoku_core::Stream;
    use bakusoku_core::containers::Raw;
    use std::sync::Arc;

    fn triples(events: &[Event]) -> Vec<(i64, i64, i64)> {
        events.iter().map(|e| (e.sample, e.previous, e.code)).collect()
    }

    #[test]
    fn a_recording_is_read_in_pieces_on_its_stimulus_channels_only() {
        let n = CHUNK as usize + 100;
        let mut data = Array2::zeros((3, n));
        data.row_mut(0).fill(f64::NAN);
        // Across the border of the pieces, and a second channel with one event at the same sample.
        for (ch, start, stop, code) in
            [(1, 50, 60, 3.0), (1, n - 110, n - 90, 5.0), (2, 50, 55, 3.0), (2, 500, 501, 9.0)]
        {
            data.slice_mut(ndarray::s![ch, start..stop]).fill(code);
        }
        let info = Arc::new(info_of(&["grad", "stim", "stim"], 1000.0));
        let stream =
            Stream { info, first_samp: 7, n_times: n as u64, gaps: Vec::new(), annotations: Default::default() };
        let raw = Raw::new(stream, data).unwrap();
        let found = FindEvents::default().run(&raw).unwrap();
        assert_eq!(triples(&found), [(57, 0, 3), (507, 0, 9), (n as i64 - 103, 0, 5)]);
        let one = FindEvents { stim_channel: vec!["stim 001".into()], output: Output::Offset, ..Default::default() };
        assert_eq!(triples(&one.run(&raw).unwrap()), [(66, 0, 3), (n as i64 - 84, 0, 5)]);
        let wrong = FindEvents { stim_channel: vec!["STI 014".into()], ..Default::default() };
        assert!(wrong.run(&raw).unwrap_err().to_string().contains("STI 014"));
    }

    #[test]
    fn short_events_are_refused_and_masks_and_casts_follow_mne() {
        let row = [0.0, 5.0, 7.0, 0.0, 0.0, -32768.0, -32768.0, -32768.0, 0.0];
        let error = find_events(&row, 0, 100.0, &FindEvents::default()).unwrap_err();
        assert!(error.to_string().contains("1 events shorter"), "{error}");
        assert!(error.hint().is_some());
        let options = FindEvents { shortest_event: 1, uint_cast: true, ..Default::default() };
        assert_eq!(triples(&find_events(&row, 0, 100.0, &options).unwrap()), [(1, 0, 5), (2, 5, 7), (5, 0, 32768)]);
        // MNE 1.13: two short values in a row join to nothing.
        let longer = FindEvents { min_duration: 0.02, ..options.clone() };
        assert_eq!(triples(&find_events(&row, 0, 100.0, &longer).unwrap()), [(5, 0, 32768)]);
        let masked = FindEvents { mask: Some(5), mask_type: MaskType::NotAnd, ..options };
        assert_eq!(triples(&find_events(&row, 0, 100.0, &masked).unwrap()), [(2, 0, 2), (5, 0, 32768)]);
    }
}
