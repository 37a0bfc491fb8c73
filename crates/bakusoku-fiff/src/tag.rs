//! Tags: the unit of a FIFF file. Sixteen bytes of header (kind, type, size, next), then the data, all big-endian.

use crate::constants::*;
use crate::error::Wrong;
use crate::matrix::Matrix;

/// A tag with its data as in the file (big-endian).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawTag {
    /// What it says (`FIFF_*`).
    pub kind: i32,
    /// Type of the data (`FIFFT_*`).
    pub type_: u32,
    /// The data, big-endian.
    pub data: Vec<u8>,
}

/// Where a tag stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it says (`FIFF_*`).
    pub kind: i32,
    /// Type of the data (`FIFFT_*`).
    pub type_: u32,
    /// Size of the data (bytes).
    pub size: u32,
    /// Byte at which its header starts; the data follow [`HEADER`] bytes later.
    pub pos: u64,
}

/// Bytes of a tag's header.
pub const HEADER: u64 = 16;

impl Entry {
    /// Byte at which the data start.
    pub fn data_pos(&self) -> u64 {
        self.pos + HEADER
    }
    /// One past the last byte of the data.
    pub fn end(&self) -> u64 {
        self.pos + HEADER + u64::from(self.size)
    }
}

/// `FIFF_FILE_ID`, `FIFF_BLOCK_ID`, …: who made something, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileId {
    /// Version of the standard.
    pub version: i32,
    /// The machine.
    pub machid: [i32; 2],
    /// Seconds since 1970.
    pub secs: i32,
    /// Microseconds.
    pub usecs: i32,
}

impl FileId {
    /// MNE's mark for "no date": microseconds that no clock shows.
    pub const NO_DATE: (i32, i32) = (0, i32::MAX);

    /// An identifier without machine and time, so that the same content gives the same bytes.
    pub const CONSTANT: Self = Self {
        version: FIFFC_VERSION,
        // "bakusoku"
        machid: [i32::from_be_bytes(*b"baku"), i32::from_be_bytes(*b"soku")],
        secs: Self::NO_DATE.0,
        usecs: Self::NO_DATE.1,
    };

    /// An identifier made from a key: the same key gives the same identifier.
    pub fn from_key(key: &[u8]) -> Self {
        // FNV-1a, 64 bits.
        let hash =
            key.iter().fold(0xcbf2_9ce4_8422_2325_u64, |h, &b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
        Self { machid: [(hash >> 32) as i32, hash as i32], ..Self::CONSTANT }
    }
    /// As five big-endian integers.
    pub fn to_bytes(self) -> [u8; 20] {
        let mut out = [0; 20];
        for (chunk, value) in
            out.chunks_exact_mut(4).zip([self.version, self.machid[0], self.machid[1], self.secs, self.usecs])
        {
            chunk.copy_from_slice(&value.to_be_bytes());
        }
        out
    }
}

/// Big-endian numbers out of bytes; a rest shorter than a number is left out.
fn numbers<const N: usize, T>(data: &[u8], convert: impl Fn([u8; N]) -> T) -> Vec<T> {
    data.as_chunks::<N>().0.iter().map(|&chunk| convert(chunk)).collect()
}

impl RawTag {
    fn got(&self) -> String {
        format!("{} bytes of {}", self.data.len(), type_name(self.type_))
    }
    fn wrong(&self, expected: impl Into<String>) -> Wrong {
        Wrong::new(expected, self.got())
    }

    /// All whole numbers.
    ///
    /// # Errors
    /// When the type is another one.
    pub fn ints(&self) -> Result<Vec<i64>, Wrong> {
        let d = &self.data;
        Ok(match self.type_ {
            FIFFT_BYTE => d.iter().map(|&b| i64::from(b)).collect(),
            FIFFT_SHORT | FIFFT_DAU_PACK16 => numbers(d, |b| i64::from(i16::from_be_bytes(b))),
            FIFFT_USHORT => numbers(d, |b| i64::from(u16::from_be_bytes(b))),
            FIFFT_INT | FIFFT_JULIAN => numbers(d, |b| i64::from(i32::from_be_bytes(b))),
            FIFFT_UINT => numbers(d, |b| i64::from(u32::from_be_bytes(b))),
            FIFFT_LONG => numbers(d, i64::from_be_bytes),
            _ => return Err(self.wrong("whole numbers")),
        })
    }
    /// All numbers, as f64.
    ///
    /// # Errors
    /// When the type is another one.
    pub fn floats(&self) -> Result<Vec<f64>, Wrong> {
        Ok(match self.type_ {
            FIFFT_FLOAT => numbers(&self.data, |b| f64::from(f32::from_be_bytes(b))),
            FIFFT_DOUBLE => numbers(&self.data, f64::from_be_bytes),
            _ => self.ints().map_err(|_| self.wrong("numbers"))?.into_iter().map(|v| v as f64).collect(),
        })
    }
    /// One whole number that fits 32 bits.
    ///
    /// # Errors
    /// When there is none.
    pub fn int(&self) -> Result<i32, Wrong> {
        let first = self.ints()?.first().copied().ok_or_else(|| self.wrong("a whole number"))?;
        i32::try_from(first).map_err(|_| Wrong::new("a whole number of 32 bits", first.to_string()))
    }
    /// One number.
    ///
    /// # Errors
    /// When there is none.
    pub fn float(&self) -> Result<f64, Wrong> {
        self.floats()?.first().copied().ok_or_else(|| self.wrong("a number"))
    }
    /// A text (Latin-1; MNE writes other characters as `&#NNNNN;`).
    ///
    /// # Errors
    /// When the type is another one.
    pub fn text(&self) -> Result<String, Wrong> {
        if self.type_ != FIFFT_STRING && self.type_ != FIFFT_BYTE && !self.data.is_empty() {
            return Err(self.wrong("text"));
        }
        let text: String = self.data.iter().map(|&b| char::from(b)).collect();
        Ok(unescape(text.trim_end_matches('\0')))
    }
    /// A list of names, separated by colons (`{COLON}` stands for a colon inside a name, as MNE writes it).
    ///
    /// # Errors
    /// When the type is another one.
    pub fn names(&self) -> Result<Vec<String>, Wrong> {
        let text = self.text()?;
        if text.is_empty() {
            return Ok(Vec::new());
        }
        Ok(text.split(':').map(|name| name.replace("{COLON}", ":")).collect())
    }
    /// An identifier.
    ///
    /// # Errors
    /// When it is not one.
    pub fn id(&self) -> Result<FileId, Wrong> {
        match numbers(&self.data, i32::from_be_bytes)[..] {
            [version, a, b, secs, usecs] if self.type_ == FIFFT_ID_STRUCT => {
                Ok(FileId { version, machid: [a, b], secs, usecs })
            }
            _ => Err(self.wrong("an identifier of 20 bytes")),
        }
    }
    /// A matrix, dense or sparse.
    ///
    /// # Errors
    /// When it is none, or its dimensions do not fit its size.
    pub fn matrix(&self) -> Result<Matrix, Wrong> {
        Matrix::decode(self)
    }
    /// The data, which must have exactly that size and type.
    ///
    /// # Errors
    /// When they have another.
    pub fn record<const N: usize>(&self, type_: u32) -> Result<&[u8; N], Wrong> {
        let wrong = || self.wrong(format!("{N} bytes of {}", type_name(type_)));
        if self.type_ != type_ {
            return Err(wrong());
        }
        self.data.as_slice().try_into().map_err(|_| wrong())
    }
}

/// `&#26085;` back to the character; MNE writes what Latin-1 lacks in this way.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("&#") {
        let tail = &rest[at + 2..];
        let digits = tail.bytes().take_while(u8::is_ascii_digit).count();
        let decoded = (3..=7)
            .contains(&digits)
            .then(|| tail[..digits].parse().ok().and_then(char::from_u32))
            .flatten()
            .filter(|_| tail[digits..].starts_with(';'));
        out.push_str(&rest[..at]);
        match decoded {
            Some(c) => {
                out.push(c);
                rest = &tail[digits + 1..];
            }
            None => {
                out.push_str("&#");
                rest = tail;
            }
        }
    }
    out.push_str(rest);
    out
}

/// A text as FIFF stores it: Latin-1, other characters as `&#NNNNN;`.
pub fn latin1(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for c in text.chars() {
        match u8::try_from(u32::from(c)) {
            Ok(b) => out.push(b),
            Err(_) => out.extend(format!("&#{};", u32::from(c)).into_bytes()),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_survive_latin1_and_beyond() {
        for text in ["plain", "Gehör µV", "聴覚 刺激", "a &# b &#12 &#1234567890;", "emoji 🧠"] {
            let tag = RawTag { kind: FIFF_COMMENT, type_: FIFFT_STRING, data: latin1(text) };
            assert_eq!(tag.text().unwrap(), text);
        }
        let names = RawTag { kind: 0, type_: FIFFT_STRING, data: b"a{COLON}b:c".to_vec() };
        assert_eq!(names.names().unwrap(), ["a:b", "c"]);
    }

    #[test]
    fn numbers_of_any_type_are_read_and_others_refused() {
        let tag = |type_, data: &[u8]| RawTag { kind: FIFF_NCHAN, type_, data: data.to_vec() };
        assert_eq!(tag(FIFFT_SHORT, &[0xff, 0xfe]).int().unwrap(), -2);
        assert_eq!(tag(FIFFT_INT, &[0, 0, 1, 0]).float().unwrap(), 256.0);
        assert_eq!(tag(FIFFT_FLOAT, &1.5f32.to_be_bytes()).float().unwrap(), 1.5);
        assert!(tag(FIFFT_INT, &[0, 0, 1]).int().is_err());
        assert!(tag(FIFFT_STRING, b"12").int().unwrap_err().expected.contains("whole numbers"));
        assert!(tag(FIFFT_UINT, &[0xff; 4]).int().is_err());
    }
}
