//! Leads blocks through an operator: at the borders of its segments, in pieces of its grain.

use crate::{Block, Cx, Emit, Grain, Operator, Result, Segment};
use ndarray::{Array2, Axis, s};

/// An operator, the segment in hand, and the samples that do not yet fill its grain.
pub(super) struct Cutter {
    operator: Box<dyn Operator>,
    segments: Vec<Segment>,
    at: usize,
    begun: bool,
    held: Vec<Array2<f64>>,
    held_start: u64,
}

impl Cutter {
    pub(super) fn new(operator: Box<dyn Operator>) -> Self {
        let segments = operator.segments().to_vec();
        Self { operator, segments, at: 0, begun: false, held: Vec::new(), held_start: 0 }
    }

    /// Takes the next block of the stream; blocks come without gaps, whatever their lengths.
    pub(super) fn push(&mut self, block: Block, out: &mut dyn Emit, cx: &Cx) -> Result<()> {
        let mut from = block.start;
        let stop = block.start + block.n_times() as u64;
        while from < stop {
            let segment = self.segments[self.at];
            let to = segment.span().stop.min(stop);
            let piece = if from == block.start && to == stop {
                block.data.clone()
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
        if self.held.is_empty() {
            self.held_start = block.start;
        }
        self.held.push(block.data);
        let mut n_held: usize = self.held.iter().map(|data| data.ncols()).sum();
        while n_held as u64 >= grain {
            let whole = self.take();
            let (head, tail) = whole.view().split_at(Axis(1), grain as usize);
            let start = self.held_start;
            self.held_start += grain;
            n_held = tail.ncols();
            if n_held > 0 {
                self.held.push(tail.to_owned());
            }
            self.operator.push(Block { start, data: head.to_owned() }, out, cx)?;
        }
        Ok(())
    }

    /// What is held, joined.
    fn take(&mut self) -> Array2<f64> {
        let held = std::mem::take(&mut self.held);
        let views: Vec<_> = held.iter().map(|data| data.view()).collect();
        ndarray::concatenate(Axis(1), &views).expect("blocks of a stream have the same channels")
    }

    /// The segment in hand is over.
    fn close(&mut self, out: &mut dyn Emit, cx: &Cx) -> Result<()> {
        if self.begun {
            if !self.held.is_empty() {
                let (start, data) = (self.held_start, self.take());
                self.operator.push(Block { start, data }, out, cx)?;
            }
            self.operator.end(out, cx)?;
        }
        self.begun = false;
        self.at += 1;
        Ok(())
    }
}
