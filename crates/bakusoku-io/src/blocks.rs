//! Going through a recording from start to end.

use crate::Result;
use bakusoku_core::{Picks, Recording};
use ndarray::{Array2, ArrayView2, s};
use std::ops::Range;

/// Numbers held at a time: 16 MB.
const NUMBERS: u64 = 2_000_000;

/// Calls `f` with each stretch of `times` and its samples of all channels; stretches are multiples of `step` samples long,
/// but for the last.
pub(crate) fn for_each(
    recording: &dyn Recording,
    times: Range<u64>,
    step: u64,
    mut f: impl FnMut(u64, ArrayView2<'_, f64>) -> Result<()>,
) -> Result<()> {
    let n_channels = recording.stream().n_channels();
    let picks = Picks::all(n_channels);
    let step = (NUMBERS / n_channels.max(1) as u64 / step).max(1) * step;
    let mut data = Array2::zeros((n_channels, step.min(times.end - times.start) as usize));
    let mut at = times.start;
    while at < times.end {
        let n = step.min(times.end - at);
        let mut block = data.slice_mut(s![.., ..n as usize]);
        recording.read(at..at + n, &picks, block.view_mut())?;
        f(at, block.view())?;
        at += n;
    }
    Ok(())
}
