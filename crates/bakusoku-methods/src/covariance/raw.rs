//! The covariance of a whole recording: the empty room, or rest.

use super::channels::{check_finite, covariance_picks};
use super::estimate::{Estimated, estimates};
use super::finish::check_n_samples;
use super::samples::KeptSamples;
use super::sums::Sums;
use super::{CovarianceParams, Estimator};
use crate::epochs::{DropLog, Epoch, EpochSink, EpochsHeader, EpochsParams, EpochsPlan};
use crate::events::make_fixed_length_events;
use bakusoku_core::containers::Covariance;
use bakusoku_core::{ChannelType, Error, Info, Par, Picks, Result, SpillDir, Stream};
use bakusoku_math::{linalg, stats};
use ndarray::{Array1, Array2, Axis, s};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The parameters of `mne.compute_raw_covariance(method="empirical")`, with its defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RawCovarianceParams {
    /// Start of what is used (s).
    pub tmin: f64,
    /// End of what is used (s); that of the recording unless told.
    pub tmax: Option<f64>,
    /// Length of the pieces that are rejected or used (s); `None`: one piece.
    pub tstep: Option<f64>,
    /// Largest range of values by channel type (SI units) of a piece that is used.
    pub reject: Vec<(ChannelType, f64)>,
    /// Smallest range of values by channel type (SI units) of a piece that is used.
    pub flat: Vec<(ChannelType, f64)>,
    /// Whether pieces that touch an annotation starting with `bad` are left out.
    pub reject_by_annotation: bool,
}

impl Default for RawCovarianceParams {
    fn default() -> Self {
        Self {
            tmin: 0.0,
            tmax: None,
            tstep: Some(0.2),
            reject: Vec::new(),
            flat: Vec::new(),
            reject_by_annotation: true,
        }
    }
}

/// The pieces of a recording, as epochs for a [`RawCovarianceSink`].
///
/// # Errors
/// When no piece fits.
pub fn raw_covariance_plan(stream: &Stream, params: &RawCovarianceParams) -> Result<EpochsPlan> {
    let dt = 1.0 / stream.sfreq();
    let tmax = params.tmax.unwrap_or((stream.n_times.max(1) - 1) as f64 / stream.sfreq() + dt);
    let tstep = params.tstep.unwrap_or(tmax - params.tmin);
    let events = make_fixed_length_events(stream, 1, params.tmin, Some(tmax), tstep)?;
    let pieces = EpochsParams {
        tmin: 0.0,
        tmax: tstep - dt,
        baseline: None,
        reject: params.reject.clone(),
        flat: params.flat.clone(),
        proj: false,
        reject_by_annotation: params.reject_by_annotation,
        ..Default::default()
    };
    EpochsPlan::new(stream, &events, None, None, &pieces)
}

/// Samples of a piece of the sum.
const PIECE: usize = 2048;

/// Sums up pieces of a recording for its covariance around the mean: of good data channels.
#[derive(Debug, Default)]
pub struct RawCovarianceSink {
    params: CovarianceParams,
    spill: Option<SpillDir>,
    state: Option<State>,
}

#[derive(Debug)]
struct State {
    info: Arc<Info>,
    picks: Picks,
    piece: Array2<f64>,
    filled: usize,
    sum: Array1<f64>,
    gram: Array2<f64>,
    n_samples: u64,
    /// The samples, where the mean has to be known first.
    kept: Option<KeptSamples>,
}

impl State {
    fn flush(&mut self, par: &Par) -> Result<()> {
        let piece = self.piece.slice(s![.., ..self.filled]);
        if piece.ncols() == 0 {
            return Ok(());
        }
        for (sum, row) in self.sum.iter_mut().zip(piece.rows()) {
            *sum += stats::sum(row.to_slice().expect("a row of the piece is in C order"));
        }
        match &mut self.kept {
            Some(kept) => kept.push(piece)?,
            None => linalg::gram_into(par, self.gram.view_mut(), piece),
        }
        self.n_samples += self.filled as u64;
        self.filled = 0;
        Ok(())
    }
}

impl RawCovarianceSink {
    /// The empirical covariance.
    pub fn new() -> Self {
        Self::default()
    }

    /// The covariance by the methods, with the rank and the scalings of `params`, whose times are not used
    /// (`mne.compute_raw_covariance(raw, method=...)`). All but the empirical one need the samples a second time: they are
    /// kept in temporary files of `spill`, or in memory.
    ///
    /// # Errors
    /// When the parameters make no sense.
    pub fn with(params: CovarianceParams, spill: Option<&SpillDir>) -> Result<Self> {
        params.check()?;
        Ok(Self { params, spill: spill.cloned(), state: None })
    }

    /// What was measured, and the sum of `x xᵀ` over all samples, no mean taken out.
    ///
    /// # Errors
    /// When there were no samples.
    pub fn into_gram(self) -> Result<(Arc<Info>, Array2<f64>)> {
        let state = self.filled()?;
        Ok((state.info, state.gram))
    }

    fn filled(self) -> Result<State> {
        let mut state = self.state.ok_or_else(|| Error::data("no samples found to compute a covariance from"))?;
        check_n_samples(state.n_samples, state.picks.len())?;
        linalg::mirror_lower(state.gram.view_mut());
        Ok(state)
    }

    /// The covariance; of several methods the best one.
    ///
    /// # Errors
    /// When there were no samples.
    pub fn into_covariance(self, par: &Par) -> Result<Covariance> {
        let (params, spill) = (self.params.clone(), self.spill.clone());
        let state = self.filled()?;
        let (n, sum, mut data) = (state.n_samples as f64, state.sum, state.gram);
        let mut method = Estimator::Empirical;
        if let Some(kept) = state.kept {
            let mean = sum / n;
            let mut sums = Sums::new(&state.info, &params, spill.as_ref())?;
            let picks: Vec<usize> = (0..mean.len()).collect();
            kept.each(|_, x| {
                let centred = &x - &mean.view().insert_axis(Axis(1));
                sums.push(centred.view(), &picks, par)
            })?;
            sums.flush(par)?;
            drop(kept);
            let loglik = |e: &Estimated| e.loglik.unwrap_or(f64::NEG_INFINITY);
            let all = estimates(&sums, &state.info, &params, par)?;
            let best = all.into_iter().reduce(|best, e| if loglik(&e) > loglik(&best) { e } else { best });
            let best = best.ok_or_else(|| Error::parameter("method", "at least one method", "none"))?;
            (method, data) = (best.method, best.data);
        } else {
            for ((i, j), x) in data.indexed_iter_mut() {
                *x = (*x - sum[i] * (sum[j] / n)) / (n - 1.0);
            }
        }
        Ok(Covariance {
            names: state.info.ch_names().map(str::to_owned).collect(),
            bads: state.info.bads.clone(),
            projs: state.info.projs.clone(),
            nfree: state.n_samples as i64 - 1,
            method: method.name().into(),
            data,
        })
    }
}

impl EpochSink for RawCovarianceSink {
    fn begin(&mut self, header: &EpochsHeader) -> Result<()> {
        let picks = covariance_picks(&header.info);
        if picks.is_empty() {
            return Err(Error::data("no good data channel found, expected at least one for a covariance"));
        }
        let info = Arc::new(header.info.pick(&picks));
        if let Some(state) = &self.state {
            if !state.info.ch_names().eq(info.ch_names()) {
                return Err(Error::data("recordings differ in their channels, expected the same for a covariance"));
            }
            return Ok(());
        }
        let n = picks.len();
        let empirical = self.params.method == [Estimator::Empirical];
        self.state = Some(State {
            info,
            picks,
            piece: Array2::zeros((n, PIECE)),
            filled: 0,
            sum: Array1::zeros(n),
            gram: Array2::zeros((n, n)),
            n_samples: 0,
            kept: (!empirical).then(|| KeptSamples::new(self.spill.clone())),
        });
        Ok(())
    }

    fn push(&mut self, epoch: &Epoch<'_>, par: &Par) -> Result<()> {
        let Some(state) = &mut self.state else { return Ok(()) };
        check_finite(epoch, epoch.data, &state.picks, &state.info, 0)?;
        let mut at = 0;
        while at < epoch.data.ncols() {
            let n = (PIECE - state.filled).min(epoch.data.ncols() - at);
            for (mut row, ch) in state.piece.rows_mut().into_iter().zip(state.picks.iter()) {
                row.slice_mut(s![state.filled..state.filled + n]).assign(&epoch.data.slice(s![ch, at..at + n]));
            }
            state.filled += n;
            at += n;
            if state.filled == PIECE {
                state.flush(par)?;
            }
        }
        Ok(())
    }

    fn end(&mut self, _drop_log: &DropLog, par: &Par) -> Result<()> {
        match &mut self.state {
            Some(state) => state.flush(par),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::epochs::EpochsSink;
    use crate::testing::{info_of, numbers};

    #[test]
    fn pieces_give_the_covariance_around_the_mean_for_any_blocks() {
        let mut info = info_of(&["grad", "eeg", "stim", "mag"], 100.0);
        info.bads = vec!["mag 003".into()];
        let stream = Stream {
            info: Arc::new(info),
            first_samp: 77,
            n_times: 995,
            gaps: Vec::new(),
            annotations: Default::default(),
        };
        let data = numbers(4, 995, 3) + 2.0;
        let mut results = Vec::new();
        for len in [1, 64, 995] {
            let mut sink = RawCovarianceSink::new();
            let plan = raw_covariance_plan(&stream, &RawCovarianceParams::default()).unwrap();
            let mut cutter = EpochsSink::new(plan, vec![&mut sink]);
            for start in (0..995).step_by(len) {
                let stop = (start + len).min(995);
                cutter.push_samples(start as u64, data.slice(s![.., start..stop]), &Par::serial()).unwrap();
            }
            cutter.finish(&Par::serial()).unwrap();
            results.push(sink.into_covariance(&Par::serial()).unwrap());
        }
        assert_eq!((results[0].nfree, results[0].names.len(), results[0].bads.len()), (979, 2, 0));
        assert!(results.iter().all(|cov| cov.data == results[0].data));
        let x = data.select(ndarray::Axis(0), &[0, 1]).slice(s![.., ..980]).to_owned();
        let centred = &x - &x.mean_axis(ndarray::Axis(1)).unwrap().insert_axis(ndarray::Axis(1));
        let expected = centred.dot(&centred.t()) / 979.0;
        assert!((&results[0].data - &expected).iter().all(|d| d.abs() < 1e-13));
    }

    #[test]
    fn regularised_covariances_are_those_of_centred_epochs() {
        let info = Arc::new(info_of(&["grad", "grad", "eeg", "mag"], 100.0));
        let stream = Stream { info, first_samp: 0, n_times: 2000, gaps: Vec::new(), annotations: Default::default() };
        let mut data = numbers(4, 2000, 9) * 1e-9 + 1e-9;
        for (row, unit) in [1e-4, 1e-4, 1e3, 1e-6].into_iter().enumerate() {
            data.row_mut(row).mapv_inplace(|x| x * unit);
        }
        let centred = &data - &data.mean_axis(Axis(1)).unwrap().insert_axis(Axis(1));
        for method in Estimator::ALL {
            let params = CovarianceParams { method: vec![method], ..Default::default() };
            let mut sink = RawCovarianceSink::with(params.clone(), None).unwrap();
            let plan = raw_covariance_plan(&stream, &RawCovarianceParams::default()).unwrap();
            let mut of_epochs = crate::covariance::CovarianceSink::new(params);
            let mut cutter = EpochsSink::new(plan.clone(), vec![&mut sink]);
            cutter.push_samples(0, data.view(), &Par::serial()).unwrap();
            cutter.finish(&Par::serial()).unwrap();
            let mut cutter = EpochsSink::new(plan, vec![&mut of_epochs]);
            cutter.push_samples(0, centred.view(), &Par::serial()).unwrap();
            cutter.finish(&Par::serial()).unwrap();
            let (got, expected) =
                (sink.into_covariance(&Par::serial()).unwrap(), of_epochs.into_covariance(&Par::serial()).unwrap());
            assert_eq!(got.method, method.name());
            for ((i, j), x) in got.data.indexed_iter() {
                let size = (expected.data[[i, i]] * expected.data[[j, j]]).sqrt();
                assert!((x - expected.data[[i, j]]).abs() < 1e-12 * size, "{}: {i} {j}", method.name());
            }
        }
    }
}
