//! THE list of formats. A new format is a folder beside this file and one line here.

use crate::{Result, fif};
use bakusoku_core::Recording;
use std::path::Path;

/// A file format of recordings.
pub struct Format {
    /// Its name.
    pub name: &'static str,
    /// How names of its files end, in lower case.
    pub extensions: &'static [&'static str],
    /// Whether a file that starts with these bytes is one (at least 32 bytes where the file has them).
    pub probe: fn(&[u8]) -> bool,
    /// Opens one.
    pub open: fn(&Path) -> Result<Box<dyn Recording>>,
}

/// All formats that are read.
pub const FORMATS: &[Format] = &[Format {
    name: "FIFF",
    extensions: &[".fif", ".fif.gz"],
    probe: fif::probe,
    open: |path| Ok(Box::new(fif::FifRaw::open(path)?)),
}];
