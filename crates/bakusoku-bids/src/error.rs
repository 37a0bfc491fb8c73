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
    /// A file as such.
    #[error(transparent)]
    File(#[from] bakusoku_files::Error),
    /// There is no such folder.
    #[error("`{path}` is not a folder, expected a dataset with folders `sub-*`")]
    NoDataset {
        /// The path given.
        path: PathBuf,
    },
    /// Results were to go into a dataset of recordings.
    #[error("`{path}` describes a dataset of recordings, not of results", path = path.display())]
    NotResults {
        /// The description.
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
    /// Parts of a split recording whose first one is missing.
    #[error("`{path}` is a later part of a split recording whose first part `{first}` is missing", path = path.display(), first = first.display())]
    FirstPart {
        /// The first part that is there.
        path: PathBuf,
        /// The part that is missing.
        first: PathBuf,
    },
    /// An empty room that a sidecar names and that does not exist.
    #[error("`{sidecar}` names the empty room `{named}`, which does not exist", sidecar = sidecar.display())]
    EmptyRoom {
        /// The sidecar.
        sidecar: PathBuf,
        /// What it names.
        named: String,
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
            Self::File(error) => error.hint(),
            Self::NotResults { .. } => Some("choose another folder for the results, as derivatives/bakusoku"),
            Self::FirstPart { .. } => {
                Some("put all parts of the recording into one folder, under the names that they had")
            }
            Self::EmptyRoom { .. } => Some("correct `AssociatedEmptyRoom`, or copy the file to where it points"),
            Self::Tsv { .. } => Some("columns are separated by tabs, and the first line names them"),
            Self::Io(source) if source.kind() == std::io::ErrorKind::PermissionDenied => {
                Some("check the permissions of the folder")
            }
            _ => None,
        }
    }
}
