//! Temporary files for what does not fit into memory: unlinked from birth (a killed process leaves nothing),
//! checked for free space first, read and written by position from many threads at once.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Bytes, PoolError};

type Result<T> = std::result::Result<T, PoolError>;

/// A folder for spill files. Clones share the account of what was promised.
#[derive(Clone, Debug)]
pub struct SpillDir {
    dir: Arc<Path>,
    source: &'static str,
    promised: Arc<AtomicU64>,
}

impl SpillDir {
    /// The first that can be used of `$BAKUSOKU_TMPDIR`, `$SLURM_TMPDIR`, `$TMPDIR`, `beside` (the outputs' folder),
    /// `/var/tmp`, `/tmp`. Memory file systems are passed over, except where `$BAKUSOKU_TMPDIR` says so.
    pub fn find(beside: Option<&Path>) -> Result<SpillDir> {
        SpillDir::find_in(|name| std::env::var_os(name).map(PathBuf::from), beside)
    }

    /// This folder and no other, a memory file system too.
    pub fn at(dir: impl Into<PathBuf>) -> Result<SpillDir> {
        let dir = dir.into();
        match usable(&dir, true) {
            Ok(()) => Ok(SpillDir::new(dir, "argument")),
            Err(reason) => Err(PoolError::NoSpillDir { tried: vec![reason] }),
        }
    }

    fn new(dir: PathBuf, source: &'static str) -> SpillDir {
        SpillDir { dir: dir.into(), source, promised: Arc::default() }
    }

    fn find_in(env: impl Fn(&str) -> Option<PathBuf>, beside: Option<&Path>) -> Result<SpillDir> {
        let said = |name| env(name).filter(|p| !p.as_os_str().is_empty());
        if let Some(dir) = said("BAKUSOKU_TMPDIR") {
            // The user's word: no silent second choice.
            return match usable(&dir, true) {
                Ok(()) => Ok(SpillDir::new(dir, "BAKUSOKU_TMPDIR")),
                Err(reason) => Err(PoolError::NoSpillDir { tried: vec![format!("BAKUSOKU_TMPDIR {reason}")] }),
            };
        }
        let places = [
            ("SLURM_TMPDIR", said("SLURM_TMPDIR")),
            ("TMPDIR", said("TMPDIR")),
            ("beside the outputs", beside.map(Path::to_path_buf)),
            ("system default", Some("/var/tmp".into())),
            ("system default", Some("/tmp".into())),
        ];
        let mut tried = Vec::new();
        for (source, dir) in places {
            let Some(dir) = dir else { continue };
            match usable(&dir, false) {
                Ok(()) => return Ok(SpillDir::new(dir, source)),
                Err(reason) => {
                    tracing::debug!("{source}: {reason}");
                    tried.push(format!("{source} {reason}"));
                }
            }
        }
        Err(PoolError::NoSpillDir { tried })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.dir
    }

    /// Which rule named it, for people.
    pub fn source(&self) -> &'static str {
        self.source
    }

    /// Room left, after what was promised to the spill files that are open.
    pub fn free(&self) -> Result<Bytes> {
        let stat = rustix::fs::statvfs(&*self.dir).map_err(|e| self.error("create", e.into()))?;
        let free = stat.f_bavail.saturating_mul(stat.f_frsize);
        Ok(Bytes(free.saturating_sub(self.promised.load(Ordering::Acquire))))
    }

    /// An unlinked file of `len` bytes, all zero. An error at once when the disk has no room for it.
    pub fn file(&self, len: u64) -> Result<SpillFile> {
        let free = self.free()?;
        if free < Bytes(len) {
            return Err(PoolError::DiskFull { dir: self.dir.to_path_buf(), wanted: Bytes(len), free });
        }
        let file = unlinked(&self.dir).map_err(|e| self.error("create", e))?;
        file.set_len(len).map_err(|e| self.error("create", e))?;
        self.promised.fetch_add(len, Ordering::AcqRel);
        Ok(SpillFile { file, len, unwritten: AtomicU64::new(len), dir: self.clone() })
    }

    fn error(&self, what: &'static str, source: io::Error) -> PoolError {
        PoolError::Spill { what, dir: self.dir.to_path_buf(), source }
    }
}

/// Why `dir` cannot hold spill files.
fn usable(dir: &Path, memory_too: bool) -> std::result::Result<(), String> {
    let at = format!("`{}`", dir.display());
    if !dir.is_dir() {
        return Err(format!("{at} is no folder"));
    }
    if !memory_too && is_memory(dir) {
        return Err(format!("{at} is in memory"));
    }
    unlinked(dir).map(drop).map_err(|e| format!("{at} cannot be written: {e}"))
}

fn is_memory(dir: &Path) -> bool {
    // TMPFS_MAGIC, RAMFS_MAGIC: linux/magic.h and fs/ramfs.
    const MEMORY: [u64; 2] = [0x0102_1994, 0x8584_58f6];
    #[cfg(target_os = "linux")]
    return rustix::fs::statfs(dir).is_ok_and(|s| MEMORY.contains(&(s.f_type as u64 & 0xffff_ffff)));
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (dir, MEMORY);
        false
    }
}

/// A file in `dir` without a name: `O_TMPFILE` where the file system knows it, else made and removed at once.
fn unlinked(dir: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};
    let mode = Mode::RUSR | Mode::WUSR;
    #[cfg(target_os = "linux")]
    if let Ok(fd) = rustix::fs::open(dir, OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC, mode) {
        return Ok(fd.into());
    }
    static COUNT: AtomicU64 = AtomicU64::new(0);
    loop {
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = dir.join(format!(".bakusoku-spill-{}-{n}", std::process::id()));
        match rustix::fs::open(&path, OFlags::CREATE | OFlags::EXCL | OFlags::RDWR | OFlags::CLOEXEC, mode) {
            Ok(fd) => {
                rustix::fs::unlink(&path)?;
                return Ok(fd.into());
            }
            // Left by another host with the same process number, on a shared file system.
            Err(rustix::io::Errno::EXIST) => continue,
            Err(e) => return Err(e.into()),
        }
    }
}

/// A temporary file of fixed length, positioned and shared: every method takes `&self`.
#[derive(Debug)]
pub struct SpillFile {
    file: File,
    len: u64,
    /// The part of the promise that is not yet on the disk (written bytes show in the file system's own account).
    unwritten: AtomicU64,
    dir: SpillDir,
}

impl SpillFile {
    /// Length in bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether the length is zero.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Fills `buf` with the bytes from `at`.
    pub fn read_at(&self, buf: &mut [u8], at: u64) -> Result<()> {
        self.inside(at, buf.len())?;
        self.file.read_exact_at(buf, at).map_err(|e| self.dir.error("read", e))
    }

    /// Puts `buf` at byte `at`.
    pub fn write_at(&self, buf: &[u8], at: u64) -> Result<()> {
        self.inside(at, buf.len())?;
        self.file.write_all_at(buf, at).map_err(|e| self.dir.error("write", e))?;
        // Rewritten bytes count twice at most down to zero: the check stays on the cautious side of the file system's.
        let n = buf.len() as u64;
        let before =
            self.unwritten.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| Some(left.saturating_sub(n)));
        let before = before.unwrap_or_else(|same| same);
        self.dir.promised.fetch_sub(before.min(n), Ordering::AcqRel);
        Ok(())
    }

    /// Fills `values` from byte `at`.
    pub fn read_f64_at(&self, values: &mut [f64], at: u64) -> Result<()> {
        self.read_at(bytemuck::cast_slice_mut(values), at)
    }

    /// Puts `values` at byte `at`, in this machine's byte order.
    pub fn write_f64_at(&self, values: &[f64], at: u64) -> Result<()> {
        self.write_at(bytemuck::cast_slice(values), at)
    }

    fn inside(&self, at: u64, len: usize) -> Result<()> {
        let end = at.saturating_add(len as u64);
        if end > self.len { Err(PoolError::OutsideSpill { at, end, len: self.len }) } else { Ok(()) }
    }
}

impl Drop for SpillFile {
    fn drop(&mut self) {
        self.dir.promised.fetch_sub(*self.unwritten.get_mut(), Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_by_many_threads_and_no_name_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let dir = SpillDir::at(folder.path()).unwrap();
        let file = dir.file(8 * 1000).unwrap();
        crate::Par::new(4).for_each(4, |t| {
            let values: Vec<f64> = (0..250).map(|i| (t * 250 + i) as f64).collect();
            file.write_f64_at(&values, t as u64 * 2000).unwrap();
        });
        let mut values = vec![0.0; 1000];
        file.read_f64_at(&mut values, 0).unwrap();
        assert!(values.iter().enumerate().all(|(i, &v)| v == i as f64));
        assert_eq!(fs_err::read_dir(folder.path()).unwrap().count(), 0);
        assert_eq!(dir.promised.load(Ordering::Relaxed), 0);
        assert!(file.write_at(&[0; 9], 7992).unwrap_err().to_string().contains("outside"));
    }

    #[test]
    fn a_full_disk_is_said_before_a_byte_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let dir = SpillDir::at(folder.path()).unwrap();
        let half = dir.free().unwrap().0 / 2 + (1 << 20);
        let first = dir.file(half).unwrap();
        let error = dir.file(half).unwrap_err();
        assert!(matches!(error, PoolError::DiskFull { .. }), "{error}");
        assert!(error.hint().unwrap().contains("BAKUSOKU_TMPDIR"));
        drop(first);
        dir.file(half).unwrap();
    }

    #[test]
    fn the_folder_is_found_in_the_order_that_is_documented() {
        let (a, b) = (tempfile::tempdir_in("/var/tmp").unwrap(), tempfile::tempdir_in("/var/tmp").unwrap());
        let env = |name: &str| (name == "TMPDIR").then(|| PathBuf::from("/nowhere/at/all"));
        assert_eq!(SpillDir::find_in(env, Some(a.path())).unwrap().path(), a.path());
        let env = |name: &str| (name == "SLURM_TMPDIR").then(|| b.path().to_path_buf());
        assert_eq!(SpillDir::find_in(env, Some(a.path())).unwrap().path(), b.path());
        let env = |name: &str| (name == "BAKUSOKU_TMPDIR").then(|| PathBuf::from("/nowhere/at/all"));
        let error = SpillDir::find_in(env, Some(a.path())).unwrap_err().to_string();
        assert!(error.contains("/nowhere/at/all"), "{error}");
    }
}
