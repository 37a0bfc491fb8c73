//! Raw recordings, written as a stream.

use super::encode::encode;
use super::split::part_name;
use super::{RawOptions, SplitNaming};
use crate::error::write_error;
use crate::fif::annotations;
use crate::fif::info::{Header, meas_id, write_info, write_meas_start, write_outside};
use crate::fif::output::Output;
use crate::{Error, Result};
use bakusoku_core::{Annotation, Annotations, Block, Cx, Recording, Sink, Span, Stream};
use bakusoku_fiff::constants::*;
use bakusoku_fiff::{HEADER, MAX_FILE};
use bakusoku_files::{AtomicFile, commit};
use ndarray::s;
use std::path::{Path, PathBuf};

/// Room that is left for the tags after the last buffer (MNE's `_NEXT_FILE_BUFFER`).
const RESERVE: u64 = 1 << 20;

/// Writes a raw recording block by block. The files appear under their names when it ends; dropped before that, it
/// leaves nothing.
pub struct RawWriter {
    path: PathBuf,
    stream: Stream,
    options: RawOptions,
    scales: Vec<f64>,
    buffer_size: u64,
    /// Gaps that are written as skips.
    skips: Vec<Span>,
    annotations: Annotations,
    out: Option<Output>,
    closed: Vec<AtomicFile>,
    /// Whether there is more than one file.
    splits: bool,
    /// Samples taken so far.
    at: u64,
    buffer: Vec<u8>,
    /// Samples in `buffer`, and how many it shall hold.
    filled: u64,
    wanted: u64,
    written: Vec<PathBuf>,
    /// For integer formats: by channel, whether a sample was not zero, and whether a stored one was not.
    seen: Vec<(bool, bool)>,
}

impl RawWriter {
    /// Starts a file (or several, where one would be too large) for a stream.
    ///
    /// # Errors
    /// When the stream can't be written in this way, or the folder not at all.
    pub fn create(path: impl AsRef<Path>, stream: &Stream, options: RawOptions) -> Result<Self> {
        let path = path.as_ref().to_owned();
        let sfreq = stream.info.sfreq;
        let bad = |what, expected: &str, got: String| Error::Unwritable {
            path: path.clone(),
            what,
            expected: expected.to_owned(),
            got,
        };
        if stream.n_times == 0 {
            return Err(bad("the recording", "at least one sample", "none".into()));
        }
        if stream.info.chs.is_empty() {
            return Err(bad("the recording", "at least one channel", "none".into()));
        }
        if !(options.split_size > 2 * RESERVE && options.split_size <= MAX_FILE) {
            return Err(bad(
                "a file of that `split_size`",
                "more than 2 MiB and at most 2 GiB",
                format!("{} bytes", options.split_size),
            ));
        }
        let last = stream.first_samp.saturating_add(i64::try_from(stream.n_times).unwrap_or(i64::MAX));
        if i32::try_from(stream.first_samp).is_err() || i32::try_from(last).is_err() {
            return Err(bad("the sample numbers", "32 bits", format!("{}..{last}", stream.first_samp)));
        }
        let buffer_size = (options.buffer_size_sec * sfreq).ceil();
        if !(1.0..=1e9).contains(&buffer_size) {
            return Err(bad(
                "a buffer of that `buffer_size_sec`",
                "at least one sample",
                format!("{} s", options.buffer_size_sec),
            ));
        }
        let scales: Vec<f64> =
            stream.info.chs.iter().map(|ch| if options.fmt.is_float() { ch.cal } else { ch.cal * ch.range }).collect();
        if let Some(k) = scales.iter().position(|s| !s.is_finite() || *s == 0.0) {
            let got = format!("{} of channel `{}`", scales[k], stream.info.chs[k].name);
            return Err(bad("samples", "a calibration that is not zero", got));
        }
        let inside = |gap: &&Span| gap.start > 0 && gap.stop < stream.n_times && !gap.is_empty();
        let skips: Vec<Span> = Span::union(stream.gaps.clone()).iter().filter(inside).copied().collect();
        let frame = (scales.len() * options.fmt.bytes()) as u64;
        let mut writer = Self {
            annotations: marked(stream, &skips),
            path,
            stream: stream.clone(),
            options,
            scales,
            buffer_size: (buffer_size as u64).min((options.split_size - 2 * RESERVE) / 2 / frame).max(1),
            skips,
            out: None,
            closed: Vec::new(),
            splits: false,
            at: 0,
            buffer: Vec::new(),
            filled: 0,
            wanted: 0,
            written: Vec::new(),
            seen: vec![(false, false); stream.n_channels()],
        };
        writer.open_part()?;
        let head = writer.out.as_ref().map_or(0, |out| out.fif.position());
        if head + 2 * RESERVE + frame * writer.buffer_size > options.split_size {
            let got = format!("{head} bytes of measurement info");
            let expected = "room for samples beside the measurement info".to_owned();
            return Err(Error::Unwritable { path: writer.path.clone(), what: "the recording", expected, got });
        }
        writer.plan_buffer();
        Ok(writer)
    }

    /// Writes a whole recording, a buffer at a time.
    ///
    /// # Errors
    /// When it can't be read or written.
    pub fn copy(path: impl AsRef<Path>, recording: &dyn Recording, options: RawOptions) -> Result<Vec<PathBuf>> {
        let stream = recording.stream();
        let mut writer = Self::create(path, stream, options)?;
        let picks = bakusoku_core::Picks::all(stream.n_channels());
        // 16 MB of samples at a time.
        let step = (2_000_000 / stream.n_channels().max(1) as u64).max(1);
        let mut block =
            Block { start: 0, data: ndarray::Array2::zeros((stream.n_channels(), step.min(stream.n_times) as usize)) };
        while block.start < stream.n_times {
            let stop = (block.start + step).min(stream.n_times);
            let n = (stop - block.start) as usize;
            if n != block.data.ncols() {
                block.data = ndarray::Array2::zeros((stream.n_channels(), n));
            }
            recording.read(block.start..stop, &picks, block.data.view_mut())?;
            writer.take(&block)?;
            block.start = stop;
        }
        writer.finish()?;
        Ok(writer.written)
    }

    fn part_path(&self, index: usize) -> PathBuf {
        let naming = if self.splits { self.options.split_naming } else { SplitNaming::Neuromag };
        part_name(&self.path, index, naming)
    }

    /// Opens the next file and writes all that stands before its first buffer.
    fn open_part(&mut self) -> Result<()> {
        let index = self.closed.len();
        // The first file's name is settled when it is closed.
        let mut out = Output::create(&self.part_path(index), self.options.id)?;
        let info = self.stream.info.clone();
        write_meas_start(&mut out, &info)?;
        let header = Header { data_pack: Some(self.options.fmt.type_()), reset_range: self.options.fmt.is_float() };
        write_info(&mut out, &info, header)?;
        let first_samp = self.stream.first_samp + self.at as i64;
        let previous = (index > 0).then(|| self.part_path(index - 1));
        let marked = &self.annotations;
        out.write(|fif| {
            annotations::write(fif, marked)?;
            fif.start_block(if info.maxshield { FIFFB_IAS_RAW_DATA } else { FIFFB_RAW_DATA })?;
            if first_samp != 0 {
                fif.ints(FIFF_FIRST_SAMPLE, &[first_samp as i32])?;
            }
            match previous {
                Some(path) => write_ref(fif, FIFFV_ROLE_PREV_FILE, &path, index - 1, &info),
                None => Ok(()),
            }
        })?;
        self.out = Some(out);
        Ok(())
    }

    /// Ends the file at hand, with a pointer to the next one where there is one.
    fn close_part(&mut self, more: bool) -> Result<()> {
        let Some(mut out) = self.out.take() else { return Ok(()) };
        let index = self.closed.len();
        let next = more.then(|| self.part_path(index + 1));
        let info = &self.stream.info;
        out.write(|fif| {
            if let Some(path) = next {
                write_ref(fif, FIFFV_ROLE_NEXT_FILE, &path, index + 1, info)?;
            }
            fif.end_block()?;
            fif.end_block()?;
            write_outside(fif, info)
        })?;
        let mut file = out.close()?;
        file.set_path(self.part_path(index));
        self.closed.push(file);
        Ok(())
    }

    /// The gap that starts at the next sample to be taken.
    fn gap_here(&self) -> Option<Span> {
        self.skips.iter().copied().find(|gap| gap.start == self.at)
    }

    /// Decides how many samples the next buffer holds, and writes the skip before it.
    fn plan_buffer(&mut self) {
        let next = self.skips.iter().map(|gap| gap.start).find(|&start| start > self.at).unwrap_or(self.stream.n_times);
        self.wanted = self.buffer_size.min(next - self.at.min(next));
        self.filled = 0;
        let frame = self.scales.len() * self.options.fmt.bytes();
        self.buffer.resize(self.wanted as usize * frame, 0);
    }

    /// Passes over a gap: a skip counts buffers of the size of the one that follows, so that one must divide the gap.
    fn skip(&mut self, gap: Span) -> Result<()> {
        self.at = gap.stop;
        self.plan_buffer();
        let n = (1..=self.wanted).rev().find(|n| gap.len().is_multiple_of(*n)).unwrap_or(1);
        let frame = self.scales.len() * self.options.fmt.bytes();
        self.wanted = n;
        self.buffer.resize(n as usize * frame, 0);
        let count = i32::try_from(gap.len() / n).map_err(|_| Error::Unwritable {
            path: self.path.clone(),
            what: "a gap",
            expected: "at most 2^31 buffers".into(),
            got: format!("{} samples", gap.len()),
        })?;
        self.out.as_mut().map_or(Ok(()), |out| out.write(|fif| fif.ints(FIFF_DATA_SKIP, &[count])))
    }

    fn flush(&mut self) -> Result<()> {
        let (kind, buffer) = (self.options.fmt.type_(), &self.buffer);
        if let Some(out) = &mut self.out {
            out.write(|fif| fif.tag(FIFF_DATA_BUFFER, kind, buffer))?;
        }
        if self.at == self.stream.n_times {
            return Ok(());
        }
        if let Some(gap) = self.gap_here() {
            // No cut before a gap: a file that starts with a skip would lose it. The reserve has room for one buffer more.
            return self.skip(gap);
        }
        let frame = (self.scales.len() * self.options.fmt.bytes()) as u64;
        let position = self.out.as_ref().map_or(0, |out| out.fif.position());
        if position + 2 * (self.buffer_size * frame + HEADER) + RESERVE > self.options.split_size {
            self.splits = true;
            self.close_part(true)?;
            self.open_part()?;
        }
        self.plan_buffer();
        Ok(())
    }

    /// Takes the next block of the stream.
    ///
    /// # Errors
    /// When it is not the next one, or can't be written.
    pub fn take(&mut self, block: &Block) -> Result<()> {
        let given = self.at + self.filled;
        // Samples of a gap were passed over already.
        let skipped = self
            .skips
            .iter()
            .find(|gap| gap.stop == self.at)
            .map_or(given, |gap| if self.filled == 0 { gap.start } else { given });
        let fits = (skipped..=given).contains(&block.start) && block.data.nrows() == self.scales.len();
        if !fits || block.start + block.n_times() as u64 > self.stream.n_times {
            return Err(Error::Unwritable {
                path: self.path.clone(),
                what: "a block",
                expected: format!("sample {given} of {} channels", self.scales.len()),
                got: format!("sample {} of {} channels", block.start, block.data.nrows()),
            });
        }
        self.check_integers(block)?;
        let frame = self.scales.len() * self.options.fmt.bytes();
        let mut from = 0;
        let stop = block.start + block.n_times() as u64;
        loop {
            let here = self.at + self.filled;
            if here >= stop {
                return Ok(());
            }
            from = from.max((here - block.start) as usize);
            let n = (self.wanted - self.filled).min(stop - here) as usize;
            let place = self.filled as usize * frame..(self.filled as usize + n) * frame;
            encode(self.options.fmt, block.data.slice(s![.., from..from + n]), &self.scales, &mut self.buffer[place]);
            self.filled += n as u64;
            from += n;
            if self.filled == self.wanted {
                self.at += self.filled;
                self.filled = 0;
                self.flush()?;
            }
        }
    }

    /// Integers hold what lies between a calibration and its largest multiple; nothing else may be lost silently.
    fn check_integers(&mut self, block: &Block) -> Result<()> {
        let Some(limit) = self.options.fmt.largest() else { return Ok(()) };
        for ((row, &scale), (ch, seen)) in
            block.data.rows().into_iter().zip(&self.scales).zip(self.stream.info.chs.iter().zip(&mut self.seen))
        {
            for (t, &value) in row.iter().enumerate() {
                let stored = value / scale;
                // Cut towards zero; the negative end goes one further.
                if !(stored < limit + 1.0 && stored > -limit - 2.0) {
                    let at = (block.start + t as u64) as f64 / self.stream.sfreq();
                    let why = if value.is_finite() {
                        format!("{value:e} at {at:.3} s is more than {limit} times its calibration {scale:e}")
                    } else {
                        format!("{value} at {at:.3} s")
                    };
                    let (path, fmt) = (self.path.clone(), self.options.fmt.name());
                    return Err(Error::Samples { path, channel: ch.name.clone(), fmt, why });
                }
                seen.0 |= value != 0.0;
                seen.1 |= stored.abs() >= 1.0;
            }
        }
        Ok(())
    }

    /// Ends the recording: all files appear under their names.
    ///
    /// # Errors
    /// When samples are missing, or the disk is full.
    pub fn finish(&mut self) -> Result<()> {
        if self.at != self.stream.n_times {
            return Err(Error::Unwritable {
                path: self.path.clone(),
                what: "the recording",
                expected: format!("{} samples", self.stream.n_times),
                got: format!("{}", self.at + self.filled),
            });
        }
        if let Some(k) = self.seen.iter().position(|&(sample, stored)| sample && !stored) {
            let why = format!("all its samples are smaller than its calibration {:e} and would be 0", self.scales[k]);
            let (path, fmt) = (self.path.clone(), self.options.fmt.name());
            return Err(Error::Samples { path, channel: self.stream.info.chs[k].name.clone(), fmt, why });
        }
        self.close_part(false)?;
        self.written = commit(std::mem::take(&mut self.closed))?;
        Ok(())
    }

    /// The files that were written; none before the end.
    pub fn written(&self) -> &[PathBuf] {
        &self.written
    }
}

impl Sink for RawWriter {
    fn push(&mut self, block: &Block, _cx: &Cx) -> bakusoku_core::Result<()> {
        self.take(block).map_err(write_error)
    }
    fn end(&mut self, _cx: &Cx) -> bakusoku_core::Result<()> {
        self.finish().map_err(write_error)
    }
    fn held_bytes(&self) -> u64 {
        self.buffer_size * (self.scales.len() * self.options.fmt.bytes()) as u64
    }
}

/// The annotations of the file: without those that say what skips say, with those for gaps that can't be skips.
fn marked(stream: &Stream, skips: &[Span]) -> Annotations {
    let info = &stream.info;
    let mut out = stream.annotations.clone();
    let span = |item: &Annotation| {
        let one = Annotations { orig_time: stream.annotations.orig_time, items: vec![item.clone()] };
        one.spans(&["bad_acq_skip"], info.meas_date, stream.first_samp, info.sfreq, stream.n_times).first().copied()
    };
    out.items.retain(|item| span(item).is_none_or(|span| !skips.contains(&span)));
    let known: Vec<Span> = out.items.iter().filter_map(span).collect();
    let offset = if out.orig_time.is_some() && info.meas_date.is_some() { stream.first_samp as f64 } else { 0.0 };
    for gap in stream.gaps.iter().filter(|gap| !gap.is_empty() && !skips.contains(gap) && !known.contains(gap)) {
        out.items.push(Annotation {
            onset: (gap.start as f64 + offset) / info.sfreq,
            duration: gap.len() as f64 / info.sfreq,
            description: "BAD_ACQ_SKIP".to_owned(),
            ch_names: Vec::new(),
        });
    }
    out.sort();
    annotations::for_raw(&out, info.meas_date, stream.first_samp, info.sfreq)
}

fn write_ref<W: std::io::Write>(
    fif: &mut bakusoku_fiff::Writer<W>,
    role: i32,
    path: &Path,
    number: usize,
    info: &bakusoku_core::Info,
) -> std::io::Result<()> {
    fif.start_block(FIFFB_REF)?;
    fif.ints(FIFF_REF_ROLE, &[role])?;
    fif.text(FIFF_REF_FILE_NAME, &path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default())?;
    if let Some(id) = meas_id(info) {
        fif.id(FIFF_REF_FILE_ID, id)?;
    }
    fif.ints(FIFF_REF_FILE_NUM, &[number as i32])?;
    fif.end_block()
}
