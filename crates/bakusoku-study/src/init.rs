//! A first study file: what a folder of recordings suggests.

use crate::config::{Config, document::commented};
use crate::{Error, Result};
use bakusoku_bids::{DataType, Dataset, FilePattern, Query, sidecar};
use bakusoku_core::ChannelType;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Layouts without BIDS that are looked for: a folder per subject, or a file each.
const PATTERNS: [&str; 2] = ["{subject}/{run}_raw.fif", "{subject}_raw.fif"];
/// More names of conditions than this are no conditions, but a log.
const MAX_CONDITIONS: usize = 20;

/// A study file that is not written yet, and what it was made from.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The study file: every key with its meaning; what the recordings suggest is set.
    pub text: String,
    /// How many recordings there are.
    pub n_recordings: usize,
    /// Whose.
    pub subjects: BTreeSet<String>,
    /// Of which tasks; with several, the file must say which one.
    pub tasks: BTreeSet<String>,
    /// Channel types, as `ch_types` names them.
    pub ch_types: Vec<&'static str>,
    /// `trial_type`s of the first recording's events file. Without conditions there are no epochs.
    pub conditions: Vec<String>,
}

/// Drafts a study file for the recordings in `folder`. It will stand at `output`, from where its paths count. The header
/// of the first recording speaks for all.
///
/// # Errors
/// When the folder can't be read or holds no recording, or its first recording can't be opened or has neither MEG nor EEG.
pub fn init(folder: &Path, output: &Path) -> Result<Draft> {
    let mut draft = Draft {
        text: String::new(),
        n_recordings: 0,
        subjects: BTreeSet::new(),
        tasks: BTreeSet::new(),
        ch_types: Vec::new(),
        conditions: Vec::new(),
    };
    let mut pattern = None;
    let mut first = in_layout(folder, &mut draft)?;
    if first.is_none() {
        (pattern, first) = by_pattern(folder, &mut draft)?;
    }
    let Some(first) = first else {
        return Err(Error::Empty {
            message: format!("no recordings found in `{}`", folder.display()),
            hint: Some(
                "expected sub-01/meg/sub-01_task-av_meg.fif (BIDS), or files like 01/run1_raw.fif or 01_raw.fif".into(),
            ),
        });
    };
    let recording = bakusoku_io::open(&first)?;
    let info = &recording.stream().info;
    let has = |types: &[ChannelType]| info.chs.iter().any(|ch| types.contains(&ch.ch_type()));
    if has(&[ChannelType::Mag, ChannelType::Grad]) {
        draft.ch_types.push("meg");
    }
    if has(&[ChannelType::Eeg]) {
        draft.ch_types.push("eeg");
    }
    if draft.ch_types.is_empty() {
        return Err(Error::data(
            format!("`{}` has neither MEG nor EEG channels", first.display()),
            "name a folder of MEG or EEG recordings",
        ));
    }
    let base = output.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    draft.text = commented(&suggested(&draft, pattern, &relative(folder, base), info.sfreq, info.line_freq));
    // What is written must be understood by `run`.
    Config::parse(output, &draft.text)?;
    Ok(draft)
}

/// Keys that are set, as TOML. `root` is the folder as the study file sees it.
fn suggested(
    draft: &Draft,
    pattern: Option<&str>,
    root: &str,
    sfreq: f64,
    line_freq: Option<f64>,
) -> Vec<(&'static str, String)> {
    let inside = |name: &str| toml(&if root == "." { name.to_owned() } else { format!("{root}/{name}") });
    let list = |items: Vec<String>| format!("[{}]", items.join(", "));
    let nyquist = sfreq / 2.0;
    let mut given = match pattern {
        Some(pattern) => vec![("files", inside(pattern)), ("deriv_root", inside("derivatives/bakusoku"))],
        None => vec![("bids_root", toml(root))],
    };
    if let [task] = draft.tasks.iter().collect::<Vec<_>>()[..] {
        given.push(("task", toml(task)));
    }
    given.push(("ch_types", list(draft.ch_types.iter().map(|name| toml(name)).collect())));
    if let Some(line) = line_freq {
        let harmonics = (1..=3).map(|k| line * f64::from(k)).filter(|freq| *freq > 0.0 && *freq < nyquist - 2.0);
        let harmonics: Vec<String> = harmonics.map(|freq| freq.to_string()).collect();
        if !harmonics.is_empty() {
            given.push(("notch_freq", list(harmonics)));
        }
    }
    given.push(("l_freq", "0.1".into()));
    given.push(("h_freq", if nyquist > 50.0 { "40.0" } else { "\"none\"" }.into()));
    given.push(("noise_cov_method", "\"empirical\"".into()));
    given.push(("interpolate_bads_grand_average", "false".into()));
    if sfreq > 500.0 {
        given.push(("raw_resample_sfreq", "250.0".into()));
    }
    if !draft.conditions.is_empty() {
        given.push(("conditions", list(draft.conditions.iter().map(|name| toml(name)).collect())));
    }
    given
}

/// Recordings in BIDS layout; the first one's path.
fn in_layout(folder: &Path, draft: &mut Draft) -> Result<Option<PathBuf>> {
    let dataset = Dataset::open(folder)?;
    let mut first = None;
    for subject in dataset.subjects()? {
        for data_type in [DataType::Meg, DataType::Eeg] {
            let recordings = dataset.recordings(&subject, &Query { data_type, ..Query::default() })?;
            let Some(recording) = recordings.first() else { continue };
            draft.n_recordings += recordings.len();
            let tasks = recordings.iter().filter_map(|found| found.entities.task.clone());
            draft.tasks.extend(tasks.filter(|task| task != "noise"));
            draft.subjects.insert(subject);
            if first.is_none() {
                let events = sidecar::find(dataset.root(), &recording.path, &recording.entities, "events", ".tsv")?;
                draft.conditions = events.map(|path| conditions(&path)).transpose()?.unwrap_or_default();
                first = Some(recording.path.clone());
            }
            break;
        }
    }
    Ok(first)
}

/// Recordings without BIDS: the pattern that finds most, and the first one's path.
fn by_pattern(folder: &Path, draft: &mut Draft) -> Result<(Option<&'static str>, Option<PathBuf>)> {
    let mut best = (None, Vec::new());
    for pattern in PATTERNS {
        let found = FilePattern::parse(pattern)?.find(folder, DataType::Meg)?;
        if found.len() > best.1.len() {
            best = (Some(pattern), found);
        }
    }
    draft.n_recordings = best.1.len();
    draft.subjects = best.1.iter().filter_map(|found| found.entities.subject.clone()).collect();
    Ok((best.0, best.1.into_iter().next().map(|found| found.path)))
}

/// `trial_type`s of an events file, in order of appearance.
fn conditions(path: &Path) -> Result<Vec<String>> {
    let mut out: Vec<String> = Vec::new();
    for name in sidecar::read_events(path)?.into_iter().filter_map(|row| row.trial_type) {
        if name != "n/a" && !out.contains(&name) {
            out.push(name);
        }
    }
    out.truncate(MAX_CONDITIONS);
    Ok(out)
}

fn toml(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// `folder` as seen from `base`.
fn relative(folder: &Path, base: &Path) -> String {
    let absolute = |path: &Path| fs_err::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let (folder, base) = (absolute(folder), absolute(base));
    match folder.strip_prefix(&base) {
        Ok(rest) if rest.as_os_str().is_empty() => ".".into(),
        Ok(rest) => rest.display().to_string(),
        Err(_) => folder.display().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(conditions: &[&str]) -> Draft {
        Draft {
            text: String::new(),
            n_recordings: 1,
            subjects: ["01".into()].into(),
            tasks: ["av".into()].into(),
            ch_types: vec!["meg"],
            conditions: conditions.iter().map(|&name| name.to_owned()).collect(),
        }
    }

    fn value(given: &[(&'static str, String)], key: &str) -> Option<String> {
        given.iter().find(|(name, _)| *name == key).map(|(_, value)| value.clone())
    }

    #[test]
    fn frequencies_fit_into_what_was_sampled() {
        let fast = suggested(&draft(&[]), None, ".", 1000.0, Some(60.0));
        assert_eq!(value(&fast, "notch_freq").as_deref(), Some("[60, 120, 180]"));
        assert_eq!(value(&fast, "raw_resample_sfreq").as_deref(), Some("250.0"));
        let slow = suggested(&draft(&[]), None, ".", 250.0, Some(60.0));
        assert_eq!(value(&slow, "notch_freq").as_deref(), Some("[60, 120]"));
        assert_eq!(value(&slow, "raw_resample_sfreq"), None);
        let slowest = suggested(&draft(&[]), None, ".", 80.0, Some(60.0));
        assert_eq!((value(&slowest, "notch_freq"), value(&slowest, "h_freq").as_deref()), (None, Some("\"none\"")));
    }

    #[test]
    fn names_with_quotes_are_read_again() {
        let mut draft = draft(&["say \"hi\"", "back\\slash"]);
        draft.tasks = ["é".into()].into();
        let text = commented(&suggested(&draft, Some(PATTERNS[1]), "a \"b\"", 1000.0, None));
        let config = Config::parse(Path::new("study.toml"), &text).unwrap();
        assert_eq!(config.get("conditions").texts(), draft.conditions);
        assert_eq!(config.text("files"), Some("a \"b\"/{subject}_raw.fif"));
        assert_eq!(config.text("task"), Some("é"));
    }
}
