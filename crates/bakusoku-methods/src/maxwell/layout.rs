//! How a stretch is cut: into chunks, and windows made of them.
//!
//! Windows of the temporal extension overlap by half: window `w` is chunks `w` and `w + 1`. Without overlap a window is a
//! chunk. The last chunk takes the tail, and so does the last window.
//!
//! A window of an odd number of samples ends one sample into the next chunk, with weight 0 there: its triangle needs that
//! sample, its output does not. (MNE 1.13 refuses such lengths.)

use super::report::SegmentReport;
use bakusoku_core::Span;
use bakusoku_math::window::Window;

/// Samples of a chunk where there are no windows.
const SPATIAL_CHUNK: u64 = 4096;

/// A stretch and its cut.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Layout {
    /// The stretch.
    pub span: Span,
    /// Samples of a chunk; of the last one at least.
    step: u64,
    /// Samples of a window; of the last one at least. `None`: no windows.
    window: Option<u64>,
    /// Windows that overlap.
    overlap: bool,
    n_chunks: usize,
}

/// Windows of the temporal extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Windows {
    /// Samples.
    pub samples: u64,
    /// Whether they overlap by half.
    pub overlap: bool,
}

impl Layout {
    /// A stretch without windows, or with windows when it is long enough for one.
    pub(super) fn new(span: Span, windows: Option<Windows>) -> Self {
        let n = span.len();
        match windows.filter(|windows| windows.samples <= n) {
            None => {
                let n_chunks = (n / SPATIAL_CHUNK).max(1) as usize;
                Self { span, step: SPATIAL_CHUNK.min(n), window: None, overlap: false, n_chunks }
            }
            // A window of one sample has no half.
            Some(Windows { samples, overlap }) => {
                let overlap = overlap && samples > 1;
                let step = if overlap { samples / 2 } else { samples };
                let n_windows = ((n - samples) / step + 1) as usize;
                let n_chunks = n_windows + usize::from(overlap);
                Self { span, step, window: Some(samples), overlap, n_chunks }
            }
        }
    }
    /// Chunks.
    pub(super) fn n_chunks(&self) -> usize {
        self.n_chunks
    }
    /// Windows.
    pub(super) fn n_windows(&self) -> usize {
        if self.window.is_some() { self.n_chunks - usize::from(self.overlap) } else { 0 }
    }
    /// Whether there are windows.
    pub(super) fn is_temporal(&self) -> bool {
        self.window.is_some()
    }
    /// The samples of chunk `c`.
    pub(super) fn chunk(&self, c: usize) -> Span {
        let start = self.span.start + c as u64 * self.step;
        let stop = if c + 1 == self.n_chunks { self.span.stop } else { start + self.step };
        Span::new(start, stop)
    }
    /// The samples of window `w`.
    pub(super) fn window(&self, w: usize) -> Span {
        let start = self.span.start + w as u64 * self.step;
        let last = w + 1 == self.n_windows();
        Span::new(start, if last { self.span.stop } else { start + self.window.unwrap_or(self.step) })
    }
    /// The chunks of window `w`.
    pub(super) fn chunks_of(&self, w: usize) -> std::ops::Range<usize> {
        w..w + 1 + usize::from(self.overlap)
    }
    /// Samples after a chunk that its window needs to see.
    pub(super) fn lookahead(&self, c: usize) -> usize {
        match self.window {
            Some(window) if self.overlap && c > 0 && c + 1 < self.n_chunks => (window - 2 * self.step) as usize,
            _ => 0,
        }
    }
    /// The windows that reach into chunk `c`, and whether they rise or fall there; one alone does neither.
    pub(super) fn windows_of(&self, c: usize) -> Vec<(usize, Slope)> {
        let n = self.n_windows();
        if n == 0 {
            return Vec::new();
        }
        match (self.overlap, c) {
            (false, _) => vec![(c, Slope::Flat)],
            (true, 0) => vec![(0, Slope::Flat)],
            (true, c) if c >= n => vec![(n - 1, Slope::Flat)],
            (true, c) => vec![(c - 1, Slope::Falling), (c, Slope::Rising)],
        }
    }
    /// Weights of a rising window, then of a falling one, sample by sample of a chunk.
    pub(super) fn hann(&self) -> (Vec<f64>, Vec<f64>) {
        if !self.overlap {
            return (Vec::new(), Vec::new());
        }
        let mut rising = Window::Hann.samples(2 * self.step as usize, true);
        let falling = rising.split_off(self.step as usize);
        (rising, falling)
    }
    /// For the report.
    pub(super) fn report(&self) -> SegmentReport {
        let window = self.window.unwrap_or(self.span.len());
        let overlap = if self.overlap { window - self.step } else { 0 };
        let n_windows = self.n_windows().max(1);
        let tail = self.span.len() - (window + (n_windows as u64 - 1) * (window - overlap));
        SegmentReport { start: self.span.start, stop: self.span.stop, n_windows, window, overlap, tail }
    }
}

/// How a window weighs on a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slope {
    Rising,
    Falling,
    Flat,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(n: u64, samples: u64, overlap: bool) -> Layout {
        Layout::new(Span::new(7, 7 + n), Some(Windows { samples, overlap }))
    }

    #[test]
    fn chunks_and_windows_cover_the_stretch() {
        for (n, samples, overlap) in
            [(100, 20, true), (109, 20, true), (20, 20, true), (100, 21, true), (31, 21, true), (95, 20, false)]
        {
            let layout = cut(n, samples, overlap);
            let mut at = 7;
            for c in 0..layout.n_chunks() {
                assert_eq!(layout.chunk(c).start, at);
                at = layout.chunk(c).stop;
                for (w, _) in layout.windows_of(c) {
                    assert!(layout.chunks_of(w).contains(&c));
                    assert_eq!(layout.window(w).intersect(layout.chunk(c)), Some(layout.chunk(c)));
                }
            }
            assert_eq!(at, 7 + n);
            for w in 0..layout.n_windows() {
                let chunks = layout.chunks_of(w);
                assert_eq!(layout.chunk(chunks.start).start, layout.window(w).start);
                let end = layout.chunk(chunks.end - 1).stop + layout.lookahead(chunks.end - 1) as u64;
                assert_eq!(end, layout.window(w).stop, "{n} {samples} {overlap} {w}");
            }
            // As MNE counts: starts 0, step, … while a whole window fits.
            let report = layout.report();
            let step = report.window - report.overlap;
            assert_eq!(report.n_windows as u64, (n - samples) / step + 1);
            assert_eq!(report.tail, (n - samples) % step);
        }
        assert!(!cut(19, 20, true).is_temporal());
        let spatial = Layout::new(Span::new(0, 10_000), None);
        assert_eq!((spatial.n_chunks(), spatial.chunk(1)), (2, Span::new(4096, 10_000)));
    }

    #[test]
    fn weights_of_two_windows_sum_to_one() {
        let (rising, falling) = cut(100, 20, true).hann();
        assert_eq!((rising.len(), falling.len(), rising[0]), (10, 10, 0.0));
        assert!(rising.iter().zip(&falling).all(|(a, b)| (a + b - 1.0).abs() < 1e-15));
    }
}
