//! Tags: the unit of a FIFF file. Sixteen bytes of header (kind, type, size, next), then the data, all big-endian.

/// A tag with its data as in the file (big-endian).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawTag {
    /// What it says (`FIFF_*`).
    pub kind: i32,
    /// Type of the data (`FIFFT_*`).
    pub type_: u32,
    /// The data, big-endian.
    pub data: Vec<u8>,
}
