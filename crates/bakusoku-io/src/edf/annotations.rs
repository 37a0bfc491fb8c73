//! Time-stamped annotation lists (TAL): `+onset[\x15duration]\x14text\x14text\x14\0`, one after the other, in the bytes of
//! signals named `EDF Annotations`.

use super::header::Header;
use crate::{Error, Result};
use bakusoku_core::Annotation;
use bakusoku_fiff::{FileSource, ReadAt};
use std::collections::HashMap;
use std::path::Path;

/// Bytes read at a time where records are small.
const CHUNK: u64 = 1 << 16;

/// What the annotation signals say.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Onsets (s) from the first record.
    pub(super) items: Vec<Annotation>,
    /// Seconds from the header's time to the start of the first record.
    pub(super) start: f64,
    /// Start of each record (s), as far as it is told.
    pub(super) records: Vec<Option<f64>>,
}

/// One list.
#[derive(Debug, PartialEq)]
struct Tal {
    onset: f64,
    duration: f64,
    texts: Vec<String>,
}

/// Reads all of them; `ch_names`: the channels that an annotation may name.
pub(super) fn read(path: &Path, source: &FileSource, header: &Header, ch_names: &[&str], latin1: bool) -> Result<Told> {
    let signals: Vec<_> = header.signals.iter().filter(|signal| signal.is_annotations()).collect();
    let mut told = Told::default();
    if signals.is_empty() {
        return Ok(told);
    }
    let mut found = Found { ch_names, at: HashMap::new(), items: Vec::new(), odd: 0 };
    let record_bytes = header.record_samples * header.width;
    // Few bytes at a time where a record is long, several records where it is short.
    let group = if record_bytes * 4 <= CHUNK { CHUNK / record_bytes } else { 1 };
    let mut bytes = Vec::new();
    let mut record = 0;
    while record < header.n_records {
        let n = group.min(header.n_records - record);
        let mut fill = |at: u64, len: u64| -> Result<()> {
            bytes.resize(len as usize, 0);
            source.read_exact_at(&mut bytes, at).map_err(Error::io(path, "reading"))?;
            Ok(())
        };
        let start = header.data_at + record * record_bytes;
        if group > 1 {
            fill(start, n * record_bytes)?;
        }
        for index in 0..n {
            for (k, signal) in signals.iter().enumerate() {
                let (from, len) = (signal.before * header.width, signal.n_samples * header.width);
                let of_signal = if group > 1 {
                    let from = (index * record_bytes + from) as usize;
                    &bytes[from..from + len as usize]
                } else {
                    bytes.resize(len as usize, 0);
                    source.read_exact_at(&mut bytes, start + from).map_err(Error::io(path, "reading"))?;
                    &bytes[..]
                };
                let mut keeps_time = k == 0;
                for tal in parse(of_signal, latin1, &mut found.odd) {
                    // The first list of a record tells when it starts: by an empty first text.
                    if std::mem::take(&mut keeps_time) {
                        let first = tal.texts.first().is_some_and(String::is_empty).then_some(tal.onset);
                        told.records.push(first);
                        if record + index == 0 {
                            told.start = first.unwrap_or(0.0);
                        }
                    }
                    found.add(tal, told.start);
                }
                if keeps_time {
                    told.records.push(None);
                }
            }
        }
        record += n;
    }
    if found.odd > 0 {
        tracing::warn!("`{}`: {} annotations are not as EDF+ has them; they are left out", path.display(), found.odd);
    }
    told.items = found.items;
    Ok(told)
}

struct Found<'a> {
    ch_names: &'a [&'a str],
    at: HashMap<(u64, u64, String), usize>,
    items: Vec<Annotation>,
    odd: usize,
}

impl Found<'_> {
    /// Keeps a list's texts. `text@@channel` is about a channel; such annotations become one, as MNE writes them.
    fn add(&mut self, tal: Tal, start: f64) {
        let onset = tal.onset - start;
        for text in tal.texts.into_iter().filter(|text| !text.is_empty()) {
            let named = text.split_once("@@").filter(|(_, name)| self.ch_names.contains(name));
            let (description, ch_names) = match named {
                Some((description, name)) => (description.to_owned(), vec![name.to_owned()]),
                None => (text, Vec::new()),
            };
            let key = (onset.to_bits(), tal.duration.to_bits(), description.clone());
            match self.at.get(&key) {
                Some(&at) if !ch_names.is_empty() => self.items[at].ch_names.extend(ch_names),
                Some(_) => {
                    self.items.push(Annotation { onset, duration: tal.duration, description, ch_names });
                }
                None => {
                    self.at.insert(key, self.items.len());
                    self.items.push(Annotation { onset, duration: tal.duration, description, ch_names });
                }
            }
        }
    }
}

/// The lists of one signal in one record; those that are none are counted in `odd`.
fn parse(bytes: &[u8], latin1: bool, odd: &mut usize) -> Vec<Tal> {
    let mut out = Vec::new();
    for list in bytes.split(|&byte| byte == 0).filter(|list| !list.is_empty()) {
        match tal(list, latin1) {
            Some(tal) => out.push(tal),
            None => *odd += 1,
        }
    }
    out
}

fn tal(list: &[u8], latin1: bool) -> Option<Tal> {
    let list = list.strip_suffix(b"\x14")?;
    let mut parts = list.split(|&byte| byte == 0x14);
    let head = parts.next()?;
    let (onset, duration) = match head.iter().position(|&byte| byte == 0x15) {
        Some(at) => (&head[..at], seconds(&head[at + 1..])?),
        None => (head, 0.0),
    };
    if !matches!(onset.first(), Some(b'+' | b'-')) {
        return None;
    }
    Some(Tal { onset: seconds(onset)?, duration, texts: parts.map(|text| decode(text, latin1)).collect() })
}

fn seconds(text: &[u8]) -> Option<f64> {
    let digits = text.strip_prefix(b"+").or(text.strip_prefix(b"-")).unwrap_or(text);
    if !digits.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.') {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok().filter(|value: &f64| value.is_finite())
}

fn decode(text: &[u8], latin1: bool) -> String {
    match std::str::from_utf8(text) {
        Ok(text) if !latin1 => text.to_owned(),
        _ => text.iter().map(|&byte| char::from(byte)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_as_the_standard_has_them() {
        let mut odd = 0;
        let bytes = b"+0.5\x14\x14\0+1.25\x152.5\x14Lights off\x14Close door\x14\0\0\0-3\x14\xc3\xa4\x14\0+4\x14\xe4\x14\0x\0+5\x14cut";
        let all = parse(bytes, false, &mut odd);
        let tal = |onset, duration, texts: &[&str]| Tal {
            onset,
            duration,
            texts: texts.iter().map(|text| (*text).to_owned()).collect(),
        };
        let expected = [
            tal(0.5, 0.0, &[""]),
            tal(1.25, 2.5, &["Lights off", "Close door"]),
            tal(-3.0, 0.0, &["ä"]),
            tal(4.0, 0.0, &["ä"]),
        ];
        assert_eq!((all.as_slice(), odd), (&expected[..], 2));
        assert_eq!(parse(b"+4\x14\xc3\xa4\x14\0", true, &mut odd)[0].texts, ["Ã¤"]);
    }
}
