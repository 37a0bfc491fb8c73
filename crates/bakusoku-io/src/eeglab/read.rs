//! A continuous set, read by position.

use super::options::EeglabOptions;
use super::samples::Samples;
use super::set::Set;
use super::{events, locations};
use crate::annotations::of_raw;
use crate::error::read_error;
use crate::formats::Opened;
use crate::{Error, Result};
use bakusoku_core::{Picks, Recording, Stream};
use ndarray::ArrayViewMut2;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A continuous set.
#[derive(Debug)]
pub struct EeglabRaw {
    stream: Stream,
    paths: Vec<PathBuf>,
    samples: Samples,
    scales: Vec<f64>,
}

/// Opens a continuous set, and says what its files are.
pub(crate) fn open_recording(path: &Path) -> Result<Opened> {
    let raw = EeglabRaw::open(path, &EeglabOptions::default())?;
    Ok(Opened { paths: raw.paths.clone(), previous: None, recording: Box::new(raw) })
}

impl EeglabRaw {
    /// Opens a continuous set (`.set`).
    ///
    /// # Errors
    /// When a file is missing, can't be read, is damaged, or holds epochs.
    pub fn open(path: impl AsRef<Path>, options: &EeglabOptions) -> Result<Self> {
        let set = Set::read(path.as_ref())?;
        if set.n_trials != 1 {
            let content = format!("a set of epochs ({} trials)", set.n_trials);
            return Err(Error::NotARecording { path: set.path, content });
        }
        // First, as it knows whether there are as many channels as the set says.
        let samples = Samples::open(&set)?;
        let info = locations::info(&set, options)?;
        let n_times = set.n_times();
        let annotations = of_raw(events::annotations(&set), None, 0, info.sfreq, n_times);
        let scales = info.chs.iter().map(|ch| ch.range * ch.cal).collect();
        let stream = Stream { info: Arc::new(info), first_samp: 0, n_times, gaps: Vec::new(), annotations };
        let mut paths = vec![set.path];
        if samples.path != paths[0] {
            paths.push(samples.path.clone());
        }
        Ok(Self { stream, paths, samples, scales })
    }
    /// The files: the set, and what has its samples where that is another one.
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }
}

impl Recording for EeglabRaw {
    fn stream(&self) -> &Stream {
        &self.stream
    }
    fn read(&self, times: Range<u64>, picks: &Picks, mut out: ArrayViewMut2<'_, f64>) -> bakusoku_core::Result<()> {
        self.check(&times, picks, &out)?;
        self.samples.read(times, picks.as_slice(), &self.scales, &mut out).map_err(read_error)
    }
}
