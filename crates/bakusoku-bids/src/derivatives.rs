//! Names of results.

use crate::{DataType, Entities, Result};
use serde_json::json;
use std::path::{Path, PathBuf};

/// A folder of results: `derivatives/bakusoku`.
#[derive(Clone, Debug)]
pub struct Derivatives {
    root: PathBuf,
}

impl Derivatives {
    /// Results in this folder; nothing is created.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }
    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }
    /// Folder of a subject and session: `sub-01/[ses-02/]meg`.
    pub fn folder(&self, entities: &Entities, data_type: DataType) -> PathBuf {
        let mut path = self.root.join(format!("sub-{}", entities.subject.as_deref().unwrap_or("unknown")));
        if let Some(session) = &entities.session {
            path.push(format!("ses-{session}"));
        }
        path.push(data_type.name());
        path
    }
    /// Path of a result, as `sub-01/meg/sub-01_task-av_proc-filt_raw.fif`.
    pub fn path(&self, entities: &Entities, data_type: DataType, suffix: &str, extension: &str) -> PathBuf {
        self.folder(entities, data_type).join(entities.file_name(suffix, extension))
    }
    /// `dataset_description.json` of a folder of results.
    pub fn description(name: &str, version: &str) -> String {
        let json = json!({
            "Name": format!("{name}: bakusoku"),
            "BIDSVersion": "1.10.0",
            "DatasetType": "derivative",
            "GeneratedBy": [{
                "Name": "bakusoku",
                "Version": version,
                "CodeURL": "https://github.com/bakusoku/bakusoku"
            }],
        });
        format!("{json:#}\n")
    }
    /// Writes `dataset_description.json`, unless it says that already, or that of another pipeline is there.
    ///
    /// # Errors
    /// When it can't be written, or the folder is a dataset of recordings.
    pub fn describe(&self, name: &str, version: &str) -> Result<()> {
        let path = self.root.join("dataset_description.json");
        if let Ok(there) = crate::sidecar::read_json(&path) {
            let by = there.pointer("/GeneratedBy/0/Name").and_then(|name| name.as_str());
            if there.get("DatasetType").and_then(|kind| kind.as_str()) != Some("derivative") {
                return Err(crate::Error::NotResults { path });
            } else if by.is_some_and(|name| name != "bakusoku") {
                return Ok(());
            }
        }
        Ok(bakusoku_files::write_text(&path, &Self::description(name, version))?)
    }
}
