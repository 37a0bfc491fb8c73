//! Samples by position, wherever they are.

use super::mat::{Dataset, Kind, Place, inflate};
use super::set::{Data, Set};
use crate::fif::Spilled;
use crate::frames::{self, Stored};
use crate::{Error, Result};
use bakusoku_core::SpillDir;
use bakusoku_fiff::{FileSource, ReadAt};
use ndarray::{ArrayViewMut2, s};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes read at a time: they stay in the second cache until they are decoded.
const CHUNK: usize = 1 << 18;
/// Inflated samples up to this size are held in memory, more of them in a spill file.
const IN_MEMORY: u64 = 64 << 20;

/// The samples of a set, `(n_times, n_channels)` or, in old files, the other way round.
#[derive(Debug)]
pub(super) struct Samples {
    /// The file that has them.
    pub(super) path: PathBuf,
    source: Source,
    kind: Kind,
    big_endian: bool,
    /// Whether each channel's samples stand together.
    by_channel: bool,
    n_channels: usize,
    n_times: u64,
}

enum Source {
    /// From byte `at` on.
    File { file: FileSource, at: u64 },
    /// In a compressed variable; what it holds is there after the first reading.
    Inflated { file: FileSource, element: Range<u64>, at: u64, inflated: Mutex<Option<Arc<dyn ReadAt>>> },
    /// Rows of an HDF5 data set, of so many samples each.
    Hdf5 { data: Dataset, per_row: u64 },
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::File { .. } => "File",
            Self::Inflated { .. } => "Inflated",
            Self::Hdf5 { .. } => "Hdf5",
        })
    }
}

impl Samples {
    pub(super) fn open(set: &Set) -> Result<Self> {
        let open = |path: &Path| FileSource::open(path).map_err(Error::io(path, "opening"));
        let (n_channels, n_times) = (set.n_channels as usize, set.n_times());
        let inside = match &set.data {
            Data::Beside(named) => return Self::beside(set, named),
            Data::Inside(stored) => stored,
        };
        let source = match &inside.place {
            Place::File { at } => Source::File { file: open(&set.path)?, at: *at },
            Place::Inflated { element, at } => Source::Inflated {
                file: open(&set.path)?,
                element: element.clone(),
                at: *at,
                inflated: Mutex::new(None),
            },
            // HDF5's rows are MATLAB's last dimension.
            Place::Hdf5(data) => {
                let n_rows = inside.dims.last().copied().unwrap_or(1).max(1);
                Source::Hdf5 { data: data.clone(), per_row: (n_times / n_rows).max(1) }
            }
        };
        let (kind, big_endian) = (inside.kind, inside.big_endian);
        Ok(Self { path: set.path.clone(), source, kind, big_endian, by_channel: false, n_channels, n_times })
    }

    /// Single precision in a file of its own: `.fdt`, or in old sets `.dat`, where channels follow each other.
    fn beside(set: &Set, named: &str) -> Result<Self> {
        let path = beside(&set.path, named)?;
        let file = FileSource::open(&path).map_err(Error::io(&path, "opening"))?;
        let (n_channels, n_times, len) = (set.n_channels as usize, set.n_times(), file.len());
        let expected = n_times * set.n_channels * 4;
        if len < expected || (len > expected && len % (4 * set.n_channels) != 0) {
            let trials = if set.n_trials > 1 { format!(" × {} trials", set.n_trials) } else { String::new() };
            let expected = format!(
                "{expected} bytes ({n_channels} channels × {} samples{trials} of 4 bytes, as `{}` says)",
                set.n_points,
                set.path.display()
            );
            return Err(Error::Byte { path, at: len, expected, got: format!("its end after {len} bytes") });
        }
        if len > expected {
            tracing::warn!(
                "`{}` has more samples than `{}` says; they are left out",
                path.display(),
                set.path.display()
            );
        }
        let by_channel = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("dat"));
        let source = Source::File { file, at: 0 };
        Ok(Self { path, source, kind: Kind::F32, big_endian: false, by_channel, n_channels, n_times })
    }

    /// Makes sure that all samples are there before much memory is taken for them.
    pub(super) fn check(&self) -> Result<()> {
        match &self.source {
            Source::Inflated { .. } => self.inflated().map(drop),
            Source::File { .. } | Source::Hdf5 { .. } => Ok(()),
        }
    }

    /// Reads samples times `scales` of the channels `picks`.
    pub(super) fn read(
        &self,
        times: Range<u64>,
        picks: &[usize],
        scales: &[f64],
        out: &mut ArrayViewMut2<'_, f64>,
    ) -> Result<()> {
        let size = self.kind.bytes();
        if self.by_channel {
            for (row, &pick) in picks.iter().enumerate() {
                let mut row = out.slice_mut(s![row..=row, ..]);
                let first = pick as u64 * self.n_times;
                self.pieces(first + times.start..first + times.end, size, |chunk, column| {
                    self.decode(chunk, 1, &[0], &scales[pick..=pick], &mut row, column);
                })?;
            }
            return Ok(());
        }
        self.pieces(times, self.n_channels * size, |chunk, column| {
            self.decode(chunk, self.n_channels, picks, scales, out, column);
        })
    }

    /// Hands frames of `frame` bytes to `take`, some at a time, with the number of those before them.
    fn pieces(&self, frames: Range<u64>, frame: usize, mut take: impl FnMut(&[u8], usize)) -> Result<()> {
        let io = || Error::io(&self.path, "reading");
        let step = (CHUNK / frame).max(1) as u64;
        let (mut at, mut chunk) = (frames.start, Vec::new());
        let whole = match &self.source {
            Source::Inflated { .. } if at < frames.end => Some(self.inflated()?),
            _ => None,
        };
        while at < frames.end {
            let n = step.min(frames.end - at);
            let column = (at - frames.start) as usize;
            match (&self.source, &whole) {
                (Source::Hdf5 { data, per_row }, _) => {
                    let rows = at / per_row..(at + n).div_ceil(*per_row);
                    let bytes = data.rows(&self.path, rows.start, rows.end - rows.start)?;
                    let from = (at - rows.start * per_row) as usize * frame;
                    let Some(piece) = bytes.get(from..from + n as usize * frame) else {
                        let expected = format!("{n} samples from sample {at} on");
                        let got = format!("{} bytes", bytes.len());
                        return Err(Error::Field { path: self.path.clone(), field: "EEG.data".into(), expected, got });
                    };
                    take(piece, column);
                }
                (source, whole) => {
                    chunk.resize(n as usize * frame, 0);
                    match (source, whole) {
                        (Source::File { file, at: first }, _) => {
                            file.read_exact_at(&mut chunk, first + at * frame as u64).map_err(io())?;
                        }
                        (_, Some(whole)) => whole.read_exact_at(&mut chunk, at * frame as u64).map_err(io())?,
                        _ => {}
                    }
                    take(&chunk, column);
                }
            }
            at += n;
        }
        Ok(())
    }

    /// What the compressed variable holds, inflated once.
    fn inflated(&self) -> Result<Arc<dyn ReadAt>> {
        let Source::Inflated { file, element, at, inflated } = &self.source else { return Ok(Arc::new(Vec::new())) };
        let mut held = inflated.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = &*held {
            return Ok(held.clone());
        }
        let len = self.n_times * (self.n_channels * self.kind.bytes()) as u64;
        let whole: Arc<dyn ReadAt> = if len <= IN_MEMORY {
            let mut bytes = Vec::new();
            inflate(&self.path, file, element, *at, len, |piece| {
                bytes.extend_from_slice(piece);
                Ok(())
            })?;
            Arc::new(bytes)
        } else {
            let pool = |error| Error::Core(bakusoku_core::Error::Pool(error));
            let spill = SpillDir::find(self.path.parent()).map_err(pool)?.file(len).map_err(pool)?;
            let mut written = 0;
            inflate(&self.path, file, element, *at, len, |piece| {
                spill.write_at(piece, written).map_err(pool)?;
                written += piece.len() as u64;
                Ok(())
            })?;
            Arc::new(Spilled(spill))
        };
        *held = Some(whole.clone());
        Ok(whole)
    }

    fn decode(
        &self,
        stored: &[u8],
        n_channels: usize,
        picks: &[usize],
        scales: &[f64],
        out: &mut ArrayViewMut2<'_, f64>,
        at: usize,
    ) {
        macro_rules! by_type {
            ($($kind:ident $bytes:literal $little:ident $big:ident),*) => {
                match (self.kind, self.big_endian) {
                    $(
                        (Kind::$kind, false) => {
                            frames::decode::<$bytes, $little>(stored, n_channels, picks, scales, out, at);
                        }
                        (Kind::$kind, true) => {
                            frames::decode::<$bytes, $big>(stored, n_channels, picks, scales, out, at);
                        }
                    )*
                }
            };
        }
        by_type!(
            I8 1 LittleI8 BigI8, U8 1 LittleU8 BigU8, I16 2 LittleI16 BigI16, U16 2 LittleU16 BigU16,
            I32 4 LittleI32 BigI32, U32 4 LittleU32 BigU32, I64 8 LittleI64 BigI64, U64 8 LittleU64 BigU64,
            F32 4 LittleF32 BigF32, F64 8 LittleF64 BigF64
        );
    }
}

macro_rules! stored {
    ($($type:ty: $little:ident $big:ident),*) => { $(
        struct $little;
        impl Stored<{ size_of::<$type>() }> for $little {
            fn decode(bytes: [u8; size_of::<$type>()]) -> f64 {
                <$type>::from_le_bytes(bytes) as f64
            }
        }
        struct $big;
        impl Stored<{ size_of::<$type>() }> for $big {
            fn decode(bytes: [u8; size_of::<$type>()]) -> f64 {
                <$type>::from_be_bytes(bytes) as f64
            }
        }
    )* };
}
stored!(
    i8: LittleI8 BigI8, u8: LittleU8 BigU8, i16: LittleI16 BigI16, u16: LittleU16 BigU16, i32: LittleI32 BigI32,
    u32: LittleU32 BigU32, i64: LittleI64 BigI64, u64: LittleU64 BigU64, f32: LittleF32 BigF32, f64: LittleF64 BigF64
);

/// The file of that name beside the set, or else one that was renamed with the set.
fn beside(set: &Path, named: &str) -> Result<PathBuf> {
    // Some sets name it with a folder of the computer on which they were made.
    let name = named.rsplit(['/', '\\']).next().unwrap_or(named);
    let path = set.with_file_name(name);
    if path != set && (path.exists() || bakusoku_files::missing_target(&path).is_some()) {
        return Ok(path);
    }
    let endings: &[&str] = if name.to_lowercase().ends_with(".dat") { &["dat", "fdt"] } else { &["fdt"] };
    let renamed: Vec<PathBuf> = endings.iter().map(|ending| set.with_extension(ending)).collect();
    if let Some(found) = renamed.iter().find(|path| path.exists()) {
        tracing::warn!(
            "`{}` says that its samples are in `{name}`, which is not there; `{}` is taken, as the set may have been renamed",
            set.display(),
            found.display()
        );
        return Ok(found.clone());
    }
    Err(Error::SamplesMissing {
        path: set.to_owned(),
        named: path,
        looked: renamed.into_iter().next().unwrap_or_default(),
    })
}
