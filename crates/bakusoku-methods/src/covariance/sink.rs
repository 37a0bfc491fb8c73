//! The covariance of epochs.

use super::channels::{check_finite, covariance_picks};
use super::estimate::{Estimated, estimates};
use super::finish::{check_n_samples, covariance};
use super::sums::Sums;
use super::{CovarianceParams, Estimator};
use crate::epochs::{Epoch, EpochSink, EpochsHeader};
use crate::evoked::same_channels;
use bakusoku_core::containers::{Covariance, Epochs};
use bakusoku_core::{Error, Info, Par, Picks, Result, SpillDir};
use bakusoku_math::linalg;
use ndarray::{Array2, Axis, s};
use std::ops::Range;
use std::sync::Arc;

/// Sums up epochs for their covariance as they come; runs of a task may follow one another.
#[derive(Debug)]
pub struct CovarianceSink {
    params: CovarianceParams,
    spill: Option<SpillDir>,
    state: Option<State>,
}

#[derive(Debug)]
struct State {
    info: Arc<Info>,
    picks: Picks,
    samples: Range<usize>,
    /// First sample of an epoch, relative to its event.
    first: i64,
    sums: Sums,
    /// Code, number of epochs and their sum, for every condition; empty when the sample mean is kept.
    means: Vec<(i64, u64, Array2<f64>)>,
}

impl CovarianceSink {
    /// For these parameters.
    pub fn new(params: CovarianceParams) -> Self {
        Self { params, spill: None, state: None }
    }

    /// With a place for samples that are needed a second time (see [`CovarianceParams::keeps_samples`]); without one they
    /// are kept in memory.
    #[must_use]
    pub fn with_spill(self, spill: &SpillDir) -> Self {
        Self { spill: Some(spill.clone()), ..self }
    }

    /// The covariance; of several methods the best one.
    ///
    /// # Errors
    /// When there were no samples, or they allow none.
    pub fn into_covariance(self, par: &Par) -> Result<Covariance> {
        let none = || Error::data("no samples found to compute a covariance from, expected some");
        Ok(self.into_estimates(par)?.into_iter().next().ok_or_else(none)?.0)
    }

    /// The covariance by each method, and of several the log-likelihood of samples that were left out (the mean over
    /// folds), the best one first.
    ///
    /// # Errors
    /// When there were no samples, or they allow none.
    pub fn into_estimates(self, par: &Par) -> Result<Vec<(Covariance, Option<f64>)>> {
        let none = || Error::data("no samples found to compute a covariance from, expected some");
        let mut state = self.state.ok_or_else(none)?;
        state.sums.flush(par)?;
        let sums = &state.sums;
        check_n_samples(sums.n_samples, state.picks.len())?;
        let mut estimated = if self.params.method == [Estimator::Empirical] {
            let data = covariance(sums, &state.info, par)?;
            let data = if self.params.keep_sample_mean { data } else { state.without_means(data, par) };
            vec![Estimated { method: Estimator::Empirical, data, loglik: None }]
        } else {
            estimates(sums, &state.info, &self.params, par)?
        };
        let loglik = |e: &Estimated| e.loglik.unwrap_or(f64::NEG_INFINITY);
        estimated.sort_by(|a, b| loglik(b).total_cmp(&loglik(a)));
        for Estimated { method, loglik, .. } in &estimated {
            if let Some(loglik) = loglik {
                tracing::info!("covariance by {}: log-likelihood of samples left out {loglik:.3}", method.name());
            }
        }
        let covariance = |e: Estimated| Covariance {
            names: state.info.ch_names().map(str::to_owned).collect(),
            bads: state.info.bads.clone(),
            projs: state.info.projs.clone(),
            nfree: sums.n_samples as i64 - 1,
            method: e.method.name().into(),
            data: e.data,
        };
        Ok(estimated.into_iter().map(|e| (e.loglik, covariance(e))).map(|(loglik, c)| (c, loglik)).collect())
    }
}

impl State {
    /// The covariance `data` less that of the averages of each condition.
    fn without_means(&self, mut data: Array2<f64>, par: &Par) -> Array2<f64> {
        data *= (self.sums.n_samples.max(2) - 1) as f64;
        let mut norm = 0;
        for (_, n, sum) in self.means.iter().filter(|(_, n, _)| *n > 0) {
            data -= &(linalg::gram(par, sum.view()) / *n as f64);
            norm += self.samples.len() as u64 * (n - 1);
        }
        data / norm as f64
    }
}

impl EpochSink for CovarianceSink {
    fn begin(&mut self, header: &EpochsHeader) -> Result<()> {
        let picks = covariance_picks(&header.info);
        if picks.is_empty() {
            return Err(Error::data("no good data channel found, expected at least one for a covariance"));
        }
        let info = header.info.pick(&picks);
        if let Some(state) = &mut self.state {
            let picks =
                same_channels(&info, state.info.ch_names()).filter(|order| order.len() == picks.len()).map(|order| {
                    let rows = order.iter().map(|index| picks.as_slice()[index]).collect();
                    Picks::new(rows, header.info.n_channels())
                });
            let differ = || Error::data("runs differ in their good channels, expected the same for a covariance");
            state.picks = picks.ok_or_else(differ)??;
            return Ok(());
        }
        if header.baseline.is_none() && header.info.highpass < 0.5 && self.params.keep_sample_mean {
            tracing::warn!("epochs are not baseline corrected, the covariance may be inaccurate");
        }
        let samples = time_slice(header, &self.params)?;
        let means = if self.params.keep_sample_mean {
            Vec::new()
        } else {
            let sum = || Array2::zeros((picks.len(), samples.len()));
            header.event_id.iter().map(|(_, code)| (*code, 0, sum())).collect()
        };
        let sums = Sums::new(&info, &self.params, self.spill.as_ref())?;
        self.state = Some(State { info: Arc::new(info), picks, samples, first: header.first, sums, means });
        Ok(())
    }

    fn push(&mut self, epoch: &Epoch<'_>, par: &Par) -> Result<()> {
        let Some(state) = &mut self.state else { return Ok(()) };
        let data = epoch.data.slice(s![.., state.samples.clone()]);
        check_finite(epoch, data, &state.picks, &state.info, state.first + state.samples.start as i64)?;
        state.sums.push(data, state.picks.as_slice(), par)?;
        for (code, n, sum) in &mut state.means {
            if *code == epoch.event.code {
                *n += 1;
                for (mut row, ch) in sum.rows_mut().into_iter().zip(state.picks.iter()) {
                    row += &data.row(ch);
                }
            }
        }
        Ok(())
    }
}

/// The samples between `tmin` and `tmax`, both to the nearest one (`mne.utils._time_mask`).
fn time_slice(header: &EpochsHeader, params: &CovarianceParams) -> Result<Range<usize>> {
    let sfreq = header.info.sfreq;
    let n = header.n_times as i64;
    let index = |time: f64| (time * sfreq).round_ties_even() as i64 - header.first;
    let start = params.tmin.map_or(0, index).max(0);
    let stop = params.tmax.map_or(n, |time| index(time) + 1).min(n);
    if start >= stop {
        let time = |time: Option<f64>, open: &str| time.map_or(open.to_owned(), |time| format!("{time} s"));
        let expected =
            format!("such that samples of the epoch remain before `tmax` ({})", time(params.tmax, "its end"));
        return Err(Error::parameter("tmin", expected, time(params.tmin, "its start")));
    }
    Ok(start as usize..stop as usize)
}

/// The covariance of epochs in memory (`mne.compute_covariance`).
///
/// # Errors
/// When there are no samples or channels, or they are not finite.
pub fn compute_covariance(epochs: &Epochs, params: &CovarianceParams, par: &Par) -> Result<Covariance> {
    let mut sink = CovarianceSink::new(params.clone());
    sink.begin(&EpochsHeader {
        info: epochs.info.clone(),
        event_id: epochs.event_id.clone(),
        first: epochs.first,
        n_times: epochs.data.dim().2,
        raw_sfreq: epochs.info.sfreq,
        baseline: epochs.baseline,
        n_events: epochs.events.len(),
    })?;
    for (index, (data, &event)) in epochs.data.axis_iter(Axis(0)).zip(&epochs.events).enumerate() {
        sink.push(&Epoch { event, selection: epochs.selection[index], index, data }, par)?;
    }
    sink.end(&epochs.drop_log, par)?;
    sink.into_covariance(par)
}

#[cfg(test)]
mod tests {
    use super::super::Rank;
    use super::*;
    use crate::projection::make_eeg_average_ref_proj;
    use crate::testing::{info_of, numbers};
    use bakusoku_core::Event;
    use ndarray::Array3;

    fn epochs(n: usize) -> Epochs {
        let mut types = vec!["grad"; 4];
        types.extend(["mag", "mag", "eeg", "eeg", "eeg", "stim"]);
        let mut info = info_of(&types, 100.0);
        info.bads = vec!["grad 001".into()];
        info.projs = vec![make_eeg_average_ref_proj(&info, true).unwrap()];
        let units = [1e-13, 1e-13, 1e-13, 1e-13, 1e-15, 1e-15, 1e-6, 1e-6, 1e-6, 1.0];
        let mut data = Array3::zeros((n, 10, 50));
        for (index, mut epoch) in data.axis_iter_mut(Axis(0)).enumerate() {
            let mut numbers = numbers(10, 50, index as u64 + 1);
            for (mut row, unit) in numbers.rows_mut().into_iter().zip(units) {
                row *= unit;
            }
            let mean = (&numbers.row(6) + &numbers.row(7) + numbers.row(8)) / 3.0;
            for ch in 6..9 {
                let referenced = numbers.row(ch).to_owned() - &mean;
                numbers.row_mut(ch).assign(&referenced);
            }
            epoch.assign(&numbers);
        }
        Epochs {
            info: Arc::new(info),
            events: (0..n).map(|i| Event { sample: i as i64 * 100, previous: 0, code: 1 + i as i64 % 2 }).collect(),
            event_id: vec![("a".into(), 1), ("b".into(), 2)],
            selection: (0..n).collect(),
            drop_log: vec![Vec::new(); n],
            first: -20,
            tmin: -0.2,
            baseline: Some((-0.2, 0.0)),
            data,
        }
    }

    /// Σ x xᵀ / (N - 1) in plain words.
    fn plain(epochs: &Epochs, channels: &[usize], samples: Range<usize>) -> Array2<f64> {
        let mut sum = Array2::zeros((channels.len(), channels.len()));
        for epoch in epochs.data.axis_iter(Axis(0)) {
            let x = epoch.select(Axis(0), channels).slice(s![.., samples.clone()]).to_owned();
            sum += &x.dot(&x.t());
        }
        sum / (epochs.data.dim().0 * samples.len() - 1) as f64
    }

    fn worst(got: &Array2<f64>, expected: &Array2<f64>) -> f64 {
        got.indexed_iter()
            .map(|((i, j), x)| (x - expected[[i, j]]).abs() / (expected[[i, i]] * expected[[j, j]]).sqrt())
            .fold(0.0, f64::max)
    }

    #[test]
    fn every_rank_gives_the_covariance_of_referenced_data() {
        let epochs = epochs(90);
        let good = [0, 2, 3, 4, 5, 6, 7, 8];
        let expected = plain(&epochs, &good, 0..50);
        for rank in [Rank::Estimate, Rank::Info, Rank::Full, Rank::Given(vec![("eeg".into(), 2)])] {
            let params = CovarianceParams { rank, ..Default::default() };
            let cov = compute_covariance(&epochs, &params, &Par::serial()).unwrap();
            assert_eq!((cov.names.len(), cov.nfree), (8, 90 * 50 - 1));
            assert!(worst(&cov.data, &expected) < 1e-13, "{:?}", params.rank);
            assert!((&cov.data - &cov.data.t()).iter().all(|d| d.abs() < 1e-24));
            let again = compute_covariance(&epochs, &params, &Par::new(3)).unwrap();
            assert_eq!(again.data, cov.data, "the number of threads must not show");
        }
        let params = CovarianceParams { tmin: Some(-0.1), tmax: Some(0.052), ..Default::default() };
        let cov = compute_covariance(&epochs, &params, &Par::serial()).unwrap();
        assert!(worst(&cov.data, &plain(&epochs, &good, 10..26)) < 1e-13);
        let too_much = CovarianceParams { rank: Rank::Given(vec![("eeg".into(), 4)]), ..Default::default() };
        assert!(compute_covariance(&epochs, &too_much, &Par::serial()).unwrap_err().to_string().contains("rank"));
    }

    #[test]
    fn a_lower_rank_leaves_the_strongest_directions() {
        let epochs = epochs(90);
        let params =
            CovarianceParams { rank: Rank::Given(vec![("meg".into(), 3), ("eeg".into(), 2)]), ..Default::default() };
        let cov = compute_covariance(&epochs, &params, &Par::serial()).unwrap();
        let scaled = Array2::from_shape_fn((5, 5), |(i, j)| {
            let scale = |k: usize| if k < 3 { 1e13 } else { 1e15 };
            cov.data[[i, j]] * scale(i) * scale(j)
        });
        let (values, _) = linalg::eigh(scaled.view()).unwrap();
        assert!(values[1].abs() < 1e-14 * values[4] && values[2] > 0.1 * values[4]);
    }

    #[test]
    fn an_estimated_rank_finds_copies_of_channels() {
        let mut epochs = epochs(90);
        let copy = epochs.data.slice(s![.., 0, ..]).to_owned() * 1e-2;
        epochs.data.slice_mut(s![.., 4, ..]).assign(&copy);
        let sums = |rank| {
            let mut sink = CovarianceSink::new(CovarianceParams { rank, ..Default::default() });
            let header = EpochsHeader {
                info: epochs.info.clone(),
                event_id: vec![],
                first: -20,
                n_times: 50,
                raw_sfreq: 100.0,
                baseline: None,
                n_events: 0,
            };
            sink.begin(&header).unwrap();
            for (data, &event) in epochs.data.axis_iter(Axis(0)).zip(&epochs.events) {
                sink.push(&Epoch { event, selection: 0, index: 0, data }, &Par::serial()).unwrap();
            }
            let mut sums = sink.state.unwrap().sums;
            sums.flush(&Par::serial()).unwrap();
            sums
        };
        let sums = sums(Rank::Estimate);
        let ranks: Vec<usize> = sums
            .groups
            .iter()
            .map(|(_, rank)| match rank {
                super::super::sums::GroupRank::Watched(watch) => watch.rank(sums.n_samples).unwrap(),
                super::super::sums::GroupRank::Known(rank) => *rank,
            })
            .collect();
        // Five good MEG channels, one of them a copy; three EEG channels with an average reference.
        assert_eq!(ranks, [4, 2]);
    }

    #[test]
    fn without_the_sample_mean_conditions_lose_their_average() {
        let epochs = epochs(40);
        let params = CovarianceParams { keep_sample_mean: false, ..Default::default() };
        let cov = compute_covariance(&epochs, &params, &Par::serial()).unwrap();
        let mut sum = Array2::<f64>::zeros((3, 3));
        for code in [1, 2] {
            let mine: Vec<usize> = (0..40).filter(|&i| epochs.events[i].code == code).collect();
            let data = epochs.data.select(Axis(0), &mine);
            let mean = data.mean_axis(Axis(0)).unwrap();
            for epoch in data.axis_iter(Axis(0)) {
                let x = (&epoch - &mean).select(Axis(0), &[0, 4, 6]);
                sum += &x.dot(&x.t());
            }
        }
        let expected = sum / (2.0 * 19.0 * 50.0);
        let got = Array2::from_shape_fn((3, 3), |(i, j)| cov.data[[[0, 3, 5][i], [0, 3, 5][j]]]);
        assert!(worst(&got, &expected) < 1e-12);
    }

    #[test]
    fn bad_samples_are_an_error() {
        let mut epochs = epochs(5);
        epochs.data[[2, 3, 4]] = f64::NAN;
        let error = compute_covariance(&epochs, &CovarianceParams::default(), &Par::serial()).unwrap_err();
        assert!(error.to_string().contains("NaN"));
    }

    #[test]
    fn samples_kept_on_disk_give_the_same_bits() {
        let epochs = epochs(90);
        let with = |method: Estimator, spill: Option<&SpillDir>, threads| {
            let mut sink = CovarianceSink::new(CovarianceParams { method: vec![method], ..Default::default() });
            if let Some(spill) = spill {
                sink = sink.with_spill(spill);
            }
            let header = EpochsHeader {
                info: epochs.info.clone(),
                event_id: vec![],
                first: -20,
                n_times: 50,
                raw_sfreq: 100.0,
                baseline: Some((-0.2, 0.0)),
                n_events: 90,
            };
            sink.begin(&header).unwrap();
            let par = Par::new(threads);
            for (data, &event) in epochs.data.axis_iter(Axis(0)).zip(&epochs.events) {
                sink.push(&Epoch { event, selection: 0, index: 0, data }, &par).unwrap();
            }
            sink.into_covariance(&par).unwrap()
        };
        let spill = SpillDir::find(None).unwrap();
        let empirical = with(Estimator::Empirical, None, 1);
        for method in [Estimator::Shrunk, Estimator::LedoitWolf] {
            let memory = with(method, None, 1);
            assert_eq!(with(method, Some(&spill), 3).data, memory.data);
            assert_eq!(memory.method, method.name());
            let distance = worst(&memory.data, &empirical.data);
            assert!(distance > 1e-6 && distance < 0.2, "{}: {distance}", method.name());
        }
    }
}
