//! Channels with names longer than the 15 bytes of the record: `FIFFB_CH_INFO` blocks beside them (MNE ≥ 0.23).

use super::structs::{channel_bytes, coord_frame};
use crate::fif::output::Out;
use bakusoku_core::Channel;
use bakusoku_fiff::constants::*;
use bakusoku_fiff::{Fiff, Node, RawTag, Result, Writer, Wrong};
use std::collections::{HashMap, HashSet};
use std::io;

/// Reads the blocks of extended channel information into the channels; names that changed, from short to long.
pub(crate) fn read_extended(fiff: &Fiff, parent: &Node, chs: &mut [Channel]) -> Result<HashMap<String, String>> {
    let mut renames = HashMap::new();
    let nodes = parent.find_all(FIFFB_CH_INFO);
    let Some(first) = nodes.first() else { return Ok(renames) };
    if nodes.len() != chs.len() {
        let entry = first.entries.first().copied();
        let wrong = Wrong::new(format!("{} blocks FIFFB_CH_INFO", chs.len()), nodes.len().to_string());
        return Err(entry.map_or_else(|| fiff.missing("a tag", first), |entry| fiff.wrong(&entry, wrong)));
    }
    for (ch, node) in chs.iter_mut().zip(nodes) {
        for entry in &node.entries {
            match entry.kind {
                FIFF_CH_SCAN_NO => ch.scanno = fiff.get(entry, RawTag::int)?,
                FIFF_CH_LOGICAL_NO => ch.logno = fiff.get(entry, RawTag::int)?,
                FIFF_CH_KIND => ch.kind = fiff.get(entry, RawTag::int)?,
                FIFF_CH_RANGE => ch.range = fiff.get(entry, RawTag::float)?,
                FIFF_CH_CAL => ch.cal = fiff.get(entry, RawTag::float)?,
                FIFF_CH_COIL_TYPE => ch.coil_type = fiff.get(entry, RawTag::int)?,
                FIFF_CH_LOC => {
                    let loc = fiff.get(entry, RawTag::floats)?;
                    ch.loc = loc
                        .as_slice()
                        .try_into()
                        .map_err(|_| fiff.wrong(entry, Wrong::new("12 numbers", loc.len().to_string())))?;
                }
                FIFF_CH_UNIT => ch.unit = fiff.get(entry, RawTag::int)?,
                FIFF_CH_UNIT_MUL => ch.unit_mul = fiff.get(entry, RawTag::int)?,
                FIFF_CH_DACQ_NAME => {
                    let name = fiff.get(entry, RawTag::text)?;
                    renames.insert(std::mem::replace(&mut ch.name, name.clone()), name);
                }
                _ => {}
            }
        }
        ch.coord_frame = coord_frame(ch.kind);
    }
    Ok(renames)
}

/// Names of at most 15 ASCII characters, all different; `None` when the names are so already.
pub(crate) fn short_names(chs: &[Channel]) -> Option<HashMap<String, String>> {
    if chs.iter().all(|ch| ch.name.len() <= 15 && ch.name.is_ascii()) {
        return None;
    }
    let mut used: HashSet<String> =
        chs.iter().filter(|ch| ch.name.len() <= 15 && ch.name.is_ascii()).map(|ch| ch.name.clone()).collect();
    let mut out = HashMap::new();
    for ch in chs {
        let ascii: String = ch.name.chars().map(|c| if c.is_ascii() { c } else { '_' }).collect();
        if ascii == ch.name && ch.name.len() <= 15 {
            out.insert(ch.name.clone(), ascii);
            continue;
        }
        let mut short: String = ascii.chars().take(15).collect();
        let mut n = 0;
        while !used.insert(short.clone()) {
            n += 1;
            let tail = format!("-{n}");
            short = ascii.chars().take(15 - tail.len()).collect::<String>() + &tail;
        }
        out.insert(ch.name.clone(), short);
    }
    Some(out)
}

/// Writes the channels, and the blocks of extended information where names need them.
pub(crate) fn write_channels(
    fif: &mut Writer<Out>,
    chs: &[Channel],
    reset_range: bool,
    short: Option<&HashMap<String, String>>,
) -> io::Result<()> {
    let range = |ch: &Channel| if reset_range { 1.0 } else { ch.range };
    for (k, ch) in chs.iter().enumerate() {
        let name = short.and_then(|short| short.get(&ch.name)).unwrap_or(&ch.name);
        fif.tag(FIFF_CH_INFO, FIFFT_CH_INFO_STRUCT, &channel_bytes(ch, name, k as i32 + 1, range(ch)))?;
    }
    for (k, ch) in chs.iter().enumerate().filter(|_| short.is_some()) {
        fif.start_block(FIFFB_CH_INFO)?;
        fif.ints(FIFF_CH_SCAN_NO, &[k as i32 + 1])?;
        fif.ints(FIFF_CH_LOGICAL_NO, &[ch.logno])?;
        fif.ints(FIFF_CH_KIND, &[ch.kind])?;
        fif.floats(FIFF_CH_RANGE, &[range(ch)])?;
        fif.floats(FIFF_CH_CAL, &[ch.cal])?;
        fif.ints(FIFF_CH_COIL_TYPE, &[ch.coil_type])?;
        fif.floats(FIFF_CH_LOC, &ch.loc)?;
        fif.ints(FIFF_CH_UNIT, &[ch.unit])?;
        fif.ints(FIFF_CH_UNIT_MUL, &[ch.unit_mul])?;
        fif.text(FIFF_CH_DACQ_NAME, &ch.name)?;
        fif.ints(FIFF_CH_COORD_FRAME, &[ch.coord_frame.0])?;
        fif.end_block()?;
    }
    Ok(())
}
