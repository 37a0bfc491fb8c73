//! Opening a FIFF file, compressed or not.

use crate::{Error, Result};
use bakusoku_core::SpillDir;
use bakusoku_fiff::constants::{FIFF_FILE_ID, FIFFT_ID_STRUCT};
use bakusoku_fiff::{Directory, Fiff, FileSource, MAX_FILE, ReadAt};
use bakusoku_pool::SpillFile;
use flate2::read::MultiGzDecoder;
use std::io::{self, Read};
use std::path::Path;

/// Decompressed files up to this size are held in memory, larger ones in a spill file.
const IN_MEMORY: u64 = 64 << 20;
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Whether a file that starts with these bytes is a FIFF file (or a compressed one).
pub fn probe(start: &[u8]) -> bool {
    let word = |bytes: &[u8], at: usize| bytes.get(at..at + 4).map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]));
    let plain = |bytes: &[u8]| word(bytes, 0) == Some(FIFF_FILE_ID as u32) && word(bytes, 4) == Some(FIFFT_ID_STRUCT);
    if start.starts_with(&GZIP) {
        let mut first = [0; 16];
        // The bytes may end inside the first compressed block: what comes out before that is enough.
        return MultiGzDecoder::new(start).read_exact(&mut first).is_ok() && plain(&first);
    }
    plain(start)
}

/// A file in a spill file.
pub(crate) struct Spilled(pub(crate) SpillFile);

impl ReadAt for Spilled {
    fn read_exact_at(&self, buf: &mut [u8], at: u64) -> io::Result<()> {
        self.0.read_at(buf, at).map_err(io::Error::other)
    }
    fn len(&self) -> u64 {
        self.0.len()
    }
}

/// Opens a FIFF file; a compressed one is decompressed into memory, or into a spill file when it is large.
///
/// # Errors
/// When it can't be read, is no FIFF file, or is damaged.
pub fn open_fiff(path: &Path) -> Result<Fiff> {
    let source = FileSource::open(path).map_err(Error::io(path, "opening"))?;
    let mut magic = [0; 2];
    let gzip = source.len() >= 2 && source.read_exact_at(&mut magic, 0).is_ok() && magic == GZIP;
    let fiff =
        if gzip { Fiff::from_source(path, decompress(path)?)? } else { Fiff::from_source(path, Box::new(source))? };
    if fiff.directory() == Directory::Repaired {
        tracing::warn!(
            "`{}`: the directory at its end is missing or broken; its tags were walked, and they are whole",
            path.display()
        );
    }
    Ok(fiff)
}

fn decompress(path: &Path) -> Result<Box<dyn ReadAt>> {
    let decoder = || -> Result<_> {
        let file = fs_err::File::open(path).map_err(Error::io(path, "opening"))?;
        Ok(MultiGzDecoder::new(io::BufReader::with_capacity(1 << 16, file)))
    };
    let mut bytes = Vec::new();
    decoder()?.take(IN_MEMORY + 1).read_to_end(&mut bytes).map_err(Error::io(path, "decompressing"))?;
    if bytes.len() as u64 <= IN_MEMORY {
        return Ok(Box::new(bytes));
    }
    drop(bytes);
    // How long it gets is known only at its end: once to count, once to keep.
    let len =
        io::copy(&mut decoder()?.take(MAX_FILE + 1), &mut io::sink()).map_err(Error::io(path, "decompressing"))?;
    if len > MAX_FILE {
        return Err(bakusoku_fiff::Error::Limit {
            path: path.to_owned(),
            what: "the decompressed file",
            at: 0,
            limit: MAX_FILE,
        }
        .into());
    }
    let pool = |error| Error::Core(bakusoku_core::Error::Pool(error));
    let spill = SpillDir::find(path.parent()).map_err(pool)?.file(len).map_err(pool)?;
    let (mut decoder, mut buf, mut at) = (decoder()?, vec![0; 1 << 18], 0);
    while at < len {
        let n = decoder.read(&mut buf).map_err(Error::io(path, "decompressing"))?;
        if n == 0 {
            break;
        }
        spill.write_at(&buf[..n], at).map_err(pool)?;
        at += n as u64;
    }
    Ok(Box::new(Spilled(spill)))
}
