//! Reading the measurement info.

use super::channels::read_extended;
use super::matrices::{read_bads, read_comps, read_projs};
use super::structs::{channel, dig_point, dig_string, transform};
use bakusoku_core::{CoordFrame, DigPoint, Info, SubjectInfo, Transform};
use bakusoku_fiff::constants::*;
use bakusoku_fiff::{Branch, Fiff, FileId, Node, RawTag, Result, Wrong};
use std::collections::{HashMap, HashSet};

/// Names that extended channel information changed, from short to long.
#[derive(Debug, Default)]
pub(crate) struct Renames(HashMap<String, String>);

impl Renames {
    pub(crate) fn apply(&self, names: &mut [String]) {
        for name in names.iter_mut() {
            if let Some(long) = self.0.get(name) {
                name.clone_from(long);
            }
        }
    }
}

/// MNE before 0.11 wrote `FIFF_MNE_CUSTOM_REF` under this number.
const OLD_CUSTOM_REF: i32 = 236;
/// Blocks below the measurement info that [`Info`] models; all others are kept verbatim.
const MODELLED: [i32; 7] = [
    FIFFB_SUBJECT,
    FIFFB_ISOTRAK,
    FIFFB_DACQ_PARS,
    FIFFB_PROJ,
    FIFFB_MNE_CTF_COMP,
    FIFFB_MNE_BAD_CHANNELS,
    FIFFB_CH_INFO,
];
/// Blocks beside the measurement info that hold or describe data; all others are kept verbatim.
const DATA: [i32; 9] = [
    FIFFB_MEAS,
    FIFFB_MEAS_INFO,
    FIFFB_RAW_DATA,
    FIFFB_IAS_RAW_DATA,
    FIFFB_CONTINUOUS_DATA,
    FIFFB_PROCESSED_DATA,
    FIFFB_MNE_ANNOTATIONS,
    FIFFB_REF,
    FIFFB_EVOKED,
];
/// Tags of the start of a file.
const FILE_TAGS: [i32; 6] = [FIFF_FILE_ID, FIFF_DIR_POINTER, FIFF_DIR, FIFF_FREE_LIST, FIFF_FREE_BLOCK, FIFF_NOP];
/// Longest measurement info that is kept verbatim (bytes).
const MAX_VERBATIM: u64 = 1 << 28;

/// Reads the measurement info; also gives the block `FIFFB_MEAS`.
pub(crate) fn read_info(fiff: &Fiff) -> Result<(Info, &Node)> {
    let meas = fiff.root().find(FIFFB_MEAS).ok_or_else(|| fiff.missing("FIFFB_MEAS", fiff.root()))?;
    let node = meas.find(FIFFB_MEAS_INFO).ok_or_else(|| fiff.missing("FIFFB_MEAS_INFO", meas))?;
    let mut info = Info::default();
    let (mut n_channels, mut sfreq, mut lowpass, mut meas_date) = (None, None, None, None);
    let mut rest = Branch::new(FIFFB_MEAS_INFO);
    for entry in &node.entries {
        match entry.kind {
            FIFF_NCHAN => n_channels = Some((fiff.get(entry, RawTag::int)?, *entry)),
            FIFF_SFREQ => {
                let value = fiff.get(entry, RawTag::float)?;
                if !(value.is_finite() && value > 0.0) {
                    return Err(fiff.wrong(entry, Wrong::new("a sampling frequency above 0 Hz", format!("{value} Hz"))));
                }
                sfreq = Some(value);
            }
            FIFF_CH_INFO => info.chs.push(fiff.get(entry, channel)?),
            FIFF_LOWPASS => lowpass = Some(fiff.get(entry, RawTag::float)?).filter(|v| !v.is_nan()).or(lowpass),
            FIFF_HIGHPASS => {
                info.highpass = Some(fiff.get(entry, RawTag::float)?).filter(|v| !v.is_nan()).unwrap_or(info.highpass)
            }
            FIFF_MEAS_DATE => {
                let values = fiff.get(entry, RawTag::ints)?;
                let wrong =
                    || fiff.wrong(entry, Wrong::new("seconds and microseconds", format!("{} numbers", values.len())));
                let secs = *values.first().ok_or_else(wrong)?;
                meas_date = Some((secs, values.get(1).map_or(0, |&usecs| usecs as i32)));
            }
            FIFF_UTC_OFFSET => info.utc_offset = Some(fiff.get(entry, RawTag::text)?),
            FIFF_COORD_TRANS => match known_transform(&mut info, fiff.get(entry, transform)?) {
                true => {}
                false => rest.tags.push(fiff.tag(entry)?),
            },
            FIFF_EXPERIMENTER => info.experimenter = Some(fiff.get(entry, RawTag::text)?),
            FIFF_DESCRIPTION => info.description = Some(fiff.get(entry, RawTag::text)?),
            FIFF_PROJ_ID => info.proj_id = Some(fiff.get(entry, RawTag::int)?),
            FIFF_PROJ_NAME => info.proj_name = Some(fiff.get(entry, RawTag::text)?),
            FIFF_LINE_FREQ => info.line_freq = Some(fiff.get(entry, RawTag::float)?),
            FIFF_GANTRY_ANGLE => info.gantry_angle = Some(fiff.get(entry, RawTag::float)?),
            FIFF_MNE_CUSTOM_REF | OLD_CUSTOM_REF => info.custom_ref_applied = fiff.get(entry, RawTag::int)?,
            FIFF_XPLOTTER_LAYOUT => info.xplotter_layout = Some(fiff.get(entry, RawTag::text)?),
            FIFF_MNE_KIT_SYSTEM_ID => info.kit_system_id = Some(fiff.get(entry, RawTag::int)?),
            FIFF_BLOCK_ID | FIFF_PARENT_BLOCK_ID | FIFF_DATA_PACK | FIFF_NOP => {}
            _ => rest.tags.push(fiff.tag(entry)?),
        }
    }
    let (n_channels, entry) = n_channels.ok_or_else(|| fiff.missing("FIFF_NCHAN", node))?;
    info.sfreq = sfreq.ok_or_else(|| fiff.missing("FIFF_SFREQ", node))?;
    info.lowpass = lowpass.unwrap_or(info.sfreq / 2.0);
    if n_channels < 1 || info.chs.len() as i64 != i64::from(n_channels) {
        let got = format!("{n_channels}, while the file describes {} channels", info.chs.len());
        return Err(fiff.wrong(&entry, Wrong::new("the number of channels", got)));
    }
    let renames = Renames(read_extended(fiff, node, &mut info.chs)?);
    if let [hpi] = node.find_all(FIFFB_HPI_RESULT)[..] {
        hpi_transforms(fiff, hpi, &mut info)?;
    }
    // As MNE: from helmet to CTF head by way of the Neuromag head.
    if let (Some(dev_head), Some(ctf_head), None) = (&info.dev_head_t, &info.ctf_head_t, &info.dev_ctf_t) {
        info.dev_ctf_t = dev_head.then(&ctf_head.inverse()).ok();
    }
    info.dig = read_dig(fiff, node)?;
    if let [pars] = node.find_all(FIFFB_DACQ_PARS)[..] {
        info.acq_pars = fiff.find(pars, FIFF_DACQ_PARS, RawTag::text)?;
        info.acq_stim = fiff.find(pars, FIFF_DACQ_STIM, RawTag::text)?;
    }
    info.projs = read_projs(fiff, node, &renames)?;
    info.comps = read_comps(fiff, node, &renames)?;
    info.bads = read_bads(fiff, node, &renames)?;
    let names: HashSet<&str> = info.chs.iter().map(|ch| ch.name.as_str()).collect();
    info.bads.retain(|bad| names.contains(bad.as_str()));
    if let [subject] = node.find_all(FIFFB_SUBJECT)[..] {
        info.subject_info = Some(read_subject(fiff, subject)?);
    }
    info.meas_id = Some(meas_id(fiff, meas, node)?);
    let date = meas_date.or(info.meas_id.map(|id| (i64::from(id.secs), id.usecs)));
    let (secs, usecs) = FileId::NO_DATE;
    info.meas_date = date.filter(|&date| date != (i64::from(secs), usecs));
    keep_rest(fiff, meas, node, rest, &mut info)?;
    Ok((info, meas))
}

/// Everything that is not modelled, verbatim.
fn keep_rest(fiff: &Fiff, meas: &Node, node: &Node, rest: Branch, info: &mut Info) -> Result<()> {
    let mut budget = MAX_VERBATIM;
    for child in node.children.iter().filter(|child| !MODELLED.contains(&child.kind)) {
        info.blocks.push(keep(fiff, child, &MODELLED, &mut budget)?);
    }
    if !rest.tags.is_empty() {
        info.blocks.push(rest);
    }
    let skip = [&DATA[..], &[FIFFB_MEAS_INFO]].concat();
    let mut beside = Branch::new(FIFFB_MEAS);
    for entry in meas.entries.iter().filter(|e| ![FIFF_BLOCK_ID, FIFF_PARENT_BLOCK_ID, FIFF_NOP].contains(&e.kind)) {
        beside.tags.push(fiff.tag(entry)?);
    }
    for child in meas.children.iter().filter(|child| !skip.contains(&child.kind)) {
        let branch = keep(fiff, child, &DATA, &mut budget)?;
        if child.kind == FIFFB_PROCESSING_HISTORY { info.blocks.push(branch) } else { beside.children.push(branch) }
    }
    let mut outside = Branch::new(FIFFB_ROOT);
    for entry in fiff.root().entries.iter().filter(|entry| !FILE_TAGS.contains(&entry.kind)) {
        outside.tags.push(fiff.tag(entry)?);
    }
    for child in fiff.root().children.iter().filter(|child| !skip.contains(&child.kind)) {
        outside.children.push(keep(fiff, child, &DATA, &mut budget)?);
    }
    info.blocks.extend([beside, outside].into_iter().filter(|b| !(b.tags.is_empty() && b.children.is_empty())));
    Ok(())
}

/// A block verbatim, without those below it that are read elsewhere.
fn keep(fiff: &Fiff, node: &Node, without: &[i32], budget: &mut u64) -> Result<Branch> {
    let mut branch = Branch::new(node.kind);
    for entry in &node.entries {
        *budget = budget.checked_sub(u64::from(entry.size)).ok_or_else(|| bakusoku_fiff::Error::Limit {
            path: fiff.path().to_owned(),
            what: "the measurement info",
            at: entry.pos,
            limit: MAX_VERBATIM,
        })?;
        branch.tags.push(fiff.tag(entry)?);
    }
    for child in node.children.iter().filter(|child| !without.contains(&child.kind)) {
        branch.children.push(keep(fiff, child, without, budget)?);
    }
    Ok(branch)
}

/// Puts a transformation where it belongs; whether it is one of the known ones.
fn known_transform(info: &mut Info, t: Transform) -> bool {
    match (t.from, t.to) {
        (CoordFrame::DEVICE, CoordFrame::HEAD) => info.dev_head_t = Some(t),
        // BabyMEG writes it the other way round.
        (CoordFrame::HEAD, CoordFrame::DEVICE) => info.dev_head_t = Some(t.inverse()),
        (CoordFrame::CTF_HEAD, CoordFrame::HEAD) => info.ctf_head_t = Some(t),
        // MNE writes the one that it derives from the helmet.
        (CoordFrame::CTF_DEVICE | CoordFrame::DEVICE, CoordFrame::CTF_HEAD) => info.dev_ctf_t = Some(t),
        _ => return false,
    }
    true
}

/// Transformations of the head position result, where the measurement info itself has none.
fn hpi_transforms(fiff: &Fiff, hpi: &Node, info: &mut Info) -> Result<()> {
    for entry in hpi.entries.iter().filter(|entry| entry.kind == FIFF_COORD_TRANS) {
        let t = fiff.get(entry, transform)?;
        match (t.from, t.to) {
            (CoordFrame::DEVICE, CoordFrame::HEAD) => _ = info.dev_head_t.get_or_insert(t),
            (CoordFrame::CTF_HEAD, CoordFrame::HEAD) => _ = info.ctf_head_t.get_or_insert(t),
            _ => {}
        }
    }
    Ok(())
}

fn read_dig(fiff: &Fiff, node: &Node) -> Result<Vec<DigPoint>> {
    let blocks = node.find_all(FIFFB_ISOTRAK);
    if blocks.len() > 1 {
        tracing::warn!("`{}`: several blocks FIFFB_ISOTRAK; the first one is used", fiff.path().display());
    }
    let Some(block) = blocks.first() else { return Ok(Vec::new()) };
    let mut dig = Vec::new();
    for entry in &block.entries {
        match entry.kind {
            FIFF_DIG_POINT => dig.push(fiff.get(entry, dig_point)?),
            FIFF_DIG_STRING => dig.extend(fiff.get(entry, dig_string)?),
            _ => {}
        }
    }
    if let Some(frame) = fiff.find(block, FIFF_MNE_COORD_FRAME, RawTag::int)? {
        dig.iter_mut().for_each(|point| point.coord_frame = CoordFrame(frame));
    }
    Ok(dig)
}

fn read_subject(fiff: &Fiff, node: &Node) -> Result<SubjectInfo> {
    Ok(SubjectInfo {
        id: fiff.find(node, FIFF_SUBJ_ID, RawTag::int)?,
        his_id: fiff.find(node, FIFF_SUBJ_HIS_ID, RawTag::text)?,
        last_name: fiff.find(node, FIFF_SUBJ_LAST_NAME, RawTag::text)?,
        first_name: fiff.find(node, FIFF_SUBJ_FIRST_NAME, RawTag::text)?,
        middle_name: fiff.find(node, FIFF_SUBJ_MIDDLE_NAME, RawTag::text)?,
        birthday: fiff.find(node, FIFF_SUBJ_BIRTH_DAY, RawTag::int)?,
        sex: fiff.find(node, FIFF_SUBJ_SEX, RawTag::int)?,
        hand: fiff.find(node, FIFF_SUBJ_HAND, RawTag::int)?,
        weight: fiff.find(node, FIFF_SUBJ_WEIGHT, RawTag::float)?,
        height: fiff.find(node, FIFF_SUBJ_HEIGHT, RawTag::float)?,
        comment: fiff.find(node, FIFF_SUBJ_COMMENT, RawTag::text)?,
    })
}

/// As MNE chooses it: parent of the info, the info, the measurement, its parent, the file.
fn meas_id(fiff: &Fiff, meas: &Node, node: &Node) -> Result<FileId> {
    for (block, kind) in
        [(node, FIFF_PARENT_BLOCK_ID), (node, FIFF_BLOCK_ID), (meas, FIFF_BLOCK_ID), (meas, FIFF_PARENT_BLOCK_ID)]
    {
        if let Some(id) = fiff.find(block, kind, RawTag::id)? {
            return Ok(id);
        }
    }
    fiff.id()
}
