//! The tag codec of FIFF files: tags, directory, trees of blocks, matrices; nothing about M/EEG.

mod tag;
mod tree;

pub use tag::RawTag;
pub use tree::Branch;
