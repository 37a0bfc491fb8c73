//! Links without a target.

use std::path::{Path, PathBuf};

/// The target of a link that points nowhere; `None` for everything else. git-annex and DataLad keep such links in place
/// of files that were not fetched.
pub fn missing_target(path: &Path) -> Option<PathBuf> {
    let target = fs_err::read_link(path).ok()?;
    (!path.exists()).then_some(target)
}
