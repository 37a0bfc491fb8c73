//! Samples as text.
//!
//! The file is read once from start to end, to know where every 64th line starts (times, where it is multiplexed) or every
//! 1024th word of a line (where it is vectorized); a read starts at the nearest of these. Memory is less than a
//! thirtieth of the file.

use super::header::{Ascii, Orientation, wrong_data};
use crate::{Error, Result};
use bakusoku_fiff::{FileSource, ReadAt};
use ndarray::ArrayViewMut2;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Lines between two marks.
const LINES: u64 = 64;
/// Words between two marks of a line.
const WORDS: u64 = 1024;
/// Bytes read at a time.
const CHUNK: usize = 1 << 16;
/// Longest word.
const MAX_WORD: usize = 64;

/// Samples as text, and where to find them.
#[derive(Debug)]
pub(super) struct AsciiSamples {
    path: PathBuf,
    source: FileSource,
    ascii: Ascii,
    orientation: Orientation,
    /// Multiplexed: start of every [`LINES`]th time. Vectorized: of every [`WORDS`]th sample, one list a channel.
    marks: Vec<Vec<u64>>,
    n_channels: usize,
    pub(super) n_times: u64,
}

/// What stands in a file: a word or the end of a line.
enum Token {
    Word(u64),
    LineEnd,
}

/// Goes through words and ends of lines.
struct Tokens<'a> {
    source: &'a FileSource,
    comma_splits: bool,
    at: u64,
    buf: Vec<u8>,
    used: usize,
    word: Vec<u8>,
}

impl<'a> Tokens<'a> {
    fn new(source: &'a FileSource, ascii: Ascii, at: u64) -> Self {
        Self { source, comma_splits: !ascii.decimal_comma, at, buf: Vec::new(), used: 0, word: Vec::new() }
    }
    fn peek(&mut self) -> std::io::Result<Option<u8>> {
        if self.used == self.buf.len() {
            let n = self.source.len().saturating_sub(self.at).min(CHUNK as u64) as usize;
            self.buf.resize(n, 0);
            self.used = 0;
            if n == 0 {
                return Ok(None);
            }
            self.source.read_exact_at(&mut self.buf, self.at)?;
        }
        Ok(Some(self.buf[self.used]))
    }
    fn step(&mut self) {
        self.used += 1;
        self.at += 1;
    }
    /// The next word (its bytes are in `word` then, the first ones of a long one) or end of a line.
    fn next(&mut self) -> std::io::Result<Option<Token>> {
        let separates =
            |byte: u8, comma| byte == b' ' || byte == b'\t' || byte == b'\r' || byte == b';' || comma && byte == b',';
        while let Some(byte) = self.peek()? {
            if byte == b'\n' {
                self.step();
                return Ok(Some(Token::LineEnd));
            }
            if !separates(byte, self.comma_splits) {
                break;
            }
            self.step();
        }
        let start = self.at;
        self.word.clear();
        while let Some(byte) = self.peek()? {
            if byte == b'\n' || separates(byte, self.comma_splits) {
                break;
            }
            if self.word.len() < MAX_WORD {
                self.word.push(if byte == b',' { b'.' } else { byte });
            }
            self.step();
        }
        Ok((self.at > start).then_some(Token::Word(start)))
    }
    fn number(&self) -> Option<f64> {
        std::str::from_utf8(&self.word).ok()?.parse().ok()
    }
}

impl AsciiSamples {
    pub(super) fn open(path: &Path, ascii: Ascii, orientation: Orientation, n_channels: usize) -> Result<Self> {
        let source = FileSource::open(path).map_err(Error::io(path, "opening"))?;
        let io = || Error::io(path, "reading");
        let mut tokens = Tokens::new(&source, ascii, 0);
        let mut skipped = 0;
        while skipped < ascii.skip_lines {
            match tokens.next().map_err(io())? {
                Some(Token::LineEnd) => skipped += 1,
                Some(Token::Word(_)) => {}
                None => break,
            }
        }
        let mut marks: Vec<Vec<u64>> = Vec::new();
        let (mut n_times, mut rows, mut in_line, mut first) = (0, 0, 0u64, None);
        let mut line = skipped + 1;
        let vectorized = orientation == Orientation::Vectorized;
        loop {
            let token = tokens.next().map_err(io())?;
            match token {
                Some(Token::Word(at)) => {
                    in_line += 1;
                    let Some(sample) = (in_line - 1).checked_sub(ascii.skip_columns) else { continue };
                    first.get_or_insert(at);
                    if vectorized {
                        if sample == 0 {
                            marks.push(Vec::new());
                        }
                        if sample % WORDS == 0
                            && let Some(row) = marks.last_mut()
                        {
                            row.push(at);
                        }
                    }
                }
                Some(Token::LineEnd) | None => {
                    let n = in_line.saturating_sub(ascii.skip_columns);
                    if n > 0 && vectorized {
                        if rows > 0 && n != n_times {
                            return Err(wrong_line(path, line, format!("{n_times} samples of one channel"), n));
                        }
                        (n_times, rows) = (n, rows + 1);
                    } else if n > 0 {
                        if n != n_channels as u64 {
                            return Err(wrong_line(path, line, format!("{n_channels} samples, one a channel"), n));
                        }
                        if n_times % LINES == 0 {
                            if marks.is_empty() {
                                marks.push(Vec::new());
                            }
                            marks[0].extend(first);
                        }
                        n_times += 1;
                    }
                    (in_line, first) = (0, None);
                    line += 1;
                }
            }
            if token.is_none() {
                break;
            }
        }
        drop(tokens);
        if vectorized && rows != n_channels {
            return Err(wrong_data(path, format!("{n_channels} lines, one a channel"), format!("{rows}")));
        }
        Ok(Self { path: path.to_owned(), source, ascii, orientation, marks, n_channels, n_times })
    }

    /// Samples `times` of the channels `picks`, times `scales`.
    pub(super) fn read(
        &self,
        times: Range<u64>,
        picks: &[usize],
        scales: &[f64],
        out: &mut ArrayViewMut2<'_, f64>,
    ) -> Result<()> {
        if times.is_empty() || picks.is_empty() {
            return Ok(());
        }
        if self.orientation == Orientation::Vectorized {
            return self.read_rows(times, picks, scales, out);
        }
        let mut tokens = self.tokens(0, times.start / LINES)?;
        let (mut time, mut column) = (times.start / LINES * LINES, 0);
        let mut row_of: Vec<Vec<usize>> = vec![Vec::new(); self.n_channels];
        picks.iter().enumerate().for_each(|(row, &pick)| row_of[pick].push(row));
        // The mark is behind the columns that are skipped.
        let mut skip = 0;
        while time < times.end {
            match tokens.next().map_err(Error::io(&self.path, "reading"))? {
                Some(Token::Word(_)) if skip > 0 => skip -= 1,
                Some(Token::Word(at)) => {
                    if time >= times.start && !row_of[column].is_empty() {
                        let value = self.number(&tokens, at)? * scales[column];
                        let to = (time - times.start) as usize;
                        row_of[column].iter().for_each(|&row| out[[row, to]] = value);
                    }
                    column += 1;
                    if column == self.n_channels {
                        (column, time) = (0, time + 1);
                        skip = self.ascii.skip_columns;
                    }
                }
                Some(Token::LineEnd) => {}
                None => return Err(self.changed()),
            }
        }
        Ok(())
    }

    fn read_rows(
        &self,
        times: Range<u64>,
        picks: &[usize],
        scales: &[f64],
        out: &mut ArrayViewMut2<'_, f64>,
    ) -> Result<()> {
        for (row, &pick) in picks.iter().enumerate() {
            let mut tokens = self.tokens(pick, times.start / WORDS)?;
            for time in times.start / WORDS * WORDS..times.end {
                let Some(Token::Word(at)) = tokens.next().map_err(Error::io(&self.path, "reading"))? else {
                    return Err(self.changed());
                };
                if time >= times.start {
                    out[[row, (time - times.start) as usize]] = self.number(&tokens, at)? * scales[pick];
                }
            }
        }
        Ok(())
    }

    fn tokens(&self, row: usize, mark: u64) -> Result<Tokens<'_>> {
        let at = self.marks.get(row).and_then(|row| row.get(mark as usize)).ok_or_else(|| self.changed())?;
        Ok(Tokens::new(&self.source, self.ascii, *at))
    }
    fn number(&self, tokens: &Tokens<'_>, at: u64) -> Result<f64> {
        tokens.number().ok_or_else(|| Error::Byte {
            path: self.path.clone(),
            at,
            expected: "a number".into(),
            got: format!("`{}`", super::settings::shorten(&String::from_utf8_lossy(&tokens.word))),
        })
    }
    fn changed(&self) -> Error {
        wrong_data(&self.path, "the samples that were counted when it was opened".into(), "fewer".into())
    }
}

fn wrong_line(path: &Path, line: u64, expected: String, n: u64) -> Error {
    Error::Line { path: path.to_owned(), line: line as usize, expected, got: format!("{n} numbers") }
}
