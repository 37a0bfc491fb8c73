//! The mean over epochs.

use super::same_channels::same_channels;
use crate::epochs::{Epoch, EpochSink, EpochsHeader};
use crate::events::matching_codes;
use bakusoku_core::containers::{Epochs, Evoked};
use bakusoku_core::{ChannelType, Error, Info, Par, Picks, Result};
use ndarray::{Array2, Axis};

/// The channels that are averaged: data channels, bad ones included, and reference sensors of the MEG.
pub fn evoked_picks(info: &Info) -> Picks {
    let types: Vec<_> = ChannelType::ALL.into_iter().filter(|t| t.is_data() || *t == ChannelType::RefMeg).collect();
    Picks::types(info, &types, false)
}

/// Averages epochs by condition as they come; runs of a task may follow one another.
#[derive(Debug)]
pub struct EvokedSink {
    /// Names of conditions; empty: those of the epochs.
    conditions: Vec<String>,
    header: Option<(EpochsHeader, Picks)>,
    /// The channels that are averaged, in the recording in hand.
    rows: Vec<usize>,
    sums: Vec<Sum>,
    /// Which sums each condition's codes lead to, for the recording in hand.
    targets: Vec<Vec<i64>>,
}

#[derive(Debug)]
struct Sum {
    name: String,
    n: u64,
    sum: Array2<f64>,
}

impl EvokedSink {
    /// Averages of these conditions (a name, or parts of names between `/`).
    pub fn new(conditions: Vec<String>) -> Self {
        Self { conditions, header: None, rows: Vec::new(), sums: Vec::new(), targets: Vec::new() }
    }
    /// An average for every condition that the epochs have.
    pub fn of_each() -> Self {
        Self::new(Vec::new())
    }

    /// The averages, in the order of the conditions. A condition without an epoch is NaN with `nave` 0, as in MNE.
    pub fn into_evokeds(self) -> Vec<Evoked> {
        let Some((header, picks)) = self.header else { return Vec::new() };
        let info = std::sync::Arc::new(header.info.pick(&picks));
        let evoked = |sum: Sum| Evoked {
            info: info.clone(),
            comment: sum.name,
            nave: sum.n as f64,
            first: header.first,
            baseline: header.baseline,
            data: if sum.n == 0 { sum.sum + f64::NAN } else { sum.sum / sum.n as f64 },
        };
        self.sums.into_iter().map(evoked).collect()
    }
}

impl EpochSink for EvokedSink {
    fn begin(&mut self, header: &EpochsHeader) -> Result<()> {
        match &self.header {
            None => {
                let picks = evoked_picks(&header.info);
                if picks.is_empty() {
                    return Err(Error::data("no data channel to average, expected at least one"));
                }
                if self.conditions.is_empty() {
                    self.conditions = header.event_id.iter().map(|(name, _)| name.clone()).collect();
                }
                let shape = (picks.len(), header.n_times);
                let sum = |name: &String| Sum { name: name.clone(), n: 0, sum: Array2::zeros(shape) };
                self.sums = self.conditions.iter().map(sum).collect();
                self.rows = picks.as_slice().to_vec();
                self.header = Some((header.clone(), picks));
            }
            Some((first, picks)) => {
                let order = same_shape(first, header)?;
                self.rows = picks.iter().map(|pick| order.as_slice()[pick]).collect();
            }
        }
        // A run may lack a condition: then it adds nothing.
        self.targets =
            self.conditions.iter().map(|c| matching_codes(&header.event_id, c).unwrap_or_default()).collect();
        Ok(())
    }

    fn push(&mut self, epoch: &Epoch<'_>, par: &Par) -> Result<()> {
        let picks = &self.rows;
        let n_times = epoch.data.ncols();
        for (sum, codes) in self.sums.iter_mut().zip(&self.targets) {
            if !codes.contains(&epoch.event.code) {
                continue;
            }
            sum.n += 1;
            let rows = sum.sum.as_slice_mut().expect("a sum is in C order");
            par.for_each_chunk_mut(rows, n_times, |row, sum| {
                let samples = epoch.data.row(picks[row]);
                sum.iter_mut().zip(&samples).for_each(|(sum, x)| *sum += x);
            });
        }
        Ok(())
    }
}

/// Checks that epochs of another run can be averaged with the first ones'; returns where their channels are.
fn same_shape(first: &EpochsHeader, header: &EpochsHeader) -> Result<Picks> {
    let lacks = |a: &EpochsHeader, b: &EpochsHeader| {
        let names = a.info.ch_names().filter(|name| b.info.index_of(name).is_none());
        names.take(5).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    };
    let order = same_channels(&header.info, first.info.ch_names());
    let Some(order) = order.filter(|order| order.len() == header.info.n_channels()) else {
        let (gone, new) = (lacks(first, header), lacks(header, first));
        let parts = [("missing", gone), ("new", new)].map(|(word, names)| match names.as_str() {
            "" => String::new(),
            names => format!("; {word} in a later run: {names}"),
        });
        let message = format!("epochs of different runs have different channels, expected the same{}", parts.concat());
        return Err(Error::data(message));
    };
    if !first.info.ch_names().eq(header.info.ch_names()) {
        tracing::warn!("the channels of a later run stand in another order; they are averaged by their names");
    }
    if (first.first, first.n_times) != (header.first, header.n_times) || first.info.sfreq != header.info.sfreq {
        return Err(Error::data("epochs of different runs have different times, expected the same"));
    }
    Ok(order)
}

/// The mean of the epochs of a condition, or of all without one.
///
/// # Errors
/// When no condition has that name, or there is no data channel.
pub fn average(epochs: &Epochs, condition: Option<&str>) -> Result<Evoked> {
    let codes = condition.map(|name| matching_codes(&epochs.event_id, name)).transpose()?;
    let picks = evoked_picks(&epochs.info);
    if picks.is_empty() {
        return Err(Error::data("no data channel to average, expected at least one"));
    }
    let (mut sum, mut n) = (Array2::<f64>::zeros((picks.len(), epochs.data.dim().2)), 0u64);
    for (epoch, event) in epochs.data.axis_iter(Axis(0)).zip(&epochs.events) {
        if codes.as_ref().is_some_and(|codes| !codes.contains(&event.code)) {
            continue;
        }
        n += 1;
        for (mut row, ch) in sum.rows_mut().into_iter().zip(picks.iter()) {
            row += &epoch.row(ch);
        }
    }
    let comment = condition.map_or_else(|| name_of_all(epochs), str::to_owned);
    Ok(Evoked {
        info: std::sync::Arc::new(epochs.info.pick(&picks)),
        comment,
        nave: n as f64,
        first: epochs.first,
        baseline: epochs.baseline,
        data: if n == 0 { sum + f64::NAN } else { sum / n as f64 },
    })
}

/// MNE's name for the average of several conditions: `0.50 × auditory + 0.50 × visual`.
fn name_of_all(epochs: &Epochs) -> String {
    if let [(name, _)] = epochs.event_id.as_slice() {
        return name.clone();
    }
    let share =
        |code: i64| epochs.events.iter().filter(|event| event.code == code).count() as f64 / epochs.events.len() as f64;
    let parts: Vec<String> =
        epochs.event_id.iter().map(|(name, code)| format!("{:.2} × {name}", share(*code))).collect();
    parts.join(" + ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::info_of;
    use bakusoku_core::Event;
    use ndarray::array;
    use std::sync::Arc;

    fn header(info: Info) -> EpochsHeader {
        EpochsHeader {
            info: Arc::new(info),
            event_id: vec![("a".into(), 1)],
            first: 0,
            n_times: 2,
            raw_sfreq: 100.0,
            baseline: None,
            n_events: 1,
        }
    }

    #[test]
    fn runs_whose_channels_stand_in_another_order_are_averaged_by_name() {
        let info = info_of(&["mag", "eeg"], 100.0);
        let mut turned = info.clone();
        turned.chs.reverse();
        let event = Event { sample: 0, previous: 0, code: 1 };
        let mut sink = EvokedSink::of_each();
        for (info, data) in
            [(info.clone(), array![[1.0, 2.0], [30.0, 40.0]]), (turned, array![[50.0, 60.0], [3.0, 4.0]])]
        {
            sink.begin(&header(info)).unwrap();
            sink.push(&Epoch { event, selection: 0, index: 0, data: data.view() }, &Par::serial()).unwrap();
        }
        assert_eq!(sink.into_evokeds()[0].data, array![[2.0, 3.0], [40.0, 50.0]]);
        let mut sink = EvokedSink::of_each();
        sink.begin(&header(info)).unwrap();
        let error = sink.begin(&header(info_of(&["mag", "grad"], 100.0))).unwrap_err().to_string();
        assert!(error.contains("missing in a later run: `eeg 001`; new in a later run: `grad 001`"), "{error}");
    }
}
