//! Covariance files (`*-cov.fif`): the lower triangle, row by row, in double precision.

use super::file::open_fiff;
use super::info::{Renames, read_bads, read_projs, write_bads, write_projs};
use super::output::Output;
use crate::{Error, Result};
use bakusoku_core::containers::Covariance;
use bakusoku_fiff::constants::*;
use bakusoku_fiff::{FileId, RawTag, Wrong};
use ndarray::Array2;
use std::path::Path;

/// Most channels of a covariance: a diagonal asks for the square of its length.
const MAX_DIM: i32 = 1 << 12;

/// Reads the noise covariance of a file.
///
/// # Errors
/// When it can't be read or holds none.
pub fn read_covariance(path: &Path) -> Result<Covariance> {
    let fiff = open_fiff(path)?;
    for block in fiff.root().find_all(FIFFB_MNE_COV) {
        if fiff.find(block, FIFF_MNE_COV_KIND, RawTag::int)? != Some(FIFFV_MNE_NOISE_COV) {
            continue;
        }
        let dim = fiff.need(block, FIFF_MNE_COV_DIM, RawTag::int)?;
        let names = fiff.find(block, FIFF_MNE_ROW_NAMES, RawTag::names)?.unwrap_or_default();
        let entry = block.entry(FIFF_MNE_COV).or_else(|| block.entry(FIFF_MNE_COV_DIAG));
        let entry = entry.ok_or_else(|| fiff.missing("FIFF_MNE_COV", block))?;
        if !(1..=MAX_DIM).contains(&dim) || (!names.is_empty() && names.len() != dim as usize) {
            let wrong = Wrong::new(
                "a covariance with a name for each row",
                format!("dimension {dim} and {} names", names.len()),
            );
            return Err(fiff.wrong(entry, wrong).into());
        }
        let n = dim as usize;
        let diagonal = entry.kind == FIFF_MNE_COV_DIAG;
        let expected = if diagonal { n } else { n * (n + 1) / 2 };
        let data = if entry.type_ & FIFFT_MATRIX != 0 {
            fiff.get(entry, |tag| tag.matrix()?.into_2d())?
        } else {
            let values = fiff.get(entry, RawTag::floats)?;
            if values.len() != expected {
                return Err(fiff
                    .wrong(entry, Wrong::new(format!("{expected} numbers"), values.len().to_string()))
                    .into());
            }
            let mut values = values.into_iter();
            let mut data = Array2::zeros((n, n));
            for i in 0..n {
                for j in if diagonal { i..=i } else { 0..=i } {
                    let value = values.next().unwrap_or(0.0);
                    data[[i, j]] = value;
                    data[[j, i]] = value;
                }
            }
            data
        };
        if data.dim() != (n, n) {
            return Err(fiff
                .wrong(entry, Wrong::new(format!("{n} × {n} numbers"), format!("{:?}", data.dim())))
                .into());
        }
        return Ok(Covariance {
            names,
            bads: read_bads(&fiff, block, &Renames::default())?,
            projs: read_projs(&fiff, block, &Renames::default())?,
            nfree: fiff.find(block, FIFF_MNE_COV_NFREE, RawTag::int)?.map_or(-1, i64::from),
            method: fiff.find(block, FIFF_MNE_COV_METHOD, RawTag::text)?.unwrap_or_default(),
            data,
        });
    }
    Err(Error::Content { path: path.to_owned(), expected: "a noise covariance".into(), got: "none".into() })
}

/// Writes a covariance file, `*-cov.fif` or `*_cov.fif`.
///
/// # Errors
/// When it can't be written.
pub fn write_covariance(path: &Path, cov: &Covariance, id: FileId) -> Result<()> {
    let n = cov.names.len();
    if cov.data.dim() != (n, n) {
        let got = format!("{:?} numbers", cov.data.dim());
        return Err(Error::Unwritable {
            path: path.to_owned(),
            what: "the covariance",
            expected: format!("{n} × {n} numbers"),
            got,
        });
    }
    let triangle: Vec<f64> = (0..n).flat_map(|i| (0..=i).map(move |j| (i, j))).map(|at| cov.data[at]).collect();
    let mut out = Output::create(path, id)?;
    out.write(|fif| {
        fif.start_block(FIFFB_MNE_COV)?;
        fif.ints(FIFF_MNE_COV_KIND, &[FIFFV_MNE_NOISE_COV])?;
        fif.ints(FIFF_MNE_COV_DIM, &[n as i32])?;
        if cov.nfree > 0 {
            fif.ints(FIFF_MNE_COV_NFREE, &[i32::try_from(cov.nfree).unwrap_or(i32::MAX)])?;
        }
        fif.names(FIFF_MNE_ROW_NAMES, &cov.names)?;
        fif.doubles(FIFF_MNE_COV, &triangle)?;
        write_projs(fif, &cov.projs, None)?;
        write_bads(fif, &cov.bads, None)?;
        fif.text(FIFF_MNE_COV_METHOD, &cov.method)?;
        fif.end_block()
    })?;
    out.finish()
}
