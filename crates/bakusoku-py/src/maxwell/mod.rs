//! `bakusoku.maxwell`: the Maxwell filter on arrays.

mod convert;

use crate::array::{Matrix, give};
use crate::enter::enter;
use bakusoku_methods::maxwell;
use convert::{Options, Sensors, report, segments_of};
use numpy::PyArray2;
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
