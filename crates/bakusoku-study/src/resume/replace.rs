//! Replacing an output so that no moment leaves half of it under its name.

use super::sidecar::{Part, Sidecar, sidecar_path};
use super::stale::temporary_name;
use crate::Result;
use bakusoku_files::sync_folder;
use std::path::{Path, PathBuf};

/// A place to write an output's parts under their final names, in a folder of its own beside the final one.
#[derive(Debug)]
pub struct Replacement {
    target: PathBuf,
    folder: PathBuf,
}

impl Replacement {
    /// Makes the place. Nothing of the old output is touched before [`commit`](Self::commit).
    ///
    /// # Errors
    /// When the folder can't be made.
    pub fn begin(target: &Path) -> Result<Self> {
        let parent = target.parent().unwrap_or(Path::new("."));
        fs_err::create_dir_all(parent)?;
        let folder = parent.join(temporary_name());
        fs_err::create_dir(&folder)?;
        Ok(Self { target: target.to_owned(), folder })
    }

    /// Where the first part is to be written.
    pub fn path(&self) -> PathBuf {
        self.folder.join(self.target.file_name().unwrap_or_default())
    }

    /// Puts the parts that were written in the place of the old ones: the old sidecar goes first and the new one comes
    /// last, so that whatever happens in between, the output counts as missing.
    ///
    /// # Errors
    /// When the file system refuses; the output then counts as missing.
    pub fn commit(self, mut sidecar: Sidecar) -> Result<Sidecar> {
        let parent = self.target.parent().unwrap_or(Path::new(".")).to_owned();
        let mut files: Vec<PathBuf> = fs_err::read_dir(&self.folder)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<std::io::Result<_>>()?;
        // Parts in their order: `x_raw.fif`, `x_raw-1.fif`, `x_raw-2.fif`, …
        files.sort_by_key(|path| {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            (name.len(), name)
        });
        sidecar.parts.clear();
        for file in &files {
            fs_err::File::open(file)?.sync_all()?;
            sidecar.parts.push(Part::of(file)?);
        }
        let json = sidecar_path(&self.target);
        let old = Sidecar::read(&self.target);
        if json.exists() {
            fs_err::remove_file(&json)?;
            sync_folder(&parent)?;
        }
        for part in old.iter().flat_map(|old| &old.parts) {
            if !sidecar.parts.iter().any(|new| new.name == part.name) && safe(&part.name) {
                match fs_err::remove_file(parent.join(&part.name)) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
                    _ => {}
                }
            }
        }
        for file in &files {
            fs_err::rename(file, parent.join(file.file_name().unwrap_or_default()))?;
        }
        sync_folder(&parent)?;
        let text = format!("{}\n", serde_json::to_string_pretty(&sidecar).map_err(std::io::Error::from)?);
        let temporary = self.folder.join("sidecar.json");
        let mut file = fs_err::File::create(&temporary)?;
        std::io::Write::write_all(&mut file, text.as_bytes())?;
        file.sync_all()?;
        fs_err::rename(&temporary, &json)?;
        sync_folder(&parent)?;
        Ok(sidecar)
    }
}

/// Whether a name from a sidecar names a file of the same folder and nothing else.
pub(super) fn safe(name: &str) -> bool {
    !name.is_empty() && !name.contains('/') && name != "." && name != ".."
}

impl Drop for Replacement {
    fn drop(&mut self) {
        let _ = fs_err::remove_dir_all(&self.folder);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Key, Validity, check};
    use super::*;
    use serde_json::json;

    fn sidecar(key: &Key) -> Sidecar {
        Sidecar {
            key: key.clone(),
            step: "filter".into(),
            revision: 1,
            version: "0".into(),
            study: "study.toml".into(),
            sources: vec![],
            config: json!({"h_freq": 40.0}),
            parts: vec![],
        }
    }

    fn write(target: &Path, key: &Key, parts: &[(&str, &str)]) -> Sidecar {
        let place = Replacement::begin(target).unwrap();
        for (name, text) in parts {
            fs_err::write(place.path().with_file_name(name), text).unwrap();
        }
        place.commit(sidecar(key)).unwrap()
    }

    #[test]
    fn an_output_is_current_until_something_changes() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("x_raw.fif");
        let config = json!({"h_freq": 40.0});
        let (a, b) = (Key::of("filter", 1, &config, &[]), Key::of("filter", 1, &json!({"h_freq": 30.0}), &[]));
        assert_eq!(check(&target, &a, 1, &config), Validity::Missing);
        write(&target, &a, &[("x_raw.fif", "one"), ("x_raw-1.fif", "two")]);
        assert!(check(&target, &a, 1, &config).is_current());
        assert_eq!(check(&target, &b, 1, &json!({"h_freq": 30.0})).why(), "h_freq was 40.0, is 30.0");
        assert_eq!(check(&target, &b, 2, &config).why(), "made by revision 1 of `filter`, now 2");

        // The same size at another time: the content decides.
        fs_err::write(dir.path().join("x_raw-1.fif"), "two").unwrap();
        assert!(check(&target, &a, 1, &config).is_current());
        fs_err::write(dir.path().join("x_raw-1.fif"), "TWO").unwrap();
        assert!(matches!(check(&target, &a, 1, &config), Validity::Damaged(_)));

        // A new version with fewer parts leaves none of the old ones.
        write(&target, &b, &[("x_raw.fif", "three")]);
        assert!(!dir.path().join("x_raw-1.fif").exists());
        let mut names: Vec<_> = fs_err::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["x_raw.fif", "x_raw.json"]);
    }

    #[test]
    fn what_is_not_committed_leaves_the_old_output_alone() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("x_ave.fif");
        let key = Key::of("evoked", 1, &json!({}), &[]);
        write(&target, &key, &[("x_ave.fif", "old")]);
        {
            let place = Replacement::begin(&target).unwrap();
            fs_err::write(place.path(), "half of the ne").unwrap();
        }
        assert!(check(&target, &key, 1, &json!({})).is_current());
        assert_eq!(fs_err::read_to_string(&target).unwrap(), "old");
        assert_eq!(fs_err::read_dir(dir.path()).unwrap().count(), 2);
    }
}
