//! Files in, files out: recordings of every known format, and what is made of them.
//!
//! [`open`] reads a recording of whatever format ([`FORMATS`]); [`fif`] also writes raw, epochs, evoked, covariance,
//! events and projectors; [`maxfilter`] what the Maxwell filter needs beside a recording. Files are read by position and appear under their names whole or not at all.

mod atomic;
mod error;
pub mod fif;
mod formats;
pub mod maxfilter;
mod open;

pub use atomic::{AtomicFile, commit};
pub use error::{Error, Result};
pub use formats::{FORMATS, Format};
pub use open::{is_recording_name, open};
