//! The Brain Imaging Data Structure, as far as MEG and EEG studies need it: names, layout, sidecars, derivatives.
//!
//! | to … | use |
//! |---|---|
//! | read or build a file name | [`Entities`] |
//! | find recordings | [`Dataset`], or [`FilePattern`] where there is no BIDS layout |
//! | read what stands beside a recording | [`sidecar`] |
//! | find calibration and cross-talk | [`MaxfilterFiles`] |
//! | name results | [`Derivatives`] |
//! | write a layout | [`layout`] |
//!
//! Source: BIDS specification 1.10, and where that leaves room what mne-bids (BSD-3) does.

mod dataset;
mod derivatives;
mod emptyroom;
mod entities;
mod error;
pub mod layout;
mod maxfilter;
mod pattern;
pub mod sidecar;
mod tsv;

pub use dataset::{Dataset, LeftOut, Query, RecordingFile, Recordings};
pub use derivatives::Derivatives;
pub use emptyroom::{EmptyRoom, NOISE, day, find_empty_room};
pub use entities::{DataType, Entities};
pub use error::{Error, Result};
pub use maxfilter::MaxfilterFiles;
pub use pattern::FilePattern;
pub use tsv::Tsv;
