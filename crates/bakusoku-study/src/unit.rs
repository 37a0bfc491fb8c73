//! Units of work: one subject and session, with its recordings.

use crate::config::Config;
use crate::report::data::Failure;
use crate::{Error, Result};
use bakusoku_bids::{
    DataType, Dataset, Entities, FilePattern, LeftOut, NOISE, Query, RecordingFile, Recordings, sidecar,
};
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

/// One subject and session.
#[derive(Clone, Debug)]
pub struct Unit {
    /// Subject, without `sub-`.
    pub subject: String,
    /// Session, without `ses-`.
    pub session: Option<String>,
    /// Its recordings, in order.
    pub runs: Vec<Run>,
    /// Why its recordings could not even be listed.
    pub broken: Option<Failure>,
}

/// One recording and what stands beside it.
#[derive(Clone, Debug)]
pub struct Run {
    /// The recording.
    pub found: RecordingFile,
    /// Its `channels.tsv`.
    pub channels: Option<PathBuf>,
    /// Its `events.tsv`.
    pub events: Option<PathBuf>,
    /// Of EEG: its `electrodes.tsv`, and the `coordsystem.json` of that, if it has one.
    pub electrodes: Option<(PathBuf, Option<PathBuf>)>,
}

impl Unit {
    /// `sub-01` or `sub-01_ses-02`.
    pub fn label(&self) -> String {
        Entities::unit(&self.subject, self.session.as_deref()).unit_label()
    }
    /// What all its recordings' names agree in, for results of all runs together; never `run`, `split` or `proc`.
    pub fn entities(&self) -> Entities {
        let mut out = Entities::unit(&self.subject, self.session.as_deref());
        for short in ["task", "acq", "space", "rec"] {
            let mut values = self.runs.iter().map(|run| run.found.entities.get(short));
            if let Some(Some(first)) = values.next()
                && values.all(|value| value == Some(first))
            {
                out.set(short, Some(first.to_owned()));
            }
        }
        out
    }
    /// Its folder kind.
    pub fn data_type(&self) -> DataType {
        self.runs.first().map(|run| run.found.data_type).unwrap_or_default()
    }
    /// Whether a name given by hand means this unit: `01`, `sub-01`, `sub-01/ses-b`, `sub-01_ses-b`.
    pub fn is_named(&self, name: &str) -> bool {
        let name = name.replace('/', "_");
        name == self.label() || name == self.subject || name == format!("sub-{}", self.subject)
    }
}

impl Run {
    /// `task-av_run-01`, else the file's name.
    pub fn label(&self) -> String {
        let label = self.found.entities.run_label();
        if label.is_empty() { self.name() } else { label }
    }
    /// The file's name.
    pub fn name(&self) -> String {
        self.found.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }
}

/// Where recordings come from and how they are named in keys and sidecars.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// The dataset's (or the study file's) folder.
    pub(crate) root: PathBuf,
    /// The pattern, where there is no BIDS layout.
    pub(crate) pattern: Option<FilePattern>,
    pub(crate) data_type: DataType,
}

impl Source {
    pub(crate) fn new(config: &Config) -> Result<Self> {
        let data_type = match config.text("data_type") {
            Some("eeg") => DataType::Eeg,
            Some(_) => DataType::Meg,
            None if config.get("ch_types").texts().iter().all(|ch_type| ch_type == "eeg") => DataType::Eeg,
            None => DataType::Meg,
        };
        let pattern = config.text("files").map(FilePattern::parse).transpose()?;
        let root = match config.text("bids_root") {
            Some(path) => config.beside(path),
            None => config.folder().to_owned(),
        };
        Ok(Self { root, pattern, data_type })
    }
    /// The folder of results when the study does not say it.
    pub(crate) fn default_results(&self) -> PathBuf {
        self.root.join("derivatives").join("bakusoku")
    }
    /// A path as the study knows it: relative to its data.
    pub(crate) fn relative(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).to_string_lossy().into_owned()
    }
}

/// The units of a study, in order, and remarks about what was left out.
pub(crate) fn discover(config: &Config, source: &Source) -> Result<(Vec<Unit>, Vec<String>)> {
    let query = query(config, source);
    let found = match &source.pattern {
        Some(pattern) => by_pattern(config, pattern, source, &query)?,
        None => by_layout(config, source, &query)?,
    };
    let task = the_task(config, &found)?;
    let mut remarks = config.remarks();
    let (mut units, mut left_out) = (Vec::new(), Vec::new());
    let mut sidecars = sidecar::Finder::default();
    for (subject, recordings) in found {
        let recordings = match recordings {
            Ok(recordings) => {
                left_out.extend(recordings.left_out.iter().filter(|left| !left.by_query).cloned());
                recordings
            }
            Err(failure) => {
                units.push(Unit { subject, session: None, runs: Vec::new(), broken: Some(failure) });
                continue;
            }
        };
        let excluded = excluded_runs(config, &query, &subject, &recordings.found)?;
        let mut sessions = BTreeMap::<Option<String>, Vec<RecordingFile>>::new();
        for recording in recordings.found {
            let entities = &recording.entities;
            if task.is_some() && entities.task != task && source.pattern.is_none() {
                continue;
            }
            if entities.run.as_ref().is_some_and(|run| excluded.contains(run)) {
                continue;
            }
            sessions.entry(entities.session.clone()).or_default().push(recording);
        }
        if sessions.is_empty() {
            let why = recordings.left_out.first().map(|left| format!(": {}", reason(left))).unwrap_or_default();
            remarks.push(format!("sub-{subject} has no recording that the study asks for{why}"));
        }
        for (session, recordings) in sessions {
            let mut unit = Unit { subject: subject.clone(), session, runs: Vec::new(), broken: None };
            for found in recordings {
                match with_sidecars(source, found, &mut sidecars) {
                    Ok(run) => unit.runs.push(run),
                    Err(error) => unit.broken = Some(failure("discover", &error)),
                }
            }
            unit.runs.shrink_to_fit();
            units.push(unit);
        }
    }
    if units.is_empty() {
        let task = task.map(|task| format!(" of task `{task}`")).unwrap_or_default();
        let what = match config.text("files") {
            Some(files) => format!("no recording matches `{files}` below `{}`", source.root.display()),
            None => format!(
                "no recording{task} found in `{}`",
                source.root.join("sub-*").join(source.data_type.name()).display()
            ),
        };
        let hint = what_there_is(source, &query).unwrap_or_else(|| match config.text("files") {
            Some(_) => "fields are {subject}, {session}, {task}, {run}, {acq}; relative patterns count from the study file".into(),
            None => "recordings must be named like sub-01/meg/sub-01_task-av_meg.fif; without BIDS use files = \"data/{subject}/{run}_raw.fif\"".into(),
        });
        return Err(Error::Empty { message: what, hint: Some(hint) });
    }
    remarks.extend(not_taken(&left_out));
    Ok((units, remarks))
}

/// Results must not lie among the recordings: they would replace the dataset's own description, or look like its data.
///
/// # Errors
/// When the folder of results is the dataset, or lies in the folder of a subject.
pub(crate) fn check_results(source: &Source, results: &Path) -> Result<()> {
    let (root, results) = (absolute(&source.root), absolute(results));
    let Ok(inside) = results.strip_prefix(&root) else { return Ok(()) };
    let first = inside.components().next().map(|part| part.as_os_str().to_string_lossy().into_owned());
    let what = match first {
        None if source.pattern.is_none() => "the dataset itself".to_owned(),
        Some(name) if name.starts_with("sub-") && source.pattern.is_none() => format!("inside `{name}`"),
        _ => return Ok(()),
    };
    Err(Error::Empty {
        message: format!("`deriv_root` is {what} (`{}`): results would mix with recordings", results.display()),
        hint: Some("leave `deriv_root` out: results go to derivatives/bakusoku".into()),
    })
}

/// A path from the root, without links as far as it exists, and without `..`.
fn absolute(path: &Path) -> PathBuf {
    let full = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut plain = PathBuf::new();
    for part in full.components() {
        match part {
            Component::ParentDir => _ = plain.pop(),
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    let mut missing = Vec::new();
    let mut there = plain.clone();
    loop {
        if let Ok(real) = there.canonicalize() {
            return missing.iter().rev().fold(real, |path, part| path.join(part));
        }
        match (there.file_name().map(ToOwned::to_owned), there.pop()) {
            (Some(name), true) => missing.push(name),
            _ => return plain,
        }
    }
}

/// A failure as the report shows it.
pub(crate) fn failure(step: &str, error: &Error) -> Failure {
    let (step, run) = match error {
        Error::Step { step, run, .. } => ((*step).to_owned(), run.clone()),
        _ => (step.to_owned(), None),
    };
    let messages = error.chain().iter().map(|message| by_key(&step, &final_names(message))).collect();
    Failure { step, run, messages, hint: error.hint() }
}

/// A message about a parameter of a method, by the key of the study file from which its value comes: of the step's keys the
/// first that is the parameter's name, or ends with it (`decim` is `epochs_decim`, `freqs` is `notch_freq`).
fn by_key(step: &str, message: &str) -> String {
    let key = || {
        let name = message.strip_prefix('`')?.split_once("` must be")?.0;
        let registry = crate::steps::builtin();
        let keys = registry.iter().find(|other| other.about().name == step)?.about().keys;
        let named = |name: &str| {
            keys.iter().find(|key| **key == name).or_else(|| keys.iter().find(|key| key.ends_with(&format!("_{name}"))))
        };
        let key = named(name).or_else(|| named(name.strip_suffix('s')?))?;
        Some(message.replacen(&format!("`{name}`"), &format!("`{key}`"), 1))
    };
    key().unwrap_or_else(|| message.to_owned())
}

/// A message about a file that is being written, by the name that it was to have.
fn final_names(message: &str) -> String {
    let mut out = message.to_owned();
    while let Some(start) = out.find("/.bakusoku-") {
        match out[start..].find(".part/") {
            Some(len) => out.replace_range(start..start + len + 5, ""),
            None => break,
        }
    }
    out
}

fn query(config: &Config, source: &Source) -> Query {
    Query {
        subjects: config.labels("subjects", "sub-"),
        exclude_subjects: config.labels("exclude_subjects", "sub-").unwrap_or_default(),
        sessions: config.labels("sessions", "ses-"),
        task: config.text("task").filter(|task| !task.is_empty()).map(Into::into),
        runs: config.labels("runs", "run-"),
        acquisition: config.text("acq").map(Into::into),
        processing: config.text("proc").map(Into::into),
        recording: config.text("rec").map(Into::into),
        data_type: source.data_type,
        extensions: bakusoku_io::extensions(),
    }
}

fn reason(left: &LeftOut) -> String {
    let name = left.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    format!("`{name}` is not taken: {}", left.reason)
}

/// One remark for each reason not to take recordings.
fn not_taken(left_out: &[LeftOut]) -> Vec<String> {
    let mut reasons = BTreeMap::<&str, Vec<&LeftOut>>::new();
    for left in left_out {
        reasons.entry(&left.reason).or_default().push(left);
    }
    let texts = reasons.into_values().flat_map(|same| match same.len() {
        1..=3 => same.into_iter().map(reason).collect(),
        n => vec![format!("{} ({} more files like it)", reason(same[0]), n - 1)],
    });
    texts.collect()
}

/// What a dataset in BIDS layout has instead of what was asked for, as a hint.
fn what_there_is(source: &Source, query: &Query) -> Option<String> {
    if source.pattern.is_some() {
        return None;
    }
    let dataset = Dataset::open(&source.root).ok()?;
    let subjects: Vec<String> = dataset.subjects().ok()?.into_iter().filter(|name| query.wants_subject(name)).collect();
    let all = |data_type| {
        let query = Query { data_type, extensions: query.extensions.clone(), ..Query::default() };
        let listed = subjects.iter().filter_map(|subject| dataset.recordings(subject, &query).ok());
        listed.fold(Recordings::default(), |mut all, more| {
            all.found.extend(more.found);
            all.left_out.extend(more.left_out);
            all
        })
    };
    let values = |short: &str, found: &[RecordingFile]| {
        let mut values: Vec<String> =
            found.iter().filter_map(|file| Some(format!("{:?}", file.entities.get(short)?))).collect();
        values.sort();
        values.dedup();
        values.join(", ")
    };
    let here = all(query.data_type);
    if let Some(task) = &query.task
        && !here.found.is_empty()
        && !here.found.iter().any(|file| file.entities.task.as_ref() == Some(task))
    {
        return Some(format!("there are the tasks {}", values("task", &here.found)));
    }
    let of_task: Vec<RecordingFile> =
        here.found.into_iter().filter(|file| query.task.is_none() || file.entities.task == query.task).collect();
    if let Some(runs) = &query.runs
        && !of_task.iter().any(|file| file.entities.run.as_ref().is_some_and(|run| runs.contains(run)))
        && !of_task.is_empty()
    {
        let there = values("run", &of_task);
        return Some(if there.is_empty() {
            "recordings have no run in their names".into()
        } else {
            format!("there are the runs {there}")
        });
    }
    if let Some(file) = of_task.first() {
        return Some(format!("there is `{}`", source.relative(&file.path)));
    }
    if let Some(left) = here.left_out.first() {
        return Some(reason(left));
    }
    let other = if query.data_type == DataType::Meg { DataType::Eeg } else { DataType::Meg };
    let there = all(other);
    (!there.found.is_empty())
        .then(|| format!("there are recordings in `{0}` folders; data_type = \"{0}\" takes them", other.name()))
}

/// Parts of split recordings are no recordings of their own: the first part leads to them. One whose first part is not
/// among the files stays, and opening it says so.
fn without_parts(found: Vec<RecordingFile>) -> Vec<RecordingFile> {
    if found.len() < 2 {
        return found;
    }
    let parts: Vec<PathBuf> = found
        .iter()
        .filter_map(|file| bakusoku_io::open_recording(&file.path).ok().filter(|opened| opened.previous.is_none()))
        .flat_map(|opened| opened.paths.into_iter().skip(1))
        .collect();
    found.into_iter().filter(|file| !parts.contains(&file.path)).collect()
}

type BySubject = Vec<(String, Result<Recordings, Failure>)>;

fn by_layout(config: &Config, source: &Source, query: &Query) -> Result<BySubject> {
    let dataset = Dataset::open(&source.root)?;
    let subjects = dataset.subjects()?;
    all_known(config, query, &subjects)?;
    Ok(subjects
        .into_iter()
        .filter(|subject| query.wants_subject(subject))
        .map(|subject| {
            let found = dataset.recordings(&subject, query).map_err(|error| failure("discover", &error.into()));
            (subject, found)
        })
        .collect())
}

fn by_pattern(config: &Config, pattern: &FilePattern, source: &Source, query: &Query) -> Result<BySubject> {
    let mut out = BTreeMap::<String, Vec<RecordingFile>>::new();
    for found in pattern.find(&source.root, source.data_type)? {
        let subject = found.entities.subject.clone().unwrap_or_default();
        let listed = |list: &Option<Vec<String>>, value: &Option<String>| match (list, value) {
            (Some(list), value) => value.as_ref().is_some_and(|value| list.contains(value)),
            (None, _) => true,
        };
        let entities = &found.entities;
        let wanted = listed(&query.sessions, &entities.session)
            && listed(&query.runs, &entities.run)
            && (query.task.is_none() || entities.task.is_none() || query.task == entities.task);
        let recordings = out.entry(subject.clone()).or_default();
        if wanted && query.wants_subject(&subject) {
            recordings.push(found);
        }
    }
    let subjects: Vec<String> = out.keys().cloned().collect();
    all_known(config, query, &subjects)?;
    Ok(out
        .into_iter()
        .filter(|(subject, _)| query.wants_subject(subject))
        .map(|(subject, found)| (subject, Ok(Recordings { found: without_parts(found), left_out: Vec::new() })))
        .collect())
}

/// Whether all subjects that the study file names are there, those with exceptions too.
fn all_known(config: &Config, query: &Query, there: &[String]) -> Result<()> {
    known("subjects", query.subjects.as_deref().unwrap_or(&[]), there, "subject")?;
    known("exclude_subjects", &query.exclude_subjects, there, "subject")?;
    let exceptions: Vec<String> = config.subjects_with_exceptions().map(|(name, _)| name.to_owned()).collect();
    known("[subject.…]", &exceptions, there, "subject")?;
    let excluded: Vec<String> = config.runs_to_exclude().into_iter().map(|(name, _)| name).collect();
    known("exclude_runs", &excluded, there, "subject")
}

/// Whether all that a key names is there.
fn known(key: &str, wanted: &[String], there: &[String], what: &str) -> Result<()> {
    match wanted.iter().find(|name| !there.contains(name)) {
        None => Ok(()),
        Some(name) => Err(Error::Empty {
            message: format!("`{key}` names the {what} `{name}`, which is not in the dataset"),
            hint: Some(match there {
                [] => format!("there is no {what} with a name"),
                _ => format!("there are: {}", there.join(", ")),
            }),
        }),
    }
}

/// The runs of a subject that the study leaves out; each must be there.
fn excluded_runs(config: &Config, query: &Query, subject: &str, recordings: &[RecordingFile]) -> Result<Vec<String>> {
    let excluded = config.excluded_runs(subject);
    let mut there: Vec<String> = recordings.iter().filter_map(|found| found.entities.run.clone()).collect();
    there.extend(query.runs.iter().flatten().cloned());
    there.sort();
    there.dedup();
    let what = format!("run of sub-{subject}");
    known("exclude_runs", &excluded, &there, &what).map(|()| excluded)
}

/// The task: the one that the study names, else the only one there is.
fn the_task(config: &Config, found: &BySubject) -> Result<Option<String>> {
    if let Some(task) = config.text("task").filter(|task| !task.is_empty()) {
        return Ok(Some(task.to_owned()));
    }
    let mut tasks: Vec<&String> = found
        .iter()
        .filter_map(|(_, found)| found.as_ref().ok())
        .flat_map(|recordings| &recordings.found)
        .filter_map(|found| found.entities.task.as_ref())
        .collect();
    tasks.sort();
    tasks.dedup();
    // The empty room of a session is no task of its own, unless there is no other.
    if tasks.len() > 1 {
        tasks.retain(|task| *task != NOISE);
    }
    match tasks[..] {
        [] => Ok(None),
        [task] => Ok(Some(task.clone())),
        _ => {
            let names: Vec<_> = tasks.iter().map(|task| format!("{task:?}")).collect();
            Err(Error::Empty {
                message: format!("the dataset has several tasks: {}", names.join(", ")),
                hint: Some(format!("say which one: task = {}", names[0])),
            })
        }
    }
}

/// Finds the sidecars of a recording.
pub(crate) fn with_sidecars(source: &Source, found: RecordingFile, sidecars: &mut sidecar::Finder) -> Result<Run> {
    if source.pattern.is_some() {
        return Ok(Run { found, channels: None, events: None, electrodes: None });
    }
    let mut find = |suffix: &str| sidecars.find(&source.root, &found, suffix, ".tsv");
    let (channels, events) = (find("channels")?, find("events")?);
    let electrodes = match found.data_type {
        DataType::Eeg => sidecars.electrodes(&source.root, &found)?,
        DataType::Meg => None,
    };
    Ok(Run { channels, events, electrodes, found })
}
