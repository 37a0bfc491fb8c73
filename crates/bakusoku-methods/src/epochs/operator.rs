//! Operators on epochs: what stands between cutting and rejection, or between rejection and the sinks.

use super::EpochsHeader;
use bakusoku_core::{Bound, Error, Event, LinearMap, Method, Par, Result, Stream};
use ndarray::{Array2, Axis};
use std::fmt;
use std::sync::Arc;

/// An epoch that an operator may change.
#[derive(Debug)]
pub struct EpochMut<'a> {
    /// Its event.
    pub event: Event,
    /// Which of the original events that is.
    pub selection: usize,
    /// Its place among the epochs planned: the order of the events.
    pub index: usize,
    /// `(n_channels, n_times)`, SI units. The last epoch of a recording may have fewer samples before decimation.
    pub data: &'a mut Array2<f64>,
    /// Reasons to drop the epoch, for the drop log.
    pub reasons: Vec<String>,
}

/// Changes epochs one by one: ICA, projectors, interpolation, a user's function.
pub trait EpochOperator: Send + Sync {
    /// Name, as in errors.
    fn name(&self) -> &'static str;
    /// What the epochs are afterwards. Called once, when the epochs are planned, before [`apply`](Self::apply): what that
    /// needs is computed here. No sample is known yet.
    ///
    /// # Errors
    /// When the parameters make no sense for these epochs.
    fn bind(&mut self, header: &EpochsHeader) -> Result<EpochsHeader>;
    /// Changes an epoch in place; the array may be replaced by one of the shape that [`bind`](Self::bind) promised.
    /// Several epochs are changed at the same time.
    ///
    /// # Errors
    /// When the epoch can't be used. An epoch that is to be dropped is no error: give a reason.
    fn apply(&self, epoch: &mut EpochMut<'_>, par: &Par) -> Result<()>;
    /// What it holds from [`bind`](Self::bind) on (bytes).
    fn held_bytes(&self) -> u64 {
        0
    }
}

/// Operators in their order.
#[derive(Clone, Default)]
pub(super) struct Operators(Vec<Arc<dyn EpochOperator>>);

impl Operators {
    /// Binds one operator after the other; returns what the epochs are after the last one.
    pub(super) fn bind(
        operators: Vec<Box<dyn EpochOperator>>,
        mut header: EpochsHeader,
    ) -> Result<(Self, EpochsHeader)> {
        let mut bound: Vec<Arc<dyn EpochOperator>> = Vec::with_capacity(operators.len());
        for mut operator in operators {
            header = operator.bind(&header)?;
            if header.info.n_channels() == 0 || header.n_times == 0 {
                return Err(Error::data(format!("{} leaves no channel or no sample of the epochs", operator.name())));
            }
            bound.push(Arc::from(operator));
        }
        Ok((Self(bound), header))
    }
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    pub(super) fn held_bytes(&self) -> u64 {
        self.0.iter().map(|operator| operator.held_bytes()).sum()
    }
    /// Applies one operator after the other, until one drops the epoch. Afterwards it has `n_channels` channels and the
    /// number of samples that it had, or `n_times`.
    pub(super) fn apply(
        &self,
        epoch: &mut EpochMut<'_>,
        n_channels: usize,
        n_times: Option<usize>,
        par: &Par,
    ) -> Result<()> {
        let expected = (n_channels, n_times.unwrap_or(epoch.data.ncols()));
        for operator in &self.0 {
            operator.apply(epoch, par)?;
            if !epoch.reasons.is_empty() {
                return Ok(());
            }
        }
        if epoch.data.dim() != expected {
            let names: Vec<&str> = self.0.iter().map(|operator| operator.name()).collect();
            return Err(Error::data(format!(
                "{} made an epoch of shape {:?}, expected {expected:?}",
                names.join(", "),
                epoch.data.dim()
            )));
        }
        Ok(())
    }
}

impl fmt::Debug for Operators {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|operator| operator.name())).finish()
    }
}

/// A [`Method`] that is a matrix over channels (reference, projectors, interpolation, ICA), as an operator on epochs.
pub struct MatrixOperator {
    method: Box<dyn Method>,
    map: Option<LinearMap>,
}

impl MatrixOperator {
    /// Of a method; one that is no matrix is refused when it is bound.
    pub fn new(method: Box<dyn Method>) -> Self {
        Self { method, map: None }
    }
}

impl EpochOperator for MatrixOperator {
    fn name(&self) -> &'static str {
        self.method.name()
    }
    fn bind(&mut self, header: &EpochsHeader) -> Result<EpochsHeader> {
        let stream = Stream {
            info: header.info.clone(),
            first_samp: 0,
            n_times: header.n_times as u64,
            gaps: Vec::new(),
            annotations: Default::default(),
        };
        let output = self.method.output(&stream)?;
        let Bound::Matrix(map) = self.method.bind(&stream)? else {
            return Err(Error::data(format!(
                "`{}` can't be applied to epochs, expected a method that is a matrix over channels",
                self.name()
            )));
        };
        self.map = Some(map);
        Ok(EpochsHeader { info: output.info, ..header.clone() })
    }
    fn apply(&self, epoch: &mut EpochMut<'_>, par: &Par) -> Result<()> {
        let Some(map) = self.map.as_ref().filter(|map| !map.channels.is_empty()) else { return Ok(()) };
        let input = epoch.data.select(Axis(0), &map.channels);
        let output = map.apply(par, input.view());
        for (row, &ch) in output.rows().into_iter().zip(&map.channels) {
            epoch.data.row_mut(ch).assign(&row);
        }
        Ok(())
    }
    fn held_bytes(&self) -> u64 {
        self.map.as_ref().map_or(0, |map| 8 * map.matrix.len() as u64)
    }
}
