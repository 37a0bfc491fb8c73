//! The tag codec of FIFF files: tags, directory, trees of blocks, matrices; nothing about M/EEG.
//!
//! A FIFF file is a sequence of tags (kind, type, size, data), some of which open and close blocks, all big-endian.
//! [`Fiff`] reads one by position and checks every size against the file; [`Writer`] writes one as a stream.
//! Source: the FIFF standard as MNE-Python reads and writes it (`mne/_fiff`, BSD-3-Clause).

pub mod constants;
mod directory;
mod encode;
mod error;
mod matrix;
mod reader;
mod source;
mod tag;
mod tree;
mod writer;

pub use directory::Directory;
pub use error::{Error, Result, Wrong};
pub use matrix::{Matrix, Sparse};
pub use reader::Fiff;
pub use source::{FileSource, ReadAt};
pub use tag::{Entry, FileId, HEADER, RawTag, latin1};
pub use tree::{Branch, Node};
pub use writer::{MAX_FILE, POINTER_POS, Writer};
