//! Writing a FIFF file as a stream: tags one after the other, and a directory at the end.

use crate::constants::*;
use crate::tag::{Entry, FileId, HEADER, RawTag};
use crate::tree::Branch;
use ndarray::{ArrayView1, ArrayView2};
use std::io::{self, Write};

/// Largest file that FIFF's 32-bit positions allow (bytes).
pub const MAX_FILE: u64 = 1 << 31;
/// Byte at which the pointer to the directory stands.
pub const POINTER_POS: u64 = 52;

/// Writes a FIFF file as a stream.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
    pos: u64,
    open: Vec<i32>,
    entries: Vec<Entry>,
    pending: u64,
}

fn be<const N: usize, T: Copy>(values: impl IntoIterator<Item = T>, convert: impl Fn(T) -> [u8; N]) -> Vec<u8> {
    values.into_iter().flat_map(convert).collect()
}

impl<W: Write> Writer<W> {
    /// Starts a file: identifier, pointer to the directory (not known yet), free list.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn new(out: W, id: FileId) -> io::Result<Self> {
        let mut writer = Self { out, pos: 0, open: Vec::new(), entries: Vec::new(), pending: 0 };
        writer.id(FIFF_FILE_ID, id)?;
        writer.ints(FIFF_DIR_POINTER, &[-1])?;
        writer.ints(FIFF_FREE_LIST, &[-1])?;
        Ok(writer)
    }
    /// Bytes written so far.
    pub fn position(&self) -> u64 {
        self.pos
    }

    fn header(&mut self, kind: i32, type_: u32, size: u64, next: i32) -> io::Result<()> {
        if self.pending != 0 {
            return Err(io::Error::other(format!("{} bytes of the tag before are missing", self.pending)));
        }
        if self.pos + HEADER + size > MAX_FILE {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!(
                    "a FIFF file can't exceed {MAX_FILE} bytes, but {} at byte {} has {size} bytes",
                    tag_name(kind),
                    self.pos
                ),
            ));
        }
        let mut bytes = [0; HEADER as usize];
        for (chunk, value) in bytes.chunks_exact_mut(4).zip([kind, type_ as i32, size as i32, next]) {
            chunk.copy_from_slice(&value.to_be_bytes());
        }
        self.out.write_all(&bytes)?;
        self.entries.push(Entry { kind, type_, size: size as u32, pos: self.pos });
        self.pos += HEADER;
        self.pending = size;
        Ok(())
    }
    /// Starts a tag whose data follow by [`bytes`](Self::bytes).
    ///
    /// # Errors
    /// When it can't be written, or the file would be too large for FIFF.
    pub fn begin(&mut self, kind: i32, type_: u32, size: u64) -> io::Result<()> {
        self.header(kind, type_, size, 0)
    }
    /// More of the data of the tag begun.
    ///
    /// # Errors
    /// When it can't be written, or is more than was said.
    pub fn bytes(&mut self, data: &[u8]) -> io::Result<()> {
        self.pending = self
            .pending
            .checked_sub(data.len() as u64)
            .ok_or_else(|| io::Error::other("more bytes than the tag's size"))?;
        self.out.write_all(data)?;
        self.pos += data.len() as u64;
        Ok(())
    }
    /// A whole tag.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn tag(&mut self, kind: i32, type_: u32, data: &[u8]) -> io::Result<()> {
        self.begin(kind, type_, data.len() as u64)?;
        self.bytes(data)
    }
    /// A tag kept verbatim.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn raw_tag(&mut self, tag: &RawTag) -> io::Result<()> {
        self.tag(tag.kind, tag.type_, &tag.data)
    }
    /// A block kept verbatim.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn branch(&mut self, branch: &Branch) -> io::Result<()> {
        self.start_block(branch.kind)?;
        for tag in &branch.tags {
            self.raw_tag(tag)?;
        }
        for child in &branch.children {
            self.branch(child)?;
        }
        self.end_block()
    }
    /// Opens a block.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn start_block(&mut self, kind: i32) -> io::Result<()> {
        self.open.push(kind);
        self.ints(FIFF_BLOCK_START, &[kind])
    }
    /// Closes the block opened last.
    ///
    /// # Errors
    /// When it can't be written, or none is open.
    pub fn end_block(&mut self) -> io::Result<()> {
        let kind = self.open.pop().ok_or_else(|| io::Error::other("no block is open"))?;
        self.ints(FIFF_BLOCK_END, &[kind])
    }
    /// Integers.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn ints(&mut self, kind: i32, values: &[i32]) -> io::Result<()> {
        self.raw_tag(&RawTag::of_ints(kind, values))
    }
    /// Numbers in single precision.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn floats(&mut self, kind: i32, values: &[f64]) -> io::Result<()> {
        self.raw_tag(&RawTag::of_floats(kind, values))
    }
    /// Numbers in double precision.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn doubles(&mut self, kind: i32, values: &[f64]) -> io::Result<()> {
        self.tag(kind, FIFFT_DOUBLE, &be(values.iter().copied(), f64::to_be_bytes))
    }
    /// A text; an empty one is left out, as MNE does.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn text(&mut self, kind: i32, text: &str) -> io::Result<()> {
        if text.is_empty() { Ok(()) } else { self.raw_tag(&RawTag::of_text(kind, text)) }
    }
    /// Names, separated by colons; colons inside names become `{COLON}`.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn names<S: AsRef<str>>(&mut self, kind: i32, names: &[S]) -> io::Result<()> {
        let names: Vec<String> = names.iter().map(|name| name.as_ref().replace(':', "{COLON}")).collect();
        self.text(kind, &names.join(":"))
    }
    /// An identifier.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn id(&mut self, kind: i32, id: FileId) -> io::Result<()> {
        self.raw_tag(&RawTag::of_id(kind, id))
    }
    /// A dense matrix in single precision.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn float_matrix(&mut self, kind: i32, matrix: ArrayView2<'_, f64>) -> io::Result<()> {
        self.raw_tag(&RawTag::of_float_matrix(kind, matrix))
    }
    /// A dense matrix in double precision.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn double_matrix(&mut self, kind: i32, matrix: ArrayView2<'_, f64>) -> io::Result<()> {
        let mut data = be(matrix.iter().copied(), f64::to_be_bytes);
        data.extend(be([matrix.ncols() as i32, matrix.nrows() as i32, 2], i32::to_be_bytes));
        self.tag(kind, FIFFT_MATRIX | FIFFT_DOUBLE, &data)
    }
    /// A matrix of one dimension in double precision.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn double_vector(&mut self, kind: i32, vector: ArrayView1<'_, f64>) -> io::Result<()> {
        let mut data = be(vector.iter().copied(), f64::to_be_bytes);
        data.extend(be([vector.len() as i32, 1], i32::to_be_bytes));
        self.tag(kind, FIFFT_MATRIX | FIFFT_DOUBLE, &data)
    }
    /// A dense array of three dimensions, `(slices, rows, columns)`, in single or double precision. `next` fills one slice
    /// after the other (row by row), so that the array need not be in memory; each row is divided by its `scale`.
    ///
    /// # Errors
    /// When a slice can't be had, or it can't be written.
    pub fn array3(
        &mut self,
        kind: i32,
        (a, b, c): (usize, usize, usize),
        double: bool,
        scale: &[f64],
        mut next: impl FnMut(usize, &mut [f64]) -> io::Result<()>,
    ) -> io::Result<()> {
        let size = if double { 8 } else { 4 };
        let type_ = FIFFT_MATRIX | if double { FIFFT_DOUBLE } else { FIFFT_FLOAT };
        self.begin(kind, type_, (a * b * c * size + 16) as u64)?;
        let mut slice = vec![0.0; b * c];
        let mut data = Vec::with_capacity(b * c * size);
        for index in 0..a {
            next(index, &mut slice)?;
            data.clear();
            for (row, &scale) in slice.chunks_exact(c.max(1)).zip(scale) {
                if double {
                    row.iter().for_each(|&v| data.extend((v / scale).to_be_bytes()));
                } else {
                    row.iter().for_each(|&v| data.extend(((v / scale) as f32).to_be_bytes()));
                }
            }
            self.bytes(&data)?;
        }
        self.bytes(&be([c as i32, b as i32, a as i32, 3], i32::to_be_bytes))
    }

    /// Ends the file with its directory. The second value is what belongs at [`POINTER_POS`] (four bytes, big-endian).
    ///
    /// # Errors
    /// When it can't be written, or a block is still open.
    pub fn finish(mut self) -> io::Result<(W, i32)> {
        if let Some(&kind) = self.open.last() {
            return Err(io::Error::other(format!("{} is still open", block_name(kind))));
        }
        let at = self.pos as i32;
        let mut data = Vec::with_capacity(self.entries.len() * 16);
        for entry in &self.entries {
            data.extend(be([entry.kind, entry.type_ as i32, entry.size as i32, entry.pos as i32], i32::to_be_bytes));
        }
        self.header(FIFF_DIR, FIFFT_DIR_ENTRY_STRUCT, data.len() as u64, FIFFV_NEXT_NONE)?;
        self.bytes(&data)?;
        self.out.flush()?;
        Ok((self.out, at))
    }
}
