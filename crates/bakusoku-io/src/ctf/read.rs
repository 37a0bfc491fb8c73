//! A CTF recording, read by position.

use super::folder::Folder;
use super::head::Head;
use super::options::{CtfOptions, SystemClock};
use super::positions::{Electrodes, surface};
use super::res4::Res4;
use super::{info, markers};
use crate::annotations::of_raw;
use crate::error::read_error;
use crate::formats::Opened;
use crate::{Error, Result};
use bakusoku_core::{Annotation, Annotations, Picks, Recording, Stream};
use bakusoku_fiff::{FileSource, ReadAt};
use ndarray::ArrayViewMut2;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes of a file of samples before the first one.
const HEADER: u64 = 8;
/// Bytes of a sample.
const SAMPLE: u64 = 4;
/// Samples of a channel read at a time.
const CHUNK: u64 = 1 << 16;
/// The channel of the system clock.
const CLOCK: &str = "SCLK01-177";
/// Files of samples that one recording has at most.
const MAX_FILES: usize = 10_000;

/// A recording in a `.ds` folder.
#[derive(Debug)]
pub struct CtfRaw {
    stream: Stream,
    paths: Vec<PathBuf>,
    parts: Vec<Part>,
    /// Samples of a trial, and channels.
    n_trial: u64,
    n_channels: u64,
    scales: Vec<f64>,
}

/// A file of samples: trial after trial, in each channel after channel.
#[derive(Debug)]
struct Part {
    path: PathBuf,
    file: FileSource,
    /// The recording's first sample in it.
    start: u64,
    /// Samples that are used.
    len: u64,
}

/// Opens a recording by its folder or a file in it, and says what its files are.
pub(crate) fn open_recording(path: &Path) -> Result<Opened> {
    let raw = CtfRaw::open(path, &CtfOptions::default())?;
    Ok(Opened { paths: raw.paths.clone(), previous: None, recording: Box::new(raw) })
}

impl CtfRaw {
    /// Opens a recording by its folder (`.ds`), or by its header or samples in it.
    ///
    /// # Errors
    /// When a file is missing, can't be read, or is damaged.
    pub fn open(path: impl AsRef<Path>, options: &CtfOptions) -> Result<Self> {
        let folder = Folder::open(path.as_ref())?;
        let res4 = Res4::read(&folder.file("res4"))?;
        if folder.was_renamed {
            tracing::warn!("`{}` was renamed: its files are named as `{}`", folder.path.display(), res4.path.display());
        }
        let head = Head::read(&folder)?;
        let electrodes = Electrodes::read(&folder)?;
        let mut info = info::info(&res4, &head, electrodes.as_ref())?;
        info.dig.extend(surface(&folder, &head)?);
        info.bads = markers::bads(&folder, &info)?;
        let (parts, jumps) = parts(&folder, &res4, options.system_clock)?;
        let n_times = parts.last().map_or(0, |part| part.start + part.len);
        let mut items = markers::annotations(&folder, &res4)?;
        tell_jumps(&folder, &jumps);
        if options.mark_trials {
            items.extend(jumps.iter().map(|jump| Annotation {
                onset: jump.sample as f64 / res4.sfreq,
                duration: 0.0,
                description: "EDGE boundary".into(),
                ch_names: Vec::new(),
            }));
        }
        if options.clean_names {
            clean_names(&mut info);
        }
        let annotations = Annotations { orig_time: info.meas_date, items };
        let annotations = of_raw(annotations, info.meas_date, 0, info.sfreq, n_times);
        let scales = info.chs.iter().map(|ch| ch.range * ch.cal).collect();
        let mut paths: Vec<PathBuf> = parts.iter().map(|part| part.path.clone()).collect();
        paths.push(res4.path.clone());
        paths.extend(folder.others()?);
        let n_channels = res4.channels.len() as u64;
        let stream = Stream { info: Arc::new(info), first_samp: 0, n_times, gaps: Vec::new(), annotations };
        Ok(Self { stream, paths, parts, n_trial: res4.n_samples, n_channels, scales })
    }
    /// The files that are read: those of samples, the header, and what else there is.
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    fn read_samples(&self, times: Range<u64>, picks: &[usize], out: &mut ArrayViewMut2<'_, f64>) -> Result<()> {
        let mut bytes = Vec::new();
        let first = self.parts.partition_point(|part| part.start + part.len <= times.start);
        for part in self.parts[first..].iter().take_while(|part| part.start < times.end) {
            let (mut at, stop) = (times.start.max(part.start), times.end.min(part.start + part.len));
            while at < stop {
                let (trial, within) = ((at - part.start) / self.n_trial, (at - part.start) % self.n_trial);
                let n = (self.n_trial - within).min(stop - at).min(CHUNK);
                let column = (at - times.start) as usize;
                bytes.resize((n * SAMPLE) as usize, 0);
                for (mut row, &pick) in out.outer_iter_mut().zip(picks) {
                    let from = (trial * self.n_channels + pick as u64) * self.n_trial + within;
                    part.file
                        .read_exact_at(&mut bytes, HEADER + from * SAMPLE)
                        .map_err(Error::io(&part.path, "reading"))?;
                    let scale = self.scales[pick];
                    let values = bytes.as_chunks::<4>().0.iter().map(|&x| f64::from(i32::from_be_bytes(x)) * scale);
                    row.iter_mut().skip(column).zip(values).for_each(|(out, value)| *out = value);
                }
                at += n;
            }
        }
        Ok(())
    }
}

/// Samples that are missing before one.
#[derive(Clone, Copy, Debug)]
struct Jump {
    sample: u64,
    /// How long (s), by the system clock.
    missing: f64,
}

/// The system clock at the ends of the trials so far.
struct Clock {
    channel: usize,
    last: Option<i32>,
    jumps: Vec<Jump>,
}

/// The files of samples, as far as the system clock runs, and where it jumps.
fn parts(folder: &Folder, res4: &Res4, system_clock: SystemClock) -> Result<(Vec<Part>, Vec<Jump>)> {
    let channel = res4.channels.iter().position(|ch| ch.name == CLOCK);
    let mut clock = channel.map(|channel| Clock { channel, last: None, jumps: Vec::new() });
    let mut out: Vec<Part> = Vec::new();
    let mut start = 0;
    while out.len() < MAX_FILES {
        // Beyond 2 GB the samples go on in further files.
        let ending = if out.is_empty() { "meg4".to_owned() } else { format!("{}_meg4", out.len()) };
        let path = folder.file(&ending);
        if !out.is_empty() && !path.is_file() {
            break;
        }
        let file = FileSource::open(&path).map_err(Error::io(&path, "opening"))?;
        let trial = SAMPLE * res4.n_samples * res4.channels.len() as u64;
        let n_trials = check_size(&path, &file, res4, trial)?;
        let mut part = Part { path, file, start, len: n_trials * res4.n_samples };
        if let Some(clock) = &mut clock {
            part.len = clock.follow(&part, res4, n_trials, system_clock)?;
        }
        if part.len == 0 {
            break;
        }
        start += part.len;
        out.push(part);
    }
    if out.is_empty() {
        let content = "a recording without a sample (the system clock never ran)".to_owned();
        return Err(Error::NotARecording { path: folder.path.clone(), content });
    }
    Ok((out, clock.map(|clock| clock.jumps).unwrap_or_default()))
}

/// The number of trials in a file.
fn check_size(path: &Path, file: &FileSource, res4: &Res4, trial: u64) -> Result<u64> {
    let wrong = |at, expected: String, got: String| Error::Byte { path: path.to_owned(), at, expected, got };
    let len = file.len();
    if len < HEADER {
        return Err(wrong(len, "`MEG41CP`".into(), "the end of the file".into()));
    }
    let mut head = [0; 8];
    file.read_exact_at(&mut head, 0).map_err(Error::io(path, "reading"))?;
    if !head.starts_with(b"MEG4") {
        return Err(wrong(0, "`MEG41CP`".into(), format!("`{}`", String::from_utf8_lossy(&head))));
    }
    let n_trials = (len - HEADER) / trial;
    if !(len - HEADER).is_multiple_of(trial) {
        let (n_samples, n_channels) = (res4.n_samples, res4.channels.len());
        let expected = format!("whole trials of {trial} bytes ({n_samples} samples of {n_channels} channels)");
        return Err(wrong(len, expected, format!("the end of the file inside trial {}", n_trials + 1)));
    }
    Ok(n_trials)
}

impl Clock {
    /// Reads the clock of a file: how many samples there are before it stands at zero.
    fn follow(&mut self, part: &Part, res4: &Res4, n_trials: u64, system_clock: SystemClock) -> Result<u64> {
        let n_channels = res4.channels.len() as u64;
        let mut bytes = Vec::new();
        for trial in 0..n_trials {
            let from = (trial * n_channels + self.channel as u64) * res4.n_samples;
            let (mut first, mut last) = (0, 0);
            let mut at = 0;
            while at < res4.n_samples {
                let n = (res4.n_samples - at).min(CHUNK);
                bytes.resize((n * SAMPLE) as usize, 0);
                part.file
                    .read_exact_at(&mut bytes, HEADER + (from + at) * SAMPLE)
                    .map_err(Error::io(&part.path, "reading"))?;
                let ticks = bytes.as_chunks::<4>().0;
                let zero = ticks.iter().position(|tick| *tick == [0; 4]);
                if let Some(zero) = zero.filter(|_| system_clock == SystemClock::Truncate) {
                    return Ok(trial * res4.n_samples + at + zero as u64);
                }
                first = if at == 0 { ticks.first().map_or(0, |&tick| i32::from_be_bytes(tick)) } else { first };
                last = ticks.last().map_or(last, |&tick| i32::from_be_bytes(tick));
                at += n;
            }
            // Ticks of a sample, by the trial itself; the clock may run over.
            let per_sample = f64::from(last.wrapping_sub(first)) / (res4.n_samples - 1).max(1) as f64;
            if let Some(before) = self.last.filter(|_| per_sample > 0.0) {
                let missing = f64::from(first.wrapping_sub(before)) / per_sample - 1.0;
                if missing.abs() > 0.5 {
                    let sample = part.start + trial * res4.n_samples;
                    self.jumps.push(Jump { sample, missing: missing / res4.sfreq });
                }
            }
            self.last = Some(last);
        }
        Ok(n_trials * res4.n_samples)
    }
}

fn tell_jumps(folder: &Folder, jumps: &[Jump]) {
    let Some(first) = jumps.first() else { return };
    tracing::warn!(
        "`{}`: the system clock jumps between {} trials, by {:.3} s before sample {}: filters should not run across",
        folder.path.display(),
        jumps.len() + 1,
        first.missing,
        first.sample
    );
}

/// Names everywhere without what follows a dash.
fn clean_names(info: &mut bakusoku_core::Info) {
    let cleaned = markers::clean_names(info.ch_names());
    let renames: Vec<(String, String)> = info.ch_names().map(str::to_owned).zip(cleaned).collect();
    let rename = |name: &mut String| {
        if let Some((_, new)) = renames.iter().find(|(old, _)| old == name) {
            name.clone_from(new);
        }
    };
    info.chs.iter_mut().for_each(|ch| rename(&mut ch.name));
    info.bads.iter_mut().for_each(rename);
    for comp in &mut info.comps {
        comp.row_names.iter_mut().chain(&mut comp.col_names).for_each(rename);
    }
}

impl Recording for CtfRaw {
    fn stream(&self) -> &Stream {
        &self.stream
    }
    fn read(&self, times: Range<u64>, picks: &Picks, mut out: ArrayViewMut2<'_, f64>) -> bakusoku_core::Result<()> {
        self.check(&times, picks, &out)?;
        self.read_samples(times, picks.as_slice(), &mut out).map_err(read_error)
    }
}
