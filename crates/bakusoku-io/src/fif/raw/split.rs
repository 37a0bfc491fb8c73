//! The parts of a recording that is split over several files.

use crate::{Error, Result};
use bakusoku_core::Info;
use bakusoku_fiff::constants::*;
use bakusoku_fiff::{Fiff, RawTag};
use std::path::{Path, PathBuf};

/// Most parts of a recording.
pub(crate) const MAX_PARTS: usize = 1000;

/// The file in which the recording goes on, as this one says (`FIFFB_REF`).
pub(crate) fn next_part(fiff: &Fiff) -> Result<Option<PathBuf>> {
    for block in fiff.root().find_all(FIFFB_REF) {
        if fiff.find(block, FIFF_REF_ROLE, RawTag::int)? != Some(FIFFV_ROLE_NEXT_FILE) {
            continue;
        }
        let path = fiff.path();
        let name = fiff.find(block, FIFF_REF_FILE_NAME, RawTag::text)?;
        // The name alone: a file does not say where else on the disk to look.
        let named = name.as_deref().and_then(|name| Path::new(name).file_name()).map(|name| path.with_file_name(name));
        let number = fiff.find(block, FIFF_REF_FILE_NUM, RawTag::int)?;
        let numbered = number.and_then(|number| by_number(path, number));
        // Renamed parts: as this file is called now, one further.
        let candidates: Vec<PathBuf> = [named, numbered, bids_next(path)].into_iter().flatten().collect();
        let found = candidates.iter().find(|candidate| candidate.as_path() != path && candidate.exists());
        return match (found, candidates.first()) {
            (Some(found), _) => Ok(Some(found.clone())),
            (None, Some(next)) => Err(Error::SplitMissing { path: path.to_owned(), next: next.clone() }),
            (None, None) => Ok(None),
        };
    }
    Ok(None)
}

/// The part before this file, as it says itself (`FIFFB_REF`); the name alone, in the same folder.
pub(crate) fn previous_part(fiff: &Fiff) -> Result<Option<PathBuf>> {
    for block in fiff.root().find_all(FIFFB_REF) {
        if fiff.find(block, FIFF_REF_ROLE, RawTag::int)? == Some(FIFFV_ROLE_PREV_FILE) {
            let name = fiff.find(block, FIFF_REF_FILE_NAME, RawTag::text)?;
            let name = name.as_deref().and_then(|name| Path::new(name).file_name()).map(ToOwned::to_owned);
            return Ok(Some(fiff.path().with_file_name(name.unwrap_or_else(|| "its first part".into()))));
        }
    }
    Ok(None)
}

/// `x_raw.fif` and 1, or `x_raw-1.fif` and 2, to the name of the next part (MNE's `_get_next_fname`).
fn by_number(path: &Path, number: i32) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let (stem, ending) = name.split_once('.')?;
    let base = match stem.rsplit_once('-') {
        Some((base, digits)) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => base,
        _ => stem,
    };
    Some(path.with_file_name(format!("{base}-{number}.{ending}")))
}

/// `sub-01_split-01_meg.fif` to `sub-01_split-02_meg.fif`.
fn bids_next(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let (before, rest) = name.split_once("_split-")?;
    let (digits, after) = rest.split_once('_')?;
    let next = digits.parse::<u32>().ok()?.checked_add(1)?;
    Some(path.with_file_name(format!("{before}_split-{next:0width$}_{after}", width = digits.len())))
}

/// Whether a part belongs to the recording that begins with `first` (MNE's `_check_raw_compatibility`).
pub(crate) fn check_part(first: &Path, a: &Info, path: &Path, b: &Info) -> Result<()> {
    let scale = |info: &Info| info.chs.iter().map(|ch| ch.cal * ch.range).collect::<Vec<_>>();
    let what = if a.sfreq != b.sfreq {
        "sampling frequencies"
    } else if !a.ch_names().eq(b.ch_names()) {
        "channels"
    } else if scale(a) != scale(b) {
        "calibrations"
    } else if a.projs != b.projs {
        "projectors"
    } else {
        return Ok(());
    };
    Err(Error::SplitMismatch { path: path.to_owned(), first: first.to_owned(), what })
}

/// Name of a part, `index` from 0 on.
pub(crate) fn part_name(path: &Path, index: usize, naming: super::SplitNaming) -> PathBuf {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let cut = name.to_lowercase().find(".fif").unwrap_or(name.len());
    let (stem, ending) = name.split_at(cut);
    match naming {
        super::SplitNaming::Neuromag if index == 0 => path.to_owned(),
        super::SplitNaming::Neuromag => path.with_file_name(format!("{stem}-{index}{ending}")),
        super::SplitNaming::Bids => {
            let split = format!("split-{:02}", index + 1);
            let name = match stem.rsplit_once('_') {
                Some((before, suffix)) => format!("{before}_{split}_{suffix}{ending}"),
                None => format!("{stem}_{split}{ending}"),
            };
            path.with_file_name(name)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::SplitNaming;
    use super::*;

    #[test]
    fn parts_are_named_as_mne_names_them() {
        let at = |p: &str| PathBuf::from(p);
        assert_eq!(part_name(&at("d/x_raw.fif"), 0, SplitNaming::Neuromag), at("d/x_raw.fif"));
        assert_eq!(part_name(&at("d/x_raw.fif.gz"), 2, SplitNaming::Neuromag), at("d/x_raw-2.fif.gz"));
        assert_eq!(part_name(&at("sub-1_task-x_meg.fif"), 1, SplitNaming::Bids), at("sub-1_task-x_split-02_meg.fif"));
        assert_eq!(by_number(&at("x_raw.fif"), 1), Some(at("x_raw-1.fif")));
        assert_eq!(by_number(&at("x_raw-1.fif"), 2), Some(at("x_raw-2.fif")));
        assert_eq!(bids_next(&at("s_split-09_meg.fif")), Some(at("s_split-10_meg.fif")));
        assert_eq!(bids_next(&at("s_meg.fif")), None);
    }
}
