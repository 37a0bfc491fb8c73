//! Welch's method on a stream of columns: what is kept of each row, and the samples that wait for the rest of their segment.

use super::kernel::{Welch, Work};
use bakusoku_core::{Cx, Span};
use ndarray::{Array2, ArrayView2, s};

/// See above. The same numbers as [`Welch::run`] on whole rows.
pub(super) struct Columns {
    /// The segment that is next: of which stretch, and which of it.
    next: Option<(usize, usize)>,
    /// Samples of the channels, from the next segment's first one on: `(n_channels, n)`, of which `n_held` are there.
    held: Array2<f64>,
    n_held: usize,
    /// Of each channel: what is kept between segments, then its spectrum.
    rows: Array2<f64>,
}

impl Columns {
    /// For so many channels.
    pub(super) fn new(welch: &Welch, n_channels: usize) -> Self {
        Self {
            next: Some((0, 0)),
            held: Array2::zeros((n_channels, longest(welch) as usize)),
            n_held: 0,
            rows: Array2::zeros((n_channels, welch.n_kept() + welch.n_bins())),
        }
    }
    /// Bytes that it holds.
    pub(super) fn bytes(welch: &Welch, n_channels: usize) -> u64 {
        8 * n_channels as u64 * (longest(welch) + (welch.n_kept() + welch.n_bins()) as u64)
    }

    /// Takes samples from `start` on, of which `picks` are the rows; those that are not asked for may be left out.
    pub(super) fn push(&mut self, welch: &Welch, picks: &[usize], start: u64, samples: ArrayView2<'_, f64>, cx: &Cx) {
        let here = Span::new(start, start + samples.ncols() as u64);
        while let Some((stretch, index)) = self.next {
            let segment = welch.stretches()[stretch].segment(index);
            let Some(part) = Span::new(segment.start + self.n_held as u64, segment.stop).intersect(here) else {
                return;
            };
            let (from, n) = ((part.start - start) as usize, part.len() as usize);
            for (mut row, &ch) in self.held.rows_mut().into_iter().zip(picks) {
                let to = row.slice_mut(s![self.n_held..self.n_held + n]);
                samples.slice(s![ch, from..from + n]).assign_to(to);
            }
            self.n_held += n;
            if part.stop < segment.stop {
                return;
            }
            self.work(welch, stretch, index, cx);
            self.next = following(welch, stretch, index);
            self.keep(welch, segment);
        }
    }

    /// Works on the segment that is there.
    fn work(&mut self, welch: &Welch, stretch: usize, index: usize, cx: &Cx) {
        let (stretch, n_kept, n) = (&welch.stretches()[stretch], welch.n_kept(), self.n_held);
        let (held, width) = (&self.held, self.rows.ncols());
        let rows = self.rows.as_slice_mut().expect("a fresh array is contiguous");
        cx.par.for_each_chunk_mut_init(rows, width, Work::default, |work, ch, row| {
            let (kept, spectrum) = row.split_at_mut(n_kept);
            let samples = held.row(ch);
            let samples = &samples.as_slice().expect("rows of a fresh array are contiguous")[..n];
            welch.add(stretch, index, samples, kept, spectrum, work);
        });
    }

    /// Keeps the samples that the next segment shares with the one that is done; after the last one there are none.
    fn keep(&mut self, welch: &Welch, done: Span) {
        let Some((stretch, index)) = self.next else {
            self.held = Array2::zeros((self.held.nrows(), 0));
            return;
        };
        let shared =
            welch.stretches()[stretch].segment(index).intersect(done).map_or(0, |shared| shared.len() as usize);
        if shared > 0 {
            for row in self.held.rows_mut() {
                let row = row.into_slice().expect("rows of a fresh array are contiguous");
                row.copy_within(self.n_held - shared..self.n_held, 0);
            }
        }
        self.n_held = shared;
    }

    /// Whether a sample of `span` is still asked for.
    pub(super) fn looks_at(&self, welch: &Welch, span: Span) -> bool {
        self.next.is_some_and(|(stretch, index)| {
            let next = welch.stretches()[stretch].segment(index);
            let last = welch.stretches().last().map_or(0, |last| last.span().stop);
            Span::new(next.start + self.n_held as u64, last).intersect(span).is_some()
        })
    }

    /// The spectra, `(n_channels, n_freqs)`.
    pub(super) fn spectra(&self, welch: &Welch) -> Array2<f64> {
        self.rows.slice(s![.., welch.n_kept()..]).to_owned()
    }
}

/// Samples of the longest segment.
fn longest(welch: &Welch) -> u64 {
    welch.stretches().iter().map(|stretch| stretch.segment(0).len()).max().unwrap_or(0)
}

/// The segment after one: its stretch, and its number there.
fn following(welch: &Welch, stretch: usize, index: usize) -> Option<(usize, usize)> {
    if index + 1 < welch.stretches()[stretch].n_segments() {
        return Some((stretch, index + 1));
    }
    (stretch + 1 < welch.stretches().len()).then_some((stretch + 1, 0))
}
