//! Epochs files (`*-epo.fif`).

use super::annotations::ascii_json;
use super::file::open_fiff;
use super::info::{Header, meas_id, read_info, write_info, write_meas_start, write_outside};
use super::output::{Output, first_and_last};
use super::raw::part_name;
use super::{RawFormat, SplitNaming, events};
use crate::{Error, Result};
use bakusoku_core::containers::Epochs;
use bakusoku_fiff::constants::*;
use bakusoku_fiff::{Fiff, FileId, MAX_FILE, Matrix, Node, RawTag, Wrong};
use bakusoku_files::{AtomicFile, commit};
use ndarray::{Array3, Axis};
use serde_json::{Map, Value};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a file of epochs says beside the epochs themselves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EpochsExtras {
    /// How samples are stored: single or double precision.
    pub fmt: RawFormat,
    /// Sampling frequency of the recording (Hz), before decimation.
    pub raw_sfreq: Option<f64>,
    /// Largest peak-to-peak amplitudes that were kept, by MNE's channel type.
    pub reject: Vec<(String, f64)>,
    /// Smallest peak-to-peak amplitudes that were kept, by MNE's channel type.
    pub flat: Vec<(String, f64)>,
    /// Start of the stretch that was looked at (s).
    pub reject_tmin: Option<f64>,
    /// End of the stretch that was looked at (s).
    pub reject_tmax: Option<f64>,
}

impl EpochsExtras {
    fn reject_json(&self) -> Option<String> {
        let limits = |limits: &[(String, f64)]| {
            Value::Object(limits.iter().map(|(k, v)| (k.clone(), Value::from(*v))).collect())
        };
        let mut all = Map::new();
        for (name, list) in [("reject", &self.reject), ("flat", &self.flat)] {
            if !list.is_empty() {
                all.insert(name.to_owned(), limits(list));
            }
        }
        for (name, time) in [("reject_tmin", self.reject_tmin), ("reject_tmax", self.reject_tmax)] {
            if let Some(time) = time {
                all.insert(name.to_owned(), Value::from(time));
            }
        }
        (!all.is_empty()).then(|| ascii_json(&Value::Object(all)))
    }
}

/// Reads epochs; parts in which they go on are not followed.
///
/// # Errors
/// When the file can't be read or holds none.
pub fn read_epochs(path: &Path) -> Result<Epochs> {
    let fiff = open_fiff(path)?;
    let (info, meas) = read_info(&fiff)?;
    let Some(block) = meas.find(FIFFB_MNE_EPOCHS) else {
        return Err(Error::Content { path: path.to_owned(), expected: "epochs".into(), got: "none".into() });
    };
    let list = events::read(&fiff, fiff.root())?.unwrap_or_default();
    let first = i64::from(fiff.need(block, FIFF_FIRST_SAMPLE, RawTag::int)?);
    let last = i64::from(fiff.need(block, FIFF_LAST_SAMPLE, RawTag::int)?);
    let data = read_data(&fiff, block, &info, list.len(), last - first + 1)?;
    let names = |tag: &RawTag| {
        let text = tag.text()?;
        serde_json::from_str::<Vec<Vec<String>>>(&text).map_err(|_| Wrong::new("lists of reasons as JSON", text))
    };
    let drop_log = fiff.find(block, FIFF_MNE_EPOCHS_DROP_LOG, names)?.unwrap_or_else(|| vec![Vec::new(); list.len()]);
    let selection = match fiff.find(block, FIFF_MNE_EPOCHS_SELECTION, RawTag::ints)? {
        Some(selection) => selection.into_iter().map(|k| usize::try_from(k).unwrap_or(0)).collect(),
        None => (0..list.len()).collect(),
    };
    let bound = |kind| fiff.find(block, kind, RawTag::float);
    Ok(Epochs {
        tmin: first as f64 / info.sfreq,
        event_id: read_event_id(&fiff, &list)?,
        baseline: bound(FIFF_MNE_BASELINE_MIN)?.zip(bound(FIFF_MNE_BASELINE_MAX)?),
        info: Arc::new(info),
        events: list,
        selection,
        drop_log,
        first,
        data,
    })
}

fn read_data(
    fiff: &Fiff,
    block: &Node,
    info: &bakusoku_core::Info,
    n_epochs: usize,
    n_times: i64,
) -> bakusoku_fiff::Result<Array3<f64>> {
    let entry = block.entry(FIFF_EPOCH).ok_or_else(|| fiff.missing("FIFF_EPOCH", block))?;
    let shape = (n_epochs, info.chs.len(), usize::try_from(n_times).unwrap_or(0));
    let Matrix::Dense { data, .. } = fiff.get(entry, RawTag::matrix)? else {
        return Err(fiff.wrong(entry, Wrong::new("a dense array", "a sparse one")));
    };
    let n = data.len();
    let wrong =
        |_| fiff.wrong(entry, Wrong::new(format!("{} × {} × {} numbers", shape.0, shape.1, shape.2), n.to_string()));
    let mut data = Array3::from_shape_vec(shape, data).map_err(wrong)?;
    for (mut rows, ch) in data.axis_iter_mut(Axis(1)).zip(&info.chs) {
        rows *= ch.cal;
    }
    Ok(data)
}

fn read_event_id(fiff: &Fiff, list: &[bakusoku_core::Event]) -> bakusoku_fiff::Result<Vec<(String, i64)>> {
    let block = fiff.root().find(FIFFB_MNE_EVENTS);
    let text = block.map(|block| fiff.find(block, FIFF_DESCRIPTION, RawTag::text)).transpose()?.flatten();
    if let Some(text) = text {
        let pair =
            |pair: &str| pair.rsplit_once(':').and_then(|(name, code)| Some((name.to_owned(), code.parse().ok()?)));
        return Ok(text.split(';').filter_map(pair).collect());
    }
    let mut codes: Vec<i64> = list.iter().map(|event| event.code).collect();
    codes.sort_unstable();
    codes.dedup();
    Ok(codes.into_iter().map(|code| (code.to_string(), code)).collect())
}

/// Fills the samples of one epoch, `(n_channels, n_times)` in C order, SI units.
type ReadEpoch<'a> = &'a mut dyn FnMut(usize, &mut [f64]) -> bakusoku_core::Result<()>;

/// Writes epochs, `*-epo.fif` or `*_epo.fif`, into several files where one would exceed 2 GB; the names of all of them.
///
/// # Errors
/// When they do not fit together, or can't be written.
pub fn write_epochs(path: &Path, epochs: &Epochs, extras: &EpochsExtras, id: FileId) -> Result<Vec<PathBuf>> {
    let (n_epochs, n_channels, _) = epochs.data.dim();
    if n_channels != epochs.info.chs.len() || n_epochs != epochs.events.len() {
        let got = format!("{:?} samples, {} events", epochs.data.dim(), epochs.events.len());
        let expected = format!("as many epochs as events, of {} channels", epochs.info.chs.len());
        return Err(Error::Unwritable { path: path.to_owned(), what: "epochs", expected, got });
    }
    write_epochs_from(path, epochs, extras, id, &mut |index, out| {
        for (out, value) in out.iter_mut().zip(epochs.data.index_axis(Axis(0), index)) {
            *out = *value;
        }
        Ok(())
    })
}

/// As [`write_epochs`], with samples that are not in memory: `read` is asked for one epoch after the other, and
/// `described.data` says by its last axis how long they are.
///
/// # Errors
/// As [`write_epochs`], and those of `read`.
pub fn write_epochs_from(
    path: &Path,
    described: &Epochs,
    extras: &EpochsExtras,
    id: FileId,
    read: ReadEpoch<'_>,
) -> Result<Vec<PathBuf>> {
    let epochs = described;
    let bad = |expected: &str, got: String| Error::Unwritable {
        path: path.to_owned(),
        what: "epochs",
        expected: expected.to_owned(),
        got,
    };
    let (n_epochs, n_channels, n_times) = (epochs.events.len(), epochs.info.chs.len(), epochs.data.dim().2);
    if n_epochs != epochs.selection.len() || n_times == 0 {
        let got = format!("{} selected, {n_times} samples each", epochs.selection.len());
        return Err(bad(&format!("{n_epochs} epochs, one for each event"), got));
    }
    if !extras.fmt.is_float() {
        return Err(bad("single or double precision", extras.fmt.name().to_owned()));
    }
    if let Some((name, _)) = epochs.event_id.iter().find(|(name, _)| name.contains(';')) {
        return Err(bad("names of conditions without `;`", format!("`{name}`")));
    }
    let one = (n_channels * n_times * extras.fmt.bytes()) as u64;
    // Measurement info, drop log and the tags around them.
    let reserve = (1 << 24) + 64 * epochs.drop_log.len() as u64;
    let room = (MAX_FILE - reserve) / one.max(1);
    if room == 0 {
        return Err(bad("epochs below 2 GB each", format!("{one} bytes")));
    }
    let n_parts = (n_epochs as u64).div_ceil(room).max(1) as usize;
    let mut files = Vec::with_capacity(n_parts);
    let mut from = 0;
    for part in 0..n_parts {
        // numpy.array_split: the first parts are longer by one.
        let to = from + n_epochs / n_parts + usize::from(part < n_epochs % n_parts);
        files.push(write_part(path, epochs, extras, id, from..to, (part, n_parts), read)?);
        from = to;
    }
    Ok(commit(files)?)
}

fn write_part(
    path: &Path,
    epochs: &Epochs,
    extras: &EpochsExtras,
    id: FileId,
    range: Range<usize>,
    (part, n_parts): (usize, usize),
    read: ReadEpoch<'_>,
) -> Result<AtomicFile> {
    let info = &epochs.info;
    let this = part_name(path, part, SplitNaming::Neuromag);
    let [first, last] = first_and_last(&this, epochs.first, epochs.data.len_of(Axis(2)))?;
    let list = events::list(&this, &epochs.events[range.clone()])?;
    let selection: Vec<i32> = epochs.selection[range.clone()].iter().map(|&k| k as i32).collect();
    let names: Vec<String> = epochs.event_id.iter().map(|(name, code)| format!("{name}:{code}")).collect();
    let mut drop_log = epochs.drop_log.clone();
    for (k, &index) in epochs.selection.iter().enumerate() {
        // As MNE marks the epochs of other parts.
        if !range.contains(&k)
            && let Some(reasons) = drop_log.get_mut(index)
        {
            *reasons = vec!["IGNORED".to_owned()];
        }
    }
    let drop_log = ascii_json(&Value::from(drop_log.into_iter().map(Value::from).collect::<Vec<_>>()));
    let scales: Vec<f64> = info.chs.iter().map(|ch| ch.cal).collect();
    let mut out = Output::create(&this, id)?;
    write_meas_start(&mut out, info)?;
    write_info(&mut out, info, Header::PROCESSED)?;
    out.write(|fif| {
        fif.start_block(FIFFB_PROCESSED_DATA)?;
        fif.start_block(FIFFB_MNE_EPOCHS)?;
        events::write_block(fif, &list, Some(&names.join(";")))?;
        fif.ints(FIFF_FIRST_SAMPLE, &[first])?;
        fif.ints(FIFF_LAST_SAMPLE, &[last])?;
        fif.floats(FIFF_MNE_EPOCHS_RAW_SFREQ, &[extras.raw_sfreq.unwrap_or(info.sfreq)])?;
        if let Some((min, max)) = epochs.baseline {
            fif.floats(FIFF_MNE_BASELINE_MIN, &[min])?;
            fif.floats(FIFF_MNE_BASELINE_MAX, &[max])?;
        }
        let shape = (range.len(), scales.len(), epochs.data.len_of(Axis(2)));
        fif.array3(FIFF_EPOCH, shape, extras.fmt == RawFormat::Double, &scales, |index, out| {
            read(range.start + index, out).map_err(std::io::Error::other)
        })?;
        fif.text(FIFF_MNE_EPOCHS_DROP_LOG, &drop_log)?;
        if let Some(reject) = extras.reject_json() {
            fif.text(FIFF_MNE_EPOCHS_REJECT_FLAT, &reject)?;
        }
        fif.ints(FIFF_MNE_EPOCHS_SELECTION, &selection)?;
        if part + 1 < n_parts {
            let next = part_name(path, part + 1, SplitNaming::Neuromag);
            fif.start_block(FIFFB_REF)?;
            fif.ints(FIFF_REF_ROLE, &[FIFFV_ROLE_NEXT_FILE])?;
            fif.text(FIFF_REF_FILE_NAME, &next.file_name().map(|name| name.to_string_lossy()).unwrap_or_default())?;
            if let Some(id) = meas_id(info) {
                fif.id(FIFF_REF_FILE_ID, id)?;
            }
            fif.ints(FIFF_REF_FILE_NUM, &[part as i32 + 1])?;
            fif.end_block()?;
        }
        fif.end_block()?;
        fif.end_block()?;
        fif.end_block()?;
        write_outside(fif, info)
    })?;
    out.close()
}
