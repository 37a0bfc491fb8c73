//! What a reader may be told.

use crate::ChannelRef;

/// What a reader of BrainVision files may be told; the defaults are MNE's.
#[derive(Clone, Debug, PartialEq)]
pub struct BrainVisionOptions {
    /// Channels that are electro-oculograms.
    pub eog: Vec<ChannelRef>,
    /// Channels of type misc; `None`: those whose unit is none of electric potentials.
    pub misc: Option<Vec<ChannelRef>>,
    /// Factor by which all samples are multiplied.
    pub scale: f64,
    /// Whether annotations are named by the markers' descriptions alone, instead of `type/description`.
    pub ignore_marker_types: bool,
}

impl Default for BrainVisionOptions {
    fn default() -> Self {
        Self {
            eog: ChannelRef::names(&["HEOGL", "HEOGR", "VEOGb"]),
            misc: None,
            scale: 1.0,
            ignore_marker_types: false,
        }
    }
}
