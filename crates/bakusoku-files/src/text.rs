//! Text in the encodings that acquisition systems and spreadsheets write.

use crate::{Error, Result};
use std::path::Path;

/// How a text is encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark.
    #[default]
    Utf8,
    /// UTF-16, as spreadsheets save "Unicode text".
    Utf16,
    /// Not UTF-8 from the byte at this position on; every byte is read as a character of Latin-1, as mne-bids does.
    Latin1 {
        /// Position of the first byte that is not UTF-8.
        at: usize,
    },
}

impl Encoding {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16 => "UTF-16",
            Self::Latin1 { .. } => "Latin-1",
        }
    }
    /// What to tell whoever relies on the text, if anything.
    pub fn remark(self) -> Option<String> {
        match self {
            Self::Latin1 { at } => Some(format!("is not UTF-8 (byte {at}) and was read as Latin-1")),
            _ => None,
        }
    }
}

/// A text and its encoding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The text, without a byte order mark.
    pub text: String,
    /// How it was encoded.
    pub encoding: Encoding,
}

/// Reads a text file: UTF-8, UTF-16 with a byte order mark, else Latin-1.
///
/// # Errors
/// When it can't be read.
pub fn read_text(path: &Path) -> Result<Text> {
    Ok(decode(&fs_err::read(path).map_err(Error::io(path, "reading"))?))
}

/// Reads a text file that must be UTF-8 or UTF-16 with a byte order mark.
///
/// # Errors
/// When it can't be read or is neither.
pub fn read_utf8(path: &Path) -> Result<String> {
    let bytes = fs_err::read(path).map_err(Error::io(path, "reading"))?;
    let text = decode(&bytes);
    match text.encoding {
        Encoding::Latin1 { at } => {
            let line = bytes[..at].iter().filter(|&&byte| byte == b'\n').count() + 1;
            Err(Error::NotUtf8 { path: path.to_owned(), at, line, value: bytes[at] })
        }
        _ => Ok(text.text),
    }
}

/// Decodes a text.
pub fn decode(bytes: &[u8]) -> Text {
    let units = |from: fn([u8; 2]) -> u16| {
        let (pairs, _) = bytes[2..].as_chunks::<2>();
        char::decode_utf16(pairs.iter().map(move |&pair| from(pair))).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
    };
    match bytes {
        [0xff, 0xfe, ..] => Text { text: units(u16::from_le_bytes).collect(), encoding: Encoding::Utf16 },
        [0xfe, 0xff, ..] => Text { text: units(u16::from_be_bytes).collect(), encoding: Encoding::Utf16 },
        _ => match str::from_utf8(bytes) {
            Ok(text) => Text { text: text.trim_start_matches('\u{feff}').to_owned(), encoding: Encoding::Utf8 },
            Err(error) => Text {
                text: bytes.iter().map(|&byte| char::from(byte)).collect(),
                encoding: Encoding::Latin1 { at: error.valid_up_to() },
            },
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_recognised() {
        let text = |bytes: &[u8]| decode(bytes);
        assert_eq!(text("µV".as_bytes()), Text { text: "µV".into(), encoding: Encoding::Utf8 });
        assert_eq!(text(b"\xef\xbb\xbfab").text, "ab");
        assert_eq!(text(b"a\xb5V"), Text { text: "aµV".into(), encoding: Encoding::Latin1 { at: 1 } });
        assert_eq!(text(b"\xff\xfea\0\xb5\0"), Text { text: "aµ".into(), encoding: Encoding::Utf16 });
        assert_eq!(text(b"\xfe\xff\0a\0\xb5").text, "aµ");
        assert_eq!(text(b"").text, "");
    }

    #[test]
    fn what_must_be_utf8_says_where_it_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("study.toml");
        fs_err::write(&path, b"a = 1\nb = \"\xe9\"\n").unwrap();
        let message = read_utf8(&path).unwrap_err().to_string();
        assert!(message.ends_with("is not UTF-8: byte 0xe9 at byte 11 (line 2)"), "{message}");
    }
}
