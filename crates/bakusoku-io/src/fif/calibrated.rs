//! A recording with calibrations that suit integers.

use super::RawFormat;
use crate::{Error, Result};
use bakusoku_core::{Info, Picks, Recording, Stream};
use ndarray::{Array2, ArrayViewMut2};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// A recording whose samples are multiples of its channels' calibrations. Channels that hold such samples already (all
/// those of a file that was recorded as integers, and stimulus channels) are as they were; in the others the largest sample
/// becomes the largest integer, and all are rounded to the nearest one.
pub(super) struct Calibrated<'r> {
    inner: &'r dyn Recording,
    stream: Stream,
    /// Calibrations of the channels that got another one.
    changed: Vec<Option<f64>>,
}

impl<'r> Calibrated<'r> {
    /// Looks at all samples once. `output` is what errors name.
    pub(super) fn new(inner: &'r dyn Recording, fmt: RawFormat, output: &Path) -> Result<Self> {
        let stream = inner.stream();
        let limit = fmt.largest().unwrap_or(f64::INFINITY);
        let mut largest = vec![0.0f64; stream.n_channels()];
        let mut exact = vec![true; stream.n_channels()];
        let scales: Vec<f64> = stream.info.chs.iter().map(|ch| ch.cal * ch.range).collect();
        let picks = Picks::all(stream.n_channels());
        // 16 MB of samples at a time.
        let step = (2_000_000 / stream.n_channels().max(1) as u64).max(1);
        let mut start = 0;
        while start < stream.n_times {
            let stop = (start + step).min(stream.n_times);
            let mut data = Array2::zeros((stream.n_channels(), (stop - start) as usize));
            inner.read(start..stop, &picks, data.view_mut())?;
            for (k, row) in data.rows().into_iter().enumerate() {
                for (t, &value) in row.iter().enumerate() {
                    if !value.is_finite() {
                        let why = format!("{value} at {:.3} s", (start + t as u64) as f64 / stream.sfreq());
                        let (path, channel) = (output.to_owned(), stream.info.chs[k].name.clone());
                        return Err(Error::Samples { path, channel, fmt: fmt.name(), why });
                    }
                    let stored = value / scales[k];
                    exact[k] &= stored.round() * scales[k] == value && stored.abs() <= limit;
                    largest[k] = largest[k].max(value.abs());
                }
            }
            start = stop;
        }
        let mut info: Info = (*stream.info).clone();
        let mut changed = vec![None; scales.len()];
        for (k, ch) in info.chs.iter_mut().enumerate().filter(|(k, _)| !exact[*k] && largest[*k] > 0.0) {
            // FIFF stores 32 bits of it.
            let mut cal = (largest[k] / limit) as f32;
            while f64::from(cal) * limit < largest[k] {
                cal = cal.next_up();
            }
            if !cal.is_normal() {
                let why = format!("its largest sample is {:e}", largest[k]);
                let (path, channel) = (output.to_owned(), ch.name.clone());
                return Err(Error::Samples { path, channel, fmt: fmt.name(), why });
            }
            (ch.cal, ch.range) = (f64::from(cal), 1.0);
            changed[k] = Some(ch.cal);
        }
        Ok(Self { inner, stream: Stream { info: Arc::new(info), ..stream.clone() }, changed })
    }
}

impl Recording for Calibrated<'_> {
    fn stream(&self) -> &Stream {
        &self.stream
    }
    fn read(&self, times: Range<u64>, picks: &Picks, mut out: ArrayViewMut2<'_, f64>) -> bakusoku_core::Result<()> {
        self.inner.read(times, picks, out.view_mut())?;
        for (&k, mut row) in picks.as_slice().iter().zip(out.rows_mut()) {
            if let Some(cal) = self.changed[k] {
                row.mapv_inplace(|value| (value / cal).round_ties_even() * cal);
            }
        }
        Ok(())
    }
}
