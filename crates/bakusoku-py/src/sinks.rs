//! `bakusoku.epochs.average` and `bakusoku.cov`: what is made of epochs, taken one by one from an array.

use crate::array::give;
use crate::enter::enter;
use crate::epochs::{info_of, limits};
use crate::error::{parameter, to_python};
use bakusoku_core::{Event, Par, Result};
use bakusoku_methods::covariance::{CovarianceParams, CovarianceSink, Estimator, Rank};
use bakusoku_methods::epochs::{Epoch, EpochSink, EpochsHeader};
use bakusoku_methods::evoked::EvokedSink;
use ndarray::{ArrayView3, Axis};
use numpy::{PyArray2, PyReadonlyArray3};
use pyo3::prelude::*;
use std::sync::Arc;

/// Leads every epoch of an array through a sink; all are of one condition.
fn lead(sink: &mut dyn EpochSink, header: &EpochsHeader, epochs: ArrayView3<'_, f64>, par: &Par) -> Result<()> {
    sink.begin(header)?;
    for (index, data) in epochs.axis_iter(Axis(0)).enumerate() {
        let event = Event { sample: index as i64, previous: 0, code: 1 };
        sink.push(&Epoch { event, selection: index, index, data }, par)?;
    }
    sink.end(&vec![Vec::new(); epochs.dim().0], par)
}

fn header(epochs: ArrayView3<'_, f64>, ch_types: &[String], sfreq: f64, first: i64) -> PyResult<EpochsHeader> {
    let ch_names: Vec<String> = (0..ch_types.len()).map(|ch| ch.to_string()).collect();
    Ok(EpochsHeader {
        info: Arc::new(info_of(ch_types, &ch_names, sfreq)?),
        event_id: vec![("1".to_owned(), 1)],
        first,
        n_times: epochs.dim().2,
        raw_sfreq: sfreq,
        baseline: None,
        n_events: epochs.dim().0,
    })
}

/// The mean over epochs.
#[pyfunction]
pub(crate) fn average<'py>(
    py: Python<'py>,
    epochs: PyReadonlyArray3<'py, f64>,
    n_jobs: usize,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let epochs = epochs.as_array();
    // Of data channels all are averaged, whatever their type.
    let header = header(epochs, &vec!["eeg".to_owned(); epochs.dim().1], 1.0, 0)?;
    let evoked = enter(py, n_jobs, |par| {
        let mut sink = EvokedSink::of_each();
        lead(&mut sink, &header, epochs, par)?;
        Ok(sink.into_evokeds().pop())
    })?;
    let evoked = evoked.ok_or_else(|| parameter("epochs", "at least one epoch", "none"))?;
    Ok(give(py, evoked.data))
}

/// A method, the log-likelihood of samples left out, and the covariance.
type Estimate<'py> = (String, Option<f64>, Bound<'py, PyArray2<f64>>);

/// The covariance of data channels by each method, the best one first, and its degrees of freedom.
#[pyfunction]
pub(crate) fn compute_covariance<'py>(
    py: Python<'py>,
    epochs: PyReadonlyArray3<'py, f64>,
    sfreq: f64,
    first: i64,
    ch_types: Vec<String>,
    keep_sample_mean: bool,
    tmin: Option<f64>,
    tmax: Option<f64>,
    rank: &str,
    given: Vec<(String, usize)>,
    method: Vec<String>,
    shrinkage: f64,
    cv: usize,
    scalings: Vec<(String, f64)>,
    n_jobs: usize,
) -> PyResult<(Vec<Estimate<'py>>, i64)> {
    let params = CovarianceParams {
        tmin,
        tmax,
        keep_sample_mean,
        method: method.iter().map(|name| Estimator::from_name(name)).collect::<Result<_>>().map_err(to_python)?,
        shrinkage,
        cv,
        scalings: limits("scalings", scalings)?,
        rank: match rank {
            "estimate" => Rank::Estimate,
            "info" => Rank::Info,
            "full" => Rank::Full,
            "given" => Rank::Given(given),
            other => return Err(parameter("rank", "None, \"info\", \"full\" or a dict", other)),
        },
    };
    let epochs = epochs.as_array();
    let header = header(epochs, &ch_types, sfreq, first)?;
    let estimates = enter(py, n_jobs, |par| {
        let mut sink = CovarianceSink::new(params);
        lead(&mut sink, &header, epochs, par)?;
        sink.into_estimates(par)
    })?;
    let nfree = estimates.first().map_or(0, |(covariance, _)| covariance.nfree);
    Ok((estimates.into_iter().map(|(c, loglik)| (c.method, loglik, give(py, c.data))).collect(), nfree))
}
