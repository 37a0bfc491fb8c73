//! A first study file: what a folder of recordings suggests.

use crate::config::{Config, document::commented};
use crate::{Error, Result};
use bakusoku_bids::{DataType, Dataset, FilePattern, NOISE, Query, RecordingFile, sidecar};
use bakusoku_core::{ChannelType, Stream};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Layouts without BIDS that are looked for: a folder per subject (and day, as MEGIN's acquisition writes them), or a file
/// each.
const PATTERNS: [&str; 6] = [
    "{subject}/{run}_raw.fif",
    "{subject}_raw.fif",
    "{subject}/{session}/{run}_raw.fif",
    "{subject}/{run}.fif",
    "{subject}/{session}/{run}.fif",
    "{subject}.fif",
];
/// The same of recordings that are not FIFF; their extension follows.
const OTHER_PATTERNS: [&str; 4] = ["{subject}/{run}", "{subject}", "{subject}/{session}/{run}", "{subject}/eeg/{run}"];
/// Ends of names of FIFF files that are no recordings, in MNE's naming; before them stands `-` or `_`.
const NO_RECORDINGS: [&str; 14] =
    ["ave", "epo", "cov", "eve", "fwd", "inv", "trans", "src", "bem", "bem-sol", "proj", "ica", "annot", "head"];
/// More names of conditions than this are no conditions, but a log.
const MAX_CONDITIONS: usize = 20;
/// Most events files that are looked into.
const MAX_TABLES: usize = 500;

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
    /// Kinds of events that all subjects (and sessions) have, without those that mark stretches (BAD, EDGE). Without
    /// conditions there are no epochs.
    pub conditions: Vec<String>,
    /// Kinds of events that only some have; they are conditions where there are no others, with `on_missing = "warn"`.
    pub rare: Vec<String>,
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
        rare: Vec::new(),
    };
    let mut pattern = None;
    let mut first = in_layout(folder, &mut draft)?;
    if first.is_none() {
        (pattern, first) = by_pattern(folder, &mut draft)?;
    }
    let Some(first) = first else { return Err(nothing_found(folder)) };
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
    if draft.conditions.is_empty() && draft.rare.is_empty() {
        draft.rare = annotated(recording.stream());
    }
    draft.text = commented(&suggested(&draft, pattern.as_deref(), &relative(folder, base), info.sfreq, info.line_freq));
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
    if sfreq > 500.0 {
        given.push(("raw_resample_sfreq", "250.0".into()));
    }
    if !draft.conditions.is_empty() {
        given.push(("conditions", list(draft.conditions.iter().map(|name| toml(name)).collect())));
    } else if !draft.rare.is_empty() {
        given.push(("conditions", list(draft.rare.iter().map(|name| toml(name)).collect())));
        given.push(("on_missing", "\"warn\"".into()));
    }
    given
}

/// Recordings in BIDS layout; the first one's path.
fn in_layout(folder: &Path, draft: &mut Draft) -> Result<Option<PathBuf>> {
    let dataset = Dataset::open(folder)?;
    let mut first: Option<RecordingFile> = None;
    let mut sidecars = sidecar::Finder::default();
    let mut tables = BTreeMap::<String, BTreeSet<PathBuf>>::new();
    for subject in dataset.subjects()? {
        for data_type in [DataType::Meg, DataType::Eeg] {
            let query = Query { data_type, extensions: bakusoku_io::extensions(), ..Query::default() };
            let recordings = dataset.recordings(&subject, &query)?.found;
            if recordings.is_empty() {
                continue;
            }
            draft.n_recordings += recordings.len();
            let of_task = |found: &RecordingFile| found.entities.task.as_deref() != Some(NOISE);
            draft.tasks.extend(
                recordings.iter().filter(|found| of_task(found)).filter_map(|found| found.entities.task.clone()),
            );
            draft.subjects.insert(subject);
            for recording in &recordings {
                if first.as_ref().is_none_or(|first| !of_task(first) && of_task(recording)) {
                    first = Some(recording.clone());
                }
                let same_task = first.as_ref().is_some_and(|first| first.entities.task == recording.entities.task);
                if same_task && let Some(path) = sidecars.find(dataset.root(), recording, "events", ".tsv")? {
                    tables.entry(recording.entities.unit_label()).or_default().insert(path);
                }
            }
            break;
        }
    }
    (draft.conditions, draft.rare) = conditions(tables.values().take(MAX_TABLES))?;
    Ok(first.map(|found| found.path))
}

/// Kinds of events that all units have and those that only some have, in order of appearance. `units`: the events files
/// of each.
fn conditions<'t>(units: impl Iterator<Item = &'t BTreeSet<PathBuf>>) -> Result<(Vec<String>, Vec<String>)> {
    let (mut names, mut n_units) = (Vec::<(String, usize)>::new(), 0);
    for paths in units {
        let mut of_unit = BTreeSet::new();
        for path in paths {
            let marks = |name: &str| ["bad", "edge"].iter().any(|mark| name.to_lowercase().starts_with(mark));
            for name in sidecar::read_events(path)?.rows.into_iter().filter_map(|row| row.trial_type) {
                if !marks(&name) && of_unit.insert(name.clone()) {
                    match names.iter_mut().find(|(other, _)| *other == name) {
                        Some((_, n)) => *n += 1,
                        None => names.push((name, 1)),
                    }
                }
            }
        }
        n_units += 1;
    }
    let (common, rare): (Vec<_>, Vec<_>) = names.into_iter().partition(|(_, n)| *n == n_units);
    let texts = |names: Vec<(String, usize)>| names.into_iter().map(|(name, _)| name).take(MAX_CONDITIONS).collect();
    Ok((texts(common), texts(rare)))
}

/// Kinds of annotations that mark no stretch to be left out. What one recording has others may lack.
fn annotated(stream: &Stream) -> Vec<String> {
    // What recorders note by themselves is no event.
    let marks = ["bad", "edge", "boundary", "new segment", "comment/", "syncstatus"];
    let mut names = Vec::new();
    for item in &stream.annotations.items {
        let name = item.description.to_lowercase();
        if !marks.iter().any(|mark| name.starts_with(mark)) && !names.contains(&item.description) {
            names.push(item.description.clone());
        }
    }
    // Free notes are as many as there are annotations.
    if names.len() > MAX_CONDITIONS { Vec::new() } else { names }
}

/// Recordings without BIDS: the pattern that finds most, and the first one's path.
fn by_pattern(folder: &Path, draft: &mut Draft) -> Result<(Option<String>, Option<PathBuf>)> {
    let mut best = (None, Vec::new());
    let others = bakusoku_io::extensions().into_iter().filter(|extension| !extension.starts_with(".fif"));
    let others = others.flat_map(|extension| OTHER_PATTERNS.map(|pattern| format!("{pattern}{extension}")));
    for pattern in PATTERNS.map(str::to_owned).into_iter().chain(others) {
        // A pattern that finds two files for one name, or files that are no recordings, is not the layout.
        let Ok(found) = FilePattern::parse(&pattern)?.find(folder, DataType::Meg) else { continue };
        let all = found.iter().all(|found| is_recording(folder, &found.path));
        if all && found.len() > best.1.len() {
            best = (Some(pattern), found);
        }
    }
    draft.n_recordings = best.1.len();
    draft.subjects = best.1.iter().filter_map(|found| found.entities.subject.clone()).collect();
    Ok((best.0, best.1.into_iter().next().map(|found| found.path)))
}

/// Whether the name does not say that it is something else, as MNE names files.
fn is_recording(folder: &Path, path: &Path) -> bool {
    let inside = path.strip_prefix(folder).unwrap_or(path);
    let name = inside.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let stem = name.split(".fif").next().unwrap_or_default();
    let other = NO_RECORDINGS.iter().any(|end| stem.strip_suffix(end).is_some_and(|rest| rest.ends_with(['-', '_'])));
    !other && !inside.starts_with("derivatives")
}

/// What lies there instead of recordings that can be read.
fn nothing_found(folder: &Path) -> Error {
    let message = format!("no recordings found in `{}`", folder.display());
    let (mut foreign, mut readable) = (None, None);
    let mut folders = vec![(folder.to_owned(), 0)];
    let mut seen = 0;
    while let Some((here, depth)) = folders.pop() {
        let Ok(entries) = fs_err::read_dir(&here) else { continue };
        let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.sort();
        for path in paths {
            seen += 1;
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let relative = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
            if name.starts_with('.') || seen > MAX_LISTED {
                continue;
            } else if let Some(format) = bakusoku_io::foreign_format(&name) {
                foreign.get_or_insert((format, relative));
            } else if bakusoku_io::is_recording_name(&name) && is_recording(folder, &path) {
                readable.get_or_insert(relative);
            } else if path.is_dir() && depth < 5 {
                folders.push((path, depth + 1));
            }
        }
    }
    let hint = match (readable, foreign) {
        (Some(path), _) => format!(
            "there is `{path}`: say in a study file how files are named, as files = \"{{subject}}/{{session}}/{{run}}.fif\""
        ),
        (None, Some((format, path))) => {
            format!("there is `{path}`, but {format} can't be read yet, only {}", bakusoku_io::extensions().join(", "))
        }
        (None, None) => {
            "expected sub-01/meg/sub-01_task-av_meg.fif (BIDS), or files like 01/run1_raw.fif or 01_raw.fif".into()
        }
    };
    Error::Empty { message, hint: Some(hint) }
}

/// Most files that are looked at to say what is there.
const MAX_LISTED: usize = 20_000;

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
            rare: Vec::new(),
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
