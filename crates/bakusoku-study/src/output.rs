//! A file that a study makes, and whether it is up to date.

use crate::Result;
use crate::keys::Keys;
use crate::resume::{Replacement, Sidecar, Validity, check};
use crate::step::About;
use bakusoku_fiff::FileId;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A file that a study makes.
#[derive(Clone, Debug)]
pub struct Output {
    /// Where.
    pub path: PathBuf,
    /// The step that makes it.
    pub step: &'static str,
    pub(crate) revision: u32,
    pub(crate) config: Value,
    pub(crate) keys: Keys,
    pub(crate) sources: Vec<String>,
    pub(crate) study: String,
    /// Whether it is up to date, and why not.
    pub validity: Validity,
    /// Whether it was written now.
    pub written: bool,
}

impl Output {
    /// A file, and whether it is up to date.
    pub(crate) fn new(
        path: PathBuf,
        step: &About,
        config: Value,
        keys: Keys,
        sources: Vec<String>,
        study: String,
    ) -> Self {
        let validity = check(&path, &keys.key, step.revision, &config);
        Self { path, step: step.name, revision: step.revision, config, keys, sources, study, validity, written: false }
    }
    /// Whether it must be made.
    pub fn is_due(&self) -> bool {
        !self.validity.is_current()
    }
    /// The key under which it is up to date.
    pub fn key(&self) -> &str {
        self.keys.key.as_str()
    }
    /// Without what only writing it takes: plans of many units are held at once.
    pub(crate) fn slim(&self) -> Self {
        Self { config: Value::Null, sources: Vec::new(), ..self.clone() }
    }
    /// Takes it as not there (`--force`).
    pub(crate) fn invalidate(&mut self) {
        self.validity = Validity::Outdated("to be made anew".into());
    }
    /// The identifier inside the file: made from contents only, so that the same input gives the same bytes.
    pub(crate) fn file_id(&self) -> FileId {
        FileId::from_key(&self.keys.id.bytes())
    }
    /// The sidecar that will stand beside it.
    pub(crate) fn sidecar(&self) -> Sidecar {
        Sidecar {
            key: self.keys.key.clone(),
            step: self.step.into(),
            revision: self.revision,
            version: env!("CARGO_PKG_VERSION").into(),
            study: self.study.clone(),
            sources: self.sources.clone(),
            config: self.config.clone(),
            parts: Vec::new(),
        }
    }
    /// Writes it under a temporary name and puts it in its place.
    pub(crate) fn write(&mut self, f: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
        let place = Replacement::begin(&self.path)?;
        f(&place.path())?;
        self.commit(place)
    }
    /// Puts what was written in its place.
    pub(crate) fn commit(&mut self, place: Replacement) -> Result<()> {
        self.validity = Validity::Current(place.commit(self.sidecar())?.bytes());
        self.written = true;
        Ok(())
    }
}
