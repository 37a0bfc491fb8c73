//! Taking components out of a stream.

use super::apply::{Selection, cleaning_map};
use bakusoku_core::containers::Ica;
use bakusoku_core::{Bound, Error, LinearMap, Method, Result, Segment, Span, Stream};
use ndarray::Array2;
use std::sync::Arc;

/// Takes components out of the channels that were decomposed (`mne.preprocessing.ICA.apply`).
#[derive(Clone, Debug)]
pub struct ApplyIca {
    /// The decomposition.
    pub ica: Arc<Ica>,
    /// Which of its components go.
    pub selection: Selection,
}

impl ApplyIca {
    fn places(&self, input: &Stream) -> Result<Vec<usize>> {
        let info = &input.info;
        self.ica
            .info
            .ch_names()
            .map(|name| {
                info.index_of(name).ok_or_else(|| Error::NoChannel { name: name.to_owned(), among: info.n_channels() })
            })
            .collect()
    }
}

impl Method for ApplyIca {
    fn name(&self) -> &'static str {
        "apply_ica"
    }
    fn output(&self, input: &Stream) -> Result<Stream> {
        self.places(input)?;
        cleaning_map(&self.ica, &self.selection)?;
        Ok(input.clone())
    }
    fn bind(&self, input: &Stream) -> Result<Bound> {
        let places = self.places(input)?;
        let map = cleaning_map(&self.ica, &self.selection)?;
        // In the order of the stream.
        let mut order: Vec<usize> = (0..places.len()).collect();
        order.sort_unstable_by_key(|&index| places[index]);
        let n = order.len();
        Ok(Bound::Matrix(LinearMap {
            channels: order.iter().map(|&index| places[index]).collect(),
            matrix: Array2::from_shape_fn((n, n), |(i, j)| map.matrix[[order[i], order[j]]]),
            offset: Some(order.iter().map(|&index| map.offset[index]).collect()),
            segments: vec![Segment::Process(Span::new(0, input.n_times))],
            finite: false,
        }))
    }
}
