//! Sensors, options and reports between Python's plain values and the engine's types.

use crate::error::parameter;
use bakusoku_core::{
    Channel, Compensator, CoordFrame, CrossTalk, FineCalibration, HeadPosition, HeadPositions, Info, Projector,
    Segment, SensorCalibration, Span, Transform,
};
use bakusoku_methods::maxwell::{
    BadCondition, CoilDefinitions, DecompositionReport, Destination, MagScale, MaxwellParams, MaxwellReport, McInterp,
    Origin, OriginFrame, Regularize, components,
};
use ndarray::Array2;
use numpy::IntoPyArray;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::sync::Arc;

/// `bakusoku.maxwell.Sensors`.
#[derive(FromPyObject)]
pub(crate) struct Sensors {
    sfreq: f64,
    pub(crate) first_samp: i64,
    ch_names: Vec<String>,
    kind: Vec<i32>,
    coil_type: Vec<i32>,
    unit: Vec<i32>,
    cal: Vec<f64>,
    loc: Vec<[f64; 12]>,
    bads: Vec<String>,
    dev_head_t: Option<[[f64; 4]; 4]>,
    comps: Vec<(i32, Vec<String>, Vec<String>, Rows)>,
}

/// A matrix, row by row.
type Rows = Vec<Vec<f64>>;

fn matrix(name: &'static str, rows: &Rows, columns: usize) -> PyResult<Array2<f64>> {
    if let Some(row) = rows.iter().find(|row| row.len() != columns) {
        return Err(parameter(name, format!("rows of {columns} numbers"), row.len()));
    }
    let flat = rows.concat();
    Ok(Array2::from_shape_vec((rows.len(), columns), flat).expect("all rows have that many"))
}

/// From the device to the head frame.
fn dev_head(matrix: [[f64; 4]; 4]) -> Transform {
    Transform { from: CoordFrame::DEVICE, to: CoordFrame::HEAD, matrix }
}

impl Sensors {
    pub(crate) fn info(&self) -> PyResult<Info> {
        let n = self.ch_names.len();
        let lengths = [self.kind.len(), self.coil_type.len(), self.unit.len(), self.cal.len(), self.loc.len()];
        if let Some(length) = lengths.into_iter().find(|&length| length != n) {
            return Err(parameter("sensors", format!("{n} values of each attribute, as many as channels"), length));
        }
        let chs = (0..n)
            .map(|i| Channel {
                name: self.ch_names[i].clone(),
                kind: self.kind[i],
                coil_type: self.coil_type[i],
                unit: self.unit[i],
                unit_mul: 0,
                coord_frame: CoordFrame::DEVICE,
                loc: self.loc[i],
                cal: self.cal[i],
                range: 1.0,
                scanno: i as i32 + 1,
                logno: i as i32 + 1,
            })
            .collect();
        let comps = self
            .comps
            .iter()
            .map(|(kind, rows, columns, data)| {
                Ok(Compensator {
                    kind: *kind,
                    save_calibrated: true,
                    row_names: rows.clone(),
                    col_names: columns.clone(),
                    data: matrix("comps", data, columns.len())?,
                })
            })
            .collect::<PyResult<_>>()?;
        Ok(Info {
            sfreq: self.sfreq,
            chs,
            bads: self.bads.clone(),
            dev_head_t: self.dev_head_t.map(dev_head),
            comps,
            lowpass: self.sfreq / 2.0,
            ..Info::default()
        })
    }
}

/// The options of the Maxwell filter, as a dict.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Options {
    origin: Option<[f64; 3]>,
    int_order: usize,
    ext_order: usize,
    calibration: Option<Vec<(String, [f64; 12], Vec<f64>)>>,
    cross_talk: Option<(Vec<String>, Rows)>,
    st_duration: Option<f64>,
    st_correlation: f64,
    coord_frame: String,
    destination: Option<[[f64; 4]; 4]>,
    regularize: Option<String>,
    ignore_ref: bool,
    bad_condition: String,
    head_pos: Option<Vec<[f64; 10]>>,
    st_fixed: bool,
    st_only: bool,
    mag_scale: Option<f64>,
    extended_proj: Vec<(Vec<String>, Rows)>,
    st_overlap: bool,
    mc_interp: String,
    coil_definitions: String,
}

fn choice<T>(name: &'static str, given: &str, choices: &[(&str, T)]) -> PyResult<T>
where
    T: Copy,
{
    choices.iter().find(|(word, _)| *word == given).map(|(_, value)| *value).ok_or_else(|| {
        let words: Vec<String> = choices.iter().map(|(word, _)| format!("\"{word}\"")).collect();
        parameter(name, format!("one of {}", words.join(", ")), format!("\"{given}\""))
    })
}

impl Options {
    pub(crate) fn params(self) -> PyResult<MaxwellParams> {
        let calibration = self.calibration.map(|lines| {
            let sensor = |(name, loc, imbalance)| SensorCalibration { name, loc, imbalance };
            Arc::new(FineCalibration { sensors: lines.into_iter().map(sensor).collect() })
        });
        let cross_talk = match self.cross_talk {
            None => None,
            Some((ch_names, rows)) => {
                let decoupler = matrix("cross_talk", &rows, ch_names.len())?;
                Some(Arc::new(CrossTalk { ch_names, decoupler, creator: None, date: None }))
            }
        };
        let extended_proj = self
            .extended_proj
            .into_iter()
            .map(|(names, rows)| {
                Ok(Projector {
                    kind: Projector::FIELD,
                    active: false,
                    desc: String::new(),
                    data: matrix("extended_proj", &rows, names.len())?,
                    names,
                    explained_var: None,
                })
            })
            .collect::<PyResult<_>>()?;
        let head_pos = self
            .head_pos
            .map(|rows| Arc::new(HeadPositions { items: rows.into_iter().map(HeadPosition::from_row).collect() }));
        Ok(MaxwellParams {
            origin: self.origin.map_or(Origin::Auto, Origin::At),
            int_order: self.int_order,
            ext_order: self.ext_order,
            calibration,
            cross_talk,
            st_duration: self.st_duration,
            st_correlation: self.st_correlation,
            coord_frame: choice(
                "coord_frame",
                &self.coord_frame,
                &[("head", OriginFrame::Head), ("meg", OriginFrame::Meg)],
            )?,
            destination: self.destination.map_or(Destination::None, |m| Destination::Transform(dev_head(m))),
            regularize: match &self.regularize {
                None => Regularize::None,
                Some(how) => choice("regularize", how, &[("in", Regularize::In), ("in_argmax", Regularize::InArgmax)])?,
            },
            ignore_ref: self.ignore_ref,
            bad_condition: choice(
                "bad_condition",
                &self.bad_condition,
                &[
                    ("error", BadCondition::Error),
                    ("warning", BadCondition::Warning),
                    ("ignore", BadCondition::Ignore),
                    ("info", BadCondition::Info),
                ],
            )?,
            head_pos,
            st_fixed: self.st_fixed,
            st_only: self.st_only,
            mag_scale: self.mag_scale.map_or(MagScale::Auto, MagScale::Factor),
            skip_by_annotation: Vec::new(),
            extended_proj,
            st_overlap: self.st_overlap,
            mc_interp: choice(
                "mc_interp",
                &self.mc_interp,
                &[
                    ("hann", McInterp::Hann),
                    ("cos2", McInterp::Hann),
                    ("linear", McInterp::Linear),
                    ("zero", McInterp::Zero),
                ],
            )?,
            coil_definitions: choice(
                "coil_definitions",
                &self.coil_definitions,
                &[("mne", CoilDefinitions::Mne), ("megin", CoilDefinitions::Megin)],
            )?,
        })
    }
}

/// Stretches as `(start, stop, process)`; without any, all is processed.
pub(crate) fn segments_of(given: Option<Vec<(u64, u64, bool)>>, n_times: u64) -> Vec<Segment> {
    match given {
        None => vec![Segment::Process(Span::new(0, n_times))],
        Some(given) => given
            .into_iter()
            .map(|(start, stop, process)| {
                let span = Span::new(start, stop);
                if process { Segment::Process(span) } else { Segment::Copy(span) }
            })
            .collect(),
    }
}

/// A report as a dict of plain values and arrays.
pub(crate) fn report<'py>(py: Python<'py>, done: &MaxwellReport) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    out.set_item("origin", done.origin)?;
    out.set_item("origin_head", done.origin_head)?;
    out.set_item("int_order", done.int_order)?;
    out.set_item("ext_order", done.ext_order)?;
    out.set_item("n_extended", done.n_extended)?;
    out.set_item("n_good", done.n_good)?;
    out.set_item("n_mags", done.n_mags)?;
    out.set_item("n_grads", done.n_grads)?;
    out.set_item("n_kit", done.n_kit)?;
    out.set_item("bads", done.bads.clone())?;
    out.set_item("mag_scale", done.mag_scale)?;
    out.set_item("moments", done.moments.clone())?;
    out.set_item("n_use_in", done.n_use_in)?;
    out.set_item("components", components(done))?;
    out.set_item("warnings", done.warnings.clone())?;
    out.set_item("destination", done.destination.map(|t| t.matrix))?;
    let calibration = match &done.calibration {
        None => None,
        Some(applied) => {
            let dict = PyDict::new(py);
            dict.set_item("cal_chans", applied.cal_chans.clone())?;
            dict.set_item("cal_corrs", applied.cal_corrs.clone().into_pyarray(py))?;
            dict.set_item("coils", applied.coils.clone())?;
            dict.set_item("adjusted", applied.adjusted)?;
            dict.set_item("angle_mean", applied.angle_mean)?;
            dict.set_item("angle_std", applied.angle_std)?;
            dict.set_item("angle_max", applied.angle_max)?;
            Some(dict)
        }
    };
    out.set_item("calibration", calibration)?;
    let decompositions = done.decompositions.iter().map(|d| decomposition(py, d)).collect::<PyResult<Vec<_>>>()?;
    out.set_item("decompositions", decompositions)?;
    let segments = done
        .segments
        .iter()
        .map(|s| {
            let dict = PyDict::new(py);
            dict.set_item("start", s.start)?;
            dict.set_item("stop", s.stop)?;
            dict.set_item("n_windows", s.n_windows)?;
            dict.set_item("window", s.window)?;
            dict.set_item("overlap", s.overlap)?;
            dict.set_item("tail", s.tail)?;
            Ok(dict)
        })
        .collect::<PyResult<Vec<_>>>()?;
    out.set_item("segments", segments)?;
    let windows = done
        .windows
        .iter()
        .map(|w| {
            let dict = PyDict::new(py);
            dict.set_item("start", w.start)?;
            dict.set_item("stop", w.stop)?;
            dict.set_item("n_components", w.n_components)?;
            dict.set_item("n_positions", w.n_positions)?;
            Ok(dict)
        })
        .collect::<PyResult<Vec<_>>>()?;
    out.set_item("windows", windows)?;
    Ok(out)
}

/// One basis.
pub(crate) fn decomposition<'py>(py: Python<'py>, d: &DecompositionReport) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("time", d.time)?;
    dict.set_item("n_in", d.n_in)?;
    dict.set_item("n_in_all", d.n_in_all)?;
    dict.set_item("n_out", d.n_out)?;
    dict.set_item("n_out_all", d.n_out_all)?;
    dict.set_item("condition", d.condition)?;
    dict.set_item("information", d.information)?;
    dict.set_item("peak_information", d.peak_information)?;
    Ok(dict)
}
