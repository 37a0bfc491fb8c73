//! Variables of MATLAB files: MAT 5 by a parser of our own ([`mat5`]), 7.3 by the HDF5 library ([`mat73`]).
//!
//! Only what [`Wanted`] asks for is kept; arrays of numbers above [`SMALL`] bytes stay in the file until they are read.
//! What is kept at once is bounded by the length of the file ([`Budget`]).

mod budget;
mod mat5;
mod mat73;
mod numbers;
mod value;

pub(super) use mat5::inflate;
pub(super) use mat73::Dataset;
pub(super) use numbers::{Kind, Place, Stored};
pub(super) use value::{Records, Value};

use crate::{Error, Result};
use std::path::Path;

/// Arrays of numbers up to this size (bytes) are read with the header.
const SMALL: u64 = 1 << 12;
/// How deep values are nested in a sound file at most.
const DEEPEST: usize = 16;

/// What shall become of a variable or field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    /// Nothing.
    Nothing,
    /// It is read.
    Value,
    /// If it is an array of numbers, however small, only its place is noted.
    Place,
}

/// Says for a path of names (variable, field, field of field) what shall become of it.
pub(super) type Wanted = fn(&[String]) -> Want;

/// The variables of a file, in its order, those that are not wanted as well but empty; and the HDF5 file, where it is one.
pub(super) struct Variables {
    /// Name and value; `None` where it is not wanted.
    pub(super) all: Vec<(String, Option<Value>)>,
}

/// Whether a file that starts with these bytes is a MATLAB file of version 5 or later.
pub(super) fn probe(start: &[u8]) -> bool {
    start.starts_with(b"MATLAB 5.0") || start.starts_with(b"MATLAB 7.3")
}

/// Reads what is wanted.
///
/// # Errors
/// When the file can't be read or is damaged.
pub(super) fn read(path: &Path, wanted: Wanted) -> Result<Variables> {
    let mut start = [0; 128];
    let file = bakusoku_fiff::FileSource::open(path).map_err(Error::io(path, "opening"))?;
    let len = bakusoku_fiff::ReadAt::len(&file);
    if len < 128 {
        let got = format!("the end of the file, which has {len} bytes");
        return Err(Error::Byte {
            path: path.to_owned(),
            at: len,
            expected: "128 bytes of MATLAB's header".into(),
            got,
        });
    }
    bakusoku_fiff::ReadAt::read_exact_at(&file, &mut start, 0).map_err(Error::io(path, "reading"))?;
    if start.starts_with(b"MATLAB 7.3") { mat73::read(path, wanted) } else { mat5::read(path, file, &start, wanted) }
}
