//! THE list of formats. A new format is a folder beside this file and one line in [`FORMATS`].

use crate::{Result, brainvision, ctf, edf, eeglab, fif};
use bakusoku_core::Recording;
use std::path::{Path, PathBuf};

/// A file format of recordings.
pub struct Format {
    /// Its name.
    pub name: &'static str,
    /// How names of its files end, in lower case.
    pub extensions: &'static [&'static str],
    /// Whether a file that starts with these bytes is one (at least 32 bytes where the file has them).
    pub probe: fn(&[u8]) -> bool,
    /// Opens one.
    pub open: fn(&Path) -> Result<Opened>,
}

/// An open recording.
pub struct Opened {
    /// The recording.
    pub recording: Box<dyn Recording>,
    /// The files that it is read from: the parts of a split recording, in order, and what stands beside them.
    pub paths: Vec<PathBuf>,
    /// The part before the first of these, where the file says that it continues another one.
    pub previous: Option<PathBuf>,
}

/// All formats that are read.
pub const FORMATS: &[Format] = &[
    Format { name: "FIFF", extensions: &[".fif", ".fif.gz"], probe: fif::probe, open: fif::open_recording },
    Format {
        name: "BrainVision",
        extensions: &[".vhdr", ".ahdr"],
        probe: brainvision::probe,
        open: brainvision::open_recording,
    },
    Format { name: "EDF", extensions: &[".edf"], probe: edf::probe_edf, open: edf::open_recording },
    Format { name: "BDF", extensions: &[".bdf"], probe: edf::probe_bdf, open: edf::open_recording },
    Format { name: "CTF", extensions: &[".ds"], probe: ctf::probe, open: ctf::open_recording },
    Format { name: "EEGLAB", extensions: &[".set"], probe: eeglab::probe, open: eeglab::open_recording },
];

/// The file in a folder by whose first bytes the folder is known as a recording.
pub(crate) fn header_in(folder: &Path) -> Option<PathBuf> {
    ctf::header_in(folder)
}

/// A format, other than FIFF, in which recordings are written.
pub struct Writer {
    /// How names of its files end, in lower case.
    pub extension: &'static str,
    /// The files that are made of a name.
    pub files: fn(&Path) -> Vec<PathBuf>,
    /// Writes a recording; the files that were made.
    pub write: fn(&Path, &dyn Recording) -> Result<Vec<PathBuf>>,
}

/// All formats, other than FIFF, that are written.
pub const WRITERS: &[Writer] = &[
    Writer { extension: ".vhdr", files: brainvision::files, write: brainvision::write },
    Writer { extension: ".edf", files: edf::files, write: edf::write_edf },
    Writer { extension: ".bdf", files: edf::files, write: edf::write_bdf },
];

/// How names of recordings that can be read end.
pub fn extensions() -> Vec<&'static str> {
    FORMATS.iter().flat_map(|format| format.extensions).copied().collect()
}

/// Files that are known by their first bytes and not read; a format that gets its line above loses its line here.
pub(crate) const FOREIGN: &[(&[u8], &str)] = &[
    (
        b"Brain Vision Data Exchange Marker File",
        "is the marker file of a BrainVision recording, whose header (.vhdr) is to be opened",
    ),
    (b"\x89HDF", "looks like HDF5"),
    (b"{", "looks like JSON"),
    (b"PK\x03\x04", "looks like a ZIP archive"),
    (b"\x1f\x8b", "is compressed, with something else inside"),
    (b"\x00\x00\x00\x64", "starts like FIFF, but its first tag, at byte 0, is damaged"),
];

/// How names of recordings end that are not read; see [`FOREIGN`].
const FOREIGN_EXTENSIONS: &[(&str, &str)] =
    &[(".cnt", "Neuroscan"), (".mff", "EGI"), (".ds", "CTF"), (".con", "KIT"), (".sqd", "KIT"), (".snirf", "SNIRF")];

/// The format of a recording that can't be read, by its name.
pub fn foreign_format(name: &str) -> Option<&'static str> {
    let name = name.to_lowercase();
    FOREIGN_EXTENSIONS.iter().find(|(extension, _)| name.ends_with(extension)).map(|(_, format)| *format)
}

/// The list and the two tests below are all that a new format has to pass besides its own.
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_are_lower_case_and_belong_to_one_format() {
        let mut all = extensions();
        assert!(all.iter().all(|extension| extension.starts_with('.') && *extension == extension.to_lowercase()));
        let n = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), n);
    }

    #[test]
    fn no_format_takes_what_is_listed_as_foreign_or_nothing() {
        for format in FORMATS {
            assert!(!(format.probe)(b""), "{}", format.name);
            for (bytes, looks) in FOREIGN {
                let start = [*bytes, &[0; 64]].concat();
                assert!(!(format.probe)(&start), "{}: {looks}", format.name);
            }
        }
    }
}
