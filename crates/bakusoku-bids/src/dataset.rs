//! A dataset: which recordings there are.

use crate::{DataType, Entities, Error, Result, sidecar};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Extensions of recordings that BIDS allows, whoever reads them: files that end so are worth a remark when they are not taken.
const BIDS_EXTENSIONS: [&str; 16] = [
    ".fif", ".fif.gz", ".edf", ".bdf", ".vhdr", ".set", ".cnt", ".ds", ".con", ".sqd", ".kdf", ".raw.mhd", ".mhd",
    ".mefd", ".nwb", ".snirf",
];

/// A BIDS dataset.
#[derive(Clone, Debug)]
pub struct Dataset {
    root: PathBuf,
}

/// A recording: one file, or the parts of a split one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordingFile {
    /// What its name says; without `split`.
    pub entities: Entities,
    /// Folder kind.
    pub data_type: DataType,
    /// The first (or only) file.
    pub path: PathBuf,
    /// All parts, in order.
    pub parts: Vec<PathBuf>,
}

/// What was found, and what looks like a recording but was not taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recordings {
    /// The recordings that the query wants, sorted by name.
    pub found: Vec<RecordingFile>,
    /// The others, sorted by name.
    pub left_out: Vec<LeftOut>,
}

/// A file that looks like a recording and was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub reason: String,
    /// Whether the query says so: another task, run or session was asked for.
    pub by_query: bool,
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
    /// How names of files that can be read end (`.fif`); the earlier one is taken where a recording exists twice.
    pub extensions: Vec<&'static str>,
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

    /// Recordings of one subject: those that the query wants, and what else looks like a recording. Split files are one.
    ///
    /// # Errors
    /// When a folder can't be read, a file lies in another subject's folder, or the first part of a recording is missing.
    pub fn recordings(&self, subject: &str, query: &Query) -> Result<Recordings> {
        let mut places = vec![None];
        places.extend(self.sessions(subject)?.into_iter().map(Some));
        let mut parts = BTreeMap::<(Entities, usize), Vec<(Option<String>, PathBuf)>>::new();
        let mut out = Recordings::default();
        for session in places {
            let unwanted = |wanted: &Vec<String>| session.as_ref().is_some_and(|session| !wanted.contains(session));
            if query.sessions.as_ref().is_some_and(unwanted) {
                continue;
            }
            let folder = self.folder(subject, session.as_deref(), query.data_type);
            if !folder.is_dir() {
                continue;
            }
            for entry in fs_err::read_dir(&folder)? {
                let path = entry?.path();
                let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
                if !looks_like_recording(name, query.data_type) {
                    continue;
                }
                let mut leave = |reason: String, by_query| {
                    out.left_out.push(LeftOut { path: path.clone(), reason, by_query });
                };
                let (mut entities, extension) = match Entities::parse(name) {
                    Ok((entities, _, extension)) => (entities, extension),
                    Err(Error::Name { message, .. }) => {
                        // `x_meg-1.fif` beside `x_meg.fif`: MNE's name of a later part, which the first one leads to.
                        let is_part = first_of(&path).is_some_and(|first| first.exists());
                        leave(format!("it is not a BIDS file name: {message}"), is_part);
                        continue;
                    }
                    Err(error) => return Err(error),
                };
                let Some(format) = query.extensions.iter().position(|known| *known == extension) else {
                    leave(format!("only {} can be read", query.extensions.join(", ")), false);
                    continue;
                };
                if let Some((reason, by_query)) = query.refuses(&entities) {
                    leave(reason, by_query);
                    continue;
                }
                if entities.subject.as_deref() != Some(subject) || entities.session != session {
                    let message = format!("it lies in `{}`, whose subject or session is another", folder.display());
                    return Err(Error::Name { name: name.to_owned(), message });
                }
                let split = entities.split.take();
                parts.entry((entities, format)).or_default().push((split, path));
            }
        }
        for ((entities, _), mut parts) in parts {
            parts.sort_by_key(|(split, path)| {
                (split.as_ref().map(|n| (n.parse().unwrap_or(u32::MAX), n.clone())), path.clone())
            });
            let later = parts[0].0.as_ref().filter(|split| split.parse::<u32>().is_ok_and(|number| number > 1));
            if let Some(split) = later {
                let number = format!("{:0width$}", 1, width = split.len());
                let (first, path) = (Entities { split: Some(number), ..entities }, parts.swap_remove(0).1);
                let extension = query.extensions.iter().find(|end| path.to_string_lossy().ends_with(**end));
                let name = first.file_name(query.data_type.name(), extension.unwrap_or(&".fif"));
                return Err(Error::FirstPart { first: path.with_file_name(name), path });
            }
            let parts: Vec<PathBuf> = parts.into_iter().map(|(_, path)| path).collect();
            if let Some(same) = out.found.last().filter(|other| other.entities == entities) {
                let name = same.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                let reason = format!("`{name}` has the same name and is taken");
                out.left_out.extend(parts.into_iter().map(|path| LeftOut {
                    path,
                    reason: reason.clone(),
                    by_query: false,
                }));
                continue;
            }
            out.found.push(RecordingFile { entities, data_type: query.data_type, path: parts[0].clone(), parts });
        }
        out.left_out.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(out)
    }

    /// The folder of a subject's (and session's) recordings.
    pub fn folder(&self, subject: &str, session: Option<&str>, data_type: DataType) -> PathBuf {
        let mut folder = self.root.join(format!("sub-{subject}"));
        if let Some(session) = session {
            folder.push(format!("ses-{session}"));
        }
        folder.push(data_type.name());
        folder
    }
}

/// `x_meg-1.fif` to `x_meg.fif`.
fn first_of(path: &Path) -> Option<PathBuf> {
    let (stem, extension) = path.file_name()?.to_str()?.split_once('.')?;
    let (stem, number) = stem.rsplit_once('-')?;
    number.bytes().all(|byte| byte.is_ascii_digit()).then(|| path.with_file_name(format!("{stem}.{extension}")))
}

/// Whether a name is one of a recording, as BIDS or an acquisition system would write it.
fn looks_like_recording(name: &str, data_type: DataType) -> bool {
    // Calibration and cross-talk files are `acq-calibration_meg.dat` and `acq-crosstalk_meg.fif`.
    if name.starts_with('.') || !name.starts_with("sub-") || name.contains("_acq-crosstalk_") {
        return false;
    }
    let stem = BIDS_EXTENSIONS.iter().find_map(|extension| name.strip_suffix(extension));
    // `_meg-1`: a later part as MNE names it by default.
    let suffix = stem.and_then(|stem| stem.rsplit('_').next()).unwrap_or_default();
    suffix.split('-').next() == Some(data_type.name())
}

impl Query {
    /// Whether a subject is wanted.
    pub fn wants_subject(&self, subject: &str) -> bool {
        !self.exclude_subjects.iter().any(|other| other == subject)
            && self.subjects.as_ref().is_none_or(|wanted| wanted.iter().any(|other| other == subject))
    }
    /// Why a recording is not wanted, and whether that was asked for in so many words.
    fn refuses(&self, entities: &Entities) -> Option<(String, bool)> {
        if self.task.is_some() && entities.task != self.task {
            return Some((format!("its task is {}", or_none(&entities.task)), true));
        }
        for (what, list, value) in [("session", &self.sessions, &entities.session), ("run", &self.runs, &entities.run)]
        {
            if let Some(list) = list
                && value.as_ref().is_none_or(|value| !list.contains(value))
            {
                return Some((format!("its {what} is {}", or_none(value)), value.is_some()));
            }
        }
        for (key, wanted, value) in [
            ("acq", &self.acquisition, &entities.acquisition),
            ("proc", &self.processing, &entities.processing),
            ("rec", &self.recording, &entities.recording),
        ] {
            if wanted != value {
                let reason = match (value, wanted) {
                    (Some(value), None) => format!("it has `{key}-{value}`; {key} = {value:?} takes it"),
                    (Some(value), Some(wanted)) => format!("it has `{key}-{value}`, not `{key}-{wanted}`"),
                    (None, _) => format!("it has no `{key}-{}`", wanted.as_deref().unwrap_or_default()),
                };
                return Some((reason, wanted.is_some()));
            }
        }
        None
    }
}

fn or_none(value: &Option<String>) -> String {
    value.as_ref().map_or_else(|| "not in its name".to_owned(), |value| format!("`{value}`"))
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
