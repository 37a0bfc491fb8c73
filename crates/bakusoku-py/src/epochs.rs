//! `bakusoku.epochs`: a recording in memory, cut around its events.

use crate::array::{Matrix, give};
use crate::enter::enter;
use crate::error::{parameter, to_python};
use bakusoku_core::{Annotation, Annotations, Channel, ChannelType, CoordFrame, Event, Info, Projector, Stream};
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
        .enumerate()
        .map(|(index, (ch_type, name))| {
            let (kind, unit) = kind_and_unit(channel_type("ch_types", ch_type)?)?;
            Ok(Channel {
                name: name.clone(),
                kind,
                coil_type: 0,
                unit,
                unit_mul: 0,
                coord_frame: CoordFrame::UNKNOWN,
                loc: [0.0; 12],
                cal: 1.0,
                range: 1.0,
                scanno: index as i32 + 1,
                logno: index as i32 + 1,
            })
        })
        .collect::<PyResult<_>>()?;
    Ok(Info { sfreq, chs, lowpass: sfreq / 2.0, ..Info::default() })
}

fn channel_type(name: &'static str, given: &str) -> PyResult<ChannelType> {
    ChannelType::from_name(given).ok_or_else(|| {
        let names: Vec<&str> = ChannelType::ALL.iter().map(|t| t.name()).collect();
        parameter(name, format!("types of channels ({})", names.join(", ")), format!("\"{given}\""))
    })
}

/// FIFF's kind and unit of a type of channel.
fn kind_and_unit(ch_type: ChannelType) -> PyResult<(i32, i32)> {
    Ok(match ch_type {
        ChannelType::Grad => (Channel::MEG, Channel::UNIT_T_M),
        ChannelType::Mag => (Channel::MEG, Channel::UNIT_T),
        ChannelType::RefMeg => (301, Channel::UNIT_T),
        ChannelType::Eeg => (Channel::EEG, Channel::UNIT_V),
        ChannelType::Stim => (Channel::STIM, Channel::UNIT_V),
        ChannelType::Bio => (102, Channel::UNIT_V),
        ChannelType::Eog => (Channel::EOG, Channel::UNIT_V),
        ChannelType::Emg => (302, Channel::UNIT_V),
        ChannelType::Ecg => (Channel::ECG, Channel::UNIT_V),
        ChannelType::Misc => (Channel::MISC, Channel::UNIT_NONE),
        ChannelType::Resp => (602, Channel::UNIT_V),
        ChannelType::Seeg => (802, Channel::UNIT_V),
        ChannelType::Dbs => (803, Channel::UNIT_V),
        ChannelType::Ecog => (902, Channel::UNIT_V),
        other => {
            let expected =
                "types such as \"grad\", \"mag\", \"eeg\", \"eog\", \"ecg\", \"seeg\", \"ecog\", \"stim\", \"misc\"";
            return Err(parameter("ch_types", expected, other.name()));
        }
    })
}

fn limits(name: &'static str, given: Vec<(String, f64)>) -> PyResult<Vec<(ChannelType, f64)>> {
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
