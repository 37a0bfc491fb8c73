//! Raw recordings: `FIFFB_RAW_DATA`, `FIFFB_IAS_RAW_DATA`, `FIFFB_CONTINUOUS_DATA`.
//!
//! Samples stand in buffers, time by time `(n_times, n_channels)`, as stored numbers; times `range × cal` they are in
//! SI units.

mod decode;
mod encode;
mod layout;
mod options;
mod read;
mod split;
mod write;

pub use options::{RawFormat, RawOptions, SplitNaming};
pub use read::FifRaw;
pub(crate) use read::open_recording;
pub use write::RawWriter;

pub(crate) use layout::find_raw;
pub(crate) use split::part_name;
