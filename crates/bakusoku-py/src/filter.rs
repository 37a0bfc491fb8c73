//! `bakusoku.filter`: FIR filters and notches.

use crate::array::{Matrix, Rows, row};
use crate::enter::enter_rows;
use crate::error::{parameter, to_python};
use bakusoku_math::convolve::{Convolver, Fir, Work};
use bakusoku_math::pad::Pad;
use bakusoku_methods::filter::{
    Design, FilterLength, FirWindow, Phase, TransBandwidth, create_filter as design_filter,
};
use bakusoku_methods::notch::NotchParams;
use numpy::{IntoPyArray, PyArray1, PyArray2};
use pyo3::prelude::*;

/// `filter_length` as Python gives it.
#[derive(FromPyObject)]
pub(crate) enum Length {
    Samples(usize),
    Text(String),
}

impl From<Length> for FilterLength {
    fn from(length: Length) -> Self {
        match length {
            Length::Samples(n) => Self::Samples(n),
            Length::Text(text) => Self::Text(text),
        }
    }
}

fn bandwidth(name: &'static str, given: Option<Vec<f64>>) -> PyResult<TransBandwidth> {
    match given.as_deref() {
        None => Ok(TransBandwidth::default()),
        Some([hz]) => Ok(TransBandwidth::Hz(*hz)),
        Some(several) => Err(parameter(name, "one number (Hz) or \"auto\"", format!("{} numbers", several.len()))),
    }
}

fn phase_of(name: &str) -> PyResult<Phase> {
    Ok(match name {
        "zero" => Phase::Zero,
        "zero-double" => Phase::ZeroDouble,
        "linear" => Phase::Linear,
        "minimum" => Phase::Minimum,
        "minimum-half" => Phase::MinimumHalf,
        other => {
            let expected = "\"zero\", \"zero-double\", \"linear\", \"minimum\" or \"minimum-half\"";
            return Err(parameter("phase", expected, other));
        }
    })
}

fn window_of(name: &str) -> PyResult<FirWindow> {
    Ok(match name {
        "hamming" => FirWindow::Hamming,
        "hann" => FirWindow::Hann,
        "blackman" => FirWindow::Blackman,
        other => return Err(parameter("fir_window", "\"hamming\", \"hann\" or \"blackman\"", other)),
    })
}

fn only_firwin(name: &str) -> PyResult<()> {
    if name == "firwin" { Ok(()) } else { Err(parameter("fir_design", "\"firwin\"", name)) }
}

pub(crate) fn pad_of(name: &str) -> PyResult<Pad> {
    name.parse().map_err(|_| {
        let names: Vec<String> = Pad::ALL.iter().map(|pad| format!("\"{}\"", pad.name())).collect();
        parameter("pad", format!("one of {}", names.join(", ")), name)
    })
}

/// The taps of a filter (`mne.filter.create_filter`).
#[pyfunction]
pub(crate) fn create_filter<'py>(
    py: Python<'py>,
    sfreq: f64,
    l_freq: Option<Vec<f64>>,
    h_freq: Option<Vec<f64>>,
    filter_length: Length,
    l_trans_bandwidth: Option<Vec<f64>>,
    h_trans_bandwidth: Option<Vec<f64>>,
    phase: &str,
    fir_window: &str,
    fir_design: &str,
) -> PyResult<Bound<'py, PyArray1<f64>>> {
    let (taps, _) = taps(
        sfreq,
        l_freq,
        h_freq,
        filter_length,
        l_trans_bandwidth,
        h_trans_bandwidth,
        phase,
        fir_window,
        fir_design,
    )?;
    Ok(taps.into_pyarray(py))
}

fn taps(
    sfreq: f64,
    l_freq: Option<Vec<f64>>,
    h_freq: Option<Vec<f64>>,
    filter_length: Length,
    l_trans_bandwidth: Option<Vec<f64>>,
    h_trans_bandwidth: Option<Vec<f64>>,
    phase_name: &str,
    window_name: &str,
    fir_design: &str,
) -> PyResult<(Vec<f64>, Phase)> {
    only_firwin(fir_design)?;
    let phase = phase_of(phase_name)?;
    let design = Design {
        l_freq: l_freq.as_deref().unwrap_or_default(),
        h_freq: h_freq.as_deref().unwrap_or_default(),
        filter_length: &filter_length.into(),
        l_trans_bandwidth: &bandwidth("l_trans_bandwidth", l_trans_bandwidth)?,
        h_trans_bandwidth: &bandwidth("h_trans_bandwidth", h_trans_bandwidth)?,
        phase,
        fir_window: window_of(window_name)?,
    };
    Ok((design_filter(sfreq, &design).map_err(to_python)?, phase))
}

/// Filters rows (`mne.filter.filter_data`).
#[pyfunction]
pub(crate) fn filter_data<'py>(
    py: Python<'py>,
    x: Matrix<'py>,
    sfreq: f64,
    l_freq: Option<Vec<f64>>,
    h_freq: Option<Vec<f64>>,
    filter_length: Length,
    l_trans_bandwidth: Option<Vec<f64>>,
    h_trans_bandwidth: Option<Vec<f64>>,
    phase: &str,
    fir_window: &str,
    fir_design: &str,
    pad: &str,
    n_jobs: usize,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let (taps, phase) = taps(
        sfreq,
        l_freq,
        h_freq,
        filter_length,
        l_trans_bandwidth,
        h_trans_bandwidth,
        phase,
        fir_window,
        fir_design,
    )?;
    apply(py, &x, phase.apply(taps, pad_of(pad)?), n_jobs)
}

/// Takes frequencies out of rows (`mne.filter.notch_filter`).
#[pyfunction]
pub(crate) fn notch_filter<'py>(
    py: Python<'py>,
    x: Matrix<'py>,
    sfreq: f64,
    freqs: Vec<f64>,
    filter_length: Length,
    notch_widths: Option<Vec<f64>>,
    trans_bandwidth: f64,
    phase: &str,
    fir_window: &str,
    fir_design: &str,
    pad: &str,
    n_jobs: usize,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    only_firwin(fir_design)?;
    let params = NotchParams {
        freqs,
        filter_length: filter_length.into(),
        notch_widths,
        trans_bandwidth,
        phase: phase_of(phase)?,
        fir_window: window_of(fir_window)?,
        pad: pad_of(pad)?,
        ..NotchParams::default()
    };
    apply(py, &x, params.fir(sfreq).map_err(to_python)?, n_jobs)
}

fn apply<'py>(py: Python<'py>, x: &Matrix<'py>, fir: Fir, n_jobs: usize) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let x = x.as_array();
    let mut out = Rows::zeros(x.nrows(), x.ncols())?;
    if !x.is_empty() {
        let convolver = Convolver::new(fir, [x.ncols()]);
        let rows = out.shared();
        enter_rows(py, n_jobs, x.nrows(), |scratch, i| {
            convolver.run(row(&x, i), rows.take(i), scratch.get::<Work>());
            Ok(())
        })?;
    }
    Ok(out.into_python(py))
}
