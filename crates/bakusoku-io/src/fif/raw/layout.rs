//! Where the samples of one file stand: buffers and skips.

use super::RawFormat;
use bakusoku_fiff::constants::*;
use bakusoku_fiff::{Entry, Error, Fiff, Node, RawTag, Result, Wrong};

/// A stretch of samples of one file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece {
    /// Its first sample, from the file's first one.
    pub(crate) start: u64,
    /// Number of samples.
    pub(crate) len: u64,
    /// Where they are stored; `None`: not acquired.
    pub(crate) data: Option<(Entry, RawFormat)>,
}

/// Where the samples of one file stand.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) first_samp: i64,
    pub(crate) n_times: u64,
    pub(crate) pieces: Vec<Piece>,
}

/// Most samples of one recording: what 2^34 of them take no file of this kind can hold, but skips could claim them.
const MAX_TIMES: u64 = 1 << 34;

/// The block that holds raw data, and whether it was recorded with internal active shielding.
pub(crate) fn find_raw(meas: &Node) -> Option<(&Node, bool)> {
    [(FIFFB_RAW_DATA, false), (FIFFB_CONTINUOUS_DATA, false), (FIFFB_IAS_RAW_DATA, true)]
        .into_iter()
        .find_map(|(kind, shielded)| meas.find(kind).map(|node| (node, shielded)))
}

impl Layout {
    /// From the tags of the raw block.
    pub(crate) fn new(fiff: &Fiff, raw: &Node, n_channels: usize) -> Result<Self> {
        let (mut first_samp, mut n_times) = (0i64, 0u64);
        let mut pieces: Vec<Piece> = Vec::new();
        // Skips count buffers of the size of the next one (`FIFF_DATA_SKIP`), or samples.
        let (mut skip_buffers, mut skip_samples) = (0u64, 0u64);
        for entry in &raw.entries {
            match entry.kind {
                FIFF_FIRST_SAMPLE if pieces.is_empty() => first_samp = i64::from(fiff.get(entry, RawTag::int)?),
                FIFF_DATA_SKIP | FIFF_DATA_SKIP_SAMP => {
                    let n = fiff.get(entry, RawTag::int)?;
                    let n = u64::try_from(n)
                        .map_err(|_| fiff.wrong(entry, Wrong::new("a skip of 0 or more", n.to_string())))?;
                    if entry.kind == FIFF_DATA_SKIP { skip_buffers += n } else { skip_samples += n }
                }
                FIFF_DATA_BUFFER => {
                    let format = format(fiff, entry)?;
                    let frame = (n_channels * format.bytes()) as u64;
                    let size = u64::from(entry.size);
                    if size == 0 || size % frame != 0 {
                        let expected = format!(
                            "a multiple of {frame} bytes ({n_channels} channels of {})",
                            type_name(entry.type_)
                        );
                        return Err(fiff.wrong(entry, Wrong::new(expected, format!("{size} bytes"))));
                    }
                    let len = size / frame;
                    let skip = skip_buffers.saturating_mul(len).saturating_add(skip_samples);
                    (skip_buffers, skip_samples) = (0, 0);
                    if n_times.saturating_add(skip).saturating_add(len) > MAX_TIMES {
                        return Err(Error::Limit {
                            path: fiff.path().to_owned(),
                            what: "the number of samples",
                            at: entry.pos,
                            limit: MAX_TIMES,
                        });
                    }
                    if pieces.is_empty() {
                        first_samp += skip as i64;
                    } else if skip > 0 {
                        pieces.push(Piece { start: n_times, len: skip, data: None });
                        n_times += skip;
                    }
                    pieces.push(Piece { start: n_times, len, data: Some((*entry, format)) });
                    n_times += len;
                }
                _ => {}
            }
        }
        if pieces.is_empty() {
            return Err(fiff.missing("FIFF_DATA_BUFFER", raw));
        }
        Ok(Self { first_samp, n_times, pieces })
    }
}

fn format(fiff: &Fiff, entry: &Entry) -> Result<RawFormat> {
    if matches!(entry.type_, FIFFT_COMPLEX_FLOAT | FIFFT_COMPLEX_DOUBLE) {
        // Sound, but nothing here works on them.
        return Err(Error::Unsupported { path: fiff.path().to_owned(), what: "complex samples", at: entry.pos });
    }
    RawFormat::from_type(entry.type_).ok_or_else(|| {
        let got = format!("samples of {}", type_name(entry.type_));
        fiff.wrong(entry, Wrong::new("samples of 16 or 32 bit integers, or of 32 or 64 bit floating point", got))
    })
}
