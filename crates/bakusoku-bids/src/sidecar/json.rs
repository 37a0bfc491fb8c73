//! JSON files.

use crate::{Error, Result};
use serde_json::Value;
use std::path::Path;

/// Reads a JSON file, in UTF-8 or whatever else [`bakusoku_files::read_text`] takes. `NaN` and infinities, which Python
/// writes though JSON has no such numbers, are null.
///
/// # Errors
/// When it can't be read or is no JSON.
pub fn read_json(path: &Path) -> Result<Value> {
    let read = bakusoku_files::read_text(path)?;
    let wrong = |message: String, line: usize, column: usize| {
        let message = match read.encoding.remark() {
            Some(remark) => format!("{message}; the file {remark}"),
            None => message,
        };
        Error::Json { path: path.to_owned(), line, column, message }
    };
    if read.text.trim().is_empty() {
        return Err(wrong("is empty, expected JSON".into(), 1, 1));
    }
    serde_json::from_str(&read.text).or_else(|error| {
        let plain = without_nan(&read.text);
        serde_json::from_str(&plain).map_err(|_| wrong(error.to_string(), error.line(), error.column()))
    })
}

/// The text with `NaN`, `Infinity` and `-Infinity` outside of strings as `null`.
fn without_nan(text: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    let (mut quoted, mut escaped) = (false, false);
    while let Some(c) = rest.chars().next() {
        let word = ["NaN", "-Infinity", "Infinity"].into_iter().find(|word| !quoted && rest.starts_with(word));
        if let Some(word) = word {
            out.push_str("null");
            rest = &rest[word.len()..];
            continue;
        }
        quoted ^= c == '"' && !escaped;
        escaped = quoted && c == '\\' && !escaped;
        out.push(c);
        rest = &rest[c.len_utf8()..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_python_writes_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.json");
        let read = |bytes: &[u8]| {
            fs_err::write(&path, bytes).unwrap();
            read_json(&path)
        };
        assert_eq!(read(br#"{"x": NaN, "y": "NaN \" NaN", "z": -Infinity}"#).unwrap()["y"], "NaN \" NaN");
        assert_eq!(read(b"\xef\xbb\xbf{\"x\": 1}").unwrap()["x"], 1);
        assert_eq!(read(b"{\"x\": \"\xb5V\"}").unwrap()["x"], "\u{b5}V");
        assert!(read(b"").unwrap_err().to_string().contains("line 1, column 1: is empty"));
        let message = read(b"{\"x\": NaN,}").unwrap_err().to_string();
        assert!(message.contains("line 1, column 7"), "{message}");
        let message = read(b"{\"x\": \"\xb5\",}").unwrap_err().to_string();
        assert!(message.contains("not UTF-8 (byte 7)"), "{message}");
    }
}
