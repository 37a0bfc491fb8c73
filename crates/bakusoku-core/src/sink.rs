//! Where streams end: averages, spectra, files.

use crate::{Block, Cx, Result, Scratch, Span};

/// Takes a stream's columns, block after block, in order.
///
/// A sink is owned by whoever wants its result, and lent to the runner.
pub trait Sink: Send {
    /// Whether it looks at samples of `span`; where columns have to be computed for it alone, it may be spared those that
    /// it does not look at.
    fn looks_at(&self, span: Span) -> bool {
        let _ = span;
        true
    }
    /// The next block.
    ///
    /// # Errors
    /// When it can't be used or stored.
    fn push(&mut self, block: &Block, cx: &Cx) -> Result<()>;
    /// The stream is over.
    ///
    /// # Errors
    /// When what was held back can't be used or stored.
    fn end(&mut self, cx: &Cx) -> Result<()> {
        let _ = cx;
        Ok(())
    }
    /// What it holds at most when columns come (bytes).
    fn held_bytes(&self) -> u64 {
        0
    }
    /// Itself as one that takes rows, with the same result: the runner then gives it what is walked anyway, and calls
    /// either [`push`](Self::push) and [`end`](Self::end), or [`RowSink::push_row`].
    fn rows(&self) -> Option<&dyn RowSink> {
        None
    }
}

/// Takes a stream's rows, in any order, several at once from several threads; each channel once.
pub trait RowSink: Send + Sync {
    /// Whether it wants channel `ch`.
    fn wants(&self, ch: usize) -> bool {
        let _ = ch;
        true
    }
    /// The row of channel `ch`.
    ///
    /// # Errors
    /// When it can't be used.
    fn push_row(&self, ch: usize, row: &[f64], scratch: &mut Scratch) -> Result<()>;
    /// What it holds at most when rows come (bytes).
    fn held_bytes(&self) -> u64 {
        0
    }
    /// Work space per thread (bytes).
    fn scratch_bytes(&self) -> u64 {
        0
    }
}
