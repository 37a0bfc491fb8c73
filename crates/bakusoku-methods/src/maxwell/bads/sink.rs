//! The search on a stream: intervals are looked at as soon as there are as many as threads.

use super::search::Search;
use super::{BadChannels, FindBadsParams};
use bakusoku_core::{Block, Cx, Result, Sink, Span, Stream};
use ndarray::{Array2, ArrayView2, s};

/// Finds bad channels of a stream that passes by, which should be low-passed; see
/// [`find_bad_channels_maxwell`](super::find_bad_channels_maxwell).
pub struct FindBads {
    search: Search,
    n_channels: usize,
    threads: usize,
    /// Intervals in hand, and how many samples of the last one are there.
    samples: Vec<(Span, Array2<f64>)>,
    filled: usize,
}

impl FindBads {
    /// For a stream, looked at by at most `threads` threads.
    ///
    /// # Errors
    /// When parameters make no sense, or do not fit the stream.
    pub fn new(stream: &Stream, params: &FindBadsParams, threads: usize) -> Result<Self> {
        let skip: Vec<&str> = params.maxwell.skip_by_annotation.iter().map(String::as_str).collect();
        let search = Search::new(&stream.info, stream.first_samp, &stream.segments(&skip), params)?;
        Ok(Self { search, n_channels: stream.n_channels(), threads: threads.max(1), samples: Vec::new(), filled: 0 })
    }

    /// What was found.
    pub fn finish(self) -> BadChannels {
        self.search.finish()
    }

    /// Whether the last interval in hand is whole.
    fn is_whole(&self) -> bool {
        self.samples.last().is_none_or(|(span, _)| self.filled as u64 == span.len())
    }

    fn see(&mut self, cx: &Cx) -> Result<()> {
        cx.cancel.check()?;
        let samples: Vec<ArrayView2<'_, f64>> = self.samples.iter().map(|(_, samples)| samples.view()).collect();
        self.search.see(&cx.par, &samples)?;
        self.samples.clear();
        Ok(())
    }
}

impl Sink for FindBads {
    fn push(&mut self, block: &Block, cx: &Cx) -> Result<()> {
        let stop = block.start + block.n_times() as u64;
        loop {
            if self.is_whole() {
                if self.samples.len() >= self.threads {
                    self.see(cx)?;
                }
                let Some(&next) = self.search.ahead().get(self.samples.len()) else { return Ok(()) };
                if next.start >= stop {
                    return Ok(());
                }
                self.samples.push((next, Array2::zeros((self.n_channels, next.len() as usize))));
                self.filled = 0;
            }
            let Some((span, samples)) = self.samples.last_mut() else { return Ok(()) };
            let from = span.start + self.filled as u64;
            let to = span.stop.min(stop);
            if from >= to {
                return Ok(());
            }
            let n = (to - from) as usize;
            let at = (from - block.start) as usize;
            samples.slice_mut(s![.., self.filled..self.filled + n]).assign(&block.data.slice(s![.., at..at + n]));
            self.filled += n;
        }
    }
    fn end(&mut self, cx: &Cx) -> Result<()> {
        if self.samples.is_empty() { Ok(()) } else { self.see(cx) }
    }
    fn held_bytes(&self) -> u64 {
        let longest = self.search.ahead().iter().map(Span::len).max().unwrap_or(0);
        self.search.held_bytes() + 8 * self.threads as u64 * longest * self.n_channels as u64
    }
}
