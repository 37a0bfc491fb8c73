//! Documents that are made from code, so that a fact stands once.

use crate::{licenses, tree};
use anyhow::{Result, bail};
use bakusoku_study::config::document;

/// Writes the documents, or, with `check`, fails when one is not what it would be.
pub(crate) fn run(check: bool) -> Result<()> {
    let root = tree::root()?;
    let mut stale = Vec::new();
    let schema = format!("{:#}\n", document::schema());
    let documents = [
        ("docs/study-keys.md", document::markdown()),
        ("docs/study.schema.json", schema),
        ("THIRD_PARTY_LICENSES.txt", licenses::text()?),
    ];
    for (name, text) in documents {
        let path = root.join(name);
        let now = fs_err::read_to_string(&path).unwrap_or_default();
        if now == text {
            continue;
        }
        if check {
            stale.push(name);
        } else {
            fs_err::write(&path, text)?;
            println!("generate: wrote {name}");
        }
    }
    if !stale.is_empty() {
        bail!("stale: {}; run `cargo dev generate`", stale.join(", "));
    }
    println!("generate: documents are up to date");
    Ok(())
}
