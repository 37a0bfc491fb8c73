//! `bakusoku.proj`, `bakusoku.reference` and `bakusoku.channels`: what is linear over channels.

use crate::array::{Matrix, give};
use crate::enter::enter;
use crate::error::to_python;
use bakusoku_core::Projector;
use bakusoku_math::linalg;
use bakusoku_methods::{interpolation, projection, reference};
use ndarray::Array2;
use numpy::PyArray2;
use pyo3::prelude::*;

/// The projector that takes the rows of `vectors` out.
#[pyfunction]
pub(crate) fn make_projector<'py>(py: Python<'py>, vectors: Matrix<'py>) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let vectors = vectors.as_array();
    let names: Vec<String> = (0..vectors.ncols()).map(|ch| ch.to_string()).collect();
    let projs: Vec<Projector> = vectors
        .rows()
        .into_iter()
        .enumerate()
        .map(|(i, vector)| Projector {
            kind: Projector::FIELD,
            active: false,
            desc: format!("vector {i}"),
            names: names.clone(),
            data: vector.to_owned().insert_axis(ndarray::Axis(0)),
            explained_var: None,
        })
        .collect();
    let among: Vec<&str> = names.iter().map(String::as_str).collect();
    let ssp = projection::make_projector(&projs, &among, &[], true).map_err(to_python)?;
    Ok(give(py, ssp.matrix()))
}

/// The matrix that makes samples of electrodes at `pos_to` of those at `pos_from`, relative to the origin (m).
#[pyfunction]
pub(crate) fn make_interpolation_matrix<'py>(
    py: Python<'py>,
    pos_from: Vec<[f64; 3]>,
    pos_to: Vec<[f64; 3]>,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    Ok(give(py, interpolation::make_interpolation_matrix(&pos_from, &pos_to).map_err(to_python)?))
}

/// `matrix` times `x`.
#[pyfunction]
pub(crate) fn apply_matrix<'py>(
    py: Python<'py>,
    matrix: Matrix<'py>,
    x: Matrix<'py>,
    n_jobs: usize,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let (matrix, x) = (matrix.as_array(), x.as_array());
    Ok(give(py, enter(py, n_jobs, |par| Ok(linalg::matmul(par, matrix, x)))?))
}

/// `x` with the mean of `ref_channels` subtracted from `picks`.
#[pyfunction]
pub(crate) fn set_reference<'py>(
    py: Python<'py>,
    x: Matrix<'py>,
    ref_channels: Vec<usize>,
    picks: Vec<usize>,
    n_jobs: usize,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let x = x.as_array();
    let out = enter(py, n_jobs, |_| {
        let mut out: Array2<f64> = x.to_owned();
        reference::apply_reference(out.view_mut(), &picks, &ref_channels);
        Ok(out)
    })?;
    Ok(give(py, out))
}
