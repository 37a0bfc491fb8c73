//! What is made from the table of keys: the commented file of `init`, the page of documentation, the JSON schema.

use super::keys;
use super::pipeline::{self, Answer};
use serde_json::json;
use std::fmt::Write;

/// A commented `study.toml`. `given` are keys with values (as TOML) that are set; all others stand as comments with
/// their defaults.
pub fn commented(given: &[(&str, String)]) -> String {
    let mut out = String::from(
        "# A study for bakusoku: `bakusoku run study.toml`.\n\
         # Keys that are commented out have the value shown. Names are mne-bids-pipeline's; \"none\" is its None.\n",
    );
    let mut section = "";
    for key in keys::all().iter().filter(|key| !matches!(key.name, "subject" | "run")) {
        if key.section != section {
            section = key.section;
            let _ = write!(out, "\n# {section}\n");
        }
        for line in wrap(key.doc, 110) {
            let _ = writeln!(out, "#   {line}");
        }
        match given.iter().find(|(name, _)| *name == key.name) {
            Some((_, value)) => {
                let _ = writeln!(out, "{} = {value}", key.name);
            }
            None => {
                let _ = writeln!(out, "# {} = {}", key.name, key.default);
            }
        }
    }
    out.push_str(
        "\n# Exceptions for one subject\n# [subject.03]\n# bads = [\"MEG 0143\"]\n# exclude_runs = [\"02\"]\n\n\
         [run]\nn_jobs = \"all\"\nmemory = \"auto\"\non_error = \"continue\"\n",
    );
    out
}

/// The page of documentation: one table per section (Markdown).
pub fn markdown() -> String {
    let mut out = String::from(
        "# Keys of `study.toml`\n\nMade by `cargo dev generate` from the table in `crates/bakusoku-study/src/config/keys.rs`.\n",
    );
    let mut section = "";
    for key in keys::all() {
        if key.section != section {
            section = key.section;
            let _ = write!(out, "\n## {section}\n\n| key | default | meaning |\n|---|---|---|\n");
        }
        let meaning = format!("{} Expected: {}.", key.doc, key.kind.expected()).replace('|', "\\|");
        let _ = writeln!(out, "| `{}` | `{}` | {meaning} |", key.name, key.default);
    }
    let _ = write!(
        out,
        "\n## Other keys of mne-bids-pipeline\n\nAll keys of mne-bids-pipeline 1.10 are known. A key that is not in the tables above is \
         an error that says what to do.\n\nNot supported yet (only a value that asks for nothing is taken):\n{}.\n",
        names(|answer| matches!(answer, Answer::NotYet(_)))
    );
    let _ = write!(
        out,
        "\nElsewhere or under another name:\n{}.\n",
        names(|answer| matches!(answer, Answer::Elsewhere(_)))
    );
    let _ = write!(out, "\nWithout a meaning here:\n{}.\n", names(|answer| matches!(answer, Answer::Meaningless(_))));
    out
}

fn names(which: impl Fn(&Answer) -> bool) -> String {
    pipeline::names(which).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// The JSON schema of `study.toml`, for editors.
pub fn schema() -> serde_json::Value {
    let properties: serde_json::Map<_, _> = keys::all()
        .iter()
        .map(|key| {
            let mut schema = key.kind.schema();
            schema["description"] = json!(key.doc);
            (key.name.to_owned(), schema)
        })
        .collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "study.toml of bakusoku",
        "type": "object",
        "properties": properties,
        "required": ["ch_types"],
        "additionalProperties": false,
    })
}

fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is always a line");
        if !line.is_empty() && line.len() + 1 + word.len() > width {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}
