//! Where bytes come from: always by position, so that several threads can read at once.

use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Bytes that can be read at any position, by several threads at once.
pub trait ReadAt: Send + Sync {
    /// Fills `buf` with the bytes from `at` on.
    ///
    /// # Errors
    /// When there are fewer, or the operating system refuses.
    fn read_exact_at(&self, buf: &mut [u8], at: u64) -> io::Result<()>;
    /// How many bytes there are.
    fn len(&self) -> u64;
    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl ReadAt for Vec<u8> {
    fn read_exact_at(&self, buf: &mut [u8], at: u64) -> io::Result<()> {
        let from = usize::try_from(at).ok().and_then(|at| self.get(at..)?.get(..buf.len()));
        buf.copy_from_slice(from.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
    fn len(&self) -> u64 {
        self.len() as u64
    }
}

/// A file on disk, read with `pread`; never mapped, so that a file cut by somebody else is an error, not a signal.
#[derive(Debug)]
pub struct FileSource {
    file: fs_err::File,
    len: u64,
}

impl FileSource {
    /// Opens the file.
    ///
    /// # Errors
    /// When it can't be opened.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = fs_err::File::open(path)?;
        let meta = file.metadata()?;
        if meta.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        Ok(Self { file, len: meta.len() })
    }
}

impl ReadAt for FileSource {
    fn read_exact_at(&self, buf: &mut [u8], at: u64) -> io::Result<()> {
        self.file.file().read_exact_at(buf, at)
    }
    fn len(&self) -> u64 {
        self.len
    }
}

/// A window on a source, for many small reads that follow each other.
pub(crate) struct Window<'a> {
    source: &'a dyn ReadAt,
    start: u64,
    buf: Vec<u8>,
}

impl<'a> Window<'a> {
    const SIZE: u64 = 1 << 15;

    pub(crate) fn new(source: &'a dyn ReadAt) -> Self {
        Self { source, start: 0, buf: Vec::new() }
    }
    /// `N` bytes at `at`; the caller has checked that they are there.
    pub(crate) fn get<const N: usize>(&mut self, at: u64) -> io::Result<[u8; N]> {
        let inside = at >= self.start && at + N as u64 <= self.start + self.buf.len() as u64;
        if !inside {
            let size = Self::SIZE.min(self.source.len().saturating_sub(at)).max(N as u64);
            self.buf.resize(size as usize, 0);
            self.start = at;
            if let Err(error) = self.source.read_exact_at(&mut self.buf, at) {
                self.buf.clear();
                return Err(error);
            }
        }
        let from = (at - self.start) as usize;
        let mut out = [0; N];
        out.copy_from_slice(&self.buf[from..from + N]);
        Ok(out)
    }
}
