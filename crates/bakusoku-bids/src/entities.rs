//! File names: entities, suffix, extension.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The folder of a recording.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataType {
    /// `meg`, also where EEG was recorded together with it.
    #[default]
    Meg,
    /// `eeg`
    Eeg,
}

impl DataType {
    /// Name of the folder, and suffix of the recordings in it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Meg => "meg",
            Self::Eeg => "eeg",
        }
    }
}

macro_rules! entities {
    ($($field:ident $short:literal $doc:literal;)*) => {
        /// What a BIDS file name says; in the order in which mne-bids writes it.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub struct Entities { $(#[doc = $doc] pub $field: Option<String>,)* }

        impl Entities {
            /// Short names, in the order in which they are written.
            pub const ORDER: &'static [&'static str] = &[$($short),*];

            /// The value of the entity with this short name (`sub`, `ses`, `task`, …).
            pub fn get(&self, short: &str) -> Option<&str> {
                match short { $($short => self.$field.as_deref(),)* _ => None }
            }
            /// Sets the entity with this short name; false when there is no such entity.
            pub fn set(&mut self, short: &str, value: Option<String>) -> bool {
                match short { $($short => self.$field = value,)* _ => return false }
                true
            }
        }
    };
}

entities! {
    subject "sub" "Subject.";
    session "ses" "Session.";
    task "task" "Task.";
    acquisition "acq" "Kind of acquisition.";
    run "run" "Run.";
    processing "proc" "Processing that was done.";
    space "space" "Coordinate space.";
    recording "rec" "Recording or reconstruction.";
    split "split" "Part of a split file.";
    description "desc" "Description.";
}

impl Entities {
    /// Those of subject and session only.
    pub fn unit(subject: &str, session: Option<&str>) -> Self {
        Self { subject: Some(subject.into()), session: session.map(Into::into), ..Self::default() }
    }

    /// Reads a file name: entities, suffix, extension with its dot (`.fif`, `.tsv`; empty without one).
    ///
    /// # Errors
    /// When it is not a BIDS name.
    pub fn parse(name: &str) -> Result<(Self, String, String)> {
        let bad = |message: String| Error::Name { name: name.to_owned(), message };
        let (stem, extension) = match name.find('.') {
            Some(at) => name.split_at(at),
            None => (name, ""),
        };
        let mut parts: Vec<&str> = stem.split('_').collect();
        let suffix = parts.pop().unwrap_or_default();
        if suffix.contains('-') || suffix.is_empty() {
            return Err(bad(format!("it must end with a suffix like `_meg`, got `{suffix}`")));
        }
        let mut entities = Self::default();
        for part in parts {
            let Some((short, value)) = part.split_once('-') else {
                return Err(bad(format!("`{part}` must be an entity like `task-rest`")));
            };
            if value.is_empty() {
                return Err(bad(format!("entity `{short}` has no value")));
            }
            if entities.get(short).is_some() {
                return Err(bad(format!("entity `{short}` stands twice")));
            }
            if !entities.set(short, Some(value.to_owned())) {
                return Err(bad(format!("`{short}` is not an entity, expected one of {}", Self::ORDER.join(", "))));
            }
        }
        if entities.subject.is_none() {
            return Err(bad("it must start with `sub-`".into()));
        }
        Ok((entities, suffix.to_owned(), extension.to_owned()))
    }

    /// The file name with this suffix and extension (with its dot).
    pub fn file_name(&self, suffix: &str, extension: &str) -> String {
        let stem = self.to_string();
        if stem.is_empty() { format!("{suffix}{extension}") } else { format!("{stem}_{suffix}{extension}") }
    }

    /// Whether every entity of `self` has the same value in `other`: then a sidecar named `self` speaks about `other`.
    pub fn applies_to(&self, other: &Self) -> bool {
        Self::ORDER.iter().all(|short| self.get(short).is_none() || self.get(short) == other.get(short))
    }

    /// `sub-01` or `sub-01_ses-02`.
    pub fn unit_label(&self) -> String {
        Self { subject: self.subject.clone(), session: self.session.clone(), ..Self::default() }.to_string()
    }
    /// What distinguishes runs of a subject and session: `task-av_run-01`.
    pub fn run_label(&self) -> String {
        Self { subject: None, session: None, ..self.clone() }.to_string()
    }
}

/// The name without suffix.
impl fmt::Display for Entities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        for short in Self::ORDER {
            if let Some(value) = self.get(short) {
                write!(f, "{}{short}-{value}", if first { "" } else { "_" })?;
                first = false;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written_in_mne_bids_order() {
        let name = "sub-01_ses-b_task-av_acq-x_run-02_proc-tsss_split-01_meg.fif";
        let (entities, suffix, extension) = Entities::parse(name).unwrap();
        assert_eq!((entities.subject.as_deref(), entities.run.as_deref()), (Some("01"), Some("02")));
        assert_eq!((suffix.as_str(), extension.as_str()), ("meg", ".fif"));
        assert_eq!(entities.file_name(&suffix, &extension), name);
        assert_eq!(entities.unit_label(), "sub-01_ses-b");
        assert_eq!(entities.run_label(), "task-av_acq-x_run-02_proc-tsss_split-01");
    }

    #[test]
    fn wrong_names_say_what_was_expected() {
        let message = |name: &str| Entities::parse(name).unwrap_err().to_string();
        assert_eq!(message("task-a_meg.fif"), "`task-a_meg.fif` is not a BIDS file name: it must start with `sub-`");
        assert!(message("sub-01_tsk-a_meg.fif").contains("`tsk` is not an entity, expected one of sub, ses, task"));
        assert!(message("sub-01_run-1_run-2_meg.fif").contains("`run` stands twice"));
        assert!(message("sub-01.fif").contains("must end with a suffix"));
    }
}
