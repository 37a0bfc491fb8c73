//! Chosen channels.

use crate::{ChannelType, Error, Info, Result};

/// Indices of channels, in the order in which they are wanted (MNE's `picks`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picks(Vec<usize>);

impl Picks {
    /// Every channel of `n_channels`.
    pub fn all(n_channels: usize) -> Self {
        Self((0..n_channels).collect())
    }
    /// These channels.
    ///
    /// # Errors
    /// When an index is not below `n_channels`.
    pub fn new(indices: Vec<usize>, n_channels: usize) -> Result<Self> {
        match indices.iter().find(|&&index| index >= n_channels) {
            Some(&index) => Err(Error::Pick { index, n_channels }),
            None => Ok(Self(indices)),
        }
    }
    /// Channels of the given types, bad ones included or not, in the file's order.
    pub fn types(info: &Info, types: &[ChannelType], exclude_bads: bool) -> Self {
        Self(
            info.chs
                .iter()
                .enumerate()
                .filter(|(_, ch)| types.contains(&ch.ch_type()) && !(exclude_bads && info.bads.contains(&ch.name)))
                .map(|(index, _)| index)
                .collect(),
        )
    }
    /// MNE's *data channels* (MEG, EEG, sEEG, ECoG, DBS, fNIRS), bad ones included or not.
    pub fn data(info: &Info, exclude_bads: bool) -> Self {
        let types: Vec<_> = ChannelType::ALL.into_iter().filter(|t| t.is_data()).collect();
        Self::types(info, &types, exclude_bads)
    }
    /// Channels by name, in the order of the names.
    ///
    /// # Errors
    /// When a name is not among the channels.
    pub fn names<S: AsRef<str>>(info: &Info, names: &[S]) -> Result<Self> {
        names
            .iter()
            .map(|name| {
                info.index_of(name.as_ref())
                    .ok_or_else(|| Error::NoChannel { name: name.as_ref().to_owned(), among: info.chs.len() })
            })
            .collect::<Result<Vec<_>>>()
            .map(Self)
    }
    /// The indices.
    pub fn as_slice(&self) -> &[usize] {
        &self.0
    }
    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }
    /// Whether none is chosen.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// The indices, one by one.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = usize> + '_ {
        self.0.iter().copied()
    }
    /// Whether `index` is chosen.
    pub fn contains(&self, index: usize) -> bool {
        self.0.contains(&index)
    }
}
