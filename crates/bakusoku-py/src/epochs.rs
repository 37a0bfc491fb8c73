//! `bakusoku.epochs`: a recording in memory, cut around its events.

use crate::array::{Matrix, give};
use crate::enter::enter;
use crate::error::{parameter, to_python};
use bakusoku_core::{Annotation, Annotations, Channel, ChannelType, Event, Info, Projector, Stream};
use bakusoku_methods::epochs::{EpochsParams, EpochsPlan, EventRepeated, OnMissing, epochs_from_array};
use ndarray::Array2;
use numpy::{IntoPyArray, PyArray1, PyArray2, PyArray3, PyReadonlyArray2};
use pyo3::prelude::*;
use std::sync::Arc;

/// Channels of given types, as a recording would have them.
pub(crate) fn info_of(ch_types: &[String], ch_names: &[String], sfreq: f64) -> PyResult<Info> {
    let chs = ch_types
        .iter()
        .zip(ch_names)
        .map(|(ch_type, name)| Ok(Channel::new(name.as_str(), channel_type("ch_types", ch_type)?)))
        .collect::<PyResult<_>>()?;
    Ok(Info { sfreq, chs, lowpass: sfreq / 2.0, ..Info::default() }.number_channels())
}

fn channel_type(name: &'static str, given: &str) -> PyResult<ChannelType> {
    ChannelType::from_name(given).ok_or_else(|| {
        let names: Vec<&str> = ChannelType::ALL.iter().map(|t| t.name()).collect();
        parameter(name, format!("types of channels ({})", names.join(", ")), format!("\"{given}\""))
    })
}

pub(crate) fn limits(name: &'static str, given: Vec<(String, f64)>) -> PyResult<Vec<(ChannelType, f64)>> {
    given.into_iter().map(|(ch_type, value)| Ok((channel_type(name, &ch_type)?, value))).collect()
}

/// Data, times, events, which events they are, and the drop log.
type Cut<'py> = (
    Bound<'py, PyArray3<f64>>,
    Bound<'py, PyArray1<f64>>,
    Bound<'py, PyArray2<i64>>,
    Bound<'py, PyArray1<i64>>,
    Vec<Vec<String>>,
);

/// Cuts a recording around its events.
#[pyfunction]
pub(crate) fn cut_epochs<'py>(
    py: Python<'py>,
    x: Matrix<'py>,
    sfreq: f64,
    first_samp: i64,
    events: PyReadonlyArray2<'py, i64>,
    event_id: Vec<(String, i64)>,
    tmin: f64,
    tmax: f64,
    baseline: Option<(Option<f64>, Option<f64>)>,
    reject: Vec<(String, f64)>,
    flat: Vec<(String, f64)>,
    decim: usize,
    reject_tmin: Option<f64>,
    reject_tmax: Option<f64>,
    detrend: Option<u8>,
    event_repeated: &str,
    ch_types: Vec<String>,
    ch_names: Vec<String>,
    bad_spans: Vec<(f64, f64, String)>,
    projs: Option<Matrix<'py>>,
    n_jobs: usize,
) -> PyResult<Cut<'py>> {
    let x = x.as_array();
    let mut info = info_of(&ch_types, &ch_names, sfreq)?;
    if let Some(vectors) = &projs {
        info.projs = vectors
            .as_array()
            .rows()
            .into_iter()
            .enumerate()
            .map(|(i, vector)| Projector {
                kind: Projector::FIELD,
                active: false,
                desc: format!("vector {i}"),
                names: ch_names.clone(),
                data: vector.to_owned().insert_axis(ndarray::Axis(0)),
                explained_var: None,
            })
            .collect();
    }
    let items = bad_spans
        .into_iter()
        .map(|(onset, duration, description)| Annotation { onset, duration, description, ch_names: Vec::new() })
        .collect();
    let stream = Stream {
        info: Arc::new(info),
        first_samp,
        n_times: x.ncols() as u64,
        gaps: Vec::new(),
        annotations: Annotations { orig_time: None, items },
    };
    let params = EpochsParams {
        tmin,
        tmax,
        baseline,
        baseline_after_decim: false,
        reject: limits("reject", reject)?,
        flat: limits("flat", flat)?,
        reject_tmin,
        reject_tmax,
        detrend,
        decim,
        proj: projs.is_some(),
        event_repeated: match event_repeated {
            "error" => EventRepeated::Error,
            "drop" => EventRepeated::Drop,
            "merge" => EventRepeated::Merge,
            other => return Err(parameter("event_repeated", "\"error\", \"drop\" or \"merge\"", other)),
        },
        reject_by_annotation: true,
        on_missing: OnMissing::Raise,
    };
    let events: Vec<Event> = events
        .as_array()
        .rows()
        .into_iter()
        .map(|row| Event { sample: row[0], previous: row[1], code: row[2] })
        .collect();
    let plan = EpochsPlan::new(&stream, &events, Some(&event_id), None, &params).map_err(to_python)?;
    let times = plan.timeline().times();
    let epochs = enter(py, n_jobs, |par| epochs_from_array(x, &plan, par))?;
    let kept: Vec<i64> = epochs.events.iter().flat_map(|e| [e.sample, e.previous, e.code]).collect();
    let kept = Array2::from_shape_vec((epochs.events.len(), 3), kept).expect("three numbers an event");
    let selection: Vec<i64> = epochs.selection.iter().map(|&index| index as i64).collect();
    Ok((
        give(py, epochs.data),
        times.into_pyarray(py),
        kept.into_pyarray(py),
        selection.into_pyarray(py),
        epochs.drop_log,
    ))
}
