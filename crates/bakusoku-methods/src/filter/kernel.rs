//! FIR filters on rows: the array function, and the kernel that the runner leads a recording through.

use super::cascade::FirCascade;
use super::columns::FirColumns;
use super::params::FilterParams;
use crate::map_rows::map_rows;
use crate::resample::fuse_filter;
use bakusoku_core::{Operator, Par, Picks, Result, RowKernel, Scratch, Segment, Stream};
use bakusoku_math::convolve::{Convolver, Fir, Work};
use ndarray::{Array2, ArrayView2};
use std::any::Any;
use std::sync::Arc;

/// Filters every row of `x`, `(n_channels, n_times)` (MNE's `filter_data`).
///
/// # Errors
/// When a parameter makes no sense at this sampling frequency.
pub fn filter_data(par: &Par, x: ArrayView2<'_, f64>, sfreq: f64, params: &FilterParams) -> Result<Array2<f64>> {
    let fir = params.fir(sfreq)?;
    if params.l_freq.is_some_and(|freq| freq != 0.0) || params.h_freq.is_some() {
        warn_if_short(&fir, x.ncols());
    }
    apply_fir(par, x, fir)
}

/// Says so when a filter is longer than what it shall filter.
pub(crate) fn warn_if_short(fir: &Fir, n_times: usize) {
    if fir.n_edge >= n_times {
        let n_taps = fir.n_edge + 1;
        tracing::warn!("filter_length ({n_taps}) is longer than the signal ({n_times}), distortion is likely");
    }
}

/// Filters every row of `x` with one filter.
///
/// # Errors
/// None.
pub fn apply_fir(par: &Par, x: ArrayView2<'_, f64>, fir: Fir) -> Result<Array2<f64>> {
    let convolver = Convolver::new(fir, [x.ncols()]);
    map_rows(par, x, x.ncols(), |row, out, scratch| {
        convolver.run(row, out, scratch.get::<Work>());
        Ok(())
    })
}

/// A FIR filter over the stretches of a recording, each padded on its own; what lies between passes unchanged.
///
/// Two of them in a row that cut the recording alike become one ([`RowKernel::fuse`]): away from the ends of a stretch
/// the combined filter gives the same numbers to rounding.
#[derive(Clone)]
pub struct FirRows {
    pub(super) convolver: Arc<Convolver>,
    pub(super) segments: Vec<Segment>,
    pub(super) picked: Vec<bool>,
    pub(super) n_times: usize,
}

impl FirRows {
    /// Binds a filter to a stream, its channels, and the annotations that cut it.
    pub fn new(fir: Fir, input: &Stream, picks: &Picks, skip_by_annotation: &[&str]) -> Self {
        let segments = input.segments(skip_by_annotation);
        let lens: Vec<usize> = processed(&segments).collect();
        if let Some(longest) = lens.iter().max() {
            warn_if_short(&fir, *longest);
        }
        let picked = (0..input.n_channels()).map(|ch| picks.contains(ch)).collect();
        let convolver = Arc::new(Convolver::new(fir, lens));
        Self { convolver, segments, picked, n_times: input.n_times as usize }
    }
}

/// Whether all of a row is one stretch.
pub(super) fn is_whole(segments: &[Segment], n_times: usize) -> bool {
    matches!(segments, [Segment::Process(span)] if span.range() == (0..n_times))
}

/// Lengths of the stretches that are filtered.
pub(super) fn processed(segments: &[Segment]) -> impl Iterator<Item = usize> + '_ {
    segments.iter().filter_map(|segment| match segment {
        Segment::Process(span) => Some(span.len() as usize),
        Segment::Copy(_) => None,
    })
}

impl RowKernel for FirRows {
    fn n_out(&self) -> usize {
        self.n_times
    }
    fn passes(&self, ch: usize) -> bool {
        !self.picked[ch]
    }
    fn treats_alike(&self, channels: &[usize]) -> bool {
        channels.iter().all(|&ch| self.picked[ch] == self.picked[channels[0]])
    }
    fn run(&self, _ch: usize, row: &[f64], out: &mut [f64], scratch: &mut Scratch) -> Result<()> {
        for segment in &self.segments {
            let range = segment.span().range();
            match segment {
                Segment::Process(_) => self.convolver.run(&row[range.clone()], &mut out[range], scratch.get::<Work>()),
                Segment::Copy(_) => out[range.clone()].copy_from_slice(&row[range]),
            }
        }
        Ok(())
    }
    fn fuse(&self, next: &dyn RowKernel) -> Option<Box<dyn RowKernel>> {
        match next.as_any().downcast_ref::<Self>() {
            Some(next) => FirCascade::new(self, next).map(|cascade| Box::new(cascade) as Box<dyn RowKernel>),
            None if is_whole(&self.segments, self.n_times) => {
                fuse_filter(self.convolver.fir(), &self.picked, self.n_times, next)
            }
            None => None,
        }
    }
    fn on_columns(&self) -> Option<Box<dyn Operator>> {
        Some(Box::new(FirColumns::new(self)?))
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn scratch_bytes(&self) -> u64 {
        self.convolver.work_bytes()
    }
}
