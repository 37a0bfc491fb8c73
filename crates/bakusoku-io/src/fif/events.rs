//! Event files (`*-eve.fif`), and events as text.

use super::file::open_fiff;
use super::output::{Out, Output};
use crate::{Error, Result};
use bakusoku_core::{Event, Events};
use bakusoku_fiff::constants::*;
use bakusoku_fiff::{Fiff, FileId, Node, Writer, Wrong};
use std::io;
use std::path::Path;

/// The events of the first `FIFFB_MNE_EVENTS` block below `root`.
pub(crate) fn read(fiff: &Fiff, root: &Node) -> bakusoku_fiff::Result<Option<Events>> {
    let Some(block) = root.find(FIFFB_MNE_EVENTS) else { return Ok(None) };
    let Some(entry) = block.entry(FIFF_MNE_EVENT_LIST) else { return Err(fiff.missing("FIFF_MNE_EVENT_LIST", block)) };
    let values = fiff.get(entry, bakusoku_fiff::RawTag::ints)?;
    let (rows, rest) = values.as_chunks::<3>();
    if !rest.is_empty() {
        return Err(fiff.wrong(entry, Wrong::new("three numbers an event", format!("{} numbers", values.len()))));
    }
    Ok(Some(rows.iter().map(|&[sample, previous, code]| Event { sample, previous, code }).collect()))
}

/// The three numbers of each event, 32 bits each.
pub(crate) fn list(path: &Path, events: &[Event]) -> Result<Vec<i32>> {
    let narrow = |value: i64| {
        i32::try_from(value).map_err(|_| Error::Unwritable {
            path: path.to_owned(),
            what: "an event",
            expected: "numbers of 32 bits".to_owned(),
            got: value.to_string(),
        })
    };
    events.iter().flat_map(|e| [e.sample, e.previous, e.code]).map(narrow).collect()
}

/// Writes the list, with what else belongs into its block.
pub(crate) fn write_block(fif: &mut Writer<Out>, list: &[i32], description: Option<&str>) -> io::Result<()> {
    fif.start_block(FIFFB_MNE_EVENTS)?;
    fif.ints(FIFF_MNE_EVENT_LIST, list)?;
    if let Some(description) = description {
        fif.text(FIFF_DESCRIPTION, description)?;
    }
    fif.end_block()
}

/// Reads an event file.
///
/// # Errors
/// When it can't be read or holds no events.
pub fn read_events(path: &Path) -> Result<Events> {
    let fiff = open_fiff(path)?;
    read(&fiff, fiff.root())?.ok_or_else(|| Error::Content {
        path: path.to_owned(),
        expected: "events".into(),
        got: "none".into(),
    })
}

/// Writes an event file, `*-eve.fif` or `*_eve.fif`.
///
/// # Errors
/// When it can't be written.
pub fn write_events(path: &Path, events: &[Event], id: FileId) -> Result<()> {
    let list = list(path, events)?;
    let mut out = Output::create(path, id)?;
    out.write(|fif| write_block(fif, &list, None))?;
    out.finish()
}
