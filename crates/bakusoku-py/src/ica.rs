//! `bakusoku.preprocessing.ICA`: the decomposition, its sources and its cleaning, on arrays.

use crate::array::{Matrix, give};
use crate::enter::enter;
use crate::epochs::{info_of, limits};
use crate::error::{file_error, parameter, to_python};
use bakusoku_core::containers::{Ica, IcaFit};
use bakusoku_core::{Info, Projector};
use bakusoku_io::fif::{self, FileId};
use bakusoku_methods::ica::{
    IcaMethod, IcaParams, IcaReject, NComponents, PicardParams, Selection, Start, apply, explained_variance_ratio,
    fit_ica, good_pieces, sort_by_variance, sources,
};
use bakusoku_pool::Cancel;
use numpy::{IntoPyArray, PyArray2, PyReadonlyArray1, PyReadwriteArray2};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Names and types of channels, the rate, and the projectors that were applied.
#[derive(FromPyObject)]
pub(crate) struct Channels<'py> {
    ch_names: Vec<String>,
    ch_types: Vec<String>,
    bads: Vec<String>,
    sfreq: f64,
    projs: Vec<(Vec<String>, Matrix<'py>)>,
}

impl Channels<'_> {
    fn info(&self) -> PyResult<Info> {
        let mut info = info_of(&self.ch_types, &self.ch_names, self.sfreq)?;
        info.bads.clone_from(&self.bads);
        let projs = self.projs.iter().map(|(names, data)| Projector {
            kind: Projector::FIELD,
            active: true,
            desc: "applied".into(),
            names: names.clone(),
            data: data.as_array().to_owned(),
            explained_var: None,
        });
        info.projs = projs.collect();
        Ok(info)
    }
}

/// A fitted decomposition, as MNE-Python names its parts.
#[derive(FromPyObject)]
pub(crate) struct Fit<'py> {
    channels: Channels<'py>,
    pre_whitener: Matrix<'py>,
    pca_mean: PyReadonlyArray1<'py, f64>,
    pca_components: Matrix<'py>,
    pca_explained_variance: PyReadonlyArray1<'py, f64>,
    unmixing_matrix: Matrix<'py>,
    mixing_matrix: Matrix<'py>,
    exclude: Vec<usize>,
    n_pca_components: Option<f64>,
}

impl Fit<'_> {
    fn ica(&self) -> PyResult<Ica> {
        let n_pca_components = self.n_pca_components;
        Ok(Ica {
            info: Arc::new(self.channels.info()?),
            pre_whitener: self.pre_whitener.as_array().to_owned(),
            pca_mean: self.pca_mean.as_array().to_owned(),
            pca_components: self.pca_components.as_array().to_owned(),
            pca_explained_variance: self.pca_explained_variance.as_array().to_owned(),
            unmixing_matrix: self.unmixing_matrix.as_array().to_owned(),
            mixing_matrix: self.mixing_matrix.as_array().to_owned(),
            exclude: self.exclude.clone(),
            labels: Vec::new(),
            fit: IcaFit { n_pca_components, ..IcaFit::default() },
        })
    }
}

/// What is asked of the algorithm; `None` is its default.
#[derive(FromPyObject)]
pub(crate) struct Asked {
    n_components: Option<f64>,
    n_pca_components: Option<f64>,
    method: String,
    ortho: Option<bool>,
    extended: Option<bool>,
    tol: Option<f64>,
    max_iter: usize,
    m: usize,
    ls_tries: usize,
    lambda_min: f64,
    fastica_it: usize,
}

/// Decomposes the samples `x`; the components are in the order of the variance that they explain of `all`.
#[pyfunction]
pub(crate) fn ica_fit<'py>(
    py: Python<'py>,
    x: Matrix<'py>,
    all: Option<Matrix<'py>>,
    channels: Channels<'py>,
    asked: Asked,
    w_init: Option<Matrix<'py>>,
    random: Option<PyReadonlyArray1<'py, f64>>,
    n_jobs: usize,
) -> PyResult<Bound<'py, PyDict>> {
    let method = IcaMethod::from_name(&asked.method).map_err(to_python)?;
    let params = IcaParams {
        n_components: asked.n_components.map(NComponents::from_value),
        n_pca_components: asked.n_pca_components.map(NComponents::from_value),
        method,
        picard: PicardParams {
            max_iter: asked.max_iter,
            m: asked.m,
            ls_tries: asked.ls_tries,
            lambda_min: asked.lambda_min,
            fastica_it: asked.fastica_it,
            ..PicardParams::of_method(method, asked.ortho, asked.extended, asked.tol)
        },
        start: match (w_init, random) {
            (Some(start), _) => Start::Matrix(start.as_array().to_owned()),
            (None, Some(numbers)) => Start::Random(numbers.as_array().to_vec()),
            (None, None) => Start::Identity,
        },
    };
    let info = channels.info()?;
    let x = x.as_array();
    let all = all.as_ref().map_or(x, |all| all.as_array());
    let interrupted: Mutex<Option<PyErr>> = Mutex::new(None);
    let cancel = Cancel::new();
    let mut watch = |_, _, _| {
        if let Err(error) = Python::attach(|py| py.check_signals()) {
            *interrupted.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            cancel.cancel();
        }
        Ok(cancel.check()?)
    };
    let fitted = enter(py, n_jobs, |par| {
        let mut fitted = fit_ica(par, &info, x, &params, &mut watch)?;
        sort_by_variance(par, &mut fitted.ica, all)?;
        Ok(fitted)
    });
    if let Some(error) = interrupted.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    let fitted = fitted?;
    let out = PyDict::new(py);
    let ica = fitted.ica;
    out.set_item("n_iter", fitted.found.n_iter)?;
    out.set_item("gradient", fitted.found.gradient)?;
    out.set_item("converged", fitted.found.converged)?;
    out.set_item("loss", fitted.found.loss)?;
    out.set_item("warnings", fitted.warnings)?;
    out.set_item("pre_whitener", give(py, ica.pre_whitener))?;
    out.set_item("pca_mean", ica.pca_mean.into_pyarray(py))?;
    out.set_item("pca_components", give(py, ica.pca_components))?;
    out.set_item("pca_explained_variance", ica.pca_explained_variance.into_pyarray(py))?;
    out.set_item("unmixing_matrix", give(py, ica.unmixing_matrix))?;
    out.set_item("mixing_matrix", give(py, ica.mixing_matrix))?;
    Ok(out)
}

/// The pieces of samples that are used, and those that are not.
#[pyfunction]
pub(crate) fn ica_good_pieces<'py>(
    py: Python<'py>,
    x: Matrix<'py>,
    channels: Channels<'py>,
    decim: usize,
    reject: Vec<(String, f64)>,
    flat: Vec<(String, f64)>,
    tstep: f64,
    n_jobs: usize,
) -> PyResult<(Vec<(usize, usize)>, Vec<(usize, usize)>)> {
    let reject = IcaReject { reject: limits("reject", reject)?, flat: limits("flat", flat)?, tstep };
    let info = channels.info()?;
    let x = x.as_array();
    let (used, dropped) = enter(py, n_jobs, |par| good_pieces(par, &info, x, decim, &reject))?;
    let pairs = |pieces: Vec<std::ops::Range<usize>>| pieces.into_iter().map(|p| (p.start, p.end)).collect();
    Ok((pairs(used), pairs(dropped)))
}

/// The sources of samples.
#[pyfunction]
pub(crate) fn ica_sources<'py>(
    py: Python<'py>,
    x: Matrix<'py>,
    fit: Fit<'py>,
    n_jobs: usize,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let ica = fit.ica()?;
    let x = x.as_array();
    Ok(give(py, enter(py, n_jobs, |par| sources(par, &ica, x))?))
}

/// Takes components out of samples, in place.
#[pyfunction]
pub(crate) fn ica_apply<'py>(
    py: Python<'py>,
    mut x: PyReadwriteArray2<'py, f64>,
    fit: Fit<'py>,
    include: Vec<usize>,
    exclude: Vec<usize>,
    n_pca_components: Option<f64>,
    n_jobs: usize,
) -> PyResult<()> {
    if n_pca_components.is_some_and(|n| n.is_nan() || n <= 0.0) {
        return Err(parameter("n_pca_components", "a share below 1 or a number", format!("{n_pca_components:?}")));
    }
    let n_pca_components = n_pca_components.map(NComponents::from_value);
    let ica = fit.ica()?;
    let x = x.as_array_mut();
    enter(py, n_jobs, |par| apply(par, &ica, &Selection { include, exclude, n_pca_components }, x))
}

/// Writes a file of a decomposition anew, with other components to exclude.
#[pyfunction]
pub(crate) fn ica_exclude_in_file(
    py: Python<'_>,
    source: PathBuf,
    target: PathBuf,
    exclude: Vec<usize>,
) -> PyResult<()> {
    py.detach(|| {
        let mut ica = fif::read_ica(&source)?;
        ica.exclude = exclude;
        fif::write_ica(&target, &ica, FileId::CONSTANT)
    })
    .map_err(file_error)
}

/// The share of the variance that components explain, over the channels `rows`.
#[pyfunction]
pub(crate) fn ica_explained_variance_ratio<'py>(
    py: Python<'py>,
    x: Matrix<'py>,
    fit: Fit<'py>,
    include: Vec<usize>,
    rows: Vec<usize>,
    n_jobs: usize,
) -> PyResult<f64> {
    let ica = fit.ica()?;
    let x = x.as_array();
    if let Some(row) = rows.iter().find(|&&row| row >= x.nrows()) {
        return Err(parameter("ch_type", format!("channels below {}", x.nrows()), row));
    }
    enter(py, n_jobs, |par| explained_variance_ratio(par, &ica, &include, &rows, x))
}
