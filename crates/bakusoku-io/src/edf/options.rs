//! What a reader may be told.

use crate::ChannelRef;

/// Which channels hold stimulus codes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum StimChannel {
    /// Those named `status` or `trigger`, in any case.
    #[default]
    Auto,
    /// None.
    None,
    /// These; names in any case.
    These(Vec<ChannelRef>),
}

/// Units of channels for which the file gives none: `V` with or without a prefix.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Units {
    /// As the file has them.
    #[default]
    OfFile,
    /// One for all channels.
    All(String),
    /// By channel.
    By(Vec<(String, String)>),
}

/// What a reader of EDF and BDF files may be told; the defaults are MNE's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EdfOptions {
    /// Channels that are electro-oculograms.
    pub eog: Vec<ChannelRef>,
    /// Channels of type misc.
    pub misc: Vec<ChannelRef>,
    /// Channels of stimulus codes.
    pub stim_channel: StimChannel,
    /// Channels to leave out.
    pub exclude: Vec<String>,
    /// The only channels to read; empty: all. Not together with `exclude`.
    pub include: Vec<String>,
    /// Whether types are told from labels: `EOG left` is the channel `left` of type EOG.
    pub infer_types: bool,
    /// Units of channels for which the file gives none.
    pub units: Units,
    /// Whether annotations are Latin-1; else they are UTF-8, or Latin-1 where they are not that.
    pub latin1: bool,
    /// Whether `exclude` and `include` mean names that were made unique before.
    pub exclude_after_unique: bool,
}
