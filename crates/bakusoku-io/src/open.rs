//! Opening a recording of whatever format.

use crate::formats::{FOREIGN, FORMATS, Opened, header_in};
use crate::{Error, Result};
use bakusoku_core::Recording;
use std::io::Read;
use std::path::Path;

/// Opens a recording: a file, or a folder where the format is one. The format is told by the first bytes, not by the name.
///
/// # Errors
/// When the file can't be read, is of no known format, or is damaged.
pub fn open(path: impl AsRef<Path>) -> Result<Box<dyn Recording>> {
    Ok(open_recording(path)?.recording)
}

/// As [`open`], with what is known about the recording's files.
///
/// # Errors
/// See [`open`].
pub fn open_recording(path: impl AsRef<Path>) -> Result<Opened> {
    let path = path.as_ref();
    let start = first_bytes(path)?;
    match FORMATS.iter().find(|format| (format.probe)(&start)) {
        Some(format) => (format.open)(path),
        None => Err(unknown(path, &start)),
    }
}

/// Whether a file's name says that it is a recording of a known format.
pub fn is_recording_name(path: impl AsRef<Path>) -> bool {
    let name = path.as_ref().file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    FORMATS.iter().any(|format| format.extensions.iter().any(|extension| name.ends_with(extension)))
}

/// The first bytes of a file, or of the file that a folder is known by.
pub(crate) fn first_bytes(path: &Path) -> Result<Vec<u8>> {
    let header = path.is_dir().then(|| header_in(path));
    let path = match &header {
        Some(None) => {
            let looks = "is a folder that no format has".to_owned();
            return Err(Error::Unknown { path: path.to_owned(), looks, known: known() });
        }
        Some(Some(header)) => header,
        None => path,
    };
    let file = fs_err::File::open(path).map_err(Error::io(path, "opening"))?;
    let mut start = Vec::with_capacity(4096);
    file.take(4096).read_to_end(&mut start).map_err(Error::io(path, "reading"))?;
    if start.is_empty() {
        return Err(Error::Empty { path: path.to_owned() });
    }
    Ok(start)
}

fn known() -> String {
    FORMATS
        .iter()
        .map(|format| format!("{} ({})", format.name, format.extensions.join(", ")))
        .collect::<Vec<_>>()
        .join(", ")
}

fn unknown(path: &Path, start: &[u8]) -> Error {
    let looks = FOREIGN.iter().find(|(bytes, _)| start.starts_with(bytes)).map_or_else(
        || {
            let shown: String = start
                .iter()
                .take(16)
                .map(|&b| if b.is_ascii_graphic() || b == b' ' { char::from(b) } else { '.' })
                .collect();
            format!("starts with the bytes `{shown}` at byte 0")
        },
        |(_, looks)| (*looks).to_owned(),
    );
    Error::Unknown { path: path.to_owned(), looks, known: known() }
}
