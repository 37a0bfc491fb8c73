//! An EDF or BDF recording, read by position.

use super::header::{Header, Signal};
use super::info::{self, Stored};
use super::records::{Records, Run};
use super::resample::{held, upsample};
use super::{EdfOptions, annotations};
use crate::annotations::{mark_gaps, of_raw};
use crate::error::read_error;
use crate::formats::Opened;
use crate::{Error, Result};
use bakusoku_core::{Annotations, Picks, Recording, SpillDir, Stream};
use bakusoku_fiff::{FileSource, ReadAt};
use bakusoku_pool::SpillFile;
use ndarray::ArrayViewMut2;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes read at a time: they stay in the second cache until they are decoded.
const CHUNK: u64 = 1 << 18;
/// The bits of stimulus codes that MNE keeps.
const STIM_BITS: i64 = (1 << 17) - 1;

/// A recording in an EDF or BDF file.
#[derive(Debug)]
pub struct EdfRaw {
    stream: Stream,
    path: PathBuf,
    source: FileSource,
    header: Header,
    stored: Vec<Stored>,
    records: Records,
    /// Samples at the recording's rate of channels that have fewer; made when one is asked for.
    upsampled: Vec<Mutex<Option<Arc<SpillFile>>>>,
}

/// Opens a recording.
pub(crate) fn open_recording(path: &Path) -> Result<Opened> {
    let raw = EdfRaw::open(path, &EdfOptions::default())?;
    Ok(Opened { paths: vec![path.to_owned()], previous: None, recording: Box::new(raw) })
}

/// Names that channels would have with `options`, before any is left out and before they are made unique: for callers that
/// choose by a pattern.
///
/// # Errors
/// When the file can't be read or is damaged.
pub fn labels(path: impl AsRef<Path>, options: &EdfOptions) -> Result<Vec<String>> {
    let path = path.as_ref();
    let source = FileSource::open(path).map_err(Error::io(path, "opening"))?;
    let header = Header::read(path, &source)?;
    let mut names: Vec<String> =
        info::labelled(&header, options.infer_types).into_iter().map(|(name, _)| name).collect();
    if options.exclude_after_unique {
        crate::names::make_unique(&mut names);
    }
    Ok(names)
}

impl EdfRaw {
    /// Opens a recording.
    ///
    /// # Errors
    /// When the file can't be read or is damaged, or `options` do not fit it.
    pub fn open(path: impl AsRef<Path>, options: &EdfOptions) -> Result<Self> {
        let path = path.as_ref();
        let source = FileSource::open(path).map_err(Error::io(path, "opening"))?;
        let header = Header::read(path, &source)?;
        let (mut info, stored) = info::info(path, &header, options)?;
        let names: Vec<&str> = info.ch_names().collect();
        let told = annotations::read(path, &source, &header, &names, options.latin1)?;
        // The header's time has whole seconds; the first record says the rest.
        if let Some((secs, usecs)) = &mut info.meas_date
            && told.start > 0.0
            && told.start < 1e9
        {
            let micros = (told.start * 1e6).round() as i64;
            (*secs, *usecs) = (*secs + micros / 1_000_000, (micros % 1_000_000) as i32);
        }
        let per_record = stored.iter().map(|s| header.signals[s.signal].n_samples).max().unwrap_or(1);
        let records = Records::new(path, &header, per_record, info.sfreq, &told.records)?;
        let (n_times, gaps) = (records.n_times, records.gaps());
        let items = Annotations { orig_time: None, items: told.items };
        let mut marked = of_raw(items, info.meas_date, 0, info.sfreq, n_times);
        mark_gaps(&mut marked, &gaps, &info, 0, n_times);
        let stream = Stream { info: Arc::new(info), first_samp: 0, n_times, gaps, annotations: marked };
        let upsampled = stored.iter().map(|_| Mutex::default()).collect();
        Ok(Self { stream, path: path.to_owned(), source, header, stored, records, upsampled })
    }

    /// Whether samples have 24 bits (BDF), not 16 (EDF).
    pub fn is_bdf(&self) -> bool {
        self.header.width == 3
    }

    fn signal(&self, pick: usize) -> &Signal {
        &self.header.signals[self.stored[pick].signal]
    }

    fn fill(&self, buf: &mut Vec<u8>, at: u64, len: u64) -> Result<()> {
        buf.resize(len as usize, 0);
        self.source.read_exact_at(buf, at).map_err(Error::io(&self.path, "reading"))
    }

    fn record_at(&self, record: u64) -> u64 {
        self.header.data_at + record * self.header.record_samples * self.header.width
    }

    fn read_samples(&self, times: Range<u64>, picks: &[usize], out: &mut ArrayViewMut2<'_, f64>) -> Result<()> {
        if self.records.runs.len() > 1 {
            out.fill(0.0);
        }
        let per_record = self.records.per_record;
        // Rows of channels that are in the file as they are, and of those that come from temporary files.
        let (mut direct, mut made) = (Vec::new(), Vec::new());
        for (row, &pick) in picks.iter().enumerate() {
            let as_it_is = self.signal(pick).n_samples == per_record || self.stored[pick].is_stim;
            if as_it_is { direct.push((row, pick)) } else { made.push((row, pick)) }
        }
        let runs = &self.records.runs;
        let first = runs.partition_point(|run| run.start + run.n_records * per_record <= times.start);
        for run in runs[first..].iter().take_while(|run| run.start < times.end) {
            let (start, stop) = (run.start.max(times.start), (run.start + run.n_records * per_record).min(times.end));
            if !direct.is_empty() {
                self.read_run(run, start..stop, times.start, &direct, out)?;
            }
        }
        let mut values = vec![0.0; (times.end - times.start) as usize];
        for (row, pick) in made {
            self.upsampled(pick)?
                .read_f64_at(&mut values, times.start * 8)
                .map_err(|error| Error::Core(bakusoku_core::Error::Pool(error)))?;
            out.row_mut(row).iter_mut().zip(&values).for_each(|(out, value)| *out = *value);
        }
        Ok(())
    }

    /// Samples `times` of the recording, which lie in `run`; `origin` is the first column's sample.
    fn read_run(
        &self,
        run: &Run,
        times: Range<u64>,
        origin: u64,
        rows: &[(usize, usize)],
        out: &mut ArrayViewMut2<'_, f64>,
    ) -> Result<()> {
        let (per_record, width) = (self.records.per_record, self.header.width);
        let record_bytes = self.header.record_samples * width;
        let wanted: u64 = rows.iter().map(|&(_, pick)| self.signal(pick).n_samples).sum();
        // Whole records where most of them is wanted, and they are not long; else channel by channel.
        let whole = wanted * 3 >= self.header.record_samples && record_bytes <= CHUNK * 4;
        let (first, last) = ((times.start - run.start) / per_record, (times.end - 1 - run.start) / per_record);
        let group = if whole { (CHUNK / record_bytes).max(1) } else { 1 };
        let mut bytes = Vec::new();
        let mut index = first;
        while index <= last {
            let n = group.min(last + 1 - index);
            if whole {
                self.fill(&mut bytes, self.record_at(run.record + index), n * record_bytes)?;
            }
            for &(row, pick) in rows {
                let signal = self.signal(pick);
                for k in 0..n {
                    let start = run.start + (index + k) * per_record;
                    // Samples of the record that are wanted.
                    let (from, to) = (times.start.max(start) - start, (times.end - start).min(per_record));
                    let column = (start + from - origin) as usize;
                    let mut row = out.row_mut(row);
                    let mut row = row.slice_mut(ndarray::s![column..column + (to - from) as usize]);
                    let stored = &self.stored[pick];
                    if signal.n_samples != per_record {
                        let at = self.record_at(run.record + index + k) + signal.before * width;
                        if whole {
                            let skip = (k * record_bytes + signal.before * width) as usize;
                            let part = &bytes[skip..skip + (signal.n_samples * width) as usize];
                            hold(stored, part, width, per_record, from, row.iter_mut());
                        } else {
                            self.fill(&mut bytes, at, signal.n_samples * width)?;
                            hold(stored, &bytes, width, per_record, from, row.iter_mut());
                        }
                        continue;
                    }
                    if whole {
                        let skip = (k * record_bytes + (signal.before + from) * width) as usize;
                        let part = &bytes[skip..skip + ((to - from) * width) as usize];
                        match row.as_slice_mut() {
                            Some(row) => decode(stored, part, width, row.iter_mut()),
                            None => decode(stored, part, width, row.iter_mut()),
                        }
                        continue;
                    }
                    let mut done = from;
                    while done < to {
                        let some = (to - done).min(CHUNK / width);
                        let at = self.record_at(run.record + index + k) + (signal.before + done) * width;
                        self.fill(&mut bytes, at, some * width)?;
                        let (a, b) = ((done - from) as usize, (done - from + some) as usize);
                        decode(stored, &bytes, width, row.slice_mut(ndarray::s![a..b]).iter_mut());
                        done += some;
                    }
                }
            }
            index += n;
        }
        Ok(())
    }

    /// The temporary file of a channel with fewer samples than others: all of its samples, at the recording's rate.
    fn upsampled(&self, pick: usize) -> Result<Arc<SpillFile>> {
        let mut made = self.upsampled[pick].lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = &*made {
            return Ok(Arc::clone(file));
        }
        let pool = |error| Error::Core(bakusoku_core::Error::Pool(error));
        let (signal, width, stored) = (self.signal(pick), self.header.width, &self.stored[pick]);
        let file =
            SpillDir::find(self.path.parent()).and_then(|dir| dir.file(self.records.n_times * 8)).map_err(pool)?;
        let mut bytes = Vec::new();
        for run in &self.records.runs {
            let mut values = vec![0.0; (run.n_records * signal.n_samples) as usize];
            for (record, values) in (run.record..).zip(values.chunks_mut(signal.n_samples as usize)) {
                self.fill(&mut bytes, self.record_at(record) + signal.before * width, signal.n_samples * width)?;
                decode(stored, &bytes, width, values.iter_mut());
            }
            let values = upsample(values, (run.n_records * self.records.per_record) as usize);
            file.write_f64_at(&values, run.start * 8).map_err(pool)?;
        }
        let file = Arc::new(file);
        *made = Some(Arc::clone(&file));
        Ok(file)
    }
}

/// A stored number in SI units.
#[inline]
fn value(stored: &Stored, number: i32) -> f64 {
    let value = (f64::from(number) * stored.cal + stored.offset) * stored.gain;
    if stored.is_stim { (value as i64 & STIM_BITS) as f64 } else { value }
}

#[inline]
fn number16(bytes: [u8; 2]) -> i32 {
    i32::from(i16::from_le_bytes(bytes))
}

#[inline]
fn number24([a, b, c]: [u8; 3]) -> i32 {
    i32::from_le_bytes([0, a, b, c]) >> 8
}

fn decode<'o>(stored: &Stored, bytes: &[u8], width: u64, out: impl Iterator<Item = &'o mut f64>) {
    if width == 2 {
        let (numbers, _) = bytes.as_chunks::<2>();
        out.zip(numbers).for_each(|(out, &bytes)| *out = value(stored, number16(bytes)));
    } else {
        let (numbers, _) = bytes.as_chunks::<3>();
        out.zip(numbers).for_each(|(out, &bytes)| *out = value(stored, number24(bytes)));
    }
}

/// A record's codes, of which there are fewer than `per_record`: each is held until the next one comes; from sample `from`
/// on.
fn hold<'o>(
    stored: &Stored,
    bytes: &[u8],
    width: u64,
    per_record: u64,
    from: u64,
    out: impl Iterator<Item = &'o mut f64>,
) {
    let numbers: Vec<i32> = match width {
        2 => bytes.as_chunks::<2>().0.iter().map(|&bytes| number16(bytes)).collect(),
        _ => bytes.as_chunks::<3>().0.iter().map(|&bytes| number24(bytes)).collect(),
    };
    let at = held(numbers.len(), per_record as usize);
    out.zip(from as usize..).for_each(|(out, time)| *out = value(stored, numbers[at(time)]));
}

impl Recording for EdfRaw {
    fn stream(&self) -> &Stream {
        &self.stream
    }
    fn read(&self, times: Range<u64>, picks: &Picks, mut out: ArrayViewMut2<'_, f64>) -> bakusoku_core::Result<()> {
        self.check(&times, picks, &out)?;
        if times.is_empty() {
            return Ok(());
        }
        self.read_samples(times, picks.as_slice(), &mut out).map_err(read_error)
    }
}
