//! Reading samples by position.

use crate::{Error, Picks, Result, Stream};
use ndarray::ArrayViewMut2;
use std::ops::Range;

/// A recording whose samples can be read at any position, by several threads at once. One per file format.
pub trait Recording: Send + Sync {
    /// What is known before any sample is read.
    fn stream(&self) -> &Stream;

    /// Reads samples `times` (counted from the recording's first one) of the channels `picks` into `out`,
    /// `(picks.len(), times.len())`, in SI units.
    ///
    /// # Errors
    /// When the file can't be read or holds something else than its header promised.
    fn read(&self, times: Range<u64>, picks: &Picks, out: ArrayViewMut2<'_, f64>) -> Result<()>;

    /// Checks `times` and `out` against the stream; for implementations of [`read`](Self::read).
    ///
    /// # Errors
    /// When samples are asked for that are not there, or `out` has another shape.
    fn check(&self, times: &Range<u64>, picks: &Picks, out: &ArrayViewMut2<'_, f64>) -> Result<()> {
        let stream = self.stream();
        if times.start > times.end || times.end > stream.n_times {
            return Err(Error::Range { start: times.start, stop: times.end, n_times: stream.n_times });
        }
        if let Some(index) = picks.iter().find(|&index| index >= stream.n_channels()) {
            return Err(Error::Pick { index, n_channels: stream.n_channels() });
        }
        let expected = [picks.len(), (times.end - times.start) as usize];
        if out.shape() != expected {
            return Err(Error::Shape { what: "out", expected: expected.to_vec(), got: out.shape().to_vec() });
        }
        Ok(())
    }
}
