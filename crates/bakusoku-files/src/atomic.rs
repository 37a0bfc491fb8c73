//! Files that appear under their name whole, or not at all.

use crate::{Error, ProcessTag, Result};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Longest file name that file systems take (bytes).
const NAME_MAX: usize = 255;

/// A file that is written under a temporary name beside its own (with the process in it) and takes its own name by
/// [`commit`]. Dropped before that, it leaves nothing.
#[derive(Debug)]
pub struct AtomicFile {
    file: Option<fs_err::File>,
    temp: PathBuf,
    path: PathBuf,
}

impl AtomicFile {
    /// Starts a file that shall be called `path`.
    ///
    /// # Errors
    /// When the folder can't be written.
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let path = path.as_ref().to_owned();
        let end = format!(".{}-{}.part", ProcessTag::current(), COUNT.fetch_add(1, Ordering::Relaxed));
        let mut name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        while name.len() + end.len() + 1 > NAME_MAX {
            name.pop();
        }
        let temp = path.with_file_name(format!(".{name}{end}"));
        let file = fs_err::OpenOptions::new().read(true).write(true).create_new(true).open(&temp);
        let file = file.map_err(Error::io(&path, "creating a temporary file beside it"))?;
        Ok(Self { file: Some(file), temp, path })
    }
    /// The name that it shall have.
    pub fn path(&self) -> &Path {
        &self.path
    }
    /// Another name in the same folder, settled later.
    pub fn set_path(&mut self, path: PathBuf) {
        self.path = path;
    }
    /// The file.
    ///
    /// # Errors
    /// When it has its name already.
    pub fn file(&self) -> io::Result<&std::fs::File> {
        self.file.as_ref().map(fs_err::File::file).ok_or_else(|| io::Error::other("the file is closed"))
    }
}

impl io::Write for AtomicFile {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.file()?.write(buf)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.file()?.flush()
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            // Nothing more can be done if this fails; the name says whose it was.
            let _ = fs_err::remove_file(&self.temp);
        }
    }
}

/// Gives files their names: all are on the disk before the first one is renamed, the first one is renamed last, and the
/// folder is on the disk when this returns.
///
/// # Errors
/// When the disk is full or the operating system refuses.
pub fn commit(files: Vec<AtomicFile>) -> Result<Vec<PathBuf>> {
    for file in &files {
        file.file().and_then(|f| f.sync_all()).map_err(Error::io(&file.path, "writing to disk"))?;
    }
    let mut paths = Vec::with_capacity(files.len());
    for mut file in files.into_iter().rev() {
        fs_err::rename(&file.temp, &file.path).map_err(Error::io(&file.path, "renaming the temporary file"))?;
        file.file = None;
        // The files themselves are safe by now.
        let _ = sync_folder(file.path.parent().unwrap_or(Path::new("")));
        paths.push(file.path.clone());
    }
    paths.reverse();
    Ok(paths)
}

/// Waits until a folder's names are on the disk. Not every file system can do that; what it can't promise we can't either.
///
/// # Errors
/// When this account may not read the folder.
pub fn sync_folder(folder: &Path) -> Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    match fs_err::File::open(folder).and_then(|file| file.sync_all()) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Err(Error::io(folder, "syncing")(error)),
        _ => Ok(()),
    }
}

/// Writes a text whole or not at all, in a folder that is made where it is missing; leaves a file alone that holds it
/// already.
///
/// # Errors
/// When it can't be written.
pub fn write_text(path: &Path, text: &str) -> Result<()> {
    if fs_err::read(path).is_ok_and(|old| old == text.as_bytes()) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs_err::create_dir_all(folder).map_err(Error::io(folder, "making the folder"))?;
    }
    let mut file = AtomicFile::create(path)?;
    io::Write::write_all(&mut file, text.as_bytes()).map_err(Error::io(path, "writing"))?;
    commit(vec![file]).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn files_appear_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.txt");
        let mut file = AtomicFile::create(&path).unwrap();
        file.write_all(b"half").unwrap();
        drop(file);
        assert_eq!(fs_err::read_dir(dir.path()).unwrap().count(), 0);
        write_text(&path, "whole").unwrap();
        let before = fs_err::metadata(&path).unwrap().modified().unwrap();
        write_text(&path, "whole").unwrap();
        assert_eq!(fs_err::metadata(&path).unwrap().modified().unwrap(), before);
        assert_eq!(fs_err::read_to_string(&path).unwrap(), "whole");
        assert_eq!(fs_err::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn the_longest_names_have_temporary_ones() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("é".repeat(NAME_MAX / 2));
        write_text(&path, "x").unwrap();
        assert!(path.is_file());
    }
}
