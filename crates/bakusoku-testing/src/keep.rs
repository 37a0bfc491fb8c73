//! Sinks that keep what they get.

use bakusoku_core::{Block, Cx, Result, RowSink, Scratch, Sink};
use ndarray::Array2;
use std::sync::Mutex;

/// Keeps a stream's columns, and insists that they come in order and to an end.
#[derive(Default)]
pub struct Keep {
    blocks: Vec<Array2<f64>>,
    n_times: u64,
    ended: bool,
}

impl Keep {
    /// What came, `(n_channels, n_times)`.
    pub fn into_data(self) -> Array2<f64> {
        assert!(self.ended, "the stream did not end");
        let views: Vec<_> = self.blocks.iter().map(|block| block.view()).collect();
        ndarray::concatenate(ndarray::Axis(1), &views).unwrap()
    }
}

impl Sink for Keep {
    fn push(&mut self, block: &Block, _cx: &Cx) -> Result<()> {
        assert_eq!(block.start, self.n_times, "blocks of a stream follow one another");
        assert!(!self.ended, "a block came after the end");
        self.n_times += block.n_times() as u64;
        self.blocks.push(block.data.clone());
        Ok(())
    }
    fn end(&mut self, _cx: &Cx) -> Result<()> {
        assert!(!self.ended, "a stream ends once");
        self.ended = true;
        Ok(())
    }
}

/// Keeps a stream's rows.
#[derive(Default)]
pub struct KeepRows(Mutex<Vec<(usize, Vec<f64>)>>);

impl KeepRows {
    /// What came, by channel; panics when a channel came twice.
    pub fn into_rows(self) -> Vec<(usize, Vec<f64>)> {
        let mut rows = self.0.into_inner().unwrap();
        rows.sort_by_key(|row| row.0);
        assert!(rows.windows(2).all(|pair| pair[0].0 != pair[1].0), "each channel comes once");
        rows
    }
}

impl RowSink for KeepRows {
    fn push_row(&self, ch: usize, row: &[f64], _scratch: &mut Scratch) -> Result<()> {
        self.0.lock().unwrap().push((ch, row.to_vec()));
        Ok(())
    }
}
