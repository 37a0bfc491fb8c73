//! Heartbeats in an ECG, or in what stands for one.

use super::filter::{Band, band_pass};
use bakusoku_core::{ChannelType, Error, Info, Par, Picks, Result};
use ndarray::{Array1, ArrayView1, ArrayView2, Axis};
use std::ops::Range;

/// The parameters of `mne.preprocessing.find_ecg_events`, with its defaults.
#[derive(Clone, Debug, PartialEq)]
pub struct HeartbeatParams {
    /// Where the main wave of a heartbeat has its power.
    pub band: Band,
    /// The threshold, as a share of the largest values of the first three seconds; `None` tries several and takes the one
    /// whose pulse is that of most.
    pub qrs_threshold: Option<f64>,
    /// What is not looked at in the beginning (s).
    pub tstart: f64,
}

impl Default for HeartbeatParams {
    fn default() -> Self {
        Self { band: Band::new(5.0, 35.0), qrs_threshold: None, tstart: 0.0 }
    }
}

/// Heartbeats in `ecg`, as samples: each of the `stretches` is filtered by itself, what lies between them is not looked at
/// (`mne.preprocessing.find_ecg_events`). The filtered stretches one after the other come along.
///
/// # Errors
/// When there are less than three seconds, or the filter cannot be.
pub fn find_heartbeats(
    par: &Par,
    ecg: ArrayView1<'_, f64>,
    stretches: &[Range<usize>],
    sfreq: f64,
    params: &HeartbeatParams,
) -> Result<(Vec<usize>, Vec<f64>)> {
    let mut filtered = Vec::new();
    for stretch in stretches {
        if stretch.end > ecg.len() || stretch.start > stretch.end {
            let (start, stop, n_times) = (stretch.start as u64, stretch.end as u64, ecg.len() as u64);
            return Err(Error::Range { start, stop, n_times });
        }
        let part = ecg.slice(ndarray::s![stretch.clone()]);
        Error::check_finite(part, "ECG", stretch.start as u64, sfreq)?;
        filtered.extend(band_pass(par, part.insert_axis(Axis(0)), sfreq, &params.band)?);
    }
    let found = qrs_detector(&filtered, sfreq, params.qrs_threshold, params.tstart)?;
    // Back to samples of the recording.
    let mut beats = Vec::with_capacity(found.len());
    let (mut at, mut before) = (stretches.iter(), 0);
    let mut current = at.next();
    for sample in found {
        while let Some(stretch) = current {
            if sample < before + stretch.len() {
                beats.push(stretch.start + sample - before);
                break;
            }
            before += stretch.len();
            current = at.next();
        }
    }
    Ok((beats, filtered))
}

/// Heartbeats in an ECG that is filtered already, as samples.
///
/// Windows of half a second begin where the signal exceeds a threshold; the largest value of a window is a beat, unless the
/// window has far more power than the others.
///
/// # Errors
/// When there are less than three seconds.
pub fn qrs_detector(ecg: &[f64], sfreq: f64, threshold: Option<f64>, tstart: f64) -> Result<Vec<usize>> {
    let second = sfreq as usize;
    let skipped = (sfreq * tstart.max(0.0)) as usize;
    let size: Vec<f64> = ecg.iter().skip(skipped).map(|x| x.abs()).collect();
    if second == 0 || size.len() <= 2 * second {
        return Err(Error::data(format!(
            "{:.2} s of ECG are left to look for heartbeats in, expected more than 2 s",
            size.len() as f64 / sfreq
        )));
    }
    let largest =
        |from: usize| size[from..(from + second).min(size.len())].iter().fold(0.0_f64, |most, x| most.max(*x));
    let first = (largest(0) + largest(second) + largest(2 * second)) / 3.0;
    let thresholds: Vec<f64> = match threshold {
        Some(threshold) => vec![threshold],
        // numpy.arange(0.3, 1.1, 0.05)
        None => (0..16).map(|k| 0.3 + f64::from(k) * 0.05).collect(),
    };
    let mut tries: Vec<Vec<usize>> =
        thresholds.iter().map(|threshold| beats(&size, sfreq, first * threshold)).collect();
    tries.retain(|beats| !beats.is_empty());
    let rates: Vec<f64> = tries.iter().map(|beats| 60.0 * beats.len() as f64 / (ecg.len() as f64 / sfreq)).collect();
    // From an infant's pulse to an athlete's.
    let mut likely: Vec<f64> = rates.iter().copied().filter(|rate| (40.0..=160.0).contains(rate)).collect();
    likely.sort_by(f64::total_cmp);
    let ideal = match likely.len() {
        0 => 80.0,
        n if n % 2 == 1 => likely[n / 2],
        n => (likely[n / 2 - 1] + likely[n / 2]) / 2.0,
    };
    let mut best: Option<usize> = None;
    for (index, rate) in rates.iter().enumerate() {
        if best.is_none_or(|best| (rate - ideal).abs() < (rates[best] - ideal).abs()) {
            best = Some(index);
        }
    }
    Ok(best.map_or_else(Vec::new, |best| tries[best].iter().map(|beat| beat + skipped).collect()))
}

/// The beats that one threshold gives.
fn beats(size: &[f64], sfreq: f64, threshold: f64) -> Vec<usize> {
    /// Windows with more power than the mean by so many standard deviations are no heartbeats.
    const LEVELS: f64 = 2.5;
    let window = ((60.0 * sfreq) / 120.0).round_ties_even() as usize;
    let (mut times, mut powers) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at + window < size.len() {
        if size[at] > threshold {
            let part = &size[at..at + window];
            let mut largest = 0;
            for (index, x) in part.iter().enumerate() {
                if *x > part[largest] {
                    largest = index;
                }
            }
            times.push(at + largest);
            powers.push((part.iter().map(|x| x * x).sum::<f64>() / window as f64).sqrt());
            at += window;
        } else {
            at += 1;
        }
    }
    let n = powers.len() as f64;
    let mean = powers.iter().sum::<f64>() / n;
    let deviation = (powers.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n).sqrt();
    let most = mean + deviation * LEVELS;
    times.into_iter().zip(powers).filter(|(_, power)| *power < most).map(|(time, _)| time).collect()
}

/// What stands for an ECG where there is none: the mean of the good magnetometers, or of the good gradiometers where there
/// are no magnetometers. `x` is `(n_channels, n_times)` of the channels of `info`.
///
/// # Errors
/// When there is no MEG channel, or no good one.
pub fn average_of_sensors(info: &Info, x: ArrayView2<'_, f64>) -> Result<Array1<f64>> {
    let present = |ch_type: ChannelType| info.chs.iter().any(|ch| ch.ch_type() == ch_type);
    let ch_type = [ChannelType::Mag, ChannelType::Grad].into_iter().find(|ch_type| present(*ch_type));
    let Some(ch_type) = ch_type else {
        return Err(Error::Data {
            message: "there is no ECG channel, and no MEG channel whose mean could stand for it".into(),
            hint: Some("name a channel that shows heartbeats as `ch_name`".into()),
        });
    };
    let picks = Picks::types(info, &[ch_type], true);
    x.select(Axis(0), picks.as_slice())
        .mean_axis(Axis(0))
        .ok_or_else(|| Error::data(format!("all {} channels are bad, expected a good one", ch_type.name())))
}
