//! The list of a file's tags: from the directory that the file points to, or by walking from tag to tag.

use crate::constants::*;
use crate::error::{Error, Result, Wrong};
use crate::source::Window;
use crate::tag::{Entry, HEADER};
use std::path::Path;

/// How the list of tags was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Directory {
    /// The file's own directory was used.
    Pointer,
    /// The file has none (MNE-Python writes none): its tags were walked.
    Walked,
    /// The file points to a directory that is missing or broken; its tags were walked, and they are whole.
    Repaired,
}

/// Most tags that a file may have.
const MAX_TAGS: usize = 1 << 22;
/// Deepest nesting of blocks.
pub(crate) const MAX_DEPTH: usize = 64;

/// A tag's header: entry and `next`.
pub(crate) fn header(bytes: [u8; 16], pos: u64) -> (Entry, i64, i32) {
    let int = |i: usize| i32::from_be_bytes([bytes[i], bytes[i + 1], bytes[i + 2], bytes[i + 3]]);
    let size = int(8);
    (Entry { kind: int(0), type_: int(4) as u32, size: size.max(0) as u32, pos }, i64::from(size), int(12))
}

fn io(path: &Path, what: &'static str, at: u64) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Io { path, what, at, source }
}

/// The file's first two tags are what every FIFF file starts with; the directory's position, if it says one.
pub(crate) fn check_start(path: &Path, window: &mut Window<'_>, len: u64) -> Result<Option<u64>> {
    const EXPECTED: &str = "the tag FIFF_FILE_ID (20 bytes) of a FIFF file";
    let not = |at, expected, got| Error::NotFiff { path: path.to_owned(), at, expected, got };
    if len == 0 {
        return Err(Error::Empty { path: path.to_owned() });
    }
    if len < HEADER {
        return Err(not(0, EXPECTED, format!("only {len} bytes")));
    }
    let bytes: [u8; 16] = window.get(0).map_err(io(path, "reading", 0))?;
    let (first, size, next) = header(bytes, 0);
    if first.kind != FIFF_FILE_ID || first.type_ != FIFFT_ID_STRUCT || size != 20 {
        let looks: String =
            bytes.iter().map(|&b| if b.is_ascii_graphic() || b == b' ' { char::from(b) } else { '.' }).collect();
        return Err(not(0, EXPECTED, format!("the bytes `{looks}`")));
    }
    let at = if next > 0 { next as u64 } else { first.end() };
    let truncated =
        |tag: &str, at, need| Error::Truncated { path: path.to_owned(), tag: tag.to_owned(), at, need, len };
    if first.end() > len {
        return Err(truncated("tag FIFF_FILE_ID", 0, 36));
    }
    if at + HEADER + 4 > len {
        return Err(truncated("tag FIFF_DIR_POINTER", at, HEADER + 4));
    }
    let (second, size, _) = header(window.get(at).map_err(io(path, "reading", at))?, at);
    if second.kind != FIFF_DIR_POINTER || size != 4 {
        let got = format!("the tag {} of {size} bytes", tag_name(second.kind));
        return Err(not(at, "the tag FIFF_DIR_POINTER (4 bytes) of a FIFF file", got));
    }
    let pointer = i32::from_be_bytes(window.get(second.data_pos()).map_err(io(path, "reading", at))?);
    Ok((pointer > 0).then_some(pointer as u64))
}

/// The entries of the directory at `pos`, if it is one and everything that it lists lies inside the file.
pub(crate) fn read_directory(window: &mut Window<'_>, pos: u64, len: u64) -> Option<Vec<Entry>> {
    if pos.checked_add(HEADER)? > len {
        return None;
    }
    let (dir, size, _) = header(window.get(pos).ok()?, pos);
    let sound =
        dir.kind == FIFF_DIR && dir.type_ == FIFFT_DIR_ENTRY_STRUCT && size > 0 && size % 16 == 0 && dir.end() <= len;
    if !sound || size as usize / 16 > MAX_TAGS {
        return None;
    }
    let mut entries = Vec::with_capacity(size as usize / 16);
    let mut total = 0u64;
    for at in (dir.data_pos()..dir.end()).step_by(16) {
        let (mut entry, size, position) = header(window.get(at).ok()?, 0);
        if entry.kind == -1 {
            break;
        }
        entry.pos = u64::from(position as u32);
        total += HEADER + u64::from(entry.size);
        // Entries that overlap could make a small file look like a large one.
        if size < 0 || entry.end() > len || total > len {
            return None;
        }
        entries.push(entry);
    }
    let first = entries.first()?;
    (first.kind == FIFF_FILE_ID && first.pos == 0).then_some(entries)
}

/// Walks from tag to tag. `stop` is where a broken directory begins: what follows is not needed.
pub(crate) fn walk(path: &Path, window: &mut Window<'_>, len: u64, stop: Option<u64>) -> Result<Vec<Entry>> {
    let (mut entries, mut pos, mut total) = (Vec::new(), 0, 0u64);
    let mut previous = Entry { kind: FIFF_FILE_ID, type_: 0, size: 0, pos: 0 };
    while pos < len && stop != Some(pos) {
        if pos + HEADER > len {
            let tag = format!("the tag after {}", tag_name(previous.kind));
            return Err(Error::Truncated { path: path.to_owned(), tag, at: pos, need: HEADER, len });
        }
        let (entry, size, next) = header(window.get(pos).map_err(io(path, "reading", pos))?, pos);
        if entry.kind == 0 && entry.type_ == 0 && size == 0 {
            return Err(Error::tag(path, 0, pos, Wrong::new("the header of a tag", "zeros only")));
        }
        if size < 0 {
            return Err(Error::tag(path, entry.kind, pos, Wrong::new("a size of 0 or more bytes", size.to_string())));
        }
        if entry.end() > len {
            let tag = format!("tag {}", tag_name(entry.kind));
            return Err(Error::Truncated {
                path: path.to_owned(),
                tag,
                at: pos,
                need: HEADER + u64::from(entry.size),
                len,
            });
        }
        if entries.len() == MAX_TAGS {
            return Err(Error::Limit {
                path: path.to_owned(),
                what: "the number of tags",
                at: pos,
                limit: MAX_TAGS as u64,
            });
        }
        // A chain that loops, or tags that overlap, would hold more bytes than the file.
        total += HEADER + u64::from(entry.size);
        if total > len {
            let expected = "a chain of tags that visits each byte once";
            return Err(Error::tag(
                path,
                previous.kind,
                previous.pos,
                Wrong::new(expected, format!("byte {pos} next")),
            ));
        }
        entries.push(entry);
        previous = entry;
        pos = match next {
            0 => entry.end(),
            next if next < 0 => break,
            next if next as u64 >= entry.end() => next as u64,
            // A tag that was moved: MNE follows the chain wherever it leads.
            next => next as u64,
        };
        if pos > len {
            let tag = format!("the tag after {}", tag_name(entry.kind));
            return Err(Error::Truncated { path: path.to_owned(), tag, at: pos, need: HEADER, len });
        }
    }
    Ok(entries)
}
