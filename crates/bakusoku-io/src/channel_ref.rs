//! Channels as a caller names them.

/// A channel by its name, or by its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChannelRef {
    /// Its name in the file.
    Name(String),
    /// Its place, from 0; below 0 from the end.
    Index(i64),
}

impl ChannelRef {
    /// Whether one of `refs` means the channel `name` at `index` of `n_channels`.
    pub(crate) fn any(refs: &[Self], name: &str, index: usize, n_channels: usize) -> bool {
        refs.iter().any(|which| match which {
            Self::Name(other) => other == name,
            Self::Index(at) => *at == index as i64 || *at == index as i64 - n_channels as i64,
        })
    }
    /// These names.
    pub fn names(names: &[&str]) -> Vec<Self> {
        names.iter().map(|name| Self::Name((*name).to_owned())).collect()
    }
}
