//! The bytes of a file, or of a compressed variable in it, from front to back.

use super::super::budget::Budget;
use crate::{Error, Result};
use bakusoku_fiff::{FileSource, ReadAt};
use flate2::read::ZlibDecoder;
use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;

/// Bytes read at a time.
const CHUNK: usize = 1 << 16;

/// A stretch of a file as `Read`.
pub(super) struct Section<'f> {
    file: &'f FileSource,
    at: u64,
    end: u64,
}

impl Read for Section<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = (buf.len() as u64).min(self.end - self.at) as usize;
        self.file.read_exact_at(&mut buf[..n], self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}

fn decoder<'f>(file: &'f FileSource, element: &Range<u64>) -> ZlibDecoder<Section<'f>> {
    ZlibDecoder::new_with_buf(Section { file, at: element.start, end: element.end }, vec![0; CHUNK])
}

/// Hands the `len` bytes from byte `at` of an inflated variable to `take`, piece by piece.
///
/// # Errors
/// When the file can't be read, or the variable is damaged or shorter.
pub(in crate::eeglab) fn inflate(
    path: &Path,
    file: &FileSource,
    element: &Range<u64>,
    at: u64,
    len: u64,
    mut take: impl FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let mut input = Input::inflated(path, file, false, element.clone());
    input.skip_to(at)?;
    let (mut left, mut buf) = (len, vec![0; CHUNK]);
    while left > 0 {
        let n = left.min(CHUNK as u64) as usize;
        input.read(&mut buf[..n])?;
        take(&buf[..n])?;
        left -= n as u64;
    }
    Ok(())
}

/// The start of an element.
#[derive(Debug)]
pub(super) struct Tag {
    pub(super) start: u64,
    pub(super) type_: u32,
    /// Bytes of data.
    pub(super) len: u64,
    /// Where they start.
    pub(super) at: u64,
    /// Where the next element starts.
    pub(super) next: u64,
}

enum Source<'f> {
    /// A file, of which a window is held.
    Plain { file: &'f FileSource, window: Vec<u8>, window_at: u64 },
    /// A compressed variable.
    Inflated { decoder: ZlibDecoder<Section<'f>>, element: Range<u64>, inflated: u64 },
}

/// The bytes of a file, or of a compressed variable in it.
pub(super) struct Input<'f> {
    path: &'f Path,
    source: Source<'f>,
    big_endian: bool,
    pos: u64,
}

impl<'f> Input<'f> {
    pub(super) fn plain(path: &'f Path, file: &'f FileSource, big_endian: bool) -> Self {
        Self { path, source: Source::Plain { file, window: Vec::new(), window_at: 0 }, big_endian, pos: 0 }
    }
    pub(super) fn inflated(path: &'f Path, file: &'f FileSource, big_endian: bool, element: Range<u64>) -> Self {
        let decoder = decoder(file, &element);
        Self { path, source: Source::Inflated { decoder, element, inflated: 0 }, big_endian, pos: 0 }
    }
    /// Where the next byte stands.
    pub(super) fn pos(&self) -> u64 {
        self.pos
    }
    pub(super) fn big_endian(&self) -> bool {
        self.big_endian
    }
    /// The compressed variable that this is.
    pub(super) fn element(&self) -> Option<&Range<u64>> {
        match &self.source {
            Source::Plain { .. } => None,
            Source::Inflated { element, .. } => Some(element),
        }
    }
    /// What is wrong at byte `at`; within a compressed variable the file's byte is where that starts.
    pub(super) fn wrong(&self, at: u64, expected: impl Into<String>, got: impl Into<String>) -> Error {
        let (path, expected, got) = (self.path.to_owned(), expected.into(), got.into());
        match &self.source {
            Source::Plain { .. } => Error::Byte { path, at, expected, got },
            Source::Inflated { element, .. } => {
                let got = format!("a compressed variable that has {got} at byte {at} of what it holds");
                Error::Byte { path, at: element.start, expected, got }
            }
        }
    }
    /// Where something is for [`Budget::take`].
    pub(super) fn file_pos(&self) -> u64 {
        self.element().map_or(self.pos, |element| element.start)
    }
    /// Goes on at byte `pos`, which is not before where it is.
    pub(super) fn skip_to(&mut self, pos: u64) -> Result<()> {
        // Bytes of a compressed variable are passed over when something behind them is read.
        self.pos = self.pos.max(pos);
        Ok(())
    }
    /// Reads the next bytes.
    pub(super) fn read(&mut self, buf: &mut [u8]) -> Result<()> {
        let (pos, n) = (self.pos, buf.len());
        match &mut self.source {
            Source::Plain { file, window, window_at } => {
                let len = file.len();
                if pos.saturating_add(n as u64) > len {
                    let got = format!("the end of the file, which has {len} bytes");
                    return Err(self.wrong(pos, format!("{n} bytes"), got));
                }
                let inside = pos >= *window_at && pos + n as u64 <= *window_at + window.len() as u64;
                if !inside && n >= CHUNK {
                    file.read_exact_at(buf, pos).map_err(Error::io(self.path, "reading"))?;
                } else {
                    if !inside {
                        window.resize((CHUNK as u64).min(len - pos) as usize, 0);
                        *window_at = pos;
                        file.read_exact_at(window, pos).map_err(Error::io(self.path, "reading"))?;
                    }
                    let from = (pos - *window_at) as usize;
                    buf.copy_from_slice(&window[from..from + n]);
                }
            }
            Source::Inflated { decoder, inflated, .. } => {
                let outcome = pass(decoder, pos - *inflated).and_then(|()| decoder.read_exact(buf));
                *inflated = pos + n as u64;
                match outcome.map_err(|error| (error.kind(), error)) {
                    Ok(()) => {}
                    Err((io::ErrorKind::UnexpectedEof, _)) => {
                        return Err(self.wrong(pos, format!("{n} more bytes"), "its end"));
                    }
                    Err((io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData, _)) => {
                        return Err(self.wrong(pos, "data compressed by zlib", "damaged data"));
                    }
                    Err((_, error)) => return Err(Error::io(self.path, "reading")(error)),
                }
            }
        }
        self.pos += n as u64;
        Ok(())
    }
    /// The next `n` bytes, taken from the budget.
    pub(super) fn take(&mut self, n: u64, budget: &mut Budget) -> Result<Vec<u8>> {
        budget.take(n, self.file_pos())?;
        let mut out = Vec::new();
        while (out.len() as u64) < n {
            let from = out.len();
            out.resize(from + (n - from as u64).min(CHUNK as u64) as usize, 0);
            self.read(&mut out[from..])?;
        }
        Ok(out)
    }
    fn u32(&self, bytes: [u8; 4]) -> u32 {
        if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }
    /// The start of the next element, which must end before `end`. After it come its bytes.
    pub(super) fn tag(&mut self, end: u64) -> Result<Tag> {
        let start = self.pos;
        if start.saturating_add(8) > end {
            return Err(self.wrong(
                start,
                "an element of at least 8 bytes",
                format!("only {} bytes", end.saturating_sub(start)),
            ));
        }
        let mut first = [0; 4];
        self.read(&mut first)?;
        let first = self.u32(first);
        if first >> 16 != 0 {
            // A small element: type and length share four bytes, and so do its data.
            let (type_, len) = (first & 0xffff, u64::from(first >> 16));
            if len > 4 {
                return Err(self.wrong(start, "a small element of at most 4 bytes", format!("one of {len} bytes")));
            }
            return Ok(Tag { start, type_, len, at: start + 4, next: start + 8 });
        }
        let mut len = [0; 4];
        self.read(&mut len)?;
        let (at, len) = (start + 8, u64::from(self.u32(len)));
        if at + len > end {
            let got = format!("an element of type {first} that ends at byte {}", at + len);
            return Err(self.wrong(start, format!("one that ends at byte {end} at the latest"), got));
        }
        Ok(Tag { start, type_: first, len, at, next: (at + len).next_multiple_of(8).min(end) })
    }
    /// An element of this type: its bytes; goes on behind it.
    pub(super) fn element_of(&mut self, types: &[u32], what: &str, end: u64, budget: &mut Budget) -> Result<Vec<u8>> {
        let tag = self.tag(end)?;
        if !types.contains(&tag.type_) {
            return Err(self.wrong(
                tag.start,
                format!("{what} (type {})", types[0]),
                format!("an element of type {}", tag.type_),
            ));
        }
        let bytes = self.take(tag.len, budget)?;
        self.skip_to(tag.next)?;
        Ok(bytes)
    }
}

/// Reads over `n` bytes.
fn pass(decoder: &mut impl Read, n: u64) -> io::Result<()> {
    let passed = io::copy(&mut decoder.take(n), &mut io::sink())?;
    if passed < n { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
}
