//! Files as such, whatever they hold.
//!
//! | to … | use |
//! |---|---|
//! | write a file whole or not at all | [`AtomicFile`], [`write_text`] |
//! | read text of unknown encoding | [`read_text`]; where it must be UTF-8, [`read_utf8`] |
//! | name a temporary file after its process, and know whether that process is gone | [`ProcessTag`] |
//! | explain a path that can't be opened | [`missing_target`] |

mod atomic;
mod error;
mod link;
mod process;
mod text;

pub use atomic::{AtomicFile, commit, sync_folder, write_text};
pub use error::{Error, Result};
pub use link::missing_target;
pub use process::{ProcessTag, State};
pub use text::{Encoding, Text, decode, read_text, read_utf8};
