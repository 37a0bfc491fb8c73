//! What can be wrong with a FIFF file.

use crate::constants::tag_name;
use std::path::{Path, PathBuf};

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can be wrong with a FIFF file. Every variant says which file, and where in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused.
    #[error("`{path}`: {what} at byte {at} failed", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        what: &'static str,
        /// Byte in the file.
        at: u64,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file without a byte.
    #[error("`{path}` is empty, expected a FIFF file", path = path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// Another kind of file.
    #[error("`{path}` is not a FIFF file: {got} at byte {at}, expected {expected}", path = path.display())]
    NotFiff {
        /// The file.
        path: PathBuf,
        /// Byte in the file.
        at: u64,
        /// What a FIFF file has there.
        expected: &'static str,
        /// What it has.
        got: String,
    },
    /// The file ends too early.
    #[error("`{path}`: {tag} at byte {at} needs {need} bytes, but the file ends at byte {len}", path = path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Name of the tag that is cut.
        tag: String,
        /// Byte at which the tag starts.
        at: u64,
        /// Bytes of the whole tag.
        need: u64,
        /// Length of the file.
        len: u64,
    },
    /// The file ends inside a block.
    #[error("`{path}`: {block} that starts at byte {at} has no end before the file's last tag", path = path.display())]
    Unclosed {
        /// The file.
        path: PathBuf,
        /// Name of the block.
        block: String,
        /// Byte at which the block starts.
        at: u64,
    },
    /// A tag holds something else than it must.
    #[error("`{path}`: tag {tag} at byte {at} has {got}, expected {expected}", path = path.display())]
    Tag {
        /// The file.
        path: PathBuf,
        /// Name of the tag.
        tag: String,
        /// Byte at which the tag starts.
        at: u64,
        /// What would have been right.
        expected: String,
        /// What is there.
        got: String,
    },
    /// Something is missing.
    #[error("`{path}`: {what} is missing in {block} at byte {at}", path = path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// Name of the tag or block that is missing.
        what: String,
        /// Name of the block in which it was sought.
        block: String,
        /// Byte at which that block starts.
        at: u64,
    },
    /// Something sound that is not read.
    #[error("`{path}` has {what} (at byte {at}), which are not supported", path = path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What it has.
        what: &'static str,
        /// Byte in the file.
        at: u64,
    },
    /// More than this reader is willing to hold.
    #[error("`{path}`: {what} at byte {at} exceeds the limit of {limit}", path = path.display())]
    Limit {
        /// The file.
        path: PathBuf,
        /// What exceeds.
        what: &'static str,
        /// Byte in the file.
        at: u64,
        /// The limit.
        limit: u64,
    },
}

impl Error {
    /// What a person could do about it, if anything is known.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Empty { .. } => Some("the file may not have been copied completely; copy it again"),
            Self::NotFiff { .. } => Some("the file may have been renamed, or damaged at its start"),
            Self::Truncated { .. } | Self::Unclosed { .. } => {
                Some("the file may have been cut while it was copied or recorded; copy it again from where it was made")
            }
            Self::Tag { .. } | Self::Missing { .. } | Self::Limit { .. } => {
                Some("the file may be damaged; copy it again from where it was made")
            }
            Self::Io { .. } | Self::Unsupported { .. } => None,
        }
    }
    /// The file.
    pub fn path(&self) -> &Path {
        match self {
            Self::Io { path, .. }
            | Self::Empty { path }
            | Self::NotFiff { path, .. }
            | Self::Truncated { path, .. }
            | Self::Unclosed { path, .. }
            | Self::Tag { path, .. }
            | Self::Missing { path, .. }
            | Self::Unsupported { path, .. }
            | Self::Limit { path, .. } => path,
        }
    }
    pub(crate) fn tag(path: &Path, kind: i32, at: u64, wrong: Wrong) -> Self {
        Self::Tag { path: path.to_owned(), tag: tag_name(kind), at, expected: wrong.expected, got: wrong.got }
    }
}

/// Data that are not what was expected of them; [`crate::Fiff::get`] adds which tag of which file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// What would have been right.
    pub expected: String,
    /// What is there.
    pub got: String,
}

impl Wrong {
    /// Joins the two.
    pub fn new(expected: impl Into<String>, got: impl Into<String>) -> Self {
        Self { expected: expected.into(), got: got.into() }
    }
}
