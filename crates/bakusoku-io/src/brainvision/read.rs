//! A BrainVision recording, read by position.

use super::BrainVisionOptions;
use super::ascii::AsciiSamples;
use super::header::{Binary, Format, Header, Orientation, wrong_data};
use super::markers::{self, Markers};
use super::{files, info};
use crate::annotations::of_raw;
use crate::error::read_error;
use crate::formats::Opened;
use crate::frames::{self, Stored};
use crate::{Error, Result};
use bakusoku_core::{Annotations, Picks, Recording, Stream};
use bakusoku_fiff::{FileSource, ReadAt};
use ndarray::{ArrayViewMut2, s};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes read at a time: they stay in the second cache until they are decoded.
const CHUNK: usize = 1 << 18;

/// A recording of a header, a data file and, mostly, a marker file.
#[derive(Debug)]
pub struct BrainVisionRaw {
    stream: Stream,
    paths: Vec<PathBuf>,
    samples: Samples,
    /// The data file's channels; the last may be one that the stream does not have.
    n_stored: usize,
    scales: Vec<f64>,
}

#[derive(Debug)]
enum Samples {
    Binary { source: FileSource, binary: Binary, big_endian: bool, orientation: Orientation, n_stored_times: u64 },
    Ascii(AsciiSamples),
}

/// Opens a recording by its header, and says what its files are.
pub(crate) fn open_recording(path: &Path) -> Result<Opened> {
    let raw = BrainVisionRaw::open(path, &BrainVisionOptions::default())?;
    Ok(Opened { paths: raw.paths.clone(), previous: None, recording: Box::new(raw) })
}

impl BrainVisionRaw {
    /// Opens a recording by its header (`.vhdr`, `.ahdr`).
    ///
    /// # Errors
    /// When a file is missing, can't be read, or is damaged.
    pub fn open(path: impl AsRef<Path>, options: &BrainVisionOptions) -> Result<Self> {
        let path = path.as_ref();
        let header = Header::read(path)?;
        let data = files::data_file(path, &header.data_file.0, header.data_file.1)?;
        let markers = header.marker_file.as_ref().and_then(|named| files::marker_file(path, named));
        let marked = match &markers {
            Some(markers) => markers::read(markers, header.sfreq, options.ignore_marker_types)?,
            None => Markers::default(),
        };
        let (samples, n_times) = samples(path, &data, &header)?;
        let mut info = info::info(&header, options, marked.date);
        let scales = info.chs.iter().map(|ch| ch.cal * ch.range).collect();
        let n_stored = info.chs.len();
        if header.hidden_channel {
            info.chs.pop();
        }
        let items = Annotations { orig_time: None, items: marked.items };
        let annotations = of_raw(items, info.meas_date, 0, info.sfreq, n_times);
        let stream = Stream { info: Arc::new(info), first_samp: 0, n_times, gaps: Vec::new(), annotations };
        let paths = [Some(path.to_owned()), markers, Some(data)].into_iter().flatten().collect();
        Ok(Self { stream, paths, samples, n_stored, scales })
    }
    /// The files: header, markers, samples.
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    fn read_samples(&self, times: Range<u64>, picks: &[usize], out: &mut ArrayViewMut2<'_, f64>) -> Result<()> {
        let (source, binary, big_endian, orientation, n_stored_times) = match &self.samples {
            Samples::Ascii(samples) => return samples.read(times, picks, &self.scales, out),
            Samples::Binary { source, binary, big_endian, orientation, n_stored_times } => {
                (source, *binary, *big_endian, *orientation, *n_stored_times)
            }
        };
        let read = |buf: &mut [u8], at| {
            let path = self.paths.last().map_or(Path::new(""), PathBuf::as_path);
            source.read_exact_at(buf, at).map_err(Error::io(path, "reading"))
        };
        let size = binary.bytes();
        let mut chunk = Vec::new();
        if orientation == Orientation::Vectorized {
            for (row, &pick) in picks.iter().enumerate() {
                let mut row = out.slice_mut(s![row..=row, ..]);
                let mut at = times.start;
                while at < times.end {
                    let n = (times.end - at).min((CHUNK / size) as u64);
                    chunk.resize(n as usize * size, 0);
                    read(&mut chunk, (pick as u64 * n_stored_times + at) * size as u64)?;
                    let scale = &self.scales[pick..=pick];
                    decode(binary, big_endian, &chunk, 1, &[0], scale, &mut row, (at - times.start) as usize);
                    at += n;
                }
            }
            return Ok(());
        }
        let frame = self.n_stored * size;
        let step = (CHUNK / frame).max(1) as u64;
        let mut at = times.start;
        while at < times.end {
            let n = step.min(times.end - at);
            chunk.resize(n as usize * frame, 0);
            read(&mut chunk, at * frame as u64)?;
            let column = (at - times.start) as usize;
            decode(binary, big_endian, &chunk, self.n_stored, picks, &self.scales, out, column);
            at += n;
        }
        Ok(())
    }
}

/// Opens the data file, and counts its samples.
fn samples(header_path: &Path, data: &Path, header: &Header) -> Result<(Samples, u64)> {
    let n_channels = header.channels.len();
    let (binary, big_endian) = match header.format {
        Format::Ascii(ascii) => {
            let samples = AsciiSamples::open(data, ascii, header.orientation, n_channels)?;
            let n_times = samples.n_times;
            return match n_times {
                0 => Err(wrong_data(data, format!("samples of {n_channels} channels"), "none".into())),
                _ => Ok((Samples::Ascii(samples), n_times)),
            };
        }
        Format::Binary { binary, big_endian } => (binary, big_endian),
    };
    let source = FileSource::open(data).map_err(Error::io(data, "opening"))?;
    let frame = (n_channels * binary.bytes()) as u64;
    let whole = source.len() / frame;
    let mut n_times = whole;
    if header.orientation == Orientation::Vectorized
        && let Some(n_points) = header.n_points
    {
        // Where a channel starts depends on how many samples were written, not on how many are left.
        if n_points > whole {
            let expected =
                format!("{n_points} samples of {n_channels} channels ({} bytes)", n_points.saturating_mul(frame));
            return Err(wrong_data(data, expected, format!("{} bytes", source.len())));
        }
        n_times = n_points;
    }
    if n_times == 0 {
        let expected = format!("{frame} bytes or more, one sample of {n_channels} channels");
        return Err(wrong_data(data, expected, format!("{} bytes", source.len())));
    }
    if source.len() != n_times * frame || header.n_points.is_some_and(|n| n != n_times) {
        tracing::warn!(
            "`{}` has {} bytes, which is not what `{}` says; {n_times} whole samples of {n_channels} channels are read",
            data.display(),
            source.len(),
            header_path.display()
        );
    }
    let orientation = header.orientation;
    Ok((Samples::Binary { source, binary, big_endian, orientation, n_stored_times: n_times }, n_times))
}

struct Int16<const BIG: bool>;
struct Int32<const BIG: bool>;
struct Float32<const BIG: bool>;
impl<const BIG: bool> Stored<2> for Int16<BIG> {
    fn decode(bytes: [u8; 2]) -> f64 {
        f64::from(if BIG { i16::from_be_bytes(bytes) } else { i16::from_le_bytes(bytes) })
    }
}
impl<const BIG: bool> Stored<4> for Int32<BIG> {
    fn decode(bytes: [u8; 4]) -> f64 {
        f64::from(if BIG { i32::from_be_bytes(bytes) } else { i32::from_le_bytes(bytes) })
    }
}
impl<const BIG: bool> Stored<4> for Float32<BIG> {
    fn decode(bytes: [u8; 4]) -> f64 {
        f64::from(if BIG { f32::from_be_bytes(bytes) } else { f32::from_le_bytes(bytes) })
    }
}

#[allow(clippy::too_many_arguments)]
fn decode(
    binary: Binary,
    big_endian: bool,
    stored: &[u8],
    n_channels: usize,
    picks: &[usize],
    scales: &[f64],
    out: &mut ArrayViewMut2<'_, f64>,
    at: usize,
) {
    let decode = match (binary, big_endian) {
        (Binary::Int16, false) => frames::decode::<2, Int16<false>>,
        (Binary::Int16, true) => frames::decode::<2, Int16<true>>,
        (Binary::Int32, false) => frames::decode::<4, Int32<false>>,
        (Binary::Int32, true) => frames::decode::<4, Int32<true>>,
        (Binary::Float32, false) => frames::decode::<4, Float32<false>>,
        (Binary::Float32, true) => frames::decode::<4, Float32<true>>,
    };
    decode(stored, n_channels, picks, scales, out, at);
}

impl Recording for BrainVisionRaw {
    fn stream(&self) -> &Stream {
        &self.stream
    }
    fn read(&self, times: Range<u64>, picks: &Picks, mut out: ArrayViewMut2<'_, f64>) -> bakusoku_core::Result<()> {
        self.check(&times, picks, &out)?;
        self.read_samples(times, picks.as_slice(), &mut out).map_err(read_error)
    }
}
