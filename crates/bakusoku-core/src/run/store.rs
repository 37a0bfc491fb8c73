//! The matrix between two walks: a file of tiles.

use crate::{Picks, Recording, Result, Stream};
use bakusoku_pool::{SpillDir, SpillFile};
use ndarray::{Array2, ArrayView2, ArrayViewMut2};
use std::ops::Range;

/// Samples of a tile that is written by blocks. Rows are then read in accesses of 16 KiB; a tile of 366 channels weighs
/// 6 MB.
pub(super) const TILE: u64 = 2048;

/// A matrix `(n_channels, n_times)` of f64 in an unlinked file, cut into tiles of `tile` samples: within a tile each
/// channel's samples lie together. It is a [`Recording`], from which another pass can start.
///
/// Written by rows it has one tile, and columns are read with one access per channel; written by columns its tiles are
/// the blocks, and rows are read with one access per tile.
pub struct Store {
    file: SpillFile,
    stream: Stream,
    n_channels: usize,
    n_times: u64,
    tile: u64,
}

impl Store {
    /// Room for a stream's samples, for writing by rows.
    ///
    /// # Errors
    /// When the disk has not enough room.
    pub fn for_rows(stream: &Stream, spill: &SpillDir) -> Result<Self> {
        Self::new(stream, stream.n_times.max(1), spill)
    }
    /// Room for a stream's samples, for writing by blocks.
    ///
    /// # Errors
    /// When the disk has not enough room.
    pub fn for_columns(stream: &Stream, spill: &SpillDir) -> Result<Self> {
        Self::new(stream, TILE, spill)
    }

    fn new(stream: &Stream, tile: u64, spill: &SpillDir) -> Result<Self> {
        let (n_channels, n_times) = (stream.n_channels(), stream.n_times);
        let file = spill.file(n_channels as u64 * n_times * 8)?;
        Ok(Self { file, stream: stream.clone(), n_channels, n_times, tile })
    }

    /// Calls `f(byte offset, first, last)` for each run of samples `start..start + len` of a channel that lie together.
    fn runs(
        &self,
        ch: usize,
        start: u64,
        len: usize,
        mut f: impl FnMut(u64, usize, usize) -> Result<()>,
    ) -> Result<()> {
        let mut done = 0;
        while done < len {
            let at = start + done as u64;
            let tile_start = at / self.tile * self.tile;
            let tile_len = self.tile.min(self.n_times - tile_start);
            let n = ((tile_start + tile_len - at) as usize).min(len - done);
            let offset = (tile_start * self.n_channels as u64 + ch as u64 * tile_len + (at - tile_start)) * 8;
            f(offset, done, done + n)?;
            done += n;
        }
        Ok(())
    }

    /// Writes the samples of channel `ch` from `start` on.
    ///
    /// # Errors
    /// When the disk is full or fails.
    pub fn write_row(&self, ch: usize, start: u64, row: &[f64]) -> Result<()> {
        self.runs(ch, start, row.len(), |offset, a, b| Ok(self.file.write_f64_at(&row[a..b], offset)?))
    }
    /// Reads the samples of channel `ch` from `start` on.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn read_row(&self, ch: usize, start: u64, row: &mut [f64]) -> Result<()> {
        let len = row.len();
        self.runs(ch, start, len, |offset, a, b| Ok(self.file.read_f64_at(&mut row[a..b], offset)?))
    }
    /// Writes the tile that starts at `start`: its channels' samples, one channel after the other. A write of a few pages
    /// costs three times as much a byte.
    ///
    /// # Errors
    /// When the disk is full or fails.
    pub(super) fn write_tile(&self, start: u64, tile: &[f64]) -> Result<()> {
        Ok(self.file.write_f64_at(tile, start * self.n_channels as u64 * 8)?)
    }
}

/// Fills a store from blocks of any lengths.
pub(super) struct Tiles {
    store: Store,
    /// The tile in hand: its channels' samples, one channel after the other.
    tile: Vec<f64>,
    start: u64,
    filled: usize,
}

impl Tiles {
    /// For a stream's samples.
    ///
    /// # Errors
    /// When the disk has not enough room.
    pub(super) fn new(stream: &Stream, spill: &SpillDir) -> Result<Self> {
        let store = Store::for_columns(stream, spill)?;
        let tile = vec![0.0; store.n_channels * TILE.min(store.n_times) as usize];
        Ok(Self { store, tile, start: 0, filled: 0 })
    }
    /// Takes the next block.
    ///
    /// # Errors
    /// When the disk is full or fails.
    pub(super) fn push(&mut self, block: ArrayView2<'_, f64>) -> Result<()> {
        let mut at = 0;
        while at < block.ncols() {
            let len = TILE.min(self.store.n_times - self.start) as usize;
            let n = (len - self.filled).min(block.ncols() - at);
            for (to, row) in self.tile.chunks_exact_mut(len).zip(block.outer_iter()) {
                let to = &mut to[self.filled..self.filled + n];
                match row.as_slice() {
                    Some(row) => to.copy_from_slice(&row[at..at + n]),
                    None => to.iter_mut().zip(row.iter().skip(at)).for_each(|(to, x)| *to = *x),
                }
            }
            (self.filled, at) = (self.filled + n, at + n);
            if self.filled == len {
                self.store.write_tile(self.start, &self.tile[..self.store.n_channels * len])?;
                (self.start, self.filled) = (self.start + len as u64, 0);
            }
        }
        Ok(())
    }
    /// What was filled: all of it, when all blocks came.
    pub(super) fn into_store(self) -> Store {
        self.store
    }
}

impl Recording for Store {
    fn stream(&self) -> &Stream {
        &self.stream
    }
    fn read(&self, times: Range<u64>, picks: &Picks, mut out: ArrayViewMut2<'_, f64>) -> Result<()> {
        self.check(&times, picks, &out)?;
        for (ch, mut row) in picks.iter().zip(out.outer_iter_mut()) {
            match row.as_slice_mut() {
                Some(row) => self.read_row(ch, times.start, row)?,
                None => {
                    let mut samples = vec![0.0; row.len()];
                    self.read_row(ch, times.start, &mut samples)?;
                    row.iter_mut().zip(samples).for_each(|(to, x)| *to = x);
                }
            }
        }
        Ok(())
    }
}

/// Where the samples of a walk's root lie.
#[derive(Clone, Copy)]
pub(super) enum Held<'h> {
    Source(&'h dyn Recording),
    Store(&'h Store),
}

impl Held<'_> {
    /// Samples `start..stop` of all channels.
    pub(super) fn read_block(&self, start: u64, stop: u64) -> Result<Array2<f64>> {
        let recording: &dyn Recording = match self {
            Held::Source(source) => *source,
            Held::Store(store) => *store,
        };
        let n_channels = recording.stream().n_channels();
        let mut data = Array2::zeros((n_channels, (stop - start) as usize));
        recording.read(start..stop, &Picks::all(n_channels), data.view_mut())?;
        Ok(data)
    }
}
