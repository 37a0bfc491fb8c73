//! Epochs kept in memory.

use super::{DropLog, Epoch, EpochSink, EpochsHeader};
use bakusoku_core::containers::Epochs;
use bakusoku_core::{Error, Event, Par, Result};
use ndarray::Array3;

/// Keeps all good epochs of one recording.
#[derive(Debug, Default)]
pub struct KeepEpochs {
    header: Option<EpochsHeader>,
    kept: Vec<(Event, usize)>,
    order: Vec<usize>,
    data: Vec<f64>,
    drop_log: DropLog,
}

impl KeepEpochs {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What was kept, in the order of the events.
    ///
    /// # Errors
    /// When no stream has passed.
    pub fn into_epochs(self) -> Result<Epochs> {
        let header = self.header.ok_or_else(|| Error::data("no epochs came, expected the end of a stream"))?;
        let Self { mut kept, order, mut data, drop_log, .. } = self;
        if order.windows(2).any(|w| w[0] > w[1]) {
            let size = header.info.n_channels() * header.n_times;
            let mut turned: Vec<usize> = (0..order.len()).collect();
            turned.sort_by_key(|&index| order[index]);
            data = turned.iter().flat_map(|&index| data[index * size..(index + 1) * size].iter().copied()).collect();
            kept = turned.iter().map(|&index| kept[index]).collect();
        }
        Ok(assemble(&header, kept, data, drop_log))
    }
}

impl EpochSink for KeepEpochs {
    fn begin(&mut self, header: &EpochsHeader) -> Result<()> {
        if self.header.is_some() {
            return Err(Error::data("epochs of a second recording came, expected those of one"));
        }
        self.header = Some(header.clone());
        Ok(())
    }
    fn push(&mut self, epoch: &Epoch<'_>, _par: &Par) -> Result<()> {
        self.kept.push((epoch.event, epoch.selection));
        self.order.push(epoch.index);
        match epoch.data.as_slice() {
            Some(data) => self.data.extend_from_slice(data),
            None => self.data.extend(epoch.data.iter()),
        }
        Ok(())
    }
    fn end(&mut self, drop_log: &DropLog, _par: &Par) -> Result<()> {
        self.drop_log.clone_from(drop_log);
        Ok(())
    }
}

/// The container of epochs that were kept; `data` holds them one after the other, and may be longer.
pub(super) fn assemble(
    header: &EpochsHeader,
    kept: Vec<(Event, usize)>,
    mut data: Vec<f64>,
    drop_log: DropLog,
) -> Epochs {
    let shape = (kept.len(), header.info.n_channels(), header.n_times);
    data.truncate(shape.0 * shape.1 * shape.2);
    Epochs {
        info: header.info.clone(),
        events: kept.iter().map(|&(event, _)| event).collect(),
        event_id: header.event_id.clone(),
        selection: kept.iter().map(|&(_, selection)| selection).collect(),
        drop_log,
        first: header.first,
        tmin: header.first as f64 / header.info.sfreq,
        baseline: header.baseline,
        data: Array3::from_shape_vec(shape, data).expect("as many samples as the epochs have"),
    }
}
