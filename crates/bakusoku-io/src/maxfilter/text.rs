//! Lines of small text files.

use crate::{Error, Result};
use bakusoku_files::{AtomicFile, commit};
use std::io::{Read, Write};
use std::path::Path;

/// Largest text file that is read (bytes): positions of a day, one every 10 ms, take less.
const MAX_TEXT: u64 = 1 << 30;

/// The file's text.
pub(super) fn read(path: &Path, what: &str) -> Result<String> {
    let file = fs_err::File::open(path).map_err(Error::io(path, "opening"))?;
    let mut bytes = Vec::new();
    file.take(MAX_TEXT + 1).read_to_end(&mut bytes).map_err(Error::io(path, "reading"))?;
    let expected = || format!("{what} as text");
    if bytes.is_empty() {
        return Err(Error::Content { path: path.to_owned(), expected: expected(), got: "not a byte".to_owned() });
    }
    if bytes.len() as u64 > MAX_TEXT {
        let got = format!("more than {MAX_TEXT} bytes");
        return Err(Error::Content { path: path.to_owned(), expected: expected(), got });
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = 1 + error.as_bytes()[..at].iter().filter(|&&byte| byte == b'\n').count();
        let got = format!("the byte {:#04x} at byte {at} of the file", error.as_bytes()[at]);
        Error::Line { path: path.to_owned(), line, expected: "text".to_owned(), got }
    })
}

/// Lines with something in them, with their numbers from 1; those that start with `#` are left out.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.trim()))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

/// A word as a finite number.
pub(super) fn number(path: &Path, line: usize, word: &str) -> Result<f64> {
    word.parse().ok().filter(|value: &f64| value.is_finite()).ok_or_else(|| Error::Line {
        path: path.to_owned(),
        line,
        expected: "a number".to_owned(),
        got: format!("`{}`", shorten(word)),
    })
}

/// A text as it can be shown in a message.
pub(super) fn shorten(text: &str) -> String {
    let mut out: String = text.chars().take(40).map(|c| if c.is_control() { '.' } else { c }).collect();
    if text.chars().nth(40).is_some() {
        out.push('…');
    }
    out
}

/// A file that appears under its name whole.
pub(super) fn write(path: &Path, text: &str) -> Result<()> {
    let mut file = AtomicFile::create(path)?;
    file.write_all(text.as_bytes()).map_err(Error::io(path, "writing"))?;
    commit(vec![file])?;
    Ok(())
}
