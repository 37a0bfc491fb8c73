//! Projector files (`*-proj.fif`).

use super::file::open_fiff;
use super::info::{Renames, read_projs, write_projs};
use super::output::Output;
use crate::Result;
use bakusoku_core::Projector;
use bakusoku_fiff::FileId;
use std::path::Path;

/// Reads the projectors of a file.
///
/// # Errors
/// When it can't be read.
pub fn read_projections(path: &Path) -> Result<Vec<Projector>> {
    let fiff = open_fiff(path)?;
    Ok(read_projs(&fiff, fiff.root(), &Renames::default())?)
}

/// Writes a projector file, `*-proj.fif` or `*_proj.fif`.
///
/// # Errors
/// When it can't be written.
pub fn write_projections(path: &Path, projs: &[Projector], id: FileId) -> Result<()> {
    let mut out = Output::create(path, id)?;
    out.write(|fif| write_projs(fif, projs, None))?;
    out.finish()
}
