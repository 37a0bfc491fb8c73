//! Files that appear under their name whole, or not at all.

use crate::{Error, Result};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// A file that is written under a temporary name beside its own (host and process number in it) and takes its own
/// name by [`commit`]. Dropped before that, it leaves nothing.
#[derive(Debug)]
pub struct AtomicFile {
    file: Option<fs_err::File>,
    temp: PathBuf,
    path: PathBuf,
}

fn host() -> String {
    let name = fs_err::read_to_string("/proc/sys/kernel/hostname").ok().or_else(|| std::env::var("HOSTNAME").ok());
    name.unwrap_or_default().chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(32).collect()
}

impl AtomicFile {
    /// Starts a file that shall be called `path`.
    ///
    /// # Errors
    /// When the folder can't be written.
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let path = path.as_ref().to_owned();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let temp = path.with_file_name(format!(".{name}.{}-{}-{n}.part", host(), std::process::id()));
        let file = fs_err::OpenOptions::new().read(true).write(true).create_new(true).open(&temp);
        let file = file.map_err(Error::io(&path, "creating a temporary file beside it"))?;
        Ok(Self { file: Some(file), temp, path })
    }
    /// The name that it shall have.
    pub fn path(&self) -> &Path {
        &self.path
    }
    /// Another name in the same folder, settled later.
    pub(crate) fn set_path(&mut self, path: PathBuf) {
        self.path = path;
    }
    /// The file.
    pub(crate) fn file(&self) -> io::Result<&std::fs::File> {
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
        let folder = file.path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        // Some file systems can't sync a folder; the files themselves are safe by now.
        if let Ok(folder) = fs_err::File::open(folder) {
            let _ = folder.sync_all();
        }
        paths.push(file.path.clone());
    }
    paths.reverse();
    Ok(paths)
}
