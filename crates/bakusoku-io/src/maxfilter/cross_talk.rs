//! Cross-talk files (`ct_sparse.fif`): one sparse matrix, and the channels that it is about.

use crate::fif::open_fiff;
use crate::fif::output::Output;
use crate::{Error, Result};
use bakusoku_core::CrossTalk;
use bakusoku_fiff::constants::*;
use bakusoku_fiff::{FileId, RawTag, Sparse, Wrong};
use std::path::Path;

/// What such a file says of itself.
const COMMENT: &str = "cross-talk compensation matrix";

/// Reads a cross-talk file.
///
/// # Errors
/// When it can't be read, or holds something else.
pub fn read_cross_talk(path: impl AsRef<Path>) -> Result<CrossTalk> {
    let path = path.as_ref();
    let fiff = open_fiff(path)?;
    let expected = "a cross-talk matrix (FIFFB_DATA_CORRECTION with FIFFB_CHANNEL_DECOUPLER)".to_owned();
    let none = |got: String| Error::Content { path: path.to_owned(), expected: expected.clone(), got };
    let (Some(correction), Some(block)) =
        (fiff.root().find(FIFFB_DATA_CORRECTION), fiff.root().find(FIFFB_CHANNEL_DECOUPLER))
    else {
        return Err(none("none".to_owned()));
    };
    let comment = fiff.find(correction, FIFF_COMMENT, RawTag::text)?.unwrap_or_default();
    if comment != COMMENT {
        return Err(none(format!("a correction called `{comment}`")));
    }
    let entry = block.entry(FIFF_DECOUPLER_MATRIX).ok_or_else(|| fiff.missing("FIFF_DECOUPLER_MATRIX", block))?;
    let decoupler = fiff.get(entry, |tag| tag.matrix()?.into_2d())?;
    let mut ch_names = fiff.need(block, FIFF_PROJ_ITEM_CH_NAME_LIST, RawTag::names)?;
    // Behind the last name there may be null characters, and what stood in the buffer before.
    if let Some(last) = ch_names.last_mut() {
        *last = last.split('\0').next().unwrap_or_default().to_owned();
    }
    let n = ch_names.len();
    if decoupler.dim() != (n, n) {
        let wrong = Wrong::new(format!("{n} × {n} numbers, as there are {n} names"), format!("{:?}", decoupler.dim()));
        return Err(fiff.wrong(entry, wrong).into());
    }
    if let Some(((row, column), value)) = decoupler.indexed_iter().find(|(_, value)| !value.is_finite()) {
        let got = format!("{value} at row {row}, column {column}");
        return Err(fiff.wrong(entry, Wrong::new("finite numbers", got)).into());
    }
    let date = fiff.find(correction, FIFF_MEAS_DATE, RawTag::ints)?;
    Ok(CrossTalk {
        ch_names,
        decoupler,
        creator: fiff.find(correction, FIFF_CREATOR, RawTag::text)?,
        date: date.and_then(|date| Some((*date.first()? as i32, *date.get(1)? as i32))),
    })
}

/// Writes a cross-talk file.
///
/// # Errors
/// When it can't be written.
pub fn write_cross_talk(path: impl AsRef<Path>, cross_talk: &CrossTalk, id: FileId) -> Result<()> {
    let path = path.as_ref();
    let n = cross_talk.ch_names.len();
    if n == 0 || cross_talk.decoupler.dim() != (n, n) {
        return Err(Error::Unwritable {
            path: path.to_owned(),
            what: "the cross-talk matrix",
            expected: "a row and a column for each channel, and at least one channel".to_owned(),
            got: format!("{:?} numbers and {n} channels", cross_talk.decoupler.dim()),
        });
    }
    let matrix = Sparse::from_dense(cross_talk.decoupler.view(), false);
    let mut out = Output::create(path, id)?;
    out.write(|fif| {
        fif.start_block(FIFFB_DATA_CORRECTION)?;
        fif.text(FIFF_COMMENT, COMMENT)?;
        fif.text(FIFF_CREATOR, cross_talk.creator.as_deref().unwrap_or("bakusoku"))?;
        let (secs, usecs) = cross_talk.date.unwrap_or(FileId::NO_DATE);
        fif.ints(FIFF_MEAS_DATE, &[secs, usecs])?;
        fif.start_block(FIFFB_CHANNEL_DECOUPLER)?;
        fif.raw_tag(&RawTag::of_sparse(FIFF_DECOUPLER_MATRIX, &matrix))?;
        fif.names(FIFF_PROJ_ITEM_CH_NAME_LIST, &cross_talk.ch_names)?;
        fif.end_block()?;
        fif.end_block()
    })?;
    out.finish()
}
