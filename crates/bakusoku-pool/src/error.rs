//! What can go wrong outside the tasks: a budget that cannot be read, a place to spill that is missing or full.

use std::io;
use std::path::PathBuf;

use crate::Bytes;

/// Errors of the engine itself. What a *task* did wrong is a [`TaskError`](crate::TaskError).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PoolError {
    /// Text that is no amount of bytes.
    #[error("`{given}` is no amount of bytes, expected a number with a unit such as `8GB`, `500 MB` or `2GiB`")]
    NotBytes {
        /// The text.
        given: String,
    },
    /// A variable or argument that must be a number of cores.
    #[error("{name} is `{given}`, expected a number of cores from 1 upwards")]
    NotCores {
        /// Where it was said.
        name: String,
        /// What was said.
        given: String,
    },
    /// A variable that must be an amount of memory.
    #[error("{name} is `{given}`, expected an amount of memory such as `8GB`")]
    NotMemory {
        /// Where it was said.
        name: String,
        /// What was said.
        given: String,
    },
    /// No folder for spill files.
    #[error("no folder for temporary files: {}", .tried.join("; "))]
    NoSpillDir {
        /// Each place with the reason against it.
        tried: Vec<String>,
    },
    /// Not enough room for a spill file.
    #[error("`{}` has {free} free, expected at least {wanted} for temporary files", .dir.display())]
    DiskFull {
        /// The folder.
        dir: PathBuf,
        /// Room asked for.
        wanted: Bytes,
        /// Room left after what was promised to other spill files.
        free: Bytes,
    },
    /// A spill file cannot be made, read or written.
    #[error("cannot {what} a temporary file in `{}`", .dir.display())]
    Spill {
        /// `create`, `read` or `write`.
        what: &'static str,
        /// The folder.
        dir: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A read or write outside a spill file.
    #[error("bytes {at} to {end} are outside of the temporary file of {len} bytes")]
    OutsideSpill {
        /// First byte asked for.
        at: u64,
        /// End of the bytes asked for.
        end: u64,
        /// Length of the file.
        len: u64,
    },
    /// A file about this machine or process cannot be read.
    #[error("cannot read `{}`", .path.display())]
    System {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl PoolError {
    /// What the user can do about it, where there is something.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            PoolError::NoSpillDir { .. } | PoolError::DiskFull { .. } => {
                Some("name a folder on a disk with room by `BAKUSOKU_TMPDIR`")
            }
            _ => None,
        }
    }
}
