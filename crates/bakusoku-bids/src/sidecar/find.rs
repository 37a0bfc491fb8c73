//! Which sidecar speaks about a recording.

use crate::{Entities, RecordingFile, Result};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Finds sidecars. Names of a folder are read once: those of the dataset's root, which all subjects share, too.
#[derive(Debug, Default)]
pub struct Finder {
    names: HashMap<PathBuf, Vec<String>>,
}

/// The sidecar with this suffix and extension that speaks about `recording`: the nearest with the most entities, in
/// its folder, then the folders above up to `root`.
///
/// # Errors
/// When a folder can't be read.
pub fn find(root: &Path, recording: &RecordingFile, suffix: &str, extension: &str) -> Result<Option<PathBuf>> {
    Finder::default().find(root, recording, suffix, extension)
}

impl Finder {
    /// See [`find`].
    ///
    /// # Errors
    /// When a folder can't be read.
    pub fn find(
        &mut self,
        root: &Path,
        recording: &RecordingFile,
        suffix: &str,
        extension: &str,
    ) -> Result<Option<PathBuf>> {
        let whole = Entities { split: None, ..recording.entities.clone() };
        // Some tools name the first part in the names of sidecars.
        let split =
            recording.path.file_name().and_then(|name| name.to_str()).and_then(|name| Entities::parse(name).ok());
        let split = split.and_then(|(entities, _, _)| entities.split);
        let mut folder = recording.path.parent();
        while let Some(dir) = folder {
            let mut best: Option<(usize, &String)> = None;
            for name in self.names(dir)? {
                let Some(stem) = name.strip_suffix(extension).and_then(|stem| stem.strip_suffix(suffix)) else {
                    continue;
                };
                let stem = stem.strip_suffix('_').unwrap_or(stem);
                // …and some leave the recording's own suffix: `sub-01_task-x_meg_channels.tsv`.
                let own = format!("_{}", recording.data_type.name());
                let Some(mut entities) = loose(stem.strip_suffix(own.as_str()).unwrap_or(stem)) else { continue };
                if entities.split.is_some() && entities.split != split {
                    continue;
                }
                let of_split = usize::from(entities.split.take().is_some());
                if !entities.applies_to(&whole) {
                    continue;
                }
                let count = Entities::ORDER.iter().filter(|short| entities.get(short).is_some()).count() + of_split;
                if best.is_none_or(|(most, other)| count > most || (count == most && name < other)) {
                    best = Some((count, name));
                }
            }
            if let Some((_, name)) = best {
                return Ok(Some(dir.join(name)));
            }
            if dir == root {
                break;
            }
            folder = dir.parent();
        }
        Ok(None)
    }

    /// The nearest `electrodes.tsv` that speaks about `recording`, and its `coordsystem.json`, if it has one. Of several
    /// coordinate systems the one that the names leave out counts, else CapTrak, else the first by name.
    ///
    /// # Errors
    /// When a folder can't be read.
    pub fn electrodes(&mut self, root: &Path, recording: &RecordingFile) -> Result<Option<(PathBuf, Option<PathBuf>)>> {
        let whole = Entities { split: None, space: None, ..recording.entities.clone() };
        let mut folder = recording.path.parent();
        while let Some(dir) = folder {
            let names = self.names(dir)?;
            // Files of that kind: their coordinate system, how many other entities they have, name.
            let of = |suffix: &str, extension: &str| {
                let of_name = |name: &String| {
                    let stem = name.strip_suffix(extension)?.strip_suffix(suffix)?;
                    let mut entities = loose(stem)?;
                    let space = entities.space.take();
                    let count = Entities::ORDER.iter().filter(|short| entities.get(short).is_some()).count();
                    entities.applies_to(&whole).then(|| (space, count, name.clone()))
                };
                names.iter().filter_map(of_name).collect::<Vec<_>>()
            };
            let rank = |space: &Option<String>| match space.as_deref() {
                None => 0,
                Some("CapTrak") => 1,
                Some(_) => 2,
            };
            let best = of("electrodes", ".tsv")
                .into_iter()
                .min_by_key(|(space, count, name)| (rank(space), std::cmp::Reverse(*count), name.clone()));
            if let Some((space, _, name)) = best {
                let systems = of("coordsystem", ".json").into_iter().filter(|(other, ..)| *other == space);
                let system = systems.max_by_key(|(_, count, _)| *count).map(|(.., name)| dir.join(name));
                return Ok(Some((dir.join(name), system)));
            }
            if dir == root {
                break;
            }
            folder = dir.parent();
        }
        Ok(None)
    }

    /// Names of the sidecars in a folder.
    fn names(&mut self, dir: &Path) -> Result<&[String]> {
        if !self.names.contains_key(dir) {
            let mut names = Vec::new();
            for entry in fs_err::read_dir(dir)? {
                if let Ok(name) = entry?.file_name().into_string()
                    && [".tsv", ".json"].iter().any(|extension| name.ends_with(extension))
                {
                    names.push(name);
                }
            }
            self.names.insert(dir.to_owned(), names);
        }
        Ok(&self.names[dir])
    }
}

/// Entities of an inherited sidecar, which need not name a subject.
fn loose(stem: &str) -> Option<Entities> {
    let mut entities = Entities::default();
    for part in stem.split('_').filter(|part| !part.is_empty()) {
        let (short, value) = part.split_once('-')?;
        if !entities.set(short, Some(value.to_owned())) {
            return None;
        }
    }
    Some(entities)
}
