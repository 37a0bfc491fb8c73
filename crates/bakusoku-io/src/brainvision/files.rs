//! Which files belong to a header: those it names, or, where a dataset was renamed, those that bear its own name.

use crate::{Error, Result};
use std::path::{Path, PathBuf};

/// How data files end.
const DATA: [&str; 4] = ["eeg", "dat", "avg", "seg"];

/// The name without folders, whatever system wrote it, and with the header's name where `$b` stands for it.
fn plain_name(named: &str, header: &Path) -> String {
    let name = named.rsplit(['/', '\\']).next().unwrap_or(named);
    let stem = header.file_stem().map(|stem| stem.to_string_lossy()).unwrap_or_default();
    name.replace("$b", &stem)
}

/// Files of the folder whose name is `name`, in any case.
fn in_any_case(folder: &Path, name: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs_err::read_dir(folder) else { return Vec::new() };
    let same =
        |path: &PathBuf| path.file_name().is_some_and(|n| n.to_string_lossy().to_lowercase() == name.to_lowercase());
    entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| same(path) && path.is_file())
        .collect()
}

/// The file that a header names, or one of its own name that ends with one of `ends`, where there is exactly one.
fn find(header: &Path, named: &str, ends: &[&str]) -> Option<PathBuf> {
    let folder = header.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let as_named = folder.join(named);
    if !named.is_empty() && as_named.is_file() {
        return Some(as_named);
    }
    let name = plain_name(named, header);
    if !name.is_empty() && folder.join(&name).is_file() {
        return Some(folder.join(name));
    }
    if let [only] = &in_any_case(folder, &name)[..] {
        return Some(only.clone());
    }
    let stem = header.file_stem()?.to_string_lossy();
    let same: Vec<PathBuf> = ends.iter().flat_map(|end| in_any_case(folder, &format!("{stem}.{end}"))).collect();
    match &same[..] {
        [only] => Some(only.clone()),
        _ => None,
    }
}

/// A link whose target was not fetched is no file, but it is what the header names.
fn unfetched(header: &Path, named: &str) -> Option<PathBuf> {
    let path = header.with_file_name(plain_name(named, header));
    bakusoku_files::missing_target(&path).map(|_| path)
}

/// The file with the samples.
pub(super) fn data_file(header: &Path, named: &str, line: usize) -> Result<PathBuf> {
    let found = find(header, named, &DATA).or_else(|| unfetched(header, named));
    let path = found.ok_or_else(|| Error::PartMissing {
        path: header.to_owned(),
        line,
        named: super::settings::shorten(named),
        looked: DATA
            .map(|end| format!("`{}`", header.with_extension(end).file_name().unwrap_or_default().display()))
            .join(", "),
    })?;
    warn_if_renamed(header, named, &path);
    Ok(path)
}

/// The file with the markers; `None`, with a warning, where there is none.
pub(super) fn marker_file(header: &Path, named: &str) -> Option<PathBuf> {
    let found = find(header, named, &["vmrk", "amrk"]);
    match &found {
        Some(path) => warn_if_renamed(header, named, path),
        None => tracing::warn!(
            "`{}` names the marker file `{}`, which is not there: no annotations",
            header.display(),
            super::settings::shorten(named)
        ),
    }
    found
}

fn warn_if_renamed(header: &Path, named: &str, path: &Path) {
    if path.file_name().is_some_and(|name| name.to_string_lossy() != plain_name(named, header)) {
        tracing::warn!(
            "`{}` names the file `{}`, which is not there; `{}` is read",
            header.display(),
            super::settings::shorten(named),
            path.display()
        );
    }
}
