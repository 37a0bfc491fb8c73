//! Annotations (`FIFFB_MNE_ANNOTATIONS`), as MNE-Python reads and writes them: onsets and ends in seconds,
//! descriptions joined by colons, `orig_time` as two doubles, channel names as JSON.

use super::file::open_fiff;
use super::output::{Out, Output};
use crate::{Error, Result};
use bakusoku_core::{Annotation, Annotations, OrigTime};
use bakusoku_fiff::constants::*;
use bakusoku_fiff::{Fiff, FileId, Node, RawTag, Writer, Wrong};
use std::io;
use std::path::Path;

/// What the first block of annotations says, onsets as they stand in the file.
pub(crate) fn read(fiff: &Fiff, root: &Node) -> bakusoku_fiff::Result<Annotations> {
    let mut out = Annotations::default();
    let Some(block) = root.find(FIFFB_MNE_ANNOTATIONS) else { return Ok(out) };
    let onsets = fiff.find(block, FIFF_MNE_BASELINE_MIN, RawTag::floats)?.unwrap_or_default();
    let ends = fiff.find(block, FIFF_MNE_BASELINE_MAX, RawTag::floats)?.unwrap_or_default();
    let descriptions = fiff.find(block, FIFF_COMMENT, RawTag::names)?.unwrap_or_default();
    let same = onsets.len() == ends.len()
        && (onsets.len() == descriptions.len() || (onsets.len() == 1 && descriptions.is_empty()));
    if !same {
        let got = format!("{} onsets, {} ends, {} descriptions", onsets.len(), ends.len(), descriptions.len());
        let wrong = Wrong::new("as many onsets as ends and descriptions", got);
        let entry = block.entries.first().ok_or_else(|| fiff.missing("FIFF_MNE_BASELINE_MIN", block))?;
        return Err(fiff.wrong(entry, wrong));
    }
    out.orig_time = fiff.find(block, FIFF_MEAS_DATE, RawTag::floats)?.and_then(|date| match date[..] {
        [secs, usecs, ..] => Some((secs as i64, usecs as i32)),
        // The old way: one number.
        [secs] => Some((secs.floor() as i64, ((secs - secs.floor()) * 1e6).round() as i32)),
        [] => None,
    });
    let json = |tag: &RawTag| {
        let text = tag.text()?;
        serde_json::from_str::<Vec<Vec<String>>>(&text).map_err(|_| Wrong::new("lists of channel names as JSON", text))
    };
    let ch_names = fiff.find(block, FIFF_MNE_EPOCHS_DROP_LOG, json)?.unwrap_or_default();
    for (k, onset) in onsets.iter().enumerate() {
        out.items.push(Annotation {
            onset: *onset,
            duration: (ends[k] - onset).max(0.0),
            description: descriptions.get(k).cloned().unwrap_or_default(),
            ch_names: ch_names.get(k).cloned().unwrap_or_default(),
        });
    }
    Ok(out)
}

/// Annotations of a stream as a raw file holds them: onsets count the samples before the first one.
pub(crate) fn for_raw(a: &Annotations, meas_date: Option<OrigTime>, first_samp: i64, sfreq: f64) -> Annotations {
    let first_time = first_samp as f64 / sfreq;
    let mut out = a.clone();
    match (a.orig_time, meas_date) {
        (Some(_), Some(_)) => {}
        (_, meas) => {
            out.orig_time = meas;
            out.items.iter_mut().for_each(|item| item.onset += first_time);
        }
    }
    out
}

/// In single precision where that loses nothing (as MNE), else in double (which MNE reads as well).
fn numbers(fif: &mut Writer<Out>, kind: i32, values: &[f64]) -> io::Result<()> {
    if values.iter().all(|&v| f64::from(v as f32) == v) { fif.floats(kind, values) } else { fif.doubles(kind, values) }
}

/// Writes a block of annotations, if there are any.
pub(crate) fn write(fif: &mut Writer<Out>, a: &Annotations) -> io::Result<()> {
    if a.items.is_empty() {
        return Ok(());
    }
    let onsets: Vec<f64> = a.items.iter().map(|item| item.onset).collect();
    let ends: Vec<f64> = a.items.iter().map(|item| item.onset + item.duration).collect();
    let descriptions: Vec<&str> = a.items.iter().map(|item| item.description.as_str()).collect();
    fif.start_block(FIFFB_MNE_ANNOTATIONS)?;
    numbers(fif, FIFF_MNE_BASELINE_MIN, &onsets)?;
    numbers(fif, FIFF_MNE_BASELINE_MAX, &ends)?;
    fif.names(FIFF_COMMENT, &descriptions)?;
    if let Some((secs, usecs)) = a.orig_time {
        fif.doubles(FIFF_MEAS_DATE, &[secs as f64, f64::from(usecs)])?;
    }
    if a.items.iter().any(|item| !item.ch_names.is_empty()) {
        let names: Vec<serde_json::Value> = a.items.iter().map(|item| item.ch_names.clone().into()).collect();
        fif.text(FIFF_MNE_EPOCHS_DROP_LOG, &ascii_json(&names.into()))?;
    }
    fif.end_block()
}

/// JSON in ASCII: other characters as `\\uXXXX`, as Python's `json.dumps` writes them.
pub(crate) fn ascii_json(value: &serde_json::Value) -> String {
    ascii(&value.to_string())
}

fn ascii(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out
}

/// Reads an annotation file (`*-annot.fif`); onsets as they stand in it.
///
/// # Errors
/// When it can't be read or holds none.
pub fn read_annotations(path: &Path) -> Result<Annotations> {
    let fiff = open_fiff(path)?;
    if fiff.root().find(FIFFB_MNE_ANNOTATIONS).is_none() {
        return Err(Error::Content { path: path.to_owned(), expected: "annotations".into(), got: "none".into() });
    }
    let mut out = read(&fiff, fiff.root())?;
    out.sort();
    Ok(out)
}

/// Writes an annotation file (`*-annot.fif`).
///
/// # Errors
/// When it can't be written.
pub fn write_annotations(path: &Path, annotations: &Annotations, id: FileId) -> Result<()> {
    let mut out = Output::create(path, id)?;
    out.write(|fif| write(fif, annotations))?;
    out.finish()
}
