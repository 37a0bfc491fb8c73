//! A recording in memory.

use crate::{Picks, Recording, Result, Stream};
use ndarray::{Array2, ArrayViewMut2, s};
use std::ops::Range;

/// A recording in memory, `(n_channels, n_times)` in SI units.
#[derive(Clone, Debug)]
pub struct Raw {
    stream: Stream,
    data: Array2<f64>,
}

impl Raw {
    /// Joins a description and its samples.
    ///
    /// # Errors
    /// When the shape is not the one that the stream says.
    pub fn new(stream: Stream, data: Array2<f64>) -> Result<Self> {
        let expected = [stream.n_channels(), stream.n_times as usize];
        if data.shape() != expected {
            return Err(crate::Error::Shape { what: "data", expected: expected.to_vec(), got: data.shape().to_vec() });
        }
        Ok(Self { stream, data })
    }
    /// Reads a whole recording into memory.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn load(recording: &dyn Recording) -> Result<Self> {
        let stream = recording.stream().clone();
        let mut data = Array2::zeros((stream.n_channels(), stream.n_times as usize));
        recording.read(0..stream.n_times, &Picks::all(stream.n_channels()), data.view_mut())?;
        Ok(Self { stream, data })
    }
    /// The samples.
    pub fn data(&self) -> &Array2<f64> {
        &self.data
    }
    /// Description and samples.
    pub fn into_parts(self) -> (Stream, Array2<f64>) {
        (self.stream, self.data)
    }
}

impl Recording for Raw {
    fn stream(&self) -> &Stream {
        &self.stream
    }
    fn read(&self, times: Range<u64>, picks: &Picks, mut out: ArrayViewMut2<'_, f64>) -> Result<()> {
        self.check(&times, picks, &out)?;
        let range = times.start as usize..times.end as usize;
        for (row, index) in picks.iter().enumerate() {
            out.row_mut(row).assign(&self.data.slice(s![index, range.clone()]));
        }
        Ok(())
    }
}
