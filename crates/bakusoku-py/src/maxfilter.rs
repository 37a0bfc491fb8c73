//! `bakusoku.preprocessing` and `bakusoku.chpi`: what stands beside a recording for the Maxwell filter.

use crate::error::{file_error, to_python};
use bakusoku_core::{
    CoordFrame, CrossTalk, DigKind, DigPoint, FineCalibration, HeadPosition, HeadPositions, Info, SensorCalibration,
    Transform,
};
use bakusoku_io::maxfilter;
use bakusoku_methods::headshape;
use ndarray::Array2;
use numpy::{IntoPyArray, PyArray2, PyReadonlyArray2};
use pyo3::prelude::*;
use std::path::PathBuf;

/// Rows of equal length as a matrix.
fn rows<const N: usize>(rows: impl ExactSizeIterator<Item = [f64; N]>) -> Array2<f64> {
    let n = rows.len();
    Array2::from_shape_vec((n, N), rows.flatten().collect()).expect("all rows have that many")
}

/// Names, coils `(n, 12)` and imbalances of a fine-calibration file.
#[pyfunction]
pub(crate) fn read_fine_calibration<'py>(
    py: Python<'py>,
    path: PathBuf,
) -> PyResult<(Vec<String>, Bound<'py, PyArray2<f64>>, Vec<Vec<f64>>)> {
    let read = py.detach(|| maxfilter::read_fine_calibration(&path)).map_err(file_error)?;
    let locs = rows(read.sensors.iter().map(|sensor| sensor.loc)).into_pyarray(py);
    let (names, imbalances) = read.sensors.into_iter().map(|sensor| (sensor.name, sensor.imbalance)).unzip();
    Ok((names, locs, imbalances))
}

/// Writes a fine-calibration file.
#[pyfunction]
pub(crate) fn write_fine_calibration(
    path: PathBuf,
    ch_names: Vec<String>,
    locs: Vec<[f64; 12]>,
    imb_cals: Vec<Vec<f64>>,
) -> PyResult<()> {
    let sensors = ch_names.into_iter().zip(locs).zip(imb_cals);
    let sensors = sensors.map(|((name, loc), imbalance)| SensorCalibration { name, loc, imbalance }).collect();
    maxfilter::write_fine_calibration(&path, &FineCalibration { sensors }).map_err(file_error)
}

/// Names, matrix, creator and date of a cross-talk file.
#[pyfunction]
pub(crate) fn read_cross_talk<'py>(
    py: Python<'py>,
    path: PathBuf,
) -> PyResult<(Vec<String>, Bound<'py, PyArray2<f64>>, Option<String>, Option<(i32, i32)>)> {
    let CrossTalk { ch_names, decoupler, creator, date } =
        py.detach(|| maxfilter::read_cross_talk(&path)).map_err(file_error)?;
    Ok((ch_names, decoupler.into_pyarray(py), creator, date))
}

/// Positions of a head position file, `(n, 10)`.
#[pyfunction]
pub(crate) fn read_head_pos<'py>(py: Python<'py>, path: PathBuf) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let read = py.detach(|| maxfilter::read_head_pos(&path)).map_err(file_error)?;
    Ok(rows(read.items.iter().map(HeadPosition::to_row)).into_pyarray(py))
}

/// Writes a head position file.
#[pyfunction]
pub(crate) fn write_head_pos(path: PathBuf, pos: PyReadonlyArray2<'_, f64>) -> PyResult<()> {
    let pos = pos.as_array();
    let items = pos.rows().into_iter().map(|row| HeadPosition::from_row(std::array::from_fn(|i| row[i]))).collect();
    maxfilter::write_head_pos(&path, &HeadPositions { items }).map_err(file_error)
}

/// Radius, centre in the head and in the device frame, and remarks.
#[pyfunction]
pub(crate) fn fit_sphere_to_headshape(
    dig: Vec<(i32, i32, [f64; 3], i32)>,
    dev_head_t: Option<[[f64; 4]; 4]>,
    dig_kinds: Option<Vec<i32>>,
) -> PyResult<(f64, [f64; 3], [f64; 3], Vec<String>)> {
    let point =
        |(kind, ident, r, frame)| DigPoint { kind: DigKind::from_fiff(kind), ident, r, coord_frame: CoordFrame(frame) };
    let frames = (CoordFrame::DEVICE, CoordFrame::HEAD);
    let dev_head_t = dev_head_t.map(|matrix| Transform { from: frames.0, to: frames.1, matrix });
    let info = Info { dig: dig.into_iter().map(point).collect(), dev_head_t, ..Info::default() };
    let kinds: Option<Vec<DigKind>> = dig_kinds.map(|kinds| kinds.into_iter().map(DigKind::from_fiff).collect());
    let fit = headshape::fit_sphere_to_headshape(&info, kinds.as_deref()).map_err(to_python)?;
    Ok((fit.radius, fit.origin_head, fit.origin_device, fit.warnings))
}
