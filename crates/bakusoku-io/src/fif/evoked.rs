//! Evoked files (`*-ave.fif`).

use super::file::open_fiff;
use super::info::{Header, read_info, write_info, write_meas_start, write_outside};
use super::output::{Output, first_and_last};
use crate::{Error, Result};
use bakusoku_core::containers::Evoked;
use bakusoku_fiff::constants::*;
use bakusoku_fiff::{FileId, RawTag, Wrong};
use ndarray::{Array2, Axis};
use std::path::Path;
use std::sync::Arc;

/// Reads all averages of a file.
///
/// # Errors
/// When it can't be read or holds none.
pub fn read_evoked(path: &Path) -> Result<Vec<Evoked>> {
    let fiff = open_fiff(path)?;
    let (info, meas) = read_info(&fiff)?;
    let info = Arc::new(info);
    let n_channels = info.chs.len();
    let mut out = Vec::new();
    for block in meas.find_all(FIFFB_EVOKED) {
        let aspects = [FIFFB_ASPECT, FIFFB_IAS_ASPECT].into_iter().find_map(|kind| block.find(kind));
        let aspect = aspects.ok_or_else(|| fiff.missing("FIFFB_ASPECT", block))?;
        let kind = fiff.find(aspect, FIFF_ASPECT_KIND, RawTag::int)?.unwrap_or(FIFFV_ASPECT_AVERAGE);
        if kind != FIFFV_ASPECT_AVERAGE {
            tracing::debug!("`{}`: an aspect of kind {kind} is left out", path.display());
            continue;
        }
        let tags: Vec<_> = aspect.entries.iter().filter(|entry| entry.kind == FIFF_EPOCH).collect();
        let mut data = match tags[..] {
            [entry] => {
                let mut data = fiff.get(entry, |tag| tag.matrix()?.into_2d())?;
                if n_channels == 1 && data.ncols() == 1 {
                    data = data.reversed_axes().as_standard_layout().into_owned();
                }
                data
            }
            // The old way: a vector a channel.
            _ if tags.len() == n_channels => {
                let rows = tags
                    .iter()
                    .map(|entry| fiff.get(entry, RawTag::floats))
                    .collect::<bakusoku_fiff::Result<Vec<_>>>()?;
                let n = rows[0].len();
                let mut data = Array2::zeros((n_channels, n));
                for ((row, values), entry) in data.outer_iter_mut().zip(&rows).zip(&tags) {
                    if values.len() != n {
                        return Err(fiff
                            .wrong(entry, Wrong::new(format!("{n} samples"), values.len().to_string()))
                            .into());
                    }
                    row.into_iter().zip(values).for_each(|(to, from)| *to = *from);
                }
                data
            }
            _ => return Err(fiff.missing("FIFF_EPOCH, once or once a channel,", aspect).into()),
        };
        if data.nrows() != n_channels {
            let wrong = Wrong::new(format!("{n_channels} rows"), data.nrows().to_string());
            return Err(fiff.wrong(tags[0], wrong).into());
        }
        for (mut row, ch) in data.axis_iter_mut(Axis(0)).zip(&info.chs) {
            row *= ch.cal;
        }
        let first = match fiff.find(block, FIFF_FIRST_SAMPLE, RawTag::int)? {
            Some(first) => i64::from(first),
            None => (fiff.need(block, FIFF_FIRST_TIME, RawTag::float)? * info.sfreq).round_ties_even() as i64,
        };
        let comment = match fiff.find(aspect, FIFF_COMMENT, RawTag::text)? {
            Some(comment) => comment,
            None => fiff.find(block, FIFF_COMMENT, RawTag::text)?.unwrap_or_else(|| "No comment".to_owned()),
        };
        let bound = |kind| fiff.find(block, kind, RawTag::float);
        out.push(Evoked {
            info: info.clone(),
            comment,
            nave: f64::from(fiff.find(aspect, FIFF_NAVE, RawTag::int)?.unwrap_or(1)),
            first,
            baseline: bound(FIFF_MNE_BASELINE_MIN)?.zip(bound(FIFF_MNE_BASELINE_MAX)?),
            data,
        });
    }
    if out.is_empty() {
        return Err(Error::Content { path: path.to_owned(), expected: "evoked data".into(), got: "none".into() });
    }
    Ok(out)
}

/// Writes averages of the same channels into one file, `*-ave.fif` or `*_ave.fif`.
///
/// The file holds whole numbers of averaged epochs: those of combinations are rounded, as MNE does.
///
/// # Errors
/// When they do not fit together, or can't be written.
pub fn write_evoked(path: &Path, evoked: &[Evoked], id: FileId) -> Result<()> {
    let bad = |expected: &str, got: String| Error::Unwritable {
        path: path.to_owned(),
        what: "evoked data",
        expected: expected.to_owned(),
        got,
    };
    let Some(first) = evoked.first() else { return Err(bad("at least one average", "none".into())) };
    let info = &first.info;
    for e in evoked {
        if !e.info.ch_names().eq(info.ch_names()) || e.data.nrows() != info.chs.len() || e.data.ncols() == 0 {
            let got = format!("{} rows of {} samples in `{}`", e.data.nrows(), e.data.ncols(), e.comment);
            return Err(bad("averages of the same channels", got));
        }
    }
    let bounds = evoked.iter().map(|e| first_and_last(path, e.first, e.data.ncols())).collect::<Result<Vec<_>>>()?;
    let mut out = Output::create(path, id)?;
    write_meas_start(&mut out, info)?;
    write_info(&mut out, info, Header::PROCESSED)?;
    out.write(|fif| {
        fif.start_block(FIFFB_PROCESSED_DATA)?;
        for (e, [first, last]) in evoked.iter().zip(bounds) {
            fif.start_block(FIFFB_EVOKED)?;
            fif.text(FIFF_COMMENT, &e.comment)?;
            fif.floats(FIFF_FIRST_TIME, &[e.first as f64 / e.info.sfreq])?;
            fif.ints(FIFF_NO_SAMPLES, &[e.data.ncols() as i32])?;
            fif.ints(FIFF_FIRST_SAMPLE, &[first])?;
            fif.ints(FIFF_LAST_SAMPLE, &[last])?;
            if let Some((min, max)) = e.baseline {
                fif.floats(FIFF_MNE_BASELINE_MIN, &[min])?;
                fif.floats(FIFF_MNE_BASELINE_MAX, &[max])?;
            }
            fif.start_block(if info.maxshield { FIFFB_IAS_ASPECT } else { FIFFB_ASPECT })?;
            fif.ints(FIFF_ASPECT_KIND, &[FIFFV_ASPECT_AVERAGE])?;
            fif.ints(FIFF_NAVE, &[e.nave.round_ties_even() as i32])?;
            let mut data = e.data.clone();
            for (mut row, ch) in data.outer_iter_mut().zip(&info.chs) {
                // As MNE: times the reciprocal.
                row *= 1.0 / ch.cal;
            }
            fif.float_matrix(FIFF_EPOCH, data.view())?;
            fif.end_block()?;
            fif.end_block()?;
        }
        fif.end_block()?;
        fif.end_block()?;
        write_outside(fif, info)
    })?;
    out.finish()
}
