//! Heartbeats, blinks, and the components that follow them, on arrays.

use crate::array::{Matrix, give};
use crate::enter::enter;
use bakusoku_methods::artifacts::{
    Band, BlinkParams, HeartbeatParams, band_pass, correlations, ctps as kernel, find_blinks, find_heartbeats,
    outliers_by_score, peak_finder as peaks_of,
};
use numpy::{IntoPyArray, PyArray1, PyArray2, PyReadonlyArray1, PyReadonlyArray3};
use pyo3::prelude::*;

/// Heartbeats of an ECG as samples, and its stretches filtered.
#[pyfunction]
pub(crate) fn find_ecg_samples<'py>(
    py: Python<'py>,
    ecg: PyReadonlyArray1<'py, f64>,
    stretches: Vec<(usize, usize)>,
    sfreq: f64,
    band: (f64, f64, Option<usize>),
    threshold: Option<f64>,
    tstart: f64,
    n_jobs: usize,
) -> PyResult<(Vec<usize>, Bound<'py, PyArray1<f64>>)> {
    let params = HeartbeatParams { band: band_of(band), qrs_threshold: threshold, tstart };
    let stretches: Vec<_> = stretches.into_iter().map(|(start, stop)| start..stop).collect();
    let ecg = ecg.as_array();
    let (beats, filtered) = enter(py, n_jobs, |par| find_heartbeats(par, ecg, &stretches, sfreq, &params))?;
    Ok((beats, filtered.into_pyarray(py)))
}

fn band_of((l_freq, h_freq, n_taps): (f64, f64, Option<usize>)) -> Band {
    Band { l_freq, h_freq, n_taps }
}

/// Blinks as samples, and the row that shows them.
#[pyfunction]
pub(crate) fn find_eog_samples<'py>(
    py: Python<'py>,
    eog: Matrix<'py>,
    sfreq: f64,
    band: (f64, f64, Option<usize>),
    thresh: Option<f64>,
    tstart: f64,
    n_jobs: usize,
) -> PyResult<(Vec<usize>, usize)> {
    let params = BlinkParams { band: band_of(band), thresh, tstart };
    let eog = eog.as_array();
    enter(py, n_jobs, |par| find_blinks(par, eog, sfreq, &params))
}

/// Peaks of a row, or valleys.
#[pyfunction]
pub(crate) fn peak_finder(
    py: Python<'_>,
    x: PyReadonlyArray1<'_, f64>,
    thresh: Option<f64>,
    up: bool,
) -> PyResult<Vec<usize>> {
    let x = x.as_array();
    enter(py, 1, |_| Ok(peaks_of(&x.to_vec(), thresh, up)))
}

/// Rows within a band.
#[pyfunction]
pub(crate) fn artifact_band<'py>(
    py: Python<'py>,
    x: Matrix<'py>,
    sfreq: f64,
    band: (f64, f64, Option<usize>),
    n_jobs: usize,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let x = x.as_array();
    Ok(give(py, enter(py, n_jobs, |par| band_pass(par, x, sfreq, &band_of(band)))?))
}

/// Correlations of sources with targets, `(n_targets, n_sources)`.
#[pyfunction]
pub(crate) fn correlate_rows<'py>(
    py: Python<'py>,
    sources: Matrix<'py>,
    targets: Matrix<'py>,
    n_jobs: usize,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let (sources, targets) = (sources.as_array(), targets.as_array());
    Ok(give(py, enter(py, n_jobs, |par| correlations(par, sources, targets))?))
}

/// Columns that stand out in any row, the largest first, and those of each row.
#[pyfunction]
pub(crate) fn find_outlying_scores(
    scores: Matrix<'_>,
    threshold: f64,
    absolute: bool,
) -> (Vec<usize>, Vec<Vec<usize>>) {
    outliers_by_score(scores.as_array(), threshold, absolute)
}

/// Two matrices of float64.
type Pair<'py> = (Bound<'py, PyArray2<f64>>, Bound<'py, PyArray2<f64>>);

/// Kuiper's statistic of the phases of epochs, and its normalised probability.
#[pyfunction]
pub(crate) fn ctps<'py>(py: Python<'py>, epochs: PyReadonlyArray3<'py, f64>, n_jobs: usize) -> PyResult<Pair<'py>> {
    let epochs = epochs.as_array();
    let (statistic, probability) = enter(py, n_jobs, |par| kernel(par, epochs))?;
    Ok((give(py, statistic), give(py, probability)))
}
