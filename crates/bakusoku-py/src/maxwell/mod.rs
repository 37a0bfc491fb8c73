//! `bakusoku.maxwell`: the Maxwell filter on arrays.

mod convert;

use crate::array::{Matrix, give};
use crate::enter::enter;
use crate::error::to_python;
use bakusoku_methods::maxwell;
use convert::{Options, Sensors, decomposition, report, segments_of};
use numpy::{IntoPyArray, PyArray2};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// The filtered recording, and what was done.
#[pyfunction]
pub(crate) fn maxwell_filter<'py>(
    py: Python<'py>,
    x: Matrix<'py>,
    sensors: Sensors,
    options: Options,
    segments: Option<Vec<(u64, u64, bool)>>,
    n_jobs: usize,
) -> PyResult<(Bound<'py, PyArray2<f64>>, Bound<'py, PyDict>)> {
    let x = x.as_array();
    let first_samp = sensors.first_samp;
    let (info, params) = (sensors.info()?, options.params()?);
    let segments = segments_of(segments, x.ncols() as u64);
    let (out, done) = enter(py, n_jobs, |par| maxwell::maxwell_filter(par, &info, first_samp, &segments, x, &params))?;
    Ok((give(py, out), report(py, &done)?))
}

/// All that is known before the first sample; everything that can be wrong by then is an error.
#[pyfunction]
pub(crate) fn maxwell_plan<'py>(
    py: Python<'py>,
    sensors: Sensors,
    options: Options,
    segments: Option<Vec<(u64, u64, bool)>>,
    n_times: u64,
) -> PyResult<Bound<'py, PyDict>> {
    let first_samp = sensors.first_samp;
    let (info, params) = (sensors.info()?, options.params()?);
    let segments = segments_of(segments, n_times);
    let known = py.detach(|| maxwell::plan_report(&info, first_samp, &segments, &params)).map_err(to_python)?;
    report(py, &known)
}

/// What was found, as a dict.
#[pyfunction]
pub(crate) fn find_bad_channels_maxwell<'py>(
    py: Python<'py>,
    x: Matrix<'py>,
    sensors: Sensors,
    options: Options,
    segments: Option<Vec<(u64, u64, bool)>>,
    limit: f64,
    duration: f64,
    min_count: usize,
    n_jobs: usize,
) -> PyResult<Bound<'py, PyDict>> {
    let x = x.as_array();
    let first_samp = sensors.first_samp;
    let info = sensors.info()?;
    let params = maxwell::FindBadsParams { limit, duration, min_count, maxwell: options.params()? };
    let segments = segments_of(segments, x.ncols() as u64);
    let found =
        enter(py, n_jobs, |par| maxwell::find_bad_channels_maxwell(par, &info, first_samp, &segments, x, &params))?;
    let out = PyDict::new(py);
    out.set_item("noisy", found.noisy)?;
    out.set_item("flat", found.flat)?;
    out.set_item("ch_names", found.ch_names)?;
    let intervals = found
        .intervals
        .into_iter()
        .map(|interval| {
            let dict = PyDict::new(py);
            dict.set_item("start", interval.span.start)?;
            dict.set_item("stop", interval.span.stop)?;
            dict.set_item("flat", interval.flat)?;
            dict.set_item("noisy", interval.noisy)?;
            Ok(dict)
        })
        .collect::<PyResult<Vec<_>>>()?;
    out.set_item("intervals", intervals)?;
    out.set_item("n_intervals", found.n_intervals)?;
    out.set_item("all_flat", found.all_flat)?;
    out.set_item("bins", give(py, found.bins))?;
    out.set_item("scores_flat", give(py, found.scores_flat))?;
    out.set_item("limits_flat", found.limits_flat.into_pyarray(py))?;
    out.set_item("scores_noisy", give(py, found.scores_noisy))?;
    out.set_item("limits_noisy", found.limits_noisy.into_pyarray(py))?;
    out.set_item("report", report(py, &found.report)?)?;
    Ok(out)
}

/// Basis, pseudo-inverse, moments kept, how many are inner ones, and more, as a dict.
#[pyfunction]
pub(crate) fn compute_maxwell_basis<'py>(
    py: Python<'py>,
    sensors: Sensors,
    options: Options,
) -> PyResult<Bound<'py, PyDict>> {
    let (info, params) = (sensors.info()?, options.params()?);
    let basis = py.detach(|| maxwell::compute_maxwell_basis(&info, &params)).map_err(to_python)?;
    let out = PyDict::new(py);
    out.set_item("s", give(py, basis.s))?;
    out.set_item("ps", give(py, basis.ps))?;
    out.set_item("moments", basis.moments)?;
    out.set_item("n_use_in", basis.n_use_in)?;
    out.set_item("decomposition", decomposition(py, &basis.report)?)?;
    out.set_item("warnings", basis.warnings)?;
    Ok(out)
}
