//! The `.json` beside an output.

use super::key::{Key, hash_file};
use crate::Result;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// What stands beside an output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sidecar {
    /// Key: what the output depends on.
    pub key: Key,
    /// Step that made it, and its revision.
    pub step: String,
    /// See `step`.
    pub revision: u32,
    /// Version of bakusoku.
    pub version: String,
    /// The study file that made it, relative to the data.
    #[serde(default)]
    pub study: String,
    /// Inputs, relative to the dataset.
    #[serde(rename = "Sources")]
    pub sources: Vec<String>,
    /// The step's own configuration.
    pub config: Value,
    /// Files of the output, in order.
    pub parts: Vec<Part>,
}

/// One file of an output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// Its size (bytes).
    pub size: u64,
    /// BLAKE3 of its content.
    pub blake3: String,
    /// Its time, so that it need not be hashed again as long as it stands (nanoseconds since 1970, as text).
    pub mtime: String,
}

impl Part {
    /// Describes a file.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn of(path: &Path) -> Result<Self> {
        let meta = fs_err::metadata(path)?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Self { name, size: meta.len(), blake3: hash_file(path)?, mtime: time(&meta) })
    }
}

fn time(meta: &std::fs::Metadata) -> String {
    let time = meta.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    time.map_or(0, |time| time.as_nanos()).to_string()
}

impl Sidecar {
    /// Reads the sidecar of an output, if there is one that can be understood.
    pub fn read(output: &Path) -> Option<Self> {
        serde_json::from_str(&fs_err::read_to_string(sidecar_path(output)).ok()?).ok()
    }
    /// Size of all parts (bytes).
    pub fn bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.size).sum()
    }
}

/// The sidecar of an output: its name with `.json` for its extension.
pub fn sidecar_path(output: &Path) -> PathBuf {
    output.with_extension("json")
}

/// Whether an output is up to date, and why not.
#[derive(Clone, Debug, PartialEq)]
pub enum Validity {
    /// It is; the size of all its parts (bytes).
    Current(u64),
    /// It was never made, or not to the end.
    Missing,
    /// It was made from other inputs, another configuration, or by another revision.
    Outdated(String),
    /// A part is not what was written.
    Damaged(String),
}

impl Validity {
    /// Whether it is up to date.
    pub fn is_current(&self) -> bool {
        matches!(self, Self::Current(_))
    }
    /// In words.
    pub fn why(&self) -> String {
        match self {
            Self::Current(_) => "up to date".into(),
            Self::Missing => "not there yet".into(),
            Self::Outdated(why) | Self::Damaged(why) => why.clone(),
        }
    }
}

/// Whether `output` is what `key` stands for. `config` and `revision` only serve to say why not.
pub fn check(output: &Path, key: &Key, revision: u32, config: &Value) -> Validity {
    let Some(sidecar) = Sidecar::read(output) else { return Validity::Missing };
    if sidecar.key != *key {
        return Validity::Outdated(difference(&sidecar, revision, config));
    }
    let folder = output.parent().unwrap_or(Path::new("."));
    if sidecar.parts.is_empty() {
        return Validity::Missing;
    }
    for part in &sidecar.parts {
        let path = folder.join(&part.name);
        let Ok(meta) = fs_err::metadata(&path) else { return Validity::Damaged(format!("`{}` is gone", part.name)) };
        if meta.len() != part.size {
            return Validity::Damaged(format!("`{}` has {} bytes, {} were written", part.name, meta.len(), part.size));
        }
        // The time in doubt decides nothing: then the content does.
        if time(&meta) != part.mtime && hash_file(&path).ok().as_ref() != Some(&part.blake3) {
            return Validity::Damaged(format!("`{}` was changed since it was written", part.name));
        }
    }
    Validity::Current(sidecar.bytes())
}

fn difference(sidecar: &Sidecar, revision: u32, config: &Value) -> String {
    if sidecar.revision != revision {
        return format!("made by revision {} of `{}`, now {revision}", sidecar.revision, sidecar.step);
    }
    if let (Some(old), Some(new)) = (sidecar.config.as_object(), config.as_object()) {
        let changed: Vec<String> = new
            .iter()
            .filter(|(key, value)| old.get(*key) != Some(value))
            .map(|(key, value)| {
                format!("{key} was {}, is {value}", old.get(key).map_or("unset".into(), Value::to_string))
            })
            .collect();
        if !changed.is_empty() {
            return changed.join("; ");
        }
    }
    "its inputs changed".into()
}
