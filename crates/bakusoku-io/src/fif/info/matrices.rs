//! Projectors, compensation matrices, bad channels.

use super::read::Renames;
use crate::fif::output::Out;
use bakusoku_core::{Channel, Compensator, Projector};
use bakusoku_fiff::constants::*;
use bakusoku_fiff::{Fiff, Node, RawTag, Result, Writer, Wrong};
use std::collections::HashMap;
use std::io;

/// `FIFFB_PROJ_ITEM`s of the first `FIFFB_PROJ` below `parent`.
pub(crate) fn read_projs(fiff: &Fiff, parent: &Node, renames: &Renames) -> Result<Vec<Projector>> {
    let Some(block) = parent.find(FIFFB_PROJ) else { return Ok(Vec::new()) };
    block.find_all(FIFFB_PROJ_ITEM).into_iter().map(|item| read_proj(fiff, item, renames)).collect()
}

fn read_proj(fiff: &Fiff, item: &Node, renames: &Renames) -> Result<Projector> {
    let desc = match fiff.find(item, FIFF_DESCRIPTION, RawTag::text)? {
        Some(desc) => desc,
        None => fiff.need(item, FIFF_NAME, RawTag::text)?,
    };
    let kind = fiff.need(item, FIFF_PROJ_ITEM_KIND, RawTag::int)?;
    let n_vectors = fiff.need(item, FIFF_PROJ_ITEM_NVEC, RawTag::int)?;
    let mut names = fiff.need(item, FIFF_PROJ_ITEM_CH_NAME_LIST, RawTag::names)?;
    let vectors = item.entry(FIFF_PROJ_ITEM_VECTORS).ok_or_else(|| fiff.missing("FIFF_PROJ_ITEM_VECTORS", item))?;
    let mut data = fiff.get(vectors, |tag| tag.matrix()?.into_2d())?;
    if data.nrows() == names.len() && data.ncols() as i64 == i64::from(n_vectors) && data.ncols() != names.len() {
        data = data.reversed_axes().as_standard_layout().into_owned();
    }
    if data.ncols() != names.len() {
        let wrong = Wrong::new(format!("a matrix of {} columns", names.len()), format!("one of {}", data.ncols()));
        return Err(fiff.wrong(vectors, wrong));
    }
    renames.apply(&mut names);
    Ok(Projector {
        kind,
        active: fiff.find(item, FIFF_MNE_PROJ_ITEM_ACTIVE, RawTag::int)?.is_some_and(|active| active != 0),
        desc,
        names,
        data,
        explained_var: fiff.find(item, FIFF_MNE_ICA_PCA_EXPLAINED_VAR, RawTag::float)?,
    })
}

fn renamed<'a>(names: &'a [String], short: Option<&'a HashMap<String, String>>) -> Vec<&'a str> {
    names.iter().map(|name| short.and_then(|short| short.get(name)).unwrap_or(name).as_str()).collect()
}

/// Writes projectors as one `FIFFB_PROJ`.
pub(crate) fn write_projs(
    fif: &mut Writer<Out>,
    projs: &[Projector],
    short: Option<&HashMap<String, String>>,
) -> io::Result<()> {
    if projs.is_empty() {
        return Ok(());
    }
    fif.start_block(FIFFB_PROJ)?;
    for proj in projs {
        fif.start_block(FIFFB_PROJ_ITEM)?;
        fif.names(FIFF_PROJ_ITEM_CH_NAME_LIST, &renamed(&proj.names, short))?;
        fif.text(FIFF_NAME, &proj.desc)?;
        fif.ints(FIFF_NCHAN, &[proj.names.len() as i32])?;
        fif.ints(FIFF_PROJ_ITEM_KIND, &[proj.kind])?;
        if proj.kind == Projector::FIELD {
            fif.floats(FIFF_PROJ_ITEM_TIME, &[0.0])?;
        }
        fif.ints(FIFF_PROJ_ITEM_NVEC, &[proj.data.nrows() as i32])?;
        fif.ints(FIFF_MNE_PROJ_ITEM_ACTIVE, &[i32::from(proj.active)])?;
        fif.float_matrix(FIFF_PROJ_ITEM_VECTORS, proj.data.view())?;
        if let Some(explained) = proj.explained_var {
            fif.floats(FIFF_MNE_ICA_PCA_EXPLAINED_VAR, &[explained])?;
        }
        fif.end_block()?;
    }
    fif.end_block()
}

/// The last `FIFFB_MNE_BAD_CHANNELS` below `parent`.
pub(crate) fn read_bads(fiff: &Fiff, parent: &Node, renames: &Renames) -> Result<Vec<String>> {
    let mut bads = Vec::new();
    for node in parent.find_all(FIFFB_MNE_BAD_CHANNELS) {
        if let Some(names) = fiff.find(node, FIFF_MNE_CH_NAME_LIST, RawTag::names)? {
            bads = names;
        }
    }
    renames.apply(&mut bads);
    Ok(bads)
}

/// Writes bad channels, if there are any.
pub(crate) fn write_bads(
    fif: &mut Writer<Out>,
    bads: &[String],
    short: Option<&HashMap<String, String>>,
) -> io::Result<()> {
    if bads.is_empty() {
        return Ok(());
    }
    fif.start_block(FIFFB_MNE_BAD_CHANNELS)?;
    fif.names(FIFF_MNE_CH_NAME_LIST, &renamed(bads, short))?;
    fif.end_block()
}

/// Compensation matrices, as stored (not calibrated unless the file says so).
pub(crate) fn read_comps(fiff: &Fiff, parent: &Node, renames: &Renames) -> Result<Vec<Compensator>> {
    let mut out = Vec::new();
    for node in parent.find_all(FIFFB_MNE_CTF_COMP_DATA) {
        let named =
            node.find_all(FIFFB_MNE_NAMED_MATRIX).into_iter().find(|n| n.entry(FIFF_MNE_CTF_COMP_DATA).is_some());
        let named = named.ok_or_else(|| fiff.missing("FIFF_MNE_CTF_COMP_DATA", node))?;
        let entry = named.entry(FIFF_MNE_CTF_COMP_DATA).ok_or_else(|| fiff.missing("FIFF_MNE_CTF_COMP_DATA", named))?;
        let data = fiff.get(entry, |tag| tag.matrix()?.into_2d())?;
        let split = |tag: &RawTag| tag.text().map(|text| text.split(':').map(str::to_owned).collect::<Vec<_>>());
        let mut row_names = fiff.need(named, FIFF_MNE_ROW_NAMES, split)?;
        let mut col_names = fiff.need(named, FIFF_MNE_COL_NAMES, split)?;
        if data.dim() != (row_names.len(), col_names.len()) {
            let expected = format!("a matrix of {} × {} elements", row_names.len(), col_names.len());
            return Err(fiff.wrong(entry, Wrong::new(expected, format!("{} × {}", data.nrows(), data.ncols()))));
        }
        renames.apply(&mut row_names);
        renames.apply(&mut col_names);
        out.push(Compensator {
            kind: fiff.need(node, FIFF_MNE_CTF_COMP_KIND, RawTag::int)?,
            save_calibrated: fiff.find(node, FIFF_MNE_CTF_COMP_CALIBRATED, RawTag::int)?.is_some_and(|c| c != 0),
            row_names,
            col_names,
            data,
        });
    }
    Ok(out)
}

/// Writes compensation matrices. They are stored against the channels' `range × cal`: where the ranges are set to one,
/// the matrices change with them.
pub(crate) fn write_comps(
    fif: &mut Writer<Out>,
    comps: &[Compensator],
    chs: &[Channel],
    reset_range: bool,
    short: Option<&HashMap<String, String>>,
) -> io::Result<()> {
    if comps.is_empty() {
        return Ok(());
    }
    let range = |name: &String| chs.iter().find(|ch| &ch.name == name).map_or(1.0, |ch| ch.range);
    fif.start_block(FIFFB_MNE_CTF_COMP)?;
    for comp in comps {
        fif.start_block(FIFFB_MNE_CTF_COMP_DATA)?;
        fif.ints(FIFF_MNE_CTF_COMP_KIND, &[comp.kind])?;
        let mut data = comp.data.clone();
        if comp.save_calibrated {
            fif.ints(FIFF_MNE_CTF_COMP_CALIBRATED, &[1])?;
        } else if reset_range {
            for ((i, j), value) in data.indexed_iter_mut() {
                *value *= range(&comp.row_names[i]) / range(&comp.col_names[j]);
            }
        }
        fif.start_block(FIFFB_MNE_NAMED_MATRIX)?;
        fif.ints(FIFF_MNE_NROW, &[data.nrows() as i32])?;
        fif.ints(FIFF_MNE_NCOL, &[data.ncols() as i32])?;
        fif.text(FIFF_MNE_ROW_NAMES, &renamed(&comp.row_names, short).join(":"))?;
        fif.text(FIFF_MNE_COL_NAMES, &renamed(&comp.col_names, short).join(":"))?;
        fif.float_matrix(FIFF_MNE_CTF_COMP_DATA, data.view())?;
        fif.end_block()?;
        fif.end_block()?;
    }
    fif.end_block()
}
