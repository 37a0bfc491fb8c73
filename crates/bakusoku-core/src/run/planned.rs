//! A stand-in for a tap that can't be made yet.

use crate::{Block, Bytes, Cx, Result, RowSink, Scratch, Sink};

/// Stands for a tap that can't be made before an earlier pass is through, where [`Flow::need`](super::Flow::need) is asked.
/// It takes samples, and does nothing with them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Planned {
    /// What the tap will hold.
    pub held: Bytes,
    /// Whether it will take rows as well as columns.
    pub rows: bool,
}

impl Sink for Planned {
    fn push(&mut self, _block: &Block, _cx: &Cx) -> Result<()> {
        Ok(())
    }
    fn held_bytes(&self) -> u64 {
        self.held.0
    }
    fn rows(&self) -> Option<&dyn RowSink> {
        self.rows.then_some(self as &dyn RowSink)
    }
}

impl RowSink for Planned {
    fn push_row(&self, _ch: usize, _row: &[f64], _scratch: &mut Scratch) -> Result<()> {
        Ok(())
    }
    fn held_bytes(&self) -> u64 {
        self.held.0
    }
}
