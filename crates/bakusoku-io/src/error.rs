//! What can go wrong with files.

use std::path::{Path, PathBuf};

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong with files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A FIFF file is damaged or no FIFF file.
    #[error(transparent)]
    Fiff(#[from] bakusoku_fiff::Error),
    /// The operating system refused.
    #[error("`{path}`: {what} failed", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        what: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file as such.
    #[error(transparent)]
    File(#[from] bakusoku_files::Error),
    /// A file without a byte.
    #[error("`{path}` is empty, expected a recording", path = path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A file of a kind that is not known.
    #[error("`{path}` is no recording of a known format: it {looks}, expected one of: {known}", path = path.display())]
    Unknown {
        /// The file.
        path: PathBuf,
        /// What it looks like.
        looks: String,
        /// Names of the formats that are known.
        known: String,
    },
    /// A file that is sound, but holds something else than was asked for.
    #[error("`{path}` holds {got}, expected {expected}", path = path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What was asked for.
        expected: String,
        /// What it holds.
        got: String,
    },
    /// A sound file of a known format that is no recording.
    #[error("`{path}` is {content}, not a recording", path = path.display())]
    NotARecording {
        /// The file.
        path: PathBuf,
        /// What it is: `a covariance`, `averages`, …
        content: String,
    },
    /// Samples that the chosen format can't hold.
    #[error("`{path}`: channel `{channel}` does not fit fmt = \"{fmt}\": {why}", path = path.display())]
    Samples {
        /// The file that was to be written.
        path: PathBuf,
        /// The channel.
        channel: String,
        /// The format.
        fmt: &'static str,
        /// What would be lost.
        why: String,
    },
    /// A line of a text file that is not what such a file has.
    #[error("`{path}` line {line} has {got}, expected {expected}", path = path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What would have been right.
        expected: String,
        /// What it has.
        got: String,
    },
    /// A place in a binary file that is not what such a file has.
    #[error("`{path}` byte {at} has {got}, expected {expected}", path = path.display())]
    Byte {
        /// The file.
        path: PathBuf,
        /// The byte, from 0.
        at: u64,
        /// What would have been right.
        expected: String,
        /// What it has.
        got: String,
    },
    /// A file that a header names is not there.
    #[error("`{path}` line {line} names `{named}`, which is not there; exactly one of {looked} would be taken instead", path = path.display())]
    PartMissing {
        /// The header.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The name that stands there.
        named: String,
        /// What was looked for instead.
        looked: String,
    },
    /// A field of a structured file that is not what such a file has.
    #[error("`{path}`: `{field}` is {got}, expected {expected}", path = path.display())]
    Field {
        /// The file.
        path: PathBuf,
        /// The field.
        field: String,
        /// What would have been right.
        expected: String,
        /// What it is.
        got: String,
    },
    /// Something in an HDF5 file can't be read.
    #[error("`{path}`: `{object}` can't be read as HDF5", path = path.display())]
    Hdf5 {
        /// The file.
        path: PathBuf,
        /// What.
        object: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The file with a recording's samples is not there.
    #[error(
        "`{path}` says that its samples are in `{named}`, which is not there; neither is `{looked}`",
        path = path.display(), named = named.display(), looked = looked.display()
    )]
    SamplesMissing {
        /// The file that was opened.
        path: PathBuf,
        /// The file that it names.
        named: PathBuf,
        /// What was looked for instead.
        looked: PathBuf,
    },
    /// A part of a split recording is not there.
    #[error("`{path}` says that the recording goes on in `{next}`, which is not there", path = path.display(), next = next.display())]
    SplitMissing {
        /// The part that was read.
        path: PathBuf,
        /// The part that is missing.
        next: PathBuf,
    },
    /// The parts of a split recording do not belong together.
    #[error("`{path}` is not a part of the recording that begins with `{first}`: its {what} differ", path = path.display(), first = first.display())]
    SplitMismatch {
        /// The part.
        path: PathBuf,
        /// The first part.
        first: PathBuf,
        /// What differs.
        what: &'static str,
    },
    /// Something that can't be written into such a file.
    #[error("`{path}`: {what} can't be written: {got}, expected {expected}", path = path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What.
        what: &'static str,
        /// What would have been right.
        expected: String,
        /// What was given.
        got: String,
    },
    /// A name by which no format is known that is written.
    #[error("`{path}` does not end as a format that is written: {known}", path = path.display())]
    UnknownOutput {
        /// The file.
        path: PathBuf,
        /// Ends of names.
        known: String,
    },
    /// The engine or the core refused.
    #[error(transparent)]
    Core(#[from] bakusoku_core::Error),
}

impl Error {
    /// What a person could do about it, if anything is known.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Fiff(error) => error.hint(),
            Self::File(error) => error.hint(),
            Self::Core(error) => error.hint(),
            Self::Empty { .. } => Some("the file may not have been copied completely; copy it again"),
            Self::Unknown { .. } => Some("the file may have been renamed, or damaged at its start"),
            Self::SplitMissing { .. } => {
                Some("put all parts of the recording into one folder, under the names that they had")
            }
            Self::SplitMismatch { .. } => Some("a part may have been replaced by that of another recording"),
            Self::Io { source, .. } => match source.kind() {
                std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                    Some("the disk is full: free some space, then run again")
                }
                std::io::ErrorKind::PermissionDenied => {
                    Some("this account may not use that file or folder: change its permissions")
                }
                _ => None,
            },
            Self::PartMissing { .. } => {
                Some("put the files of a recording into one folder; a renamed header needs its new names in it, too")
            }
            Self::SamplesMissing { .. } => {
                Some("put the files of a recording into one folder, under the names that they had")
            }
            Self::Field { .. } => {
                Some("the file may have been changed by hand; save it again from the program that made it")
            }
            Self::Hdf5 { .. } | Self::Byte { .. } => {
                Some("the file may be damaged, or may not have been copied completely; copy it again")
            }
            Self::Line { .. } => Some("the file may be of another kind, or was changed by hand"),
            Self::NotARecording { .. } => Some("name a file of continuous data, as x_raw.fif or sub-01_task-x_meg.fif"),
            Self::Samples { .. } => Some("write floating point: fmt = \"single\" or \"double\""),
            Self::UnknownOutput { .. } => Some("name the output like x_raw.fif or x.vhdr"),
            Self::Content { .. } | Self::Unwritable { .. } => None,
        }
    }
    /// What the operating system said, if that is the cause.
    pub fn os_error(&self) -> Option<&std::io::Error> {
        match self {
            Self::Io { source, .. }
            | Self::Fiff(bakusoku_fiff::Error::Io { source, .. })
            | Self::File(bakusoku_files::Error::Io { source, .. }) => Some(source),
            _ => None,
        }
    }
    pub(crate) fn io(path: &Path, what: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| match bakusoku_files::missing_target(&path) {
            Some(target) if source.kind() == std::io::ErrorKind::NotFound => {
                Self::File(bakusoku_files::Error::NotFetched { path, target })
            }
            _ => Self::Io { path, what, source },
        }
    }
}

/// For implementations of core's traits: everything that a reader says.
pub(crate) fn read_error(error: Error) -> bakusoku_core::Error {
    match error {
        Error::Core(error) => error,
        error => bakusoku_core::Error::read(error),
    }
}

/// For implementations of core's traits: everything that a writer says.
pub(crate) fn write_error(error: Error) -> bakusoku_core::Error {
    match error {
        Error::Core(error) => error,
        error => bakusoku_core::Error::write(error),
    }
}
