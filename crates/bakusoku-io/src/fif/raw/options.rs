//! How raw files are written.

use bakusoku_fiff::FileId;
use bakusoku_fiff::constants::*;

/// How samples are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RawFormat {
    /// 16-bit integers.
    Short,
    /// 32-bit integers.
    Int,
    /// 32-bit floating point.
    #[default]
    Single,
    /// 64-bit floating point.
    Double,
}

impl RawFormat {
    /// MNE's name (`fmt=`).
    pub fn name(self) -> &'static str {
        match self {
            Self::Short => "short",
            Self::Int => "int",
            Self::Single => "single",
            Self::Double => "double",
        }
    }
    /// By MNE's name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Short, Self::Int, Self::Single, Self::Double].into_iter().find(|format| format.name() == name)
    }
    /// Bytes of a sample.
    pub fn bytes(self) -> usize {
        match self {
            Self::Short => 2,
            Self::Int | Self::Single => 4,
            Self::Double => 8,
        }
    }
    /// FIFF's type of data.
    pub(crate) fn type_(self) -> u32 {
        match self {
            Self::Short => FIFFT_DAU_PACK16,
            Self::Int => FIFFT_INT,
            Self::Single => FIFFT_FLOAT,
            Self::Double => FIFFT_DOUBLE,
        }
    }
    /// From FIFF's type of data.
    pub(crate) fn from_type(type_: u32) -> Option<Self> {
        match type_ {
            FIFFT_DAU_PACK16 | FIFFT_SHORT => Some(Self::Short),
            FIFFT_INT => Some(Self::Int),
            FIFFT_FLOAT => Some(Self::Single),
            FIFFT_DOUBLE => Some(Self::Double),
            _ => None,
        }
    }
    /// The largest integer that is stored; `None` for floating point.
    pub(crate) fn largest(self) -> Option<f64> {
        match self {
            Self::Short => Some(f64::from(i16::MAX)),
            Self::Int => Some(f64::from(i32::MAX)),
            Self::Single | Self::Double => None,
        }
    }
    /// Whether samples are floating point; the channels' range is then set to one, as MNE does.
    pub(crate) fn is_float(self) -> bool {
        matches!(self, Self::Single | Self::Double)
    }
}

/// How the parts of a recording beyond 2 GB are named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SplitNaming {
    /// `x_raw.fif`, `x_raw-1.fif`, …
    #[default]
    Neuromag,
    /// `sub-01_split-01_meg.fif`, `sub-01_split-02_meg.fif`, …
    Bids,
}

/// How raw files are written; the defaults are MNE's.
#[derive(Clone, Copy, Debug)]
pub struct RawOptions {
    /// How samples are stored.
    pub fmt: RawFormat,
    /// Length of a buffer (s).
    pub buffer_size_sec: f64,
    /// Largest file (bytes), at most 2 GiB.
    pub split_size: u64,
    /// How parts are named.
    pub split_naming: SplitNaming,
    /// Identifier of the file; derived from what the file is made from, so that the same input gives the same bytes.
    pub id: FileId,
}

impl Default for RawOptions {
    fn default() -> Self {
        Self {
            fmt: RawFormat::Single,
            buffer_size_sec: 1.0,
            split_size: 1 << 31,
            split_naming: SplitNaming::Neuromag,
            id: FileId::CONSTANT,
        }
    }
}
