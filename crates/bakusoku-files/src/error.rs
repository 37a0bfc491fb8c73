//! What can go wrong with a file.

use std::path::{Path, PathBuf};

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong with a file; it is always named.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
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
    /// A link whose target is missing, as git-annex leaves them for files that were not fetched.
    #[error("`{path}` was not fetched: it is a link to `{target}`, which does not exist", path = path.display(), target = target.display())]
    NotFetched {
        /// The link.
        path: PathBuf,
        /// What it points to.
        target: PathBuf,
    },
    /// Text that is not UTF-8 where it must be.
    #[error("`{path}` is not UTF-8: byte 0x{value:02x} at byte {at} (line {line})", path = path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// Position of the first byte that is wrong.
        at: usize,
        /// Its line, from 1.
        line: usize,
        /// The byte.
        value: u8,
    },
}

impl Error {
    /// What could be done, if anything is known.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotFetched { .. } => Some("fetch the file first, with `datalad get` or `git annex get`"),
            Self::NotUtf8 { .. } => Some("save the file as UTF-8"),
            Self::Io { what, source, .. } => match source.kind() {
                std::io::ErrorKind::NotFound if what.starts_with("creating") => Some("make the folder first"),
                std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                    Some("the disk is full: free some space, then run again")
                }
                std::io::ErrorKind::PermissionDenied => {
                    Some("this account may not use that file or folder: change its permissions")
                }
                _ => None,
            },
        }
    }
    /// For `map_err`: the file, and what was tried. A broken link is told as such.
    pub(crate) fn io(path: &Path, what: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| match crate::missing_target(&path) {
            Some(target) if source.kind() == std::io::ErrorKind::NotFound => Self::NotFetched { path, target },
            _ => Self::Io { path, what, source },
        }
    }
}
