//! Files in, files out: recordings of every known format, and what is made of them.
//!
//! [`open`] reads a recording of whatever format ([`FORMATS`]); [`fif`] also writes raw, epochs, evoked, covariance,
//! events and projectors; [`maxfilter`] what the Maxwell filter needs beside a recording, [`h5io`] spectra as MNE reads them. Files are read by position and appear under their names whole or not at all.

mod annotations;
mod blocks;
pub mod brainvision;
mod channel_ref;
mod convert;
pub mod ctf;
mod dates;
pub mod edf;
pub mod eeglab;
mod error;
pub mod fif;
mod formats;
mod frames;
pub mod h5io;
pub mod maxfilter;
mod names;
mod open;

pub use channel_ref::ChannelRef;
pub use convert::{convert, converted_files};
pub use error::{Error, Result};
pub use formats::{FORMATS, Format, Opened, WRITERS, Writer, extensions, foreign_format};
pub use open::{is_recording_name, open, open_recording};
