//! Raw recordings, read by position.

use super::RawFormat;
use super::decode::decode;
use super::layout::{Layout, find_raw};
use super::split::{MAX_PARTS, check_part, next_part, previous_part};
use crate::annotations::{mark_gaps, of_raw};
use crate::error::read_error;
use crate::fif::{annotations, content::content, file::open_fiff, info::read_info};
use crate::formats::Opened;
use crate::{Error, Result};
use bakusoku_core::{Annotations, Info, Picks, Recording, Span, Stream};
use bakusoku_fiff::constants::FIFFB_MEAS;
use bakusoku_fiff::{Entry, Fiff};
use ndarray::{ArrayViewMut2, s};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Bytes read at a time: they stay in the second cache until they are decoded.
const CHUNK: usize = 1 << 18;

/// A stretch of samples of the recording.
#[derive(Debug)]
struct Run {
    start: u64,
    len: u64,
    data: Option<Stored>,
}

/// Where a stretch is stored.
#[derive(Debug)]
struct Stored {
    part: usize,
    entry: Entry,
    format: RawFormat,
    /// Whether the tag's header was found to be where the directory says.
    checked: AtomicBool,
}

/// A raw recording in one or several FIFF files.
#[derive(Debug)]
pub struct FifRaw {
    stream: Stream,
    parts: Vec<Fiff>,
    runs: Vec<Run>,
    scales: Vec<f64>,
    format: RawFormat,
    previous: Option<PathBuf>,
}

/// Opens a raw recording, and says what its files are.
pub(crate) fn open_recording(path: &Path) -> Result<Opened> {
    let raw = FifRaw::open(path)?;
    Ok(Opened { paths: raw.paths(), previous: raw.previous.clone(), recording: Box::new(raw) })
}

impl FifRaw {
    /// Opens a recording; the parts in which it goes on are opened with it.
    ///
    /// # Errors
    /// When a file can't be read, is no raw recording, or is damaged.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::from_fiff(open_fiff(path.as_ref())?)
    }

    /// As [`open`](Self::open), from a file that is open already.
    ///
    /// # Errors
    /// When it is no raw recording, or is damaged.
    pub fn from_fiff(first: Fiff) -> Result<Self> {
        let first_path = first.path().to_owned();
        let previous = previous_part(&first)?;
        let (mut parts, mut runs, mut n_times) = (Vec::new(), Vec::new(), 0u64);
        let mut head: Option<(Info, i64, Annotations)> = None;
        let mut next = Some(first);
        while let Some(fiff) = next.take() {
            let part = parts.len();
            let (info, layout) = read_part(&fiff)?;
            if let Some((head, _, _)) = &head {
                check_part(&first_path, head, fiff.path(), &info)?;
            }
            for piece in &layout.pieces {
                let data =
                    piece.data.map(|(entry, format)| Stored { part, entry, format, checked: AtomicBool::new(false) });
                runs.push(Run { start: n_times + piece.start, len: piece.len, data });
            }
            n_times += layout.n_times;
            if head.is_none() {
                let marked = annotations::read(&fiff, fiff.root())?;
                head = Some((info, layout.first_samp, marked));
            }
            let follows = next_part(&fiff)?;
            parts.push(fiff);
            if let Some(path) = follows {
                let seen = parts.iter().any(|part| part.path() == path);
                if seen || parts.len() == MAX_PARTS {
                    return Err(Error::Content {
                        path,
                        expected: "the next part of a recording".into(),
                        got: "an earlier one".into(),
                    });
                }
                next = Some(open_fiff(&path)?);
            }
        }
        let (info, first_samp, marked) = head.ok_or_else(|| Error::Empty { path: first_path })?;
        let format = runs.iter().find_map(|run| run.data.as_ref().map(|data| data.format)).unwrap_or_default();
        let scales = info.chs.iter().map(|ch| ch.range * ch.cal).collect();
        let gaps: Vec<Span> =
            runs.iter().filter(|run| run.data.is_none()).map(|run| Span::new(run.start, run.start + run.len)).collect();
        let mut marked = of_raw(marked, info.meas_date, first_samp, info.sfreq, n_times);
        mark_gaps(&mut marked, &gaps, &info, first_samp, n_times);
        let stream = Stream { info: Arc::new(info), first_samp, n_times, gaps, annotations: marked };
        Ok(Self { stream, parts, runs, scales, format, previous })
    }

    /// The files, in order.
    pub fn paths(&self) -> Vec<PathBuf> {
        self.parts.iter().map(|part| part.path().to_owned()).collect()
    }
    /// The part before the first file, where that one says that it continues another recording.
    pub fn previous(&self) -> Option<&Path> {
        self.previous.as_deref()
    }
    /// The open files, in order.
    pub(crate) fn parts(&self) -> &[Fiff] {
        &self.parts
    }
    /// How the samples are stored (that of the first buffer).
    pub fn format(&self) -> RawFormat {
        self.format
    }

    fn read_samples(&self, times: Range<u64>, picks: &[usize], out: &mut ArrayViewMut2<'_, f64>) -> Result<()> {
        let n_channels = self.scales.len();
        let first = self.runs.partition_point(|run| run.start + run.len <= times.start);
        let mut chunk = Vec::new();
        for run in self.runs[first..].iter().take_while(|run| run.start < times.end) {
            let (start, stop) = (run.start.max(times.start), (run.start + run.len).min(times.end));
            let column = (start - times.start) as usize;
            let Some(data) = &run.data else {
                out.slice_mut(s![.., column..column + (stop - start) as usize]).fill(0.0);
                continue;
            };
            let fiff = &self.parts[data.part];
            if !data.checked.load(Ordering::Relaxed) {
                fiff.check_header(&data.entry)?;
                data.checked.store(true, Ordering::Relaxed);
            }
            let frame = n_channels * data.format.bytes();
            let step = (CHUNK / frame).max(1) as u64;
            let mut at = start;
            while at < stop {
                let n = step.min(stop - at);
                chunk.resize(n as usize * frame, 0);
                fiff.read_at(&mut chunk, data.entry.data_pos() + (at - run.start) * frame as u64)?;
                decode(data.format, &chunk, n_channels, picks, &self.scales, out, (at - times.start) as usize);
                at += n;
            }
        }
        Ok(())
    }
}

fn read_part(fiff: &Fiff) -> Result<(Info, Layout)> {
    let other = || Error::NotARecording { path: fiff.path().to_owned(), content: content(fiff) };
    if fiff.root().find(FIFFB_MEAS).and_then(find_raw).is_none() {
        return Err(other());
    }
    let (mut info, meas) = read_info(fiff)?;
    let (raw, shielded) = find_raw(meas).ok_or_else(other)?;
    info.maxshield = shielded;
    let layout = Layout::new(fiff, raw, info.chs.len())?;
    Ok((info, layout))
}

impl Recording for FifRaw {
    fn stream(&self) -> &Stream {
        &self.stream
    }
    fn read(&self, times: Range<u64>, picks: &Picks, mut out: ArrayViewMut2<'_, f64>) -> bakusoku_core::Result<()> {
        self.check(&times, picks, &out)?;
        self.read_samples(times, picks.as_slice(), &mut out).map_err(read_error)
    }
}
