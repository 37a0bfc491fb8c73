//! Samples that are needed a second time, once their number is known: folds, and sums that need the rank first.

use bakusoku_core::{Result, SpillDir};
use bakusoku_pool::SpillFile;
use ndarray::{Array2, ArrayView2};
use std::sync::Arc;

/// Pieces of a temporary file.
const PIECES: usize = 64;

/// Samples `(n_channels, n_times)`, in pieces: in memory, or in temporary files.
#[derive(Clone, Debug, Default)]
pub(super) struct KeptSamples {
    spill: Option<SpillDir>,
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug)]
enum Piece {
    Memory(Arc<Array2<f64>>),
    Disk { file: Arc<SpillFile>, at: u64, shape: (usize, usize) },
}

impl KeptSamples {
    /// In temporary files of `spill`, or in memory.
    pub(super) fn new(spill: Option<SpillDir>) -> Self {
        Self { spill, pieces: Vec::new() }
    }

    /// The next samples; no piece is larger than the first one.
    pub(super) fn push(&mut self, x: ArrayView2<'_, f64>) -> Result<()> {
        let Some(spill) = &self.spill else {
            self.pieces.push(Piece::Memory(Arc::new(x.to_owned())));
            return Ok(());
        };
        let bytes = |shape: (usize, usize)| 8 * (shape.0 * shape.1) as u64;
        let next = match self.pieces.last() {
            Some(Piece::Disk { file, at, shape }) if at + bytes(*shape) + bytes(x.dim()) <= file.len() => {
                (Arc::clone(file), at + bytes(*shape))
            }
            // Files double, so that few samples ask for little room.
            _ => {
                let n_pieces = self.pieces.len().clamp(1, PIECES) as u64;
                (Arc::new(spill.file(n_pieces * bytes(x.dim()))?), 0)
            }
        };
        let (file, at) = next;
        let shape = x.dim();
        file.write_f64_at(x.as_standard_layout().as_slice().expect("an array in C order"), at)?;
        self.pieces.push(Piece::Disk { file, at, shape });
        Ok(())
    }

    /// Calls `f` with piece after piece and the place of its first sample.
    pub(super) fn each(&self, mut f: impl FnMut(u64, ArrayView2<'_, f64>) -> Result<()>) -> Result<()> {
        let mut start = 0;
        for piece in &self.pieces {
            match piece {
                Piece::Memory(x) => {
                    f(start, x.view())?;
                    start += x.ncols() as u64;
                }
                Piece::Disk { file, at, shape } => {
                    let mut x = Array2::zeros(*shape);
                    file.read_f64_at(x.as_slice_mut().expect("a new array"), *at)?;
                    f(start, x.view())?;
                    start += shape.1 as u64;
                }
            }
        }
        Ok(())
    }
}
