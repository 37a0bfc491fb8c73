//! The samples that are decomposed, in memory: good data channels of the study's types, EOG and ECG.

use crate::Result;
use crate::plan::Tap;
use bakusoku_core::{Block, ChannelType, Cx, Picks, RowSink, Scratch, Sink, Stream};
use ndarray::{Array2, s};
use std::sync::{Arc, Mutex, PoisonError};

/// Samples of some channels of a recording.
pub(super) struct Copied {
    /// What is known of these channels.
    pub(super) stream: Stream,
    /// `(n_channels, n_times)`, SI units.
    pub(super) data: Array2<f64>,
}

/// Takes them.
pub(super) struct Copy {
    stream: Stream,
    /// For each channel of the recording its row.
    rows: Vec<Option<usize>>,
    data: Mutex<Array2<f64>>,
}

/// The channels that are taken.
pub(super) fn picks(types: &[ChannelType], stream: &Stream) -> Picks {
    let all: Vec<ChannelType> = types.iter().copied().chain([ChannelType::Eog, ChannelType::Ecg]).collect();
    Picks::types(&stream.info, &all, true)
}

impl Copy {
    pub(super) fn new(types: &[ChannelType], stream: &Stream) -> Self {
        let picks = picks(types, stream);
        let mut rows = vec![None; stream.n_channels()];
        picks.iter().enumerate().for_each(|(row, ch)| rows[ch] = Some(row));
        let stream = Stream { info: Arc::new(stream.info.pick(&picks)), ..stream.clone() };
        // Nothing is held before samples come.
        Self { stream, rows, data: Mutex::new(Array2::zeros((0, 0))) }
    }

    fn with_data(&self, write: impl FnOnce(&mut Array2<f64>)) {
        let mut data = self.data.lock().unwrap_or_else(PoisonError::into_inner);
        if data.is_empty() {
            *data = Array2::zeros((self.stream.n_channels(), self.stream.n_times as usize));
        }
        write(&mut data);
    }
}

impl Sink for Copy {
    fn push(&mut self, block: &Block, _cx: &Cx) -> bakusoku_core::Result<()> {
        let (start, n) = (block.start as usize, block.n_times());
        self.with_data(|data| {
            for (row, samples) in self.rows.iter().zip(block.data.rows()) {
                if let Some(row) = row {
                    data.slice_mut(s![*row, start..start + n]).assign(&samples);
                }
            }
        });
        Ok(())
    }
    fn held_bytes(&self) -> u64 {
        8 * self.stream.n_channels() as u64 * self.stream.n_times
    }
    fn rows(&self) -> Option<&dyn RowSink> {
        Some(self)
    }
}

impl RowSink for Copy {
    fn wants(&self, ch: usize) -> bool {
        self.rows[ch].is_some()
    }
    fn push_row(&self, ch: usize, row: &[f64], _scratch: &mut Scratch) -> bakusoku_core::Result<()> {
        if let Some(to) = self.rows[ch] {
            self.with_data(|data| data.row_mut(to).iter_mut().zip(row).for_each(|(to, from)| *to = *from));
        }
        Ok(())
    }
    fn held_bytes(&self) -> u64 {
        Sink::held_bytes(self)
    }
}

impl Tap for Copy {
    type Out = Copied;
    fn finish(self) -> Result<Copied> {
        let mut data = self.data.into_inner().unwrap_or_else(PoisonError::into_inner);
        if data.is_empty() {
            data = Array2::zeros((self.stream.n_channels(), self.stream.n_times as usize));
        }
        Ok(Copied { stream: self.stream, data })
    }
}
