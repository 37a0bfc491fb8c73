//! How much may be kept.

use crate::{Error, Result};
use std::path::Path;

/// Bytes that may still be kept of a file: a small file that says that it unfolds into much is damaged.
pub(super) struct Budget<'p> {
    path: &'p Path,
    left: u64,
    limit: u64,
}

impl<'p> Budget<'p> {
    pub(super) fn new(path: &'p Path, len: u64) -> Self {
        let limit = (32 << 20) + len.saturating_mul(48);
        Self { path, left: limit, limit }
    }
    /// Takes `bytes` for something at byte `at` of the file.
    pub(super) fn take(&mut self, bytes: u64, at: u64) -> Result<()> {
        self.left = self.left.checked_sub(bytes).ok_or_else(|| Error::Byte {
            path: self.path.to_owned(),
            at,
            expected: format!("at most {} bytes of names, events and positions", self.limit),
            got: "more of them".into(),
        })?;
        Ok(())
    }
}
