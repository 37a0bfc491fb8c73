//! The licences of all crates inside the wheel, as one text.

use crate::tree;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is built for the wheel.
const ROOT: &str = "bakusoku-py";
const TARGET: &str = "x86_64-unknown-linux-gnu";

const HEAD: &str = "Licences of third-party code in bakusoku's binary files\n\n\
    Made by `cargo dev generate`. Where a crate offers a choice of licences, the text of one stands here.\n";

/// The text.
///
/// # Errors
/// When cargo's metadata can't be had, or a crate says nothing of its licence.
pub(crate) fn text() -> Result<String> {
    let metadata = metadata()?;
    let packages: BTreeMap<&str, &Value> =
        list(&metadata["packages"])?.iter().filter_map(|package| Some((package["id"].as_str()?, package))).collect();
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for id in linked(&metadata, &packages)? {
        let package = packages[id.as_str()];
        // Crates of this workspace come from no registry.
        if package["source"].is_null() || is_macro(package) {
            continue;
        }
        let name = package["name"].as_str().context("a package has no name")?;
        let license = package["license"].as_str().unwrap_or("see its text");
        let manifest = package["manifest_path"].as_str().context("a package has no manifest")?;
        let folder = Path::new(manifest).parent().context("a manifest has no folder")?;
        let text = match chosen(folder)? {
            Some(path) => fs_err::read_to_string(path)?.replace("\r\n", "\n").trim().to_owned(),
            None if package["license"].is_string() => {
                "(The crate holds no text of its licence: see https://spdx.org/licenses.)".to_owned()
            }
            None => bail!("`{name}` says nothing of its licence"),
        };
        let version = package["version"].as_str().unwrap_or_default();
        texts.entry(text).or_default().push(format!("{name} {version} ({license})"));
    }
    let mut parts: Vec<(Vec<String>, String)> = texts.into_iter().map(|(text, names)| (names, text)).collect();
    parts.iter_mut().for_each(|(names, _)| names.sort());
    parts.sort();
    let line = "-".repeat(80);
    let parts = parts.iter().map(|(names, text)| format!("\n{line}\n{}\n{line}\n\n{text}\n", names.join("\n")));
    Ok(HEAD.to_owned() + &parts.collect::<String>())
}

fn metadata() -> Result<Value> {
    let output = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()))
        .args(["metadata", "--format-version", "1", "--locked", "--filter-platform", TARGET])
        .current_dir(tree::root()?)
        .output()
        .context("could not run `cargo metadata`")?;
    if !output.status.success() {
        bail!("`cargo metadata` failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn list(value: &Value) -> Result<&Vec<Value>> {
    value.as_array().context("`cargo metadata` has another shape than expected")
}

/// Identifiers of the packages that the wheel's library links.
fn linked(metadata: &Value, packages: &BTreeMap<&str, &Value>) -> Result<BTreeSet<String>> {
    let nodes: BTreeMap<&str, &Value> =
        list(&metadata["resolve"]["nodes"])?.iter().filter_map(|node| Some((node["id"].as_str()?, node))).collect();
    let root = packages.iter().find(|(_, package)| package["name"] == ROOT).context("the wheel's crate is missing")?;
    let mut found = BTreeSet::new();
    let mut left = vec![root.0.to_string()];
    while let Some(id) = left.pop() {
        let node = nodes.get(id.as_str()).context("a package is not resolved")?;
        if !found.insert(id) {
            continue;
        }
        for dependency in list(&node["deps"])? {
            // Neither for tests nor for build scripts.
            let is_linked = list(&dependency["dep_kinds"])?.iter().any(|kind| kind["kind"].is_null());
            let id = dependency["pkg"].as_str().context("a dependency has no package")?;
            if is_linked && packages.get(id).is_some_and(|package| !is_macro(package)) {
                left.push(id.to_owned());
            }
        }
    }
    Ok(found)
}

/// Macros run at compile time: nothing of them is in the binary but what they write.
fn is_macro(package: &Value) -> bool {
    package["targets"].as_array().into_iter().flatten().any(|target| target["kind"][0] == "proc-macro")
}

/// The file of the licence that is taken: the shortest kind first.
fn chosen(folder: &Path) -> Result<Option<PathBuf>> {
    let mut files: Vec<PathBuf> = fs_err::read_dir(folder)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|path| {
        let name = path.file_name().map(|name| name.to_string_lossy().to_uppercase()).unwrap_or_default();
        path.is_file() && ["LICENSE", "LICENCE", "COPYING", "UNLICENSE"].iter().any(|word| name.contains(word))
    });
    let rank = |path: &PathBuf| {
        let name = path.to_string_lossy().to_uppercase();
        ["MIT", "BSD", "ZLIB"].iter().position(|kind| name.contains(kind)).unwrap_or(3)
    };
    files.sort_by_key(|path| (rank(path), path.clone()));
    Ok(files.into_iter().next())
}
