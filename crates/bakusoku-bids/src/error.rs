//! What can be wrong with a dataset.

use std::path::PathBuf;

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can be wrong with a dataset; paths and lines are named.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder can't be read or written; the source names it.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// There is no such folder.
    #[error("`{path}` is not a folder, expected a dataset with folders `sub-*`")]
    NoDataset {
        /// The path given.
        path: PathBuf,
    },
    /// A table does not hold what it should.
    #[error("`{path}` line {line}: {message}")]
    Tsv {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What is wrong, and what was expected.
        message: String,
    },
    /// A JSON file does not hold what it should.
    #[error("`{path}` line {line}, column {column}: {message}")]
    Json {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// A name that BIDS does not allow.
    #[error("`{name}` is not a BIDS file name: {message}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong, and what was expected.
        message: String,
    },
    /// A pattern for file names that can't be used.
    #[error("`{pattern}` is not a pattern for recordings: {message}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// What is wrong, and what was expected.
        message: String,
    },
}

impl Error {
    /// What could be done, if anything is known.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoDataset { .. } => {
                Some("check `bids_root`; without BIDS use files = \"data/{subject}/{run}_raw.fif\"")
            }
            Self::Tsv { .. } => Some("columns are separated by tabs, and the first line names them"),
            Self::Io(source) if source.kind() == std::io::ErrorKind::PermissionDenied => {
                Some("check the permissions of the folder")
            }
            _ => None,
        }
    }
    pub(crate) fn json(path: &std::path::Path, error: &serde_json::Error) -> Self {
        Self::Json { path: path.to_owned(), line: error.line(), column: error.column(), message: error.to_string() }
    }
}
