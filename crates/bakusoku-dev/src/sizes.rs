//! Small files: 600 lines are a wall.

use crate::tree;
use anyhow::{Result, bail};

const WALL: usize = 600;

/// Fails when a source file is longer than the wall.
pub(crate) fn check() -> Result<()> {
    let root = tree::root()?;
    let mut long = Vec::new();
    for path in tree::files(&root, &[".rs", ".py"])? {
        let n = fs_err::read_to_string(&path)?.lines().count();
        if n > WALL {
            long.push(format!("{} has {n} lines", path.strip_prefix(&root)?.display()));
        }
    }
    if !long.is_empty() {
        bail!("files over {WALL} lines (which two things live in them?):\n  {}", long.join("\n  "));
    }
    println!("sizes: no source file over {WALL} lines");
    Ok(())
}
