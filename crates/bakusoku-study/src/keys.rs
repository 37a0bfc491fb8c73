//! Keys along a unit's steps.

use crate::Result;
use crate::resume::{Key, input_key};
use crate::step::About;
use serde_json::Value;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Two keys of the same thing: one that says whether it is up to date, and one made from contents only, from which
/// identifiers inside files come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keys {
    pub(crate) key: Key,
    pub(crate) id: Key,
}

impl Keys {
    /// What a step makes of inputs.
    pub(crate) fn of(step: &About, config: &Value, inputs: &[&Keys]) -> Self {
        let pick = |f: fn(&Keys) -> &Key| inputs.iter().map(|keys| f(keys).clone()).collect::<Vec<_>>();
        Self {
            key: Key::of(step.name, step.revision, config, &pick(|keys| &keys.key)),
            id: Key::of(step.name, step.revision, config, &pick(|keys| &keys.id)),
        }
    }
}

/// Keys of input files, each made once in the life of a study however often it is asked for.
#[derive(Debug, Default)]
pub(crate) struct InputKeys {
    hash: bool,
    known: Mutex<HashMap<PathBuf, Arc<Mutex<Option<Keys>>>>>,
}

impl InputKeys {
    /// `hash`: whether the content decides, or size and time.
    pub(crate) fn new(hash: bool) -> Self {
        Self { hash, known: Mutex::default() }
    }
    /// The keys of a file (or all parts of one) that the study knows by `name`.
    ///
    /// # Errors
    /// When it can't be read.
    pub(crate) fn keys(&self, name: &str, parts: &[PathBuf]) -> Result<Keys> {
        let Some(first) = parts.first() else { return Ok(Keys::default()) };
        // Only hashes of whole files are worth keeping; what is cheap is asked anew.
        if !self.hash {
            let (key, id) = input_key(name, parts, false)?;
            return Ok(Keys { key, id });
        }
        let place =
            Arc::clone(self.known.lock().unwrap_or_else(PoisonError::into_inner).entry(first.clone()).or_default());
        // Who comes while the file is read waits for what is read.
        let mut known = place.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(keys) = &*known {
            return Ok(keys.clone());
        }
        let (key, id) = input_key(name, parts, true)?;
        let keys = Keys { key, id };
        *known = Some(keys.clone());
        Ok(keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_hashed_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        let keys = |inputs: &InputKeys| inputs.keys("x", std::slice::from_ref(&path)).unwrap().key;
        fs_err::write(&path, "one").unwrap();
        let (hashed, timed) = (InputKeys::new(true), InputKeys::new(false));
        let (first, at_first) = (keys(&hashed), keys(&timed));
        fs_err::write(&path, "another").unwrap();
        assert_eq!(keys(&hashed), first, "it is not read again");
        assert_ne!(keys(&InputKeys::new(true)), first);
        assert_ne!(keys(&timed), at_first);
    }
}
