//! `bakusoku.find_events`.

use crate::enter::enter;
use crate::error::parameter;
use bakusoku_methods::events::{Consecutive, FindEvents, MaskType, Output, find_events as kernel};
use ndarray::Array2;
use numpy::{IntoPyArray, PyArray2, PyReadonlyArray1};
use pyo3::prelude::*;

/// Events of one stimulus channel: sample, value before, value after.
#[pyfunction]
pub(crate) fn find_events<'py>(
    py: Python<'py>,
    x: PyReadonlyArray1<'py, f64>,
    sfreq: f64,
    first_samp: i64,
    output: &str,
    consecutive: &str,
    min_duration: f64,
    shortest_event: i64,
    mask: Option<i64>,
    uint_cast: bool,
    mask_type: &str,
    initial_event: bool,
) -> PyResult<Bound<'py, PyArray2<i64>>> {
    let parameters = FindEvents {
        stim_channel: Vec::new(),
        output: match output {
            "onset" => Output::Onset,
            "offset" => Output::Offset,
            "step" => Output::Step,
            other => return Err(parameter("output", "\"onset\", \"offset\" or \"step\"", other)),
        },
        consecutive: match consecutive {
            "increasing" => Consecutive::Increasing,
            "always" => Consecutive::Always,
            "never" => Consecutive::Never,
            other => return Err(parameter("consecutive", "True, False or \"increasing\"", other)),
        },
        min_duration,
        shortest_event,
        mask,
        uint_cast,
        mask_type: match mask_type {
            "and" => MaskType::And,
            "not_and" => MaskType::NotAnd,
            other => return Err(parameter("mask_type", "\"and\" or \"not_and\"", other)),
        },
        initial_event,
    };
    let samples = x.as_slice()?;
    let events = enter(py, 1, |_| kernel(samples, first_samp, sfreq, &parameters))?;
    let rows: Vec<i64> = events.iter().flat_map(|e| [e.sample, e.previous, e.code]).collect();
    let events = Array2::from_shape_vec((events.len(), 3), rows).expect("three numbers an event");
    Ok(events.into_pyarray(py))
}
