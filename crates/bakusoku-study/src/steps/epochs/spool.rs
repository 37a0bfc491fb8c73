//! Epochs on their way to a file: kept on disk, so that a subject holds none of them in memory until they are written.

use crate::plan::EpochTap;
use bakusoku_core::containers::Epochs;
use bakusoku_core::{Error, Event, Par, Result, SpillDir};
use bakusoku_methods::epochs::{DropLog, Epoch, EpochSink, EpochsHeader};
use bakusoku_pool::SpillFile;
use ndarray::Array3;

/// What is known of the good epochs of one recording but their samples.
#[derive(Default)]
pub(crate) struct EpochsIndex {
    header: Option<EpochsHeader>,
    kept: Vec<(Event, usize)>,
    drop_log: DropLog,
}

impl EpochsIndex {
    fn begin(&mut self, header: &EpochsHeader) {
        self.header = Some(header.clone());
    }

    fn header(&self) -> Result<&EpochsHeader> {
        self.header.as_ref().ok_or_else(|| Error::data("no epochs came, expected the end of a stream"))
    }

    /// The places of the epochs in the order of the events.
    fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.kept.len()).collect();
        order.sort_by_key(|&index| self.kept[index].1);
        order
    }

    /// Everything but the samples.
    ///
    /// # Errors
    /// When no stream has passed.
    pub(crate) fn without_data(&self) -> Result<Epochs> {
        let header = self.header()?;
        let order = self.order();
        Ok(Epochs {
            info: header.info.clone(),
            events: order.iter().map(|&index| self.kept[index].0).collect(),
            event_id: header.event_id.clone(),
            selection: order.iter().map(|&index| self.kept[index].1).collect(),
            drop_log: self.drop_log.clone(),
            first: header.first,
            tmin: header.first as f64 / header.info.sfreq,
            baseline: header.baseline,
            data: Array3::zeros((0, header.info.n_channels(), header.n_times)),
        })
    }
}

impl EpochSink for EpochsIndex {
    fn begin(&mut self, header: &EpochsHeader) -> Result<()> {
        self.begin(header);
        Ok(())
    }
    fn push(&mut self, epoch: &Epoch<'_>, _par: &Par) -> Result<()> {
        self.kept.push((epoch.event, epoch.selection));
        Ok(())
    }
    fn end(&mut self, drop_log: &DropLog, _par: &Par) -> Result<()> {
        self.drop_log.clone_from(drop_log);
        Ok(())
    }
}

impl EpochTap for EpochsIndex {
    type Out = Epochs;
    fn finish(self) -> crate::Result<Epochs> {
        Ok(self.without_data()?)
    }
}

/// The samples of the good epochs of one recording, on disk.
pub(crate) struct EpochsSpool {
    spill: SpillDir,
    file: Option<SpillFile>,
    index: EpochsIndex,
}

impl EpochsSpool {
    /// Nothing yet.
    pub(crate) fn new(spill: &SpillDir) -> Self {
        Self { spill: spill.clone(), file: None, index: EpochsIndex::default() }
    }
}

impl EpochSink for EpochsSpool {
    fn begin(&mut self, header: &EpochsHeader) -> Result<()> {
        let size = header.info.n_channels() as u64 * header.n_times as u64 * 8;
        self.file = Some(self.spill.file((header.n_events as u64 * size).max(8))?);
        self.index.begin(header);
        Ok(())
    }
    fn push(&mut self, epoch: &Epoch<'_>, par: &Par) -> Result<()> {
        let Some(file) = &self.file else { return Err(Error::data("an epoch came before its header")) };
        let at = self.index.kept.len() as u64 * epoch.data.len() as u64 * 8;
        match epoch.data.as_slice() {
            Some(data) => file.write_f64_at(data, at)?,
            None => file.write_f64_at(&epoch.data.iter().copied().collect::<Vec<_>>(), at)?,
        }
        self.index.push(epoch, par)
    }
}

impl EpochTap for EpochsSpool {
    type Out = Self;
    fn finish(self) -> crate::Result<Self> {
        Ok(self)
    }
}

/// Where the samples of several recordings' epochs lie, one recording after the other, each in the order of its events.
pub(crate) fn samples<'s>(runs: &'s [&'s EpochsSpool]) -> impl FnMut(usize, &mut [f64]) -> Result<()> + 's {
    let places: Vec<(&EpochsSpool, usize)> =
        runs.iter().flat_map(|run| run.index.order().into_iter().map(move |index| (*run, index))).collect();
    move |index, out| match places.get(index) {
        Some((EpochsSpool { file: Some(file), .. }, at)) => Ok(file.read_f64_at(out, (at * out.len()) as u64 * 8)?),
        _ => Err(Error::data(format!("epoch {index} was not kept, expected one of {}", places.len()))),
    }
}
