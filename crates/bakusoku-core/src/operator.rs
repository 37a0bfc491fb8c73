//! Column methods: all channels, some samples.

use crate::{Block, Cx, Result, Segment, Span};

/// How an operator wants its samples cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grain {
    /// Any lengths.
    Any,
    /// Exactly `n` samples in C order, counted from the start of each segment; the last block of a segment may be shorter.
    Fixed(u64),
}

/// Where an operator puts what it has finished.
pub trait Emit {
    /// Hands on a finished block; blocks of a stream follow one another without a gap.
    ///
    /// # Errors
    /// What those that take it report.
    fn emit(&mut self, block: Block, cx: &Cx) -> Result<()>;
}

/// Coefficients and carried samples of a column method.
pub trait Operator: Send {
    /// The segments of the stream that goes in; together they cover it.
    fn segments(&self) -> &[Segment];
    /// How samples are to be cut.
    fn grain(&self) -> Grain {
        Grain::Any
    }
    /// A segment to be processed starts.
    ///
    /// # Errors
    /// When it can't be processed.
    fn begin(&mut self, span: Span) -> Result<()> {
        let _ = span;
        Ok(())
    }
    /// Samples of the segment, in order.
    ///
    /// # Errors
    /// When they can't be processed.
    fn push(&mut self, block: Block, out: &mut dyn Emit, cx: &Cx) -> Result<()>;
    /// The segment is over: what was carried must come out.
    ///
    /// # Errors
    /// When that can't be processed.
    fn end(&mut self, out: &mut dyn Emit, cx: &Cx) -> Result<()> {
        let _ = (out, cx);
        Ok(())
    }
    /// What it holds at most at any time (bytes).
    fn held_bytes(&self) -> u64 {
        0
    }
}
