//! The mean over epochs.

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
        Self { conditions, header: None, sums: Vec::new(), targets: Vec::new() }
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
                self.header = Some((header.clone(), picks));
            }
            Some((first, _)) => same_shape(first, header)?,
        }
        // A run may lack a condition: then it adds nothing.
        self.targets =
            self.conditions.iter().map(|c| matching_codes(&header.event_id, c).unwrap_or_default()).collect();
        Ok(())
    }

    fn push(&mut self, epoch: &Epoch<'_>, par: &Par) -> Result<()> {
        let Some((_, picks)) = &self.header else { return Ok(()) };
        let n_times = epoch.data.ncols();
        for (sum, codes) in self.sums.iter_mut().zip(&self.targets) {
            if !codes.contains(&epoch.event.code) {
                continue;
            }
            sum.n += 1;
            let rows = sum.sum.as_slice_mut().expect("a sum is in C order");
            par.for_each_chunk_mut(rows, n_times, |row, sum| {
                let samples = epoch.data.row(picks.as_slice()[row]);
                sum.iter_mut().zip(&samples).for_each(|(sum, x)| *sum += x);
            });
        }
        Ok(())
    }
}

/// Checks that epochs of another run can be averaged with the first ones'.
fn same_shape(first: &EpochsHeader, header: &EpochsHeader) -> Result<()> {
    let same_channels = first.info.ch_names().eq(header.info.ch_names());
    if !same_channels {
        return Err(Error::data("epochs of different runs have different channels, expected the same"));
    }
    if (first.first, first.n_times) != (header.first, header.n_times) || first.info.sfreq != header.info.sfreq {
        return Err(Error::data("epochs of different runs have different times, expected the same"));
    }
    Ok(())
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
