//! Head position files (`.pos`): a heading, then ten numbers a line,
//! `t q1 q2 q3 x y z goodness error velocity` (s, unit quaternion, m, …).

use super::text;
use crate::{Error, Result};
use bakusoku_core::{HeadPosition, HeadPositions};
use std::fmt::Write;
use std::path::Path;

const HEADING: &str = " Time       q1       q2       q3       q4       q5       q6       g-value  error    velocity\n";

/// Reads a head position file.
///
/// # Errors
/// When it can't be read, or a line is not what such a file has.
pub fn read_head_pos(path: impl AsRef<Path>) -> Result<HeadPositions> {
    let path = path.as_ref();
    let text = text::read(path, "head positions")?;
    let mut items = Vec::new();
    for (line, content) in text::lines(&text) {
        let words: Vec<&str> = content.split_whitespace().collect();
        if line == 1 && words.iter().any(|word| word.parse::<f64>().is_err()) {
            continue;
        }
        let row: [&str; 10] = words.try_into().map_err(|words: Vec<&str>| Error::Line {
            path: path.to_owned(),
            line,
            expected: "10 numbers (time, 3 of rotation, 3 of translation, goodness, error, velocity)".to_owned(),
            got: format!("{}: `{}`", words.len(), text::shorten(content)),
        })?;
        let mut values = [0.0; 10];
        for (value, word) in values.iter_mut().zip(row) {
            *value = text::number(path, line, word)?;
        }
        items.push(HeadPosition::from_row(values));
    }
    Ok(HeadPositions { items })
}

/// Writes a head position file: three decimals for the time, five for the rest, as MaxFilter does.
///
/// # Errors
/// When it can't be written.
pub fn write_head_pos(path: impl AsRef<Path>, positions: &HeadPositions) -> Result<()> {
    let mut out = HEADING.to_owned();
    for position in &positions.items {
        for (column, value) in position.to_row().into_iter().enumerate() {
            let (width, digits) = if column == 0 { (9, 3) } else { (8, 5) };
            let sign = if value.is_sign_negative() { "-" } else { " " };
            let number = format!("{sign}{:.digits$}", value.abs());
            _ = write!(out, " {number:>width$}");
        }
        out.push('\n');
    }
    text::write(path.as_ref(), &out)
}
