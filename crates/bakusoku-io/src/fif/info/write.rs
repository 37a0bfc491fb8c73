//! Writing the measurement info, in the order that MaxFilter wants (MNE's `write_meas_info`).

use super::channels::{short_names, write_channels};
use super::matrices::{write_bads, write_comps, write_projs};
use super::structs::{dig_point_bytes, transform_bytes};
use crate::fif::output::{Out, Output};
use crate::{Error, Result};
use bakusoku_core::{CoordFrame, Info, SubjectInfo};
use bakusoku_fiff::constants::*;
use bakusoku_fiff::{Branch, FileId, Writer};
use std::io;

/// What the info of a file depends on beside [`Info`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header {
    /// `FIFF_DATA_PACK`, in files of raw data.
    pub(crate) data_pack: Option<u32>,
    /// Whether the channels' range is set to one (samples in floating point).
    pub(crate) reset_range: bool,
}

impl Header {
    /// Of evoked, epochs.
    pub(crate) const PROCESSED: Self = Self { data_pack: None, reset_range: true };
}

/// The identifier of the measurement as it is written: without a date when the info has none.
pub(crate) fn meas_id(info: &Info) -> Option<FileId> {
    let id = info.meas_id?;
    Some(match info.meas_date {
        Some(_) => id,
        None => FileId { secs: FileId::NO_DATE.0, usecs: FileId::NO_DATE.1, ..id },
    })
}

/// Opens `FIFFB_MEAS` with its identifiers.
pub(crate) fn write_meas_start(out: &mut Output, info: &Info) -> Result<()> {
    out.write(|fif| {
        fif.start_block(FIFFB_MEAS)?;
        fif.id(FIFF_BLOCK_ID, FileId::CONSTANT)?;
        if let Some(id) = meas_id(info) {
            fif.id(FIFF_PARENT_BLOCK_ID, id)?;
        }
        Ok(())
    })
}

/// Writes `FIFFB_MEAS_INFO` and the processing history after it.
pub(crate) fn write_info(out: &mut Output, info: &Info, header: Header) -> Result<()> {
    let seconds = |secs: i64| i32::try_from(secs);
    let date = match info.meas_date {
        None => None,
        Some((secs, usecs)) => Some([
            seconds(secs).map_err(|_| Error::Unwritable {
                path: out.path.clone(),
                what: "the measurement date",
                expected: "a date between 1901 and 2038".to_owned(),
                got: format!("{secs} s since 1970"),
            })?,
            usecs,
        ]),
    };
    out.write(|fif| write(fif, info, header, date))
}

fn optional_text(fif: &mut Writer<Out>, kind: i32, text: Option<&String>) -> io::Result<()> {
    text.map_or(Ok(()), |text| fif.text(kind, text))
}
fn optional_int(fif: &mut Writer<Out>, kind: i32, value: Option<i32>) -> io::Result<()> {
    value.map_or(Ok(()), |value| fif.ints(kind, &[value]))
}
fn optional_float(fif: &mut Writer<Out>, kind: i32, value: Option<f64>) -> io::Result<()> {
    value.map_or(Ok(()), |value| fif.floats(kind, &[value]))
}

/// Whether a kept block stands before the channels, as MNE and MaxFilter have it.
fn early(block: &&Branch) -> bool {
    [FIFFB_EVENTS, FIFFB_HPI_RESULT, FIFFB_HPI_MEAS].contains(&block.kind)
}

fn write(fif: &mut Writer<Out>, info: &Info, header: Header, date: Option<[i32; 2]>) -> io::Result<()> {
    // Blocks that were kept from elsewhere than the measurement info.
    let outside = |block: &&Branch| [FIFFB_PROCESSING_HISTORY, FIFFB_MEAS, FIFFB_ROOT].contains(&block.kind);
    let tags_of_info = |block: &&Branch| block.kind == FIFFB_MEAS_INFO;
    fif.start_block(FIFFB_MEAS_INFO)?;
    if let Some(id) = meas_id(info) {
        fif.id(FIFF_PARENT_BLOCK_ID, id)?;
    }
    for block in info.blocks.iter().filter(early) {
        fif.branch(block)?;
    }
    if !info.dig.is_empty() {
        fif.start_block(FIFFB_ISOTRAK)?;
        let frame = info.dig[0].coord_frame;
        if frame != CoordFrame::HEAD {
            fif.ints(FIFF_MNE_COORD_FRAME, &[frame.0])?;
        }
        for point in &info.dig {
            fif.tag(FIFF_DIG_POINT, FIFFT_DIG_POINT_STRUCT, &dig_point_bytes(point))?;
        }
        fif.end_block()?;
    }
    if info.acq_pars.is_some() || info.acq_stim.is_some() {
        fif.start_block(FIFFB_DACQ_PARS)?;
        optional_text(fif, FIFF_DACQ_PARS, info.acq_pars.as_ref())?;
        optional_text(fif, FIFF_DACQ_STIM, info.acq_stim.as_ref())?;
        fif.end_block()?;
    }
    for t in [&info.dev_head_t, &info.ctf_head_t, &info.dev_ctf_t].into_iter().flatten() {
        fif.tag(FIFF_COORD_TRANS, FIFFT_COORD_TRANS_STRUCT, &transform_bytes(t))?;
    }
    optional_text(fif, FIFF_EXPERIMENTER, info.experimenter.as_ref())?;
    optional_text(fif, FIFF_DESCRIPTION, info.description.as_ref())?;
    optional_int(fif, FIFF_PROJ_ID, info.proj_id)?;
    optional_text(fif, FIFF_PROJ_NAME, info.proj_name.as_ref())?;
    if let Some(date) = date {
        fif.ints(FIFF_MEAS_DATE, &date)?;
    }
    optional_text(fif, FIFF_UTC_OFFSET, info.utc_offset.as_ref())?;
    fif.ints(FIFF_NCHAN, &[info.chs.len() as i32])?;
    fif.floats(FIFF_SFREQ, &[info.sfreq])?;
    fif.floats(FIFF_LOWPASS, &[info.lowpass])?;
    fif.floats(FIFF_HIGHPASS, &[info.highpass])?;
    optional_float(fif, FIFF_LINE_FREQ, info.line_freq)?;
    optional_int(fif, FIFF_DATA_PACK, header.data_pack.map(|pack| pack as i32))?;
    optional_int(fif, FIFF_GANTRY_ANGLE, info.gantry_angle.map(|angle| angle as i32))?;
    if info.custom_ref_applied != 0 {
        fif.ints(FIFF_MNE_CUSTOM_REF, &[info.custom_ref_applied])?;
    }
    optional_text(fif, FIFF_XPLOTTER_LAYOUT, info.xplotter_layout.as_ref())?;
    for tag in info.blocks.iter().filter(tags_of_info).flat_map(|block| &block.tags) {
        fif.raw_tag(tag)?;
    }
    if let Some(subject) = &info.subject_info {
        write_subject(fif, subject)?;
    }
    let short = short_names(&info.chs);
    write_projs(fif, &info.projs, short.as_ref())?;
    write_channels(fif, &info.chs, header.reset_range, short.as_ref())?;
    for block in info.blocks.iter().filter(|b| !early(b) && !outside(b) && !tags_of_info(b)) {
        fif.branch(block)?;
    }
    write_bads(fif, &info.bads, short.as_ref())?;
    write_comps(fif, &info.comps, &info.chs, header.reset_range, short.as_ref())?;
    optional_int(fif, FIFF_MNE_KIT_SYSTEM_ID, info.kit_system_id)?;
    fif.end_block()?;
    for block in info.blocks.iter().filter(|block| block.kind == FIFFB_PROCESSING_HISTORY) {
        fif.branch(block)?;
    }
    for block in info.blocks.iter().filter(|block| block.kind == FIFFB_MEAS) {
        block.tags.iter().try_for_each(|tag| fif.raw_tag(tag))?;
        block.children.iter().try_for_each(|child| fif.branch(child))?;
    }
    Ok(())
}

/// Writes what was kept from outside the measurement; to be called after `FIFFB_MEAS` is closed.
pub(crate) fn write_outside(fif: &mut Writer<Out>, info: &Info) -> io::Result<()> {
    for block in info.blocks.iter().filter(|block| block.kind == FIFFB_ROOT) {
        block.tags.iter().try_for_each(|tag| fif.raw_tag(tag))?;
        block.children.iter().try_for_each(|child| fif.branch(child))?;
    }
    Ok(())
}

fn write_subject(fif: &mut Writer<Out>, s: &SubjectInfo) -> io::Result<()> {
    fif.start_block(FIFFB_SUBJECT)?;
    optional_int(fif, FIFF_SUBJ_ID, s.id)?;
    optional_text(fif, FIFF_SUBJ_HIS_ID, s.his_id.as_ref())?;
    optional_text(fif, FIFF_SUBJ_LAST_NAME, s.last_name.as_ref())?;
    optional_text(fif, FIFF_SUBJ_FIRST_NAME, s.first_name.as_ref())?;
    optional_text(fif, FIFF_SUBJ_MIDDLE_NAME, s.middle_name.as_ref())?;
    if let Some(day) = s.birthday {
        fif.tag(FIFF_SUBJ_BIRTH_DAY, FIFFT_JULIAN, &day.to_be_bytes())?;
    }
    optional_int(fif, FIFF_SUBJ_SEX, s.sex)?;
    optional_int(fif, FIFF_SUBJ_HAND, s.hand)?;
    optional_float(fif, FIFF_SUBJ_WEIGHT, s.weight)?;
    optional_float(fif, FIFF_SUBJ_HEIGHT, s.height)?;
    optional_text(fif, FIFF_SUBJ_COMMENT, s.comment.as_ref())?;
    fif.end_block()
}
