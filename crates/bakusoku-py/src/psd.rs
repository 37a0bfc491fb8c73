//! `bakusoku.time_frequency.psd_array_welch`.

use crate::array::{Matrix, give};
use crate::enter::enter;
use crate::error::parameter;
use crate::resample::window as window_of;
use bakusoku_methods::psd::{
    Average, WelchParams, psd_array_welch as kernel, psd_array_welch_complex, psd_array_welch_segments,
};
use numpy::{IntoPyArray, PyArray1};
use pyo3::prelude::*;

/// Welch spectra: `(n_rows, n_freqs)`, or `(n_rows, n_freqs, n_segments)` without an average, and the frequencies.
#[pyfunction]
pub(crate) fn psd_array_welch<'py>(
    py: Python<'py>,
    x: Matrix<'py>,
    sfreq: f64,
    fmin: f64,
    fmax: f64,
    n_fft: usize,
    n_overlap: usize,
    n_per_seg: Option<usize>,
    average: Option<&str>,
    window: &str,
    window_args: Vec<f64>,
    remove_dc: bool,
    output: &str,
    n_jobs: usize,
) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyArray1<f64>>)> {
    let params = WelchParams {
        fmin,
        fmax: Some(fmax),
        n_fft: Some(n_fft),
        n_overlap,
        n_per_seg,
        average: match average {
            Some("mean") | None => Average::Mean,
            Some("median") => Average::Median,
            Some(other) => return Err(parameter("average", "\"mean\", \"median\" or None", other)),
        },
        window: window_of("window", window, &window_args)?,
        remove_dc,
        ..WelchParams::default()
    };
    let x = x.as_array();
    let (psds, freqs) = match (average, output) {
        (Some(_), "power") => {
            let (psds, freqs) = enter(py, n_jobs, |par| kernel(par, x, sfreq, &params))?;
            (give(py, psds).into_any(), freqs)
        }
        (None, "power") => {
            let (psds, freqs) = enter(py, n_jobs, |par| psd_array_welch_segments(par, x, sfreq, &params))?;
            (give(py, psds).into_any(), freqs)
        }
        (None, "complex") => {
            let (spectra, freqs) = enter(py, n_jobs, |par| psd_array_welch_complex(par, x, sfreq, &params))?;
            (spectra.into_pyarray(py).into_any(), freqs)
        }
        (Some(_), "complex") => return Err(parameter("average", "None with output=\"complex\"", "another")),
        (_, other) => return Err(parameter("output", "\"power\" or \"complex\"", other)),
    };
    Ok((psds, freqs.into_pyarray(py)))
}
