//! Gives an operator blocks of the length that it wants: cut at the borders of its segments, and to its grain.

use crate::{Block, Cx, Emit, Grain, Operator, Result, Segment};
use ndarray::{Array2, s};

/// An operator, the segment in hand, and the samples that do not yet fill its grain (or what is left of the segment).
pub(super) struct Rechunker {
    operator: Box<dyn Operator>,
    segments: Vec<Segment>,
    at: usize,
    begun: bool,
    /// Channels by samples, the first `n_held` of which have come.
    held: Array2<f64>,
    n_held: usize,
    held_start: u64,
}

impl Rechunker {
    pub(super) fn new(operator: Box<dyn Operator>) -> Self {
        let segments = operator.segments().to_vec();
        Self { operator, segments, at: 0, begun: false, held: Array2::zeros((0, 0)), n_held: 0, held_start: 0 }
    }

    /// Takes the next block of the stream; blocks come without gaps, whatever their lengths.
    pub(super) fn push(&mut self, mut block: Block, out: &mut dyn Emit, cx: &Cx) -> Result<()> {
        let mut from = block.start;
        let stop = block.start + block.n_times() as u64;
        while from < stop {
            let segment = self.segments[self.at];
            let to = segment.span().stop.min(stop);
            let piece = if from == block.start && to == stop {
                std::mem::take(&mut block.data)
            } else {
                block.data.slice(s![.., (from - block.start) as usize..(to - block.start) as usize]).to_owned()
            };
            match segment {
                Segment::Copy(_) => out.emit(Block { start: from, data: piece }, cx)?,
                Segment::Process(span) => {
                    if !self.begun {
                        self.operator.begin(span)?;
                        self.begun = true;
                    }
                    self.feed(Block { start: from, data: piece }, out, cx)?;
                }
            }
            from = to;
            if to == segment.span().stop {
                self.close(out, cx)?;
            }
        }
        Ok(())
    }

    /// Samples of the segment in hand, passed on in pieces of the grain.
    fn feed(&mut self, block: Block, out: &mut dyn Emit, cx: &Cx) -> Result<()> {
        let Grain::Fixed(grain) = self.operator.grain() else {
            return self.operator.push(block, out, cx);
        };
        let (n_channels, n_times) = block.data.dim();
        let mut at = 0;
        while at < n_times {
            if self.n_held == 0 {
                self.held_start = block.start + at as u64;
                let left = self.segments[self.at].span().stop - self.held_start;
                self.held = Array2::zeros((n_channels, grain.min(left) as usize));
            }
            let n = (self.held.ncols() - self.n_held).min(n_times - at);
            let to = s![.., self.n_held..self.n_held + n];
            self.held.slice_mut(to).assign(&block.data.slice(s![.., at..at + n]));
            (self.n_held, at) = (self.n_held + n, at + n);
            if self.n_held == self.held.ncols() {
                self.n_held = 0;
                let data = std::mem::take(&mut self.held);
                self.operator.push(Block { start: self.held_start, data }, out, cx)?;
            }
        }
        Ok(())
    }

    /// The segment in hand is over.
    fn close(&mut self, out: &mut dyn Emit, cx: &Cx) -> Result<()> {
        if self.begun {
            self.operator.end(out, cx)?;
        }
        self.begun = false;
        self.at += 1;
        Ok(())
    }
}
