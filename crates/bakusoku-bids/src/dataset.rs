//! A dataset: which recordings there are.

use crate::{DataType, Entities, Error, Result, sidecar};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A BIDS dataset.
#[derive(Clone, Debug)]
pub struct Dataset {
    root: PathBuf,
}

/// A recording: one file, or the parts of a split one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What its name says; without `split`.
    pub entities: Entities,
    /// Folder kind.
    pub data_type: DataType,
    /// The first (or only) file.
    pub path: PathBuf,
    /// All parts, in order.
    pub parts: Vec<PathBuf>,
}

/// Which recordings are wanted; `None`: any.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Subjects.
    pub subjects: Option<Vec<String>>,
    /// Subjects left out.
    pub exclude_subjects: Vec<String>,
    /// Sessions.
    pub sessions: Option<Vec<String>>,
    /// Task.
    pub task: Option<String>,
    /// Runs.
    pub runs: Option<Vec<String>>,
    /// `acq`, `proc`, `rec`: must agree exactly, absent ones too.
    pub acquisition: Option<String>,
    /// See `acquisition`.
    pub processing: Option<String>,
    /// See `acquisition`.
    pub recording: Option<String>,
    /// Folder kind.
    pub data_type: DataType,
}

impl Dataset {
    /// Opens a dataset.
    ///
    /// # Errors
    /// When it is not a folder.
    pub fn open(root: &Path) -> Result<Self> {
        if root.is_dir() { Ok(Self { root: root.to_owned() }) } else { Err(Error::NoDataset { path: root.to_owned() }) }
    }
    /// Its folder.
    pub fn root(&self) -> &Path {
        &self.root
    }
    /// `dataset_description.json`, if there is one.
    ///
    /// # Errors
    /// When it can't be read or is no JSON.
    pub fn description(&self) -> Result<Option<Value>> {
        let path = self.root.join("dataset_description.json");
        if path.is_file() { sidecar::read_json(&path).map(Some) } else { Ok(None) }
    }
    /// Its name, from `dataset_description.json`, else from the folder.
    pub fn name(&self) -> String {
        let said = self.description().ok().flatten().and_then(|json| Some(json.get("Name")?.as_str()?.to_owned()));
        said.unwrap_or_else(|| {
            let full = self.root.canonicalize().unwrap_or_else(|_| self.root.clone());
            full.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_else(|| "study".into())
        })
    }
    /// Subjects, sorted, without `sub-`; the empty room is not one.
    ///
    /// # Errors
    /// When the folder can't be read.
    pub fn subjects(&self) -> Result<Vec<String>> {
        Ok(folders(&self.root, "sub-")?.into_iter().filter(|subject| subject != "emptyroom").collect())
    }
    /// Sessions of a subject, sorted, without `ses-`; empty where there are none.
    ///
    /// # Errors
    /// When the folder can't be read.
    pub fn sessions(&self, subject: &str) -> Result<Vec<String>> {
        folders(&self.root.join(format!("sub-{subject}")), "ses-")
    }

    /// Recordings of one subject that the query wants, sorted by name; split files are one.
    ///
    /// # Errors
    /// When a folder can't be read.
    pub fn recordings(&self, subject: &str, query: &Query) -> Result<Vec<Found>> {
        let sessions = self.sessions(subject)?;
        let mut places = vec![None];
        places.extend(sessions.into_iter().map(Some));
        let mut found = BTreeMap::<(Entities, String), Vec<(Option<String>, PathBuf)>>::new();
        for session in places {
            if session
                .as_ref()
                .is_some_and(|session| query.sessions.as_ref().is_some_and(|wanted| !wanted.contains(session)))
            {
                continue;
            }
            let mut folder = self.root.join(format!("sub-{subject}"));
            if let Some(session) = &session {
                folder.push(format!("ses-{session}"));
            }
            folder.push(query.data_type.name());
            if !folder.is_dir() {
                continue;
            }
            for entry in fs_err::read_dir(&folder)? {
                let path = entry?.path();
                let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
                let Ok((mut entities, suffix, extension)) = Entities::parse(name) else { continue };
                if suffix != query.data_type.name() || extension != ".fif" || !query.wants(&entities) {
                    continue;
                }
                if entities.subject.as_deref() != Some(subject) || entities.session != session {
                    let message = format!("it lies in `{}`, whose subject or session is another", folder.display());
                    return Err(Error::Name { name: name.to_owned(), message });
                }
                let split = entities.split.take();
                found.entry((entities, extension)).or_default().push((split, path));
            }
        }
        Ok(found
            .into_iter()
            .map(|((entities, _), mut parts)| {
                parts.sort();
                let parts: Vec<PathBuf> = parts.into_iter().map(|(_, path)| path).collect();
                Found { entities, data_type: query.data_type, path: parts[0].clone(), parts }
            })
            .collect())
    }
}

impl Query {
    /// Whether a subject is wanted.
    pub fn wants_subject(&self, subject: &str) -> bool {
        !self.exclude_subjects.iter().any(|other| other == subject)
            && self.subjects.as_ref().is_none_or(|wanted| wanted.iter().any(|other| other == subject))
    }
    fn wants(&self, entities: &Entities) -> bool {
        let listed = |list: &Option<Vec<String>>, value: &Option<String>| match (list, value) {
            (Some(list), Some(value)) => list.contains(value),
            _ => true,
        };
        self.task.as_ref().is_none_or(|task| entities.task.as_ref() == Some(task))
            && listed(&self.runs, &entities.run)
            && entities.acquisition == self.acquisition
            && entities.processing == self.processing
            && entities.recording == self.recording
            // Calibration and cross-talk files are `acq-calibration_meg.dat` and `acq-crosstalk_meg.fif`.
            && entities.acquisition.as_deref() != Some("crosstalk")
    }
}

/// Names of folders that start with `prefix`, without it, sorted.
fn folders(dir: &Path, prefix: &str) -> Result<Vec<String>> {
    let mut out = Vec::new();
    for entry in fs_err::read_dir(dir)? {
        let entry = entry?;
        if let Some(name) = entry.file_name().to_str().and_then(|name| name.strip_prefix(prefix))
            && !name.is_empty()
            && entry.path().is_dir()
        {
            out.push(name.to_owned());
        }
    }
    out.sort();
    Ok(out)
}
