//! `bakusoku.io`: recordings, read by position.

use crate::array::give;
use crate::enter::enter_rows;
use crate::error::{file_error, parameter, to_python};
use crate::remarks::with_remarks;
use bakusoku_core::{Annotations, DigPoint, Info, OrigTime, Picks, Stream, SubjectInfo, Transform};
use bakusoku_io::brainvision::{BrainVisionOptions, BrainVisionRaw};
use bakusoku_io::ctf::{CtfOptions, CtfRaw, SystemClock};
use bakusoku_io::edf::{self, EdfOptions, EdfRaw, StimChannel, Units};
use bakusoku_io::eeglab::{EeglabOptions, EeglabRaw, EogChannels, MontageUnits};
use bakusoku_io::{ChannelRef, Opened};
use ndarray::{Array2, Axis};
use numpy::PyArray2;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::path::PathBuf;
use std::sync::Mutex;

/// Bytes of the result that are read at a time, at least; Ctrl-C ends a call between two of them.
const PIECE: usize = 1 << 23;

/// An open recording.
#[pyclass(frozen)]
pub(crate) struct Recording {
    opened: Opened,
    /// What the reader remarked.
    remarks: Vec<String>,
}

/// Opens a recording without the interpreter lock.
fn opened(py: Python<'_>, open: impl FnOnce() -> bakusoku_io::Result<Opened> + Send) -> PyResult<Recording> {
    let (opened, remarks) = py.detach(|| with_remarks(open));
    Ok(Recording { opened: opened.map_err(file_error)?, remarks })
}

/// A channel by name or place.
#[derive(FromPyObject)]
pub(crate) enum Which {
    Index(i64),
    Name(String),
}

fn refs(list: Vec<Which>) -> Vec<ChannelRef> {
    let of = |which| match which {
        Which::Index(at) => ChannelRef::Index(at),
        Which::Name(name) => ChannelRef::Name(name),
    };
    list.into_iter().map(of).collect()
}

/// Opens a recording of whatever format.
#[pyfunction]
pub(crate) fn open_recording(py: Python<'_>, path: PathBuf) -> PyResult<Recording> {
    opened(py, || bakusoku_io::open_recording(&path))
}

/// Opens a BrainVision recording by its header.
#[pyfunction]
pub(crate) fn open_brainvision(
    py: Python<'_>,
    path: PathBuf,
    eog: Vec<Which>,
    misc: Option<Vec<Which>>,
    scale: f64,
    ignore_marker_types: bool,
) -> PyResult<Recording> {
    let options = BrainVisionOptions { eog: refs(eog), misc: misc.map(refs), scale, ignore_marker_types };
    opened(py, || {
        let raw = BrainVisionRaw::open(&path, &options)?;
        Ok(Opened { paths: raw.paths().to_vec(), recording: Box::new(raw), previous: None })
    })
}

/// What a reader of EDF and BDF is told.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct EdfArguments {
    eog: Vec<Which>,
    misc: Vec<Which>,
    /// `None`: by name.
    stim_channel: Option<Vec<Which>>,
    exclude: Vec<String>,
    include: Vec<String>,
    infer_types: bool,
    /// One for all channels.
    unit: Option<String>,
    units: Vec<(String, String)>,
    latin1: bool,
    exclude_after_unique: bool,
}

impl From<EdfArguments> for EdfOptions {
    fn from(a: EdfArguments) -> Self {
        Self {
            eog: refs(a.eog),
            misc: refs(a.misc),
            stim_channel: match a.stim_channel {
                None => StimChannel::Auto,
                Some(list) if list.is_empty() => StimChannel::None,
                Some(list) => StimChannel::These(refs(list)),
            },
            exclude: a.exclude,
            include: a.include,
            infer_types: a.infer_types,
            units: match a.unit {
                Some(unit) => Units::All(unit),
                None if a.units.is_empty() => Units::OfFile,
                None => Units::By(a.units),
            },
            latin1: a.latin1,
            exclude_after_unique: a.exclude_after_unique,
        }
    }
}

/// Opens an EDF or BDF recording (`bdf` says which it must be).
#[pyfunction]
pub(crate) fn open_edf(py: Python<'_>, path: PathBuf, bdf: bool, arguments: EdfArguments) -> PyResult<Recording> {
    let options = arguments.into();
    opened(py, || {
        let raw = EdfRaw::open(&path, &options)?;
        if raw.is_bdf() != bdf {
            let (expected, got) = if bdf { ("a BDF file", "an EDF file") } else { ("an EDF file", "a BDF file") };
            let got = format!("{got}, `{}`", path.display());
            return Err(bakusoku_core::Error::parameter("input_fname", expected, got).into());
        }
        Ok(Opened { paths: vec![path], recording: Box::new(raw), previous: None })
    })
}

/// Names of an EDF or BDF file's signals, before any is left out.
#[pyfunction]
pub(crate) fn edf_labels(
    py: Python<'_>,
    path: PathBuf,
    infer_types: bool,
    exclude_after_unique: bool,
) -> PyResult<Vec<String>> {
    let options = EdfOptions { infer_types, exclude_after_unique, ..EdfOptions::default() };
    py.detach(|| edf::labels(&path, &options)).map_err(file_error)
}

/// Opens a continuous set of EEGLAB; `eog` is `None` for those that are named so.
#[pyfunction]
pub(crate) fn open_eeglab(
    py: Python<'_>,
    path: PathBuf,
    eog: Option<Vec<Which>>,
    montage_units: &str,
) -> PyResult<Recording> {
    let Some(montage_units) = MontageUnits::from_name(montage_units) else {
        return Err(parameter(
            "montage_units",
            "\"auto\", \"m\", \"dm\", \"cm\" or \"mm\"",
            format!("{montage_units:?}"),
        ));
    };
    let eog = eog.map_or(EogChannels::Auto, |list| EogChannels::These(refs(list)));
    opened(py, || {
        let raw = EeglabRaw::open(&path, &EeglabOptions { eog, montage_units })?;
        Ok(Opened { paths: raw.paths().to_vec(), recording: Box::new(raw), previous: None })
    })
}

/// Opens a CTF recording by its folder.
#[pyfunction]
pub(crate) fn open_ctf(
    py: Python<'_>,
    path: PathBuf,
    truncate: bool,
    clean_names: bool,
    mark_trials: bool,
) -> PyResult<Recording> {
    let system_clock = if truncate { SystemClock::Truncate } else { SystemClock::Ignore };
    let options = CtfOptions { system_clock, clean_names, mark_trials };
    opened(py, || {
        let raw = CtfRaw::open(&path, &options)?;
        Ok(Opened { paths: raw.paths().to_vec(), recording: Box::new(raw), previous: None })
    })
}

#[pymethods]
impl Recording {
    /// What is known before any sample is read, as plain values.
    fn describe<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let stream = self.opened.recording.stream();
        let out = describe(py, stream)?;
        out.set_item("filenames", &self.opened.paths)?;
        out.set_item("remarks", &self.remarks)?;
        Ok(out)
    }

    /// Samples `start..stop` of the channels `picks`, in SI units, `(n_picks, n_times)`.
    fn read<'py>(
        &self,
        py: Python<'py>,
        picks: Vec<usize>,
        start: u64,
        stop: u64,
        n_jobs: usize,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let recording = &*self.opened.recording;
        let n_channels = recording.stream().n_channels();
        let picks = Picks::new(picks, n_channels).map_err(to_python)?;
        let n_times = recording.stream().n_times;
        if start > stop || stop > n_times {
            return Err(to_python(bakusoku_core::Error::Range { start, stop, n_times }));
        }
        let shape = (picks.len(), (stop - start) as usize);
        let zeros = crate::array::zeros(shape.0, shape.1)?;
        let mut out = Array2::from_shape_vec(shape, zeros).expect("there are as many as the shape says");
        let step = (PIECE / 8 / picks.len().max(1)).max(1);
        let pieces: Vec<_> = out.axis_chunks_iter_mut(Axis(1), step).map(|piece| Mutex::new(Some(piece))).collect();
        enter_rows(py, n_jobs, pieces.len(), |_, index| {
            let piece = pieces[index].lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
            let piece = piece.expect("each piece is asked for once");
            let at = start + (index * step) as u64;
            recording.read(at..at + piece.ncols() as u64, &picks, piece)
        })?;
        drop(pieces);
        Ok(give(py, out))
    }
}

fn describe<'py>(py: Python<'py>, stream: &Stream) -> PyResult<Bound<'py, PyDict>> {
    let info = &stream.info;
    let out = PyDict::new(py);
    let chs: Vec<_> = info
        .chs
        .iter()
        .map(|ch| {
            let numbers = (ch.kind, ch.coil_type, ch.unit, ch.unit_mul, ch.coord_frame.0, ch.scanno, ch.logno);
            (&ch.name, ch.ch_type().name(), numbers, ch.loc, ch.cal, ch.range)
        })
        .collect();
    out.set_item("chs", chs)?;
    out.set_item("sfreq", info.sfreq)?;
    out.set_item("n_times", stream.n_times)?;
    out.set_item("first_samp", stream.first_samp)?;
    out.set_item("gaps", stream.gaps.iter().map(|gap| (gap.start, gap.stop)).collect::<Vec<_>>())?;
    out.set_item("bads", &info.bads)?;
    out.set_item("highpass", info.highpass)?;
    out.set_item("lowpass", info.lowpass)?;
    out.set_item("line_freq", info.line_freq)?;
    out.set_item("meas_date", info.meas_date)?;
    out.set_item("dig", dig(info))?;
    out.set_item("custom_ref_applied", info.custom_ref_applied)?;
    out.set_item("experimenter", info.experimenter.as_deref())?;
    out.set_item("description", info.description.as_deref())?;
    out.set_item("subject_info", info.subject_info.as_ref().map(|subject| person(py, subject)).transpose()?)?;
    let transform = |t: &Option<Transform>| t.map(|t| (t.from.0, t.to.0, t.matrix));
    out.set_item("dev_head_t", transform(&info.dev_head_t))?;
    out.set_item("ctf_head_t", transform(&info.ctf_head_t))?;
    out.set_item("dev_ctf_t", transform(&info.dev_ctf_t))?;
    let comps = info.comps.iter();
    let comps: Vec<_> = comps
        .map(|comp| {
            let rows: Vec<Vec<f64>> = comp.data.outer_iter().map(|row| row.to_vec()).collect();
            (comp.kind, comp.save_calibrated, &comp.row_names, &comp.col_names, rows)
        })
        .collect();
    out.set_item("comps", comps)?;
    out.set_item("annotations", annotations(&stream.annotations, info.meas_date, stream))?;
    Ok(out)
}

type Point = (i32, i32, [f64; 3], i32);

fn dig(info: &Info) -> Vec<Point> {
    let of = |point: &DigPoint| (point.kind.to_fiff(), point.ident, point.r, point.coord_frame.0);
    info.dig.iter().map(of).collect()
}

/// Onset from the first sample (s), duration (s), description, channels.
fn annotations(
    all: &Annotations,
    meas_date: Option<OrigTime>,
    stream: &Stream,
) -> Vec<(f64, f64, String, Vec<String>)> {
    let shift = match (all.orig_time, meas_date) {
        (Some(orig), Some(meas)) => {
            let between = (orig.0 - meas.0) as f64 + f64::from(orig.1 - meas.1) * 1e-6;
            between - stream.first_samp as f64 / stream.info.sfreq
        }
        _ => 0.0,
    };
    let items = all.items.iter();
    items.map(|item| (item.onset + shift, item.duration, item.description.clone(), item.ch_names.clone())).collect()
}

/// MNE's `subject_info`, with the keys that are known; the birthday as the day of the Julian count.
fn person<'py>(py: Python<'py>, subject: &SubjectInfo) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    for (key, value) in [
        ("his_id", &subject.his_id),
        ("last_name", &subject.last_name),
        ("first_name", &subject.first_name),
        ("middle_name", &subject.middle_name),
    ] {
        if let Some(value) = value {
            out.set_item(key, value)?;
        }
    }
    for (key, value) in
        [("id", subject.id), ("sex", subject.sex), ("hand", subject.hand), ("birthday", subject.birthday)]
    {
        if let Some(value) = value {
            out.set_item(key, value)?;
        }
    }
    for (key, value) in [("weight", subject.weight), ("height", subject.height)] {
        if let Some(value) = value {
            out.set_item(key, value)?;
        }
    }
    Ok(out)
}
