//! Converting recordings from any format to any that is written, by the output's name.

use crate::fif::{self, RawFormat};
use crate::formats::{WRITERS, Writer};
use crate::{Error, Result, open};
use std::path::{Path, PathBuf};

/// The format, other than FIFF, in which a file of that name is written.
fn writer(output: &Path) -> Option<&'static Writer> {
    let name = output.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    WRITERS.iter().find(|writer| name.ends_with(writer.extension))
}

/// The files that [`convert`] would make; FIFF's first one only.
///
/// # Errors
/// When no such format is written.
pub fn converted_files(output: &Path) -> Result<Vec<PathBuf>> {
    let name = output.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    match writer(output) {
        Some(writer) => Ok((writer.files)(output)),
        None if name.ends_with(".fif") || name.ends_with(".fif.gz") => Ok(vec![output.to_owned()]),
        None => Err(Error::UnknownOutput { path: output.to_owned(), known: extensions() }),
    }
}

fn extensions() -> String {
    [".fif", ".fif.gz"].into_iter().chain(WRITERS.iter().map(|writer| writer.extension)).collect::<Vec<_>>().join(", ")
}

/// Converts a recording to the format that the output's name says; `fmt` is for FIFF alone. See [`fif::convert`] for what
/// stays of FIFF in FIFF.
///
/// # Errors
/// When the input can't be read, or the output can't be written.
pub fn convert(input: &Path, output: &Path, fmt: Option<RawFormat>) -> Result<Vec<PathBuf>> {
    converted_files(output)?;
    match writer(output) {
        None => fif::convert(input, output, fmt),
        Some(writer) => {
            if let Some(fmt) = fmt {
                let (what, expected) = ("fmt", "an output in FIFF".to_owned());
                return Err(Error::Unwritable { path: output.to_owned(), what, expected, got: fmt.name().to_owned() });
            }
            (writer.write)(output, &*open(input)?)
        }
    }
}
