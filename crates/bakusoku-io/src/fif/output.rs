//! A FIFF file that is being written: under a temporary name, compressed when its name ends in `.gz`.

use crate::{Error, Result};
use bakusoku_fiff::{FileId, POINTER_POS, Writer};
use bakusoku_files::{AtomicFile, commit};
use flate2::write::GzEncoder;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Where the bytes go.
pub(crate) enum Out {
    Plain(BufWriter<AtomicFile>),
    Gzip(GzEncoder<BufWriter<AtomicFile>>),
}

impl Write for Out {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(out) => out.write(buf),
            Self::Gzip(out) => out.write(buf),
        }
    }
    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(out) => out.flush(),
            Self::Gzip(out) => out.flush(),
        }
    }
}

/// A FIFF file that is being written.
pub(crate) struct Output {
    pub(crate) path: PathBuf,
    pub(crate) fif: Writer<Out>,
}

impl Output {
    /// Starts a file that shall be called `path`.
    pub(crate) fn create(path: &Path, id: FileId) -> Result<Self> {
        let file = BufWriter::with_capacity(1 << 16, AtomicFile::create(path)?);
        let gzip = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("gz"));
        // Level 2 as MNE: level 9 is barely smaller and much slower.
        let out = if gzip { Out::Gzip(GzEncoder::new(file, flate2::Compression::new(2))) } else { Out::Plain(file) };
        let fif = Writer::new(out, id).map_err(Error::io(path, "writing"))?;
        Ok(Self { path: path.to_owned(), fif })
    }
    /// Writes, and says which file it was when that fails.
    pub(crate) fn write(&mut self, f: impl FnOnce(&mut Writer<Out>) -> io::Result<()>) -> Result<()> {
        f(&mut self.fif).map_err(Error::io(&self.path, "writing"))
    }
    /// Ends the file, without giving it its name.
    pub(crate) fn close(self) -> Result<AtomicFile> {
        let path = self.path;
        let close = |fif: Writer<Out>| -> io::Result<AtomicFile> {
            let (out, pointer) = fif.finish()?;
            match out {
                Out::Plain(out) => {
                    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
                    file.file()?.write_all_at(&pointer.to_be_bytes(), POINTER_POS)?;
                    Ok(file)
                }
                // A compressed file can't be changed afterwards: it says that it has no directory.
                Out::Gzip(out) => out.finish()?.into_inner().map_err(io::IntoInnerError::into_error),
            }
        };
        close(self.fif).map_err(Error::io(&path, "writing"))
    }
    /// Ends the file and gives it its name.
    pub(crate) fn finish(self) -> Result<()> {
        commit(vec![self.close()?])?;
        Ok(())
    }
}

/// Numbers of the first and the last of `n` samples, as FIFF holds them.
pub(crate) fn first_and_last(path: &Path, first: i64, n: usize) -> Result<[i32; 2]> {
    let last = i64::try_from(n).ok().and_then(|n| first.checked_add(n - 1));
    let fits = |sample: i64| i32::try_from(sample).ok();
    fits(first).zip(last.and_then(fits)).map(|(first, last)| [first, last]).ok_or_else(|| Error::Unwritable {
        path: path.to_owned(),
        what: "the first sample",
        expected: "samples whose numbers fit 32 bits".to_owned(),
        got: format!("{n} samples from {first} on"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_beyond_32_bits_are_refused() {
        let of = |first, n| first_and_last(Path::new("x-ave.fif"), first, n).ok();
        assert_eq!(of(-5, 15), Some([-5, 9]));
        assert_eq!(of(i64::from(i32::MAX), 1), Some([i32::MAX, i32::MAX]));
        for (first, n) in [(i64::from(i32::MAX), 2), (i64::from(i32::MIN) - 1, 5), (i64::MAX, usize::MAX)] {
            assert_eq!(of(first, n), None);
        }
    }
}
