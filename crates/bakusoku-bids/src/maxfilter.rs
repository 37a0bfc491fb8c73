//! Fine calibration and cross-talk of a subject's (and session's) sensors.

use std::path::{Path, PathBuf};

/// Where BIDS keeps what the Maxwell filter needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MaxfilterFiles {
    /// `sub-*[_ses-*]_acq-calibration_meg.dat`, if it is there.
    pub calibration: Option<PathBuf>,
    /// `sub-*[_ses-*]_acq-crosstalk_meg.fif`, if it is there.
    pub cross_talk: Option<PathBuf>,
}

impl MaxfilterFiles {
    /// Looks for them in the MEG folder of a subject and session.
    pub fn find(root: &Path, subject: &str, session: Option<&str>) -> Self {
        let mut folder = root.join(format!("sub-{subject}"));
        let mut stem = format!("sub-{subject}");
        if let Some(session) = session {
            folder.push(format!("ses-{session}"));
            stem.push_str(&format!("_ses-{session}"));
        }
        folder.push("meg");
        let there = |end: &str| Some(folder.join(format!("{stem}_{end}"))).filter(|path| path.is_file());
        Self { calibration: there("acq-calibration_meg.dat"), cross_talk: there("acq-crosstalk_meg.fif") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_stand_in_the_folder_of_the_session() {
        let root = tempfile::tempdir().expect("a folder");
        let folder = root.path().join("sub-01/ses-b/meg");
        fs_err::create_dir_all(&folder).expect("a folder");
        let path = folder.join("sub-01_ses-b_acq-calibration_meg.dat");
        fs_err::write(&path, "").expect("a file");
        let found = MaxfilterFiles::find(root.path(), "01", Some("b"));
        assert_eq!(found, MaxfilterFiles { calibration: Some(path), cross_talk: None });
        assert_eq!(MaxfilterFiles::find(root.path(), "01", None), MaxfilterFiles::default());
    }
}
