//! The files of a `.ds` folder.

use crate::{Error, Result};
use std::path::{Path, PathBuf};

/// A folder, and how its files are named.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    pub(super) path: PathBuf,
    stem: String,
    /// Whether its files have another name than it.
    pub(super) was_renamed: bool,
}

/// The names of a folder's files, sorted.
fn names(path: &Path) -> Result<Vec<String>> {
    let entries = fs_err::read_dir(path).map_err(Error::io(path, "listing"))?;
    let mut names: Vec<String> =
        entries.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned())).collect();
    names.sort();
    Ok(names)
}

/// The header in a folder that may be a recording, if there is one.
pub(crate) fn header_in(path: &Path) -> Option<PathBuf> {
    Folder::open(path).ok().map(|folder| folder.file("res4"))
}

impl Folder {
    /// A folder, or the folder of one of its files.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let folder = match path.parent() {
            Some(parent) if path.is_file() => parent,
            _ => path,
        };
        let full;
        let name = match folder.file_name() {
            Some(name) => name,
            // `.` and the like.
            None => {
                full = fs_err::canonicalize(folder).map_err(Error::io(folder, "opening"))?;
                full.file_name().unwrap_or_default()
            }
        };
        let name = name.to_string_lossy();
        let stem = name.strip_suffix(".ds").unwrap_or(&name).to_owned();
        let out = Self { path: folder.to_owned(), stem, was_renamed: false };
        if out.file("res4").is_file() || bakusoku_files::missing_target(&out.file("res4")).is_some() {
            return Ok(out);
        }
        let headers: Vec<String> =
            names(folder)?.into_iter().filter(|name| name.ends_with(".res4") && !name.starts_with('.')).collect();
        let [header] = headers.as_slice() else {
            let content = match headers.len() {
                0 => "a folder without a header (`.res4`)".to_owned(),
                n => format!("a folder with {n} headers (`.res4`), none of them of its own name"),
            };
            return Err(Error::NotARecording { path: folder.to_owned(), content });
        };
        let stem = header.trim_end_matches(".res4").to_owned();
        Ok(Self { path: folder.to_owned(), stem, was_renamed: true })
    }
    /// The file with that ending.
    pub(super) fn file(&self, ending: &str) -> PathBuf {
        self.path.join(format!("{}.{ending}", self.stem))
    }
    /// The file with that ending, if it is there.
    pub(super) fn find(&self, ending: &str) -> Option<PathBuf> {
        Some(self.file(ending)).filter(|path| path.is_file())
    }
    /// The file of that name, if it is there.
    pub(super) fn named(&self, name: &str) -> Option<PathBuf> {
        Some(self.path.join(name)).filter(|path| path.is_file())
    }
    /// The files beside header and samples that say something about the recording.
    pub(super) fn others(&self) -> Result<Vec<PathBuf>> {
        let mut out: Vec<PathBuf> = ["hc", "eeg"].into_iter().filter_map(|ending| self.find(ending)).collect();
        out.extend(["MarkerFile.mrk", "bad.segments", "BadChannels"].into_iter().filter_map(|name| self.named(name)));
        out.extend(self.ending(".pos")?);
        Ok(out)
    }
    /// Files whose names end so, sorted.
    pub(super) fn ending(&self, ending: &str) -> Result<Vec<PathBuf>> {
        let names = names(&self.path)?.into_iter().filter(|name| name.ends_with(ending));
        Ok(names.map(|name| self.path.join(name)).collect())
    }
}
