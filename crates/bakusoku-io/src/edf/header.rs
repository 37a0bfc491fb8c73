//! The header: 256 bytes about the recording, 256 about each signal, all text.

use crate::{Error, Result};
use bakusoku_fiff::{FileSource, ReadAt};
use std::path::Path;

/// Bytes of each part of the header.
const PART: u64 = 256;

/// A signal as the header has it.
#[derive(Clone, Debug)]
pub(super) struct Signal {
    pub(super) label: String,
    pub(super) unit: String,
    pub(super) physical: [f64; 2],
    pub(super) digital: [f64; 2],
    pub(super) prefilter: String,
    /// Samples in a record.
    pub(super) n_samples: u64,
    /// Samples of the record before the signal's first one.
    pub(super) before: u64,
}

impl Signal {
    /// Whether it holds annotations instead of samples.
    pub(super) fn is_annotations(&self) -> bool {
        matches!(self.label.as_str(), "EDF Annotations" | "BDF Annotations")
    }
}

/// What the header says.
#[derive(Debug)]
pub(super) struct Header {
    /// Bytes of a sample: 2 in EDF, 3 in BDF.
    pub(super) width: u64,
    pub(super) patient: String,
    pub(super) recording: String,
    /// `dd.mm.yy` and `hh.mm.ss`.
    pub(super) date: String,
    pub(super) time: String,
    /// Whether records need not follow each other (EDF+D, BDF+D).
    pub(super) discontinuous: bool,
    /// Seconds of a record.
    pub(super) record_length: f64,
    pub(super) signals: Vec<Signal>,
    /// Where the first record starts.
    pub(super) data_at: u64,
    pub(super) n_records: u64,
    /// Samples of a record, of all signals.
    pub(super) record_samples: u64,
}

/// The bytes, and where they stand.
struct Fields<'a> {
    path: &'a Path,
    bytes: Vec<u8>,
}

impl Fields<'_> {
    /// Text of Latin-1 up to a zero, without spaces around it.
    fn text(&self, at: usize, len: usize) -> String {
        let bytes = self.bytes.get(at..at + len).unwrap_or_default();
        let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
        bytes[..end].iter().map(|&byte| char::from(byte)).collect::<String>().trim().to_owned()
    }
    fn wrong(&self, at: usize, expected: &str, got: &str) -> Error {
        let got: String = got.chars().map(|c| if c.is_control() { '.' } else { c }).collect();
        Error::Byte { path: self.path.to_owned(), at: at as u64, expected: expected.into(), got: format!("`{got}`") }
    }
    fn whole(&self, at: usize, len: usize, expected: &str, fits: impl Fn(i64) -> bool) -> Result<u64> {
        let text = self.text(at, len);
        let value = text.parse().ok().filter(|&value| fits(value));
        value.and_then(|value| u64::try_from(value).ok()).ok_or_else(|| self.wrong(at, expected, &text))
    }
    /// A number; some write its point as a comma.
    fn number(&self, at: usize, expected: &str) -> Result<f64> {
        let text = self.text(at, 8).replace(',', ".");
        let value = text.parse().ok().filter(|value: &f64| value.is_finite());
        value.ok_or_else(|| self.wrong(at, expected, &text))
    }
}

impl Header {
    pub(super) fn read(path: &Path, source: &FileSource) -> Result<Self> {
        let read = |len: u64| {
            if source.len() < len {
                let expected = format!("a header of {len} bytes");
                let got = format!("{} bytes", source.len());
                return Err(Error::Content { path: path.to_owned(), expected, got });
            }
            let mut bytes = vec![0; len as usize];
            source.read_exact_at(&mut bytes, 0).map_err(Error::io(path, "reading"))?;
            Ok(Fields { path, bytes })
        };
        let fields = read(PART)?;
        let width = if fields.bytes[0] == 0xff { 3 } else { 2 };
        let n_signals = fields.whole(252, 4, "a number of signals above 0", |n| n > 0)?;
        // Four digits at most: less than 3 MB.
        let data_at = PART * (n_signals + 1);
        let expected = format!("{data_at}, the bytes of a header of {n_signals} signals");
        fields.whole(184, 8, &expected, |n| n == data_at as i64)?;
        let mut record_length = fields.number(244, "the seconds of a record, 0 or more")?;
        if record_length < 0.0 {
            return Err(fields.wrong(244, "the seconds of a record, 0 or more", &fields.text(244, 8)));
        }
        if record_length == 0.0 {
            tracing::warn!("`{}`: records have a length of 0 s; it is taken for 1 s", path.display());
            record_length = 1.0;
        }
        let fields = read(data_at)?;
        let (signals, record_samples) = signals(&fields, n_signals as usize)?;
        let record_bytes = record_samples * width;
        let n_records = (source.len() - data_at) / record_bytes;
        let listed = fields.text(236, 8);
        if n_records == 0 {
            let expected = format!("one record of {record_bytes} bytes or more behind the header of {data_at}");
            let got = format!("{} bytes", source.len());
            return Err(Error::Content { path: path.to_owned(), expected, got });
        }
        if listed.parse() != Ok(n_records) {
            tracing::warn!(
                "`{}`: the header says {listed:?} records, but there are {n_records} (perhaps the recording was not \
                 stopped properly); these are read",
                path.display()
            );
        }
        Ok(Self {
            width,
            patient: fields.text(8, 80),
            recording: fields.text(88, 80),
            date: fields.text(168, 8),
            time: fields.text(176, 8),
            discontinuous: matches!(fields.text(192, 44).get(..5), Some("EDF+D" | "BDF+D")),
            record_length,
            signals,
            data_at,
            n_records,
            record_samples,
        })
    }
}

fn signals(fields: &Fields<'_>, n: usize) -> Result<(Vec<Signal>, u64)> {
    let mut out = Vec::with_capacity(n);
    let mut before = 0u64;
    for k in 0..n {
        // Each field stands for all signals, then the next one does.
        let at = |start: usize, len: usize| PART as usize + start * n + k * len;
        let limit = |start| fields.number(at(start, 8), "a number");
        let n_samples = fields.whole(at(216, 8), 8, "a number of samples in a record above 0", |n| n > 0)?;
        out.push(Signal {
            label: fields.text(at(0, 16), 16),
            unit: fields.text(at(96, 8), 8),
            physical: [limit(104)?, limit(112)?],
            digital: [limit(120)?, limit(128)?],
            prefilter: fields.text(at(136, 80), 80),
            n_samples,
            before,
        });
        // 8 digits, 9999 times: far from overflow.
        before += n_samples;
    }
    Ok((out, before))
}
