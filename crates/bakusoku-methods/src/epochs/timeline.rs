//! The time axis of an epoch: which samples are read, averaged for the baseline, kept, and looked at for rejection.

use super::EpochsParams;
use bakusoku_core::{Error, Result};
use std::ops::Range;

/// Furthest sample from the event that an epoch may have: 12 days at 1000 Hz.
const MAX_SAMPLES: f64 = (1u64 << 30) as f64;

/// The time axis of an epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct Timeline {
    /// First sample that is read, relative to the event.
    pub first_raw: i64,
    /// Number of samples that are read.
    pub n_raw: usize,
    /// Sampling frequency of what is read (Hz).
    pub raw_sfreq: f64,
    /// Every how manieth sample is kept.
    pub decim: usize,
    /// First sample that is kept, counted from the first that is read.
    pub offset: usize,
    /// Number of samples that are kept.
    pub n_times: usize,
    /// The baseline with its ends resolved (s).
    pub baseline: Option<(f64, f64)>,
    /// The samples of the baseline, among those read, or among those kept.
    pub baseline_samples: Option<BaselineSamples>,
    /// The samples that are looked at for rejection, among those kept; `None`: all.
    pub reject_samples: Option<Range<usize>>,
    /// Start (s) of the stretch in which a bad annotation counts, and its end before the last sample (samples).
    pub(super) reject_edges: (f64, i64),
}

/// The samples over which a baseline is averaged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BaselineSamples {
    /// Among those read.
    Read(Range<usize>),
    /// Among those that decimation keeps.
    Kept(Range<usize>),
}

impl Timeline {
    /// Works out the time axis for a sampling frequency.
    ///
    /// # Errors
    /// When times are not in order or lie outside the epoch.
    pub fn new(params: &EpochsParams, sfreq: f64) -> Result<Self> {
        let (tmin, tmax) = (params.tmin, params.tmax);
        if !(sfreq > 0.0 && sfreq.is_finite()) {
            return Err(Error::parameter("sfreq", "a number of Hz above 0", sfreq));
        }
        for (name, time) in [("tmin", tmin), ("tmax", tmax)] {
            if !time.is_finite() || (time * sfreq).abs() > MAX_SAMPLES {
                let expected = format!("at most {:.0} s from the event at {sfreq} Hz", MAX_SAMPLES / sfreq);
                return Err(Error::parameter(name, expected, format!("{time} s")));
            }
        }
        if tmin > tmax {
            return Err(Error::parameter("tmin", format!("at most `tmax` ({tmax} s)"), format!("{tmin} s")));
        }
        if params.decim < 1 {
            return Err(Error::parameter("decim", "an integer above 0", params.decim));
        }
        if params.detrend.is_some_and(|order| order > 1) {
            return Err(Error::parameter("detrend", "0, 1 or none", params.detrend.unwrap_or_default()));
        }
        let first_raw = (tmin * sfreq).round_ties_even() as i64;
        let n_raw = ((tmax * sfreq).round_ties_even() as i64 - first_raw + 1) as usize;
        // Times are computed where they are needed: an epoch may be long.
        let raw_time = |i: usize| (first_raw + i as i64) as f64 / sfreq;
        let decim = params.decim;
        let offset = i64::try_from(decim).map_or(n_raw, |decim| (-first_raw).rem_euclid(decim) as usize);
        let n_times = n_raw.saturating_sub(offset).div_ceil(decim);
        let time = |i: usize| raw_time(offset + i * decim);
        if n_times == 0 {
            return Err(Error::parameter("decim", "small enough to keep a sample of the epoch", decim));
        }

        let edge = |name: &'static str, given: Option<f64>, limit: f64, actual: f64, outside: bool| match given {
            // numpy.isclose: small deviations by the sampling frequency are forgiven.
            Some(t) if (t - limit).abs() <= 1e-8 + 1e-5 * limit.abs() => Ok(Some(actual)),
            Some(t) if outside => Err(Error::parameter(name, "inside the epoch", t)),
            given => Ok(given),
        };
        let (first_time, last_time) = (raw_time(0), raw_time(n_raw - 1));
        let low = edge("reject_tmin", params.reject_tmin, tmin, first_time, params.reject_tmin < Some(tmin))?;
        let high = edge("reject_tmax", params.reject_tmax, tmax, last_time, params.reject_tmax > Some(tmax))?;
        if let (Some(low), Some(high)) = (low, high)
            && low >= high
        {
            return Err(Error::parameter("reject_tmin", format!("below `reject_tmax` ({high} s)"), low));
        }
        let reject_samples = if low.is_some() || high.is_some() {
            let none = || Error::parameter("reject_tmin", "such that samples remain", low.unwrap_or(first_time));
            let start = match low {
                None => 0,
                Some(low) => (0..n_times).find(|&i| time(i) >= low).ok_or_else(none)?,
            };
            // MNE leaves the last sample out when an end is given.
            let stop = match high {
                None => n_times,
                Some(high) => (0..n_times).rev().find(|&i| time(i) <= high).ok_or_else(none)?,
            };
            Some(start..stop.max(start))
        } else {
            None
        };
        let tail = ((last_time - high.unwrap_or(last_time)) * sfreq).round_ties_even() as i64;

        let baseline = baseline(params, (time(0), time(n_times - 1)), sfreq / decim as f64)?;
        let baseline_samples = match baseline {
            None => None,
            Some((low, high)) => {
                let kept = params.baseline_after_decim && decim > 1;
                let at = |i: usize| if kept { time(i) } else { raw_time(i) };
                let n = if kept { n_times } else { n_raw };
                let start = (0..n).find(|&i| at(i) >= low).unwrap_or(n);
                let stop = (0..n).rev().find(|&i| at(i) <= high).map_or(0, |last| last + 1);
                if start >= stop {
                    return Err(Error::parameter(
                        "baseline",
                        "such that it holds a sample",
                        format!("({low}, {high}) s"),
                    ));
                }
                let range = start..stop;
                Some(if kept { BaselineSamples::Kept(range) } else { BaselineSamples::Read(range) })
            }
        };
        Ok(Self {
            first_raw,
            n_raw,
            raw_sfreq: sfreq,
            decim,
            offset,
            n_times,
            baseline,
            baseline_samples,
            reject_samples,
            reject_edges: (low.unwrap_or(first_time), tail),
        })
    }

    /// First sample that is kept, relative to the event, at the rate after decimation.
    pub fn first(&self) -> i64 {
        (self.first_raw + self.offset as i64) / self.decim as i64
    }
    /// Sampling frequency after decimation (Hz).
    pub fn sfreq(&self) -> f64 {
        self.raw_sfreq / self.decim as f64
    }
    /// Times of the samples that are kept (s).
    pub fn times(&self) -> Vec<f64> {
        (0..self.n_times)
            .map(|i| (self.first_raw + (self.offset + i * self.decim) as i64) as f64 / self.raw_sfreq)
            .collect()
    }
    /// The first sample of the epoch of an event, in samples of the stream; below zero: it is not there.
    pub fn start(&self, event: i64, first_samp: i64) -> i64 {
        self.round(event, self.first_raw as f64 / self.raw_sfreq) - first_samp
    }
    /// The stretch in which a bad annotation drops the epoch, in samples of the stream.
    pub(super) fn reject_span(&self, event: i64, first_samp: i64) -> (i64, i64) {
        let stop = self.start(event, first_samp) + self.n_raw as i64 - self.reject_edges.1;
        (self.round(event, self.reject_edges.0) - first_samp, stop)
    }
    /// How many of the kept samples there are when only `available` of the samples to be read are.
    pub(super) fn n_kept(&self, available: usize) -> usize {
        available.saturating_sub(self.offset).div_ceil(self.decim).min(self.n_times)
    }
    fn round(&self, event: i64, time: f64) -> i64 {
        (event as f64 + time * self.raw_sfreq).round_ties_even() as i64
    }
}

/// The baseline with its ends resolved (`mne.baseline._check_baseline`).
fn baseline(params: &EpochsParams, (first, last): (f64, f64), sfreq: f64) -> Result<Option<(f64, f64)>> {
    let Some(given) = params.baseline else { return Ok(None) };
    if given == (None, Some(0.0)) && first == 0.0 {
        return Err(Error::parameter("baseline", "more than one sample; (0, 0) if that is wanted", "(none, 0)"));
    }
    let (low, high) = (given.0.unwrap_or(first), given.1.unwrap_or(last));
    if low > high {
        return Err(Error::parameter("baseline", "in order", format!("({low}, {high}) s")));
    }
    if low < first - 1.0 / sfreq || high > last + 1.0 / sfreq {
        let expected = format!("inside the epoch, [{first}, {last}] s");
        return Err(Error::parameter("baseline", expected, format!("({low}, {high}) s")));
    }
    Ok(Some((low, high)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_decimated_epochs_meet_zero() {
        let params = EpochsParams { tmin: -0.2, tmax: 0.6, decim: 3, ..Default::default() };
        let timeline = Timeline::new(&params, 1000.0).unwrap();
        assert_eq!((timeline.first_raw, timeline.n_raw, timeline.offset, timeline.n_times), (-200, 801, 2, 267));
        assert_eq!(timeline.first(), -66);
        assert!(timeline.times().contains(&0.0));
        assert_eq!(timeline.baseline, Some((-0.198, 0.0)));
        assert_eq!(timeline.baseline_samples, Some(BaselineSamples::Read(2..201)));
        let after = EpochsParams { baseline_after_decim: true, ..params.clone() };
        let kept = Timeline::new(&after, 1000.0).unwrap();
        assert_eq!(kept.baseline_samples, Some(BaselineSamples::Kept(0..67)));
        assert_eq!((kept.times()[66], kept.baseline), (0.0, timeline.baseline));
        assert_eq!(timeline.start(1205, 1000), 5);
        assert_eq!(timeline.n_kept(801), 267);
        assert_eq!(timeline.n_kept(800), 266);
        assert_eq!(Timeline::new(&EpochsParams { tmax: 0.601, ..params }, 1000.0).unwrap().n_kept(801), 267);
    }

    #[test]
    fn absurd_times_are_refused_before_anything_is_allocated() {
        let with = |tmin, tmax, sfreq| {
            Timeline::new(&EpochsParams { tmin, tmax, baseline: None, ..Default::default() }, sfreq)
                .unwrap_err()
                .to_string()
        };
        assert!(
            with(-0.2, 1e9, 1000.0)
                .contains("`tmax` must be at most 1073742 s from the event at 1000 Hz, got 1000000000 s")
        );
        assert!(with(-0.2, f64::INFINITY, 1000.0).contains("`tmax`"));
        assert!(with(-1e300, 0.5, 1000.0).contains("`tmin`"));
        assert!(with(f64::NAN, 0.5, 1000.0).contains("`tmin`"));
        for sfreq in [-200.0, 0.0, f64::NAN, f64::INFINITY] {
            assert!(with(-0.2, 0.5, sfreq).contains("`sfreq`"));
        }
    }

    #[test]
    fn rejection_edges_follow_mne() {
        let params = EpochsParams {
            tmin: -0.1,
            tmax: 0.1,
            reject_tmin: Some(0.0),
            reject_tmax: Some(0.1),
            ..Default::default()
        };
        let timeline = Timeline::new(&params, 100.0).unwrap();
        assert_eq!(timeline.reject_samples, Some(10..20));
        assert_eq!(timeline.reject_span(50, 0), (50, 61));
        let wrong = EpochsParams { reject_tmax: Some(0.2), ..params.clone() };
        assert!(Timeline::new(&wrong, 100.0).unwrap_err().to_string().contains("reject_tmax"));
        let wrong = EpochsParams { tmin: 0.0, ..params };
        assert!(Timeline::new(&wrong, 100.0).unwrap_err().to_string().contains("baseline"));
    }
}
