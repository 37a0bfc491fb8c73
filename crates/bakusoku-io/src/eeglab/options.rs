//! What a reader may be told.

use crate::ChannelRef;

/// The unit of channel positions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MontageUnits {
    /// Guessed from the mean distance from the origin.
    #[default]
    Auto,
    /// Metres.
    Metres,
    /// Decimetres.
    Decimetres,
    /// Centimetres.
    Centimetres,
    /// Millimetres.
    Millimetres,
}

impl MontageUnits {
    /// By MNE's name: `auto`, `m`, `dm`, `cm`, `mm`.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "auto" => Some(Self::Auto),
            "m" => Some(Self::Metres),
            "dm" => Some(Self::Decimetres),
            "cm" => Some(Self::Centimetres),
            "mm" => Some(Self::Millimetres),
            _ => None,
        }
    }
    /// How many metres it is, for positions of that mean distance from the origin.
    pub(super) fn scale(self, radius: f64) -> f64 {
        match self {
            Self::Metres => 1.0,
            Self::Decimetres => 0.1,
            Self::Centimetres => 0.01,
            Self::Millimetres => 0.001,
            // A head's radius is 5 to 11 cm.
            Self::Auto => [(0.25, Self::Metres), (2.5, Self::Decimetres), (25.0, Self::Centimetres)]
                .into_iter()
                .find(|(limit, _)| radius < *limit)
                .map_or(Self::Millimetres, |(_, unit)| unit)
                .scale(radius),
        }
    }
}

/// Channels that are electro-oculograms.
#[derive(Clone, Debug, PartialEq)]
pub enum EogChannels {
    /// These.
    These(Vec<ChannelRef>),
    /// Those with `EOG` or `EYE` in their names (any case).
    Auto,
}

/// What a reader of EEGLAB sets may be told; the defaults are MNE's.
#[derive(Clone, Debug, PartialEq)]
pub struct EeglabOptions {
    /// Channels that are electro-oculograms, whatever the set says.
    pub eog: EogChannels,
    /// The unit of channel positions.
    pub montage_units: MontageUnits,
}

impl Default for EeglabOptions {
    fn default() -> Self {
        Self { eog: EogChannels::These(Vec::new()), montage_units: MontageUnits::Auto }
    }
}
