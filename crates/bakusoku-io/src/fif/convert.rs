//! Converting files: FIFF to FIFF tag by tag, so that tags and blocks that nobody here knows stay; anything else through
//! the reader of its format.

use super::calibrated::Calibrated;
use super::output::{Out, Output};
use super::raw::find_raw;
use super::{EpochsExtras, FifRaw, RawFormat, RawOptions, RawWriter, open_fiff, probe, write_epochs};
use crate::open::first_bytes;
use crate::{Error, Result, eeglab, open};
use bakusoku_fiff::constants::*;
use bakusoku_fiff::{Entry, Fiff, FileId, MAX_FILE, Node, RawTag, Writer};
use std::io;
use std::path::{Path, PathBuf};

/// Converts a file to FIFF. From FIFF every tag is carried over as it is; only samples of raw data are stored anew when
/// `fmt` is given, with the same values; for integers, channels whose samples are
/// not multiples of their calibration get one that fits their largest sample. Parts of a split recording become one file where 2 GB allow it.
/// An epoched set of EEGLAB becomes a file of epochs.
///
/// # Errors
/// When the input can't be read, or the output can't be written.
pub fn convert(input: &Path, output: &Path, fmt: Option<RawFormat>) -> Result<Vec<PathBuf>> {
    let start = first_bytes(input)?;
    let options = |format| RawOptions { fmt: fmt.unwrap_or(format), ..RawOptions::default() };
    if eeglab::probe(&start) && eeglab::holds_epochs(input)? {
        let epochs = eeglab::read_epochs(input, &eeglab::EeglabOptions::default())?;
        let fmt = fmt.unwrap_or_default();
        if !fmt.is_float() {
            let (expected, got) = ("`single` or `double`".to_owned(), format!("fmt = \"{}\"", fmt.name()));
            return Err(Error::Unwritable { path: output.to_owned(), what: "epochs", expected, got });
        }
        return write_epochs(output, &epochs, &EpochsExtras { fmt, ..EpochsExtras::default() }, FileId::CONSTANT);
    }
    if !probe(&start) {
        let recording = open(input)?;
        let options = options(RawFormat::Single);
        return match options.fmt.is_float() {
            true => RawWriter::copy(output, &*recording, options),
            false => RawWriter::copy(output, &Calibrated::new(&*recording, options.fmt, output)?, options),
        };
    }
    let fiff = open_fiff(input)?;
    let raw = fiff.root().find(FIFFB_MEAS).and_then(find_raw);
    if raw.is_none() {
        return copy(&[fiff], output, None).map(|()| vec![output.to_owned()]);
    }
    let raw = FifRaw::from_fiff(fiff)?;
    let stored = raw.format();
    let target = fmt.unwrap_or(stored);
    // Integers of another width, and recordings beyond 2 GB, go through the writer.
    let size: u64 = raw.parts().iter().map(Fiff::len).sum();
    let grown = if target.bytes() > stored.bytes() { size * (target.bytes() / stored.bytes()) as u64 } else { size };
    if (!target.is_float() && target != stored) || grown + (1 << 22) > MAX_FILE {
        return match target.is_float() || target == stored {
            true => RawWriter::copy(output, &raw, options(stored)),
            false => RawWriter::copy(output, &Calibrated::new(&raw, target, output)?, options(stored)),
        };
    }
    copy(raw.parts(), output, Some(target)).map(|()| vec![output.to_owned()])
}

/// Copies the first file's tags; where its raw data stand, the buffers of all parts.
fn copy(parts: &[Fiff], output: &Path, fmt: Option<RawFormat>) -> Result<()> {
    let Some(first) = parts.first() else { return Ok(()) };
    let mut out = Output::create(output, FileId::CONSTANT)?;
    let skip = [FIFF_FILE_ID, FIFF_DIR_POINTER, FIFF_DIR, FIFF_FREE_LIST, FIFF_FREE_BLOCK, FIFF_NOP];
    // The parts after the first one come where its raw block ends.
    let raw = first.root().find(FIFFB_MEAS).and_then(find_raw).map(|(node, _)| node.pos);
    let mut open: Vec<(i32, u64)> = Vec::new();
    for entry in first.entries() {
        let in_ref = open.iter().any(|(kind, _)| *kind == FIFFB_REF) && parts.len() > 1;
        match entry.kind {
            FIFF_BLOCK_START => {
                let kind = first.get(entry, RawTag::int)?;
                open.push((kind, entry.pos));
                if !(in_ref || kind == FIFFB_REF && parts.len() > 1) {
                    out.write(|fif| fif.start_block(kind))?;
                }
            }
            FIFF_BLOCK_END => {
                let Some((kind, pos)) = open.pop() else { continue };
                if raw == Some(pos) {
                    parts[1..].iter().try_for_each(|part| append(part, &mut out, fmt))?;
                }
                if !(in_ref || kind == FIFFB_REF && parts.len() > 1) {
                    out.write(Writer::end_block)?;
                }
            }
            kind if skip.contains(&kind) && open.is_empty() => {}
            _ if in_ref => {}
            _ => tag(first, entry, &mut out, fmt)?,
        }
    }
    out.finish()
}

/// The buffers and skips of a further part.
fn append(part: &Fiff, out: &mut Output, fmt: Option<RawFormat>) -> Result<()> {
    let node: Option<&Node> = part.root().find(FIFFB_MEAS).and_then(find_raw).map(|(node, _)| node);
    let mut started = false;
    for entry in node.iter().flat_map(|node| &node.entries) {
        started |= entry.kind == FIFF_DATA_BUFFER;
        if started && [FIFF_DATA_BUFFER, FIFF_DATA_SKIP, FIFF_DATA_SKIP_SAMP].contains(&entry.kind) {
            tag(part, entry, out, fmt)?;
        }
    }
    Ok(())
}

/// One tag: samples stored anew, everything else as it is.
fn tag(fiff: &Fiff, entry: &Entry, out: &mut Output, fmt: Option<RawFormat>) -> Result<()> {
    let mut tag = fiff.tag(entry)?;
    if let Some(fmt) = fmt {
        if entry.kind == FIFF_DATA_PACK {
            return out.write(|fif: &mut Writer<Out>| fif.ints(FIFF_DATA_PACK, &[fmt.type_() as i32]));
        }
        if entry.kind == FIFF_DATA_BUFFER && RawFormat::from_type(entry.type_).is_some_and(|stored| stored != fmt) {
            tag.data = restore(&tag, fmt);
            tag.type_ = fmt.type_();
        }
    }
    out.write(|fif: &mut Writer<Out>| -> io::Result<()> { fif.raw_tag(&tag) })
}

/// Stored numbers in another type.
fn restore(tag: &RawTag, fmt: RawFormat) -> Vec<u8> {
    let values = tag.floats().unwrap_or_default();
    match fmt {
        RawFormat::Double => values.into_iter().flat_map(f64::to_be_bytes).collect(),
        _ => values.into_iter().flat_map(|value| (value as f32).to_be_bytes()).collect(),
    }
}
