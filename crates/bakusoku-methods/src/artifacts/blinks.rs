//! Blinks in EOG channels.

use super::filter::{Band, band_pass};
use bakusoku_core::{Error, Par, Result};
use bakusoku_math::stats;
use ndarray::{ArrayView2, Axis};

/// The parameters of `mne.preprocessing.find_eog_events`, with its defaults.
#[derive(Clone, Debug, PartialEq)]
pub struct BlinkParams {
    /// Where blinks have their power.
    pub band: Band,
    /// How far a peak stands out; a quarter of the range unless told.
    pub thresh: Option<f64>,
    /// What is not looked at in the beginning (s).
    pub tstart: f64,
}

impl Default for BlinkParams {
    fn default() -> Self {
        Self { band: Band::new(1.0, 10.0), thresh: None, tstart: 0.0 }
    }
}

/// Blinks in that row of `eog`, `(n_rows, n_times)`, which has most power from 2 Hz on, as samples; and that row
/// (`mne.preprocessing.find_eog_events`).
///
/// # Errors
/// When there is no row, no sample after `tstart`, or the filter cannot be.
pub fn find_blinks(
    par: &Par,
    eog: ArrayView2<'_, f64>,
    sfreq: f64,
    params: &BlinkParams,
) -> Result<(Vec<usize>, usize)> {
    if eog.is_empty() {
        return Err(Error::data("no samples of an EOG channel were given to look for blinks in"));
    }
    for row in eog.rows() {
        Error::check_finite(row, "EOG", 0, sfreq)?;
    }
    let mut strongest = 0;
    if eog.nrows() > 1 {
        let h_freq = f64::min(45.0, sfreq / 2.0 - 0.75);
        let filtered = band_pass(par, eog, sfreq, &Band { l_freq: 2.0, h_freq, n_taps: params.band.n_taps })?;
        let powers: Vec<f64> = filtered.rows().into_iter().map(|row| row.dot(&row)).collect();
        for (index, power) in powers.iter().enumerate() {
            if *power > powers[strongest] {
                strongest = index;
            }
        }
    }
    let filtered = band_pass(par, eog.row(strongest).insert_axis(Axis(0)), sfreq, &params.band)?;
    let row = filtered.row(0);
    let row = row.to_slice().expect("a fresh array is contiguous");
    let skipped = (sfreq * params.tstart.max(0.0)) as usize;
    let Some(rest) = row.get(skipped..).filter(|rest| !rest.is_empty()) else {
        let expected = format!("below the length of the recording ({:.3} s)", row.len() as f64 / sfreq);
        return Err(Error::parameter("tstart", expected, params.tstart));
    };
    let mean = stats::mean(row);
    let (low, high) = stats::min_max(row);
    let up = (high - mean).abs() > (low - mean).abs();
    let peaks = peak_finder(rest, params.thresh, up);
    Ok((peaks.into_iter().map(|peak| peak + skipped).collect(), strongest))
}

/// Peaks of `x0` (valleys, unless `up`) that stand out by `thresh`, a quarter of the range unless told
/// (`mne.preprocessing.peak_finder`). Of equal samples in a row the first is the peak.
pub fn peak_finder(x0: &[f64], thresh: Option<f64>, up: bool) -> Vec<usize> {
    let (Some(&start), Some(&stop)) = (x0.first(), x0.last()) else { return Vec::new() };
    let (low, high) = stats::min_max(x0);
    let thresh = thresh.unwrap_or((high - low) / 4.0);
    let sign = if up { 1.0 } else { -1.0 };
    // Equal samples count as a small step down.
    let step = |i: usize| {
        let step = sign * x0[i + 1] - sign * x0[i];
        if step == 0.0 { -f64::EPSILON } else { step }
    };
    let mut places = vec![0];
    places.extend((1..x0.len().saturating_sub(1)).filter(|&i| step(i - 1) * step(i) < 0.0));
    places.push(x0.len() - 1);
    let mut x: Vec<f64> = places.iter().map(|&i| sign * x0[i]).collect();
    (x[0], *x.last_mut().expect("there are two")) = (sign * start, sign * stop);
    let least = x.iter().fold(f64::INFINITY, |least, x| least.min(*x));
    if x.len() <= 2 {
        // Only an end can be a peak.
        let at = usize::from(x[1] > x[0]);
        return if x[at] > least + thresh { vec![places[at]] } else { Vec::new() };
    }
    // Valleys and peaks alternate but perhaps for the first sample.
    let signum = |d: f64| {
        if d > 0.0 {
            1
        } else if d < 0.0 {
            -1
        } else {
            0
        }
    };
    let (d0, d1) = (signum(x[1] - x[0]), signum(x[2] - x[1]));
    // One before the first peak, counted from one.
    let mut at: usize = if d0 <= 0 {
        if d0 == d1 {
            x.remove(1);
            places.remove(1);
        }
        0
    } else {
        if d0 == d1 {
            x.remove(0);
            places.remove(0);
        }
        1
    };
    let n = x.len();
    let (mut largest, mut left, mut found) = (least, least, false);
    let mut candidate = 0;
    let mut peaks: Vec<usize> = Vec::new();
    // MNE compares with the last element of an array that is filled from its beginning: 0 until it is full.
    let most = n.div_ceil(2);
    let mut last = 0.0;
    // `at` is the place of the next peak.
    while at < n {
        if found && (x[at] > last || left < last - thresh) {
            largest = least;
            found = false;
        }
        if at == n - 1 {
            break;
        }
        if x[at] > largest && x[at] > left + thresh {
            candidate = at;
            largest = x[at];
        }
        at += 1;
        if !found && largest > thresh + x[at] {
            found = true;
            left = x[at];
            peaks.push(candidate);
            if peaks.len() == most {
                last = largest;
            }
        } else if x[at] < left {
            left = x[at];
        }
        at += 1;
    }
    if x[n - 1] > largest && x[n - 1] > left + thresh {
        peaks.push(n - 1);
    } else if !found && largest > least {
        peaks.push(candidate);
    }
    peaks.into_iter().map(|peak| places[peak]).collect()
}
