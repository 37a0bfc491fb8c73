//! Documents that are made from code, so that a fact stands once.

use crate::tree;
use anyhow::{Result, bail};

/// Writes the documents, or, with `check`, fails when one is not what it would be.
pub(crate) fn run(check: bool) -> Result<()> {
    let root = tree::root()?;
    let mut stale = Vec::new();
    for (name, text) in [("docs/study-keys.md", study_keys())] {
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

/// The keys of `study.toml`, from the study's table.
fn study_keys() -> String {
    let mut text = String::from(
        "# Keys of `study.toml`\n\nMade from the table in `crates/bakusoku-study/src/config/keys.rs` by `cargo dev generate`.\n",
    );
    let mut section = "";
    for key in bakusoku_study::config::keys::KEYS.iter().filter(|key| key.section != "later") {
        if key.section != section {
            section = key.section;
            text.push_str(&format!("\n## {section}\n\n| key | default | meaning |\n|---|---|---|\n"));
        }
        text.push_str(&format!("| `{}` | `{}` | {} |\n", key.name, key.default, key.doc.replace('|', "\\|")));
    }
    let later: Vec<String> = bakusoku_study::config::keys::KEYS
        .iter()
        .filter(|key| key.section == "later")
        .map(|key| format!("`{}`", key.name))
        .collect();
    text.push_str(&format!(
        "\n## Not supported yet\n\nOf mne-bids-pipeline; giving one another value than its default is an error that says so:\n{}.\n",
        later.join(", ")
    ));
    text
}
