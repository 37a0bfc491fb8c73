//! What killed runs and older configurations left behind.

use super::replace::safe;
use super::sidecar::{Sidecar, sidecar_path};
use crate::Result;
use bakusoku_files::{ProcessTag, State};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

const PREFIX: &str = ".bakusoku-";

/// A name for a temporary folder that tells which process made it, and its number.
pub(super) fn temporary_name() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{PREFIX}{}-{}.part", ProcessTag::current(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Removes temporary folders of processes that are known to have ended: those of this host, boot and container.
///
/// # Errors
/// When a folder can't be read or removed.
pub fn remove_abandoned(folder: &Path) -> Result<usize> {
    let mut removed = 0;
    for path in abandoned(folder)? {
        fs_err::remove_dir_all(&path)?;
        removed += 1;
    }
    Ok(removed)
}

fn abandoned(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut out = Vec::new();
    if !folder.is_dir() {
        return Ok(out);
    }
    for entry in fs_err::read_dir(folder)? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        let tag = name.strip_prefix(PREFIX).and_then(|rest| rest.rsplit_once('-'));
        if tag.and_then(|(tag, _)| tag.parse::<ProcessTag>().ok()).is_some_and(|tag| tag.state() == State::Ended) {
            out.push(path);
        }
    }
    Ok(out)
}

/// Something that the study as configured does not make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stale {
    /// The file or folder.
    pub path: PathBuf,
    /// Why it counts as left behind.
    pub why: String,
}

/// What lies in a folder of results (and below) though the study as configured does not make it: outputs with a
/// sidecar of this `study` that are not among `expected`, and temporary folders of processes that are no more. Files without
/// such a sidecar are never listed.
///
/// # Errors
/// When a folder can't be read.
pub fn left_behind(folder: &Path, expected: &HashSet<PathBuf>, study: &str) -> Result<Vec<Stale>> {
    let mut out = Vec::new();
    if !folder.is_dir() {
        return Ok(out);
    }
    for path in abandoned(folder)? {
        out.push(Stale { path, why: "left by a run that was killed".into() });
    }
    let mut entries: Vec<PathBuf> =
        fs_err::read_dir(folder)?.map(|entry| entry.map(|e| e.path())).collect::<std::io::Result<_>>()?;
    entries.sort();
    let wanted: HashSet<PathBuf> = expected.iter().map(|path| sidecar_path(path)).collect();
    for path in entries {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() && (!name.starts_with('.') || name == ".bakusoku") {
            out.extend(left_behind(&path, expected, study)?);
        } else if path.extension().is_some_and(|extension| extension == "json") && !wanted.contains(&path) {
            let Ok(text) = fs_err::read_to_string(&path) else { continue };
            let Ok(sidecar) = serde_json::from_str::<Sidecar>(&text) else { continue };
            if sidecar.study != study {
                continue;
            }
            let why = format!("an output of `{}` that the study does not ask for", sidecar.step);
            for part in sidecar.parts.iter().filter(|part| safe(&part.name)) {
                let part = path.with_file_name(&part.name);
                if part.is_file() {
                    out.push(Stale { path: part, why: why.clone() });
                }
            }
            out.push(Stale { path, why });
        }
    }
    Ok(out)
}
