//! Numbers of a MATLAB file: how they are stored, and where.

use super::{Dataset, inflate};
use crate::{Error, Result};
use bakusoku_fiff::{FileSource, ReadAt};
use std::path::Path;

/// How a number is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::eeglab) enum Kind {
    I8,
    U8,
    I16,
    U16,
    I32,
    U32,
    I64,
    U64,
    F32,
    F64,
}

impl Kind {
    pub(in crate::eeglab) fn bytes(self) -> usize {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::I64 | Self::U64 | Self::F64 => 8,
        }
    }
    pub(in crate::eeglab) fn is_integer(self) -> bool {
        !matches!(self, Self::F32 | Self::F64)
    }
    /// All numbers of `bytes`.
    pub(in crate::eeglab) fn decode(self, bytes: &[u8], big_endian: bool) -> Vec<f64> {
        macro_rules! all {
            ($type:ty) => {{
                let (chunks, _) = bytes.as_chunks::<{ size_of::<$type>() }>();
                let one = if big_endian { <$type>::from_be_bytes } else { <$type>::from_le_bytes };
                chunks.iter().map(|&chunk| one(chunk) as f64).collect()
            }};
        }
        match self {
            Self::I8 => all!(i8),
            Self::U8 => all!(u8),
            Self::I16 => all!(i16),
            Self::U16 => all!(u16),
            Self::I32 => all!(i32),
            Self::U32 => all!(u32),
            Self::I64 => all!(i64),
            Self::U64 => all!(u64),
            Self::F32 => all!(f32),
            Self::F64 => all!(f64),
        }
    }
}

/// Numbers that are still in the file, column by column.
#[derive(Clone, Debug)]
pub(in crate::eeglab) struct Stored {
    /// Rows, columns, pages, …
    pub(in crate::eeglab) dims: Vec<u64>,
    pub(in crate::eeglab) kind: Kind,
    pub(in crate::eeglab) big_endian: bool,
    pub(in crate::eeglab) place: Place,
}

impl Stored {
    pub(in crate::eeglab) fn n_values(&self) -> u64 {
        self.dims.iter().product()
    }
    pub(in crate::eeglab) fn n_bytes(&self) -> u64 {
        self.n_values() * self.kind.bytes() as u64
    }
    /// Reads all of them; for few, as the caller has checked.
    pub(in crate::eeglab) fn read(&self, path: &Path) -> Result<Vec<f64>> {
        let open = || FileSource::open(path).map_err(Error::io(path, "opening"));
        let bytes = match &self.place {
            Place::File { at } => {
                // The parser has seen that the file has them.
                let mut bytes = vec![0; self.n_bytes() as usize];
                open()?.read_exact_at(&mut bytes, *at).map_err(Error::io(path, "reading"))?;
                bytes
            }
            Place::Inflated { element, at } => {
                let mut bytes = Vec::new();
                inflate(path, &open()?, element, *at, self.n_bytes(), |piece| {
                    bytes.extend_from_slice(piece);
                    Ok(())
                })?;
                bytes
            }
            Place::Hdf5(data) => data.rows(path, 0, u64::MAX)?,
        };
        Ok(self.kind.decode(&bytes, self.big_endian))
    }
}

/// Where numbers are.
#[derive(Clone, Debug)]
pub(in crate::eeglab) enum Place {
    /// In the file, from that byte on.
    File { at: u64 },
    /// In a compressed variable, which stands in the file in `element`, from byte `at` of what comes out.
    Inflated { element: std::ops::Range<u64>, at: u64 },
    /// In an HDF5 file.
    Hdf5(Dataset),
}
