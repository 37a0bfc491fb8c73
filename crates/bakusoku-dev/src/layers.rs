//! The layers: arrows between crates point down only, siblings never meet, and some libraries are named in one place.

use crate::tree;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::process::Command;

/// Each crate's layer, and the crates of its own layer that it may use.
const LAYERS: &[(&str, u8, &[&str])] = &[
    ("bakusoku-pool", 1, &[]),
    ("bakusoku-files", 1, &[]),
    ("bakusoku-fiff", 1, &[]),
    ("bakusoku-math", 1, &["bakusoku-pool"]),
    ("bakusoku-core", 2, &[]),
    ("bakusoku-io", 3, &[]),
    ("bakusoku-methods", 3, &[]),
    ("bakusoku-bids", 3, &[]),
    ("bakusoku-sim", 3, &[]),
    ("bakusoku-study", 4, &[]),
    ("bakusoku-slurm", 5, &[]),
    ("bakusoku", 5, &[]),
    ("bakusoku-cli", 6, &[]),
    ("bakusoku-py", 6, &["bakusoku-cli"]),
    // Tests and tools stand beside the house: anyone's tests may use the first, nobody uses the second.
    ("bakusoku-testing", 3, &[]),
    ("bakusoku-dev", 6, &[]),
];

/// Libraries that one crate alone may name.
const ALONE: &[(&str, &str)] = &[
    ("pyo3", "bakusoku-py"),
    ("numpy", "bakusoku-py"),
    ("faer", "bakusoku-math"),
    ("rustfft", "bakusoku-math"),
    ("realfft", "bakusoku-math"),
    ("rayon", "bakusoku-pool"),
    ("hdf5-pure", "bakusoku-io"),
    ("clap", "bakusoku-cli"),
    ("indicatif", "bakusoku-cli"),
];

/// Crates that may touch files: everyone else gets samples from a `Recording` and spills through `Cx`.
const FILES: &[&str] = &[
    "bakusoku-files",
    "bakusoku-fiff",
    "bakusoku-io",
    "bakusoku-bids",
    "bakusoku-study",
    "bakusoku-slurm",
    "bakusoku-cli",
    "bakusoku-pool",
    "bakusoku-dev",
];

/// Fails when a dependency points up or sideways, or a library is named where it should not be.
pub(crate) fn check() -> Result<()> {
    let output = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(tree::root()?)
        .output()
        .context("could not run `cargo metadata`")?;
    if !output.status.success() {
        bail!("`cargo metadata` failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let mut wrong = Vec::new();
    for package in metadata["packages"].as_array().context("`cargo metadata` lists no packages")? {
        let name = package["name"].as_str().context("a package has no name")?;
        let Some((_, layer, siblings)) = LAYERS.iter().find(|row| row.0 == name) else {
            wrong.push(format!("`{name}` has no layer: add it to the table in crates/bakusoku-dev/src/layers.rs"));
            continue;
        };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let on = dependency["name"].as_str().unwrap_or_default();
            let for_tests = dependency["kind"].as_str() == Some("dev");
            if let Some((_, below, _)) = LAYERS.iter().find(|row| row.0 == on)
                && below >= layer
                && !siblings.contains(&on)
                && !for_tests
            {
                wrong.push(format!("`{name}` (layer {layer}) must not use `{on}` (layer {below})"));
            }
            if on == "fs-err" && !FILES.contains(&name) && !for_tests {
                wrong.push(format!("`{name}` must not touch files (it uses `fs-err`)"));
            }
            if let Some((_, owner)) = ALONE.iter().find(|row| row.0 == on)
                && *owner != name
                && !for_tests
            {
                wrong.push(format!("`{name}` names `{on}`, which only `{owner}` may"));
            }
        }
    }
    python(&mut wrong)?;
    if !wrong.is_empty() {
        bail!("layers are broken:\n  {}", wrong.join("\n  "));
    }
    println!("layers: {} crates, arrows point down only", LAYERS.len());
    Ok(())
}

/// Only `python/bakusoku/_mne.py` imports MNE.
fn python(wrong: &mut Vec<String>) -> Result<()> {
    let root = tree::root()?;
    for path in tree::files(&root.join("python/bakusoku"), &[".py"])? {
        if path.ends_with("_mne.py") {
            continue;
        }
        for (index, line) in fs_err::read_to_string(&path)?.lines().enumerate() {
            let words: Vec<&str> = line.split_whitespace().collect();
            if let ["import" | "from", module, ..] = words[..]
                && (module == "mne" || module.starts_with("mne."))
                && !line.contains(">>>")
            {
                let path = path.strip_prefix(&root)?.display();
                wrong.push(format!("{path}:{} imports MNE, which only python/bakusoku/_mne.py may", index + 1));
            }
        }
    }
    Ok(())
}
