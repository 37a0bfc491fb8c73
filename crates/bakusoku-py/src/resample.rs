//! `bakusoku.filter.resample`.

use crate::array::{Matrix, Rows, row};
use crate::enter::enter_rows;
use crate::error::{parameter, to_python};
use bakusoku_math::window::Window;
use bakusoku_methods::resample::{Npad, ResampleMethod, ResampleWindow, Resampler, Resampling};
use numpy::PyArray2;
use pyo3::prelude::*;

/// A window by its name and its numbers, as SciPy has them.
pub(crate) fn window(name: &'static str, kind: &str, numbers: &[f64]) -> PyResult<Window> {
    let text = match numbers {
        [] => kind.to_owned(),
        numbers => {
            let numbers: Vec<String> = numbers.iter().map(|x| format!("{x:?}")).collect();
            format!("{kind}({})", numbers.join(", "))
        }
    };
    text.parse().map_err(|error: bakusoku_math::window::UnknownWindow| {
        let bakusoku_math::window::UnknownWindow(got) = error;
        let names = "boxcar, hann, hamming, blackman, blackmanharris, nuttall, flattop, cosine, bartlett, kaiser";
        parameter(name, format!("one of {names}"), got)
    })
}

/// Rows at another rate (`mne.filter.resample`).
#[pyfunction]
pub(crate) fn resample<'py>(
    py: Python<'py>,
    x: Matrix<'py>,
    up: f64,
    down: f64,
    window: &str,
    window_args: Vec<f64>,
    pad: &str,
    npad: Option<usize>,
    method: &str,
    n_jobs: usize,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let resampling = Resampling {
        npad: npad.map_or_else(Npad::default, Npad::Samples),
        window: match window {
            "auto" => ResampleWindow::Auto,
            kind => ResampleWindow::Named(self::window("window", kind, &window_args)?),
        },
        pad: pad.to_owned(),
        method: match method {
            "fft" => ResampleMethod::Fft,
            "polyphase" => ResampleMethod::Polyphase,
            other => return Err(parameter("method", "\"fft\" or \"polyphase\"", other)),
        },
    };
    let x = x.as_array();
    let resampler = Resampler::new(x.ncols(), up, down, &resampling).map_err(to_python)?;
    let mut out = Rows::zeros(x.nrows(), resampler.n_out())?;
    if x.nrows() > 0 {
        let rows = out.shared();
        enter_rows(py, n_jobs, x.nrows(), |scratch, i| {
            resampler.run(row(&x, i), rows.take(i), scratch);
            Ok(())
        })?;
    }
    Ok(out.into_python(py))
}
