//! `bakusoku init`: a commented study file for what is there.

use crate::args::InitArgs;
use crate::diagnostics::Usage;
use crate::printer::Printer;
use bakusoku_bids::{DataType, Dataset, Query};
use bakusoku_core::ChannelType;
use bakusoku_study::config::{Config, init::commented};
use serde_json::json;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

pub(crate) fn run(args: &InitArgs, printer: &Printer) -> anyhow::Result<u8> {
    if !args.folder.is_dir() {
        return Err(usage(
            format!("`{}` is no folder", args.folder.display()),
            "name the folder that holds the recordings",
        ));
    }
    let output = args.output.clone().unwrap_or_else(|| args.folder.join("study.toml"));
    if output.exists() && !args.force {
        return Err(usage(format!("`{}` is there already", output.display()), "`--force` replaces it"));
    }
    let base = match output.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    let found = look(&args.folder)?;
    let root = relative(&args.folder, &base);
    let mut given: Vec<(&str, String)> = Vec::new();
    match &found.pattern {
        Some(pattern) => {
            let pattern = if root == "." { pattern.clone() } else { format!("{root}/{pattern}") };
            given.push(("files", toml(&pattern)));
            given.push((
                "deriv_root",
                toml(&format!("{}derivatives/bakusoku", if root == "." { String::new() } else { format!("{root}/") })),
            ));
        }
        None => given.push(("bids_root", toml(&root))),
    }
    if let [task] = found.tasks.iter().collect::<Vec<_>>()[..] {
        given.push(("task", toml(task)));
    }
    given.push(("ch_types", format!("[{}]", found.ch_types.iter().map(|t| toml(t)).collect::<Vec<_>>().join(", "))));
    if let Some(line) = found.line_freq {
        let lines: Vec<String> = (1..=3).map(|k| format!("{}", line * f64::from(k))).collect();
        given.push(("notch_freq", format!("[{}]", lines.join(", "))));
    }
    given.push(("l_freq", "0.1".into()));
    given.push(("h_freq", "40.0".into()));
    given.push(("noise_cov_method", "\"empirical\"".into()));
    given.push(("interpolate_bads_grand_average", "false".into()));
    if found.sfreq.is_some_and(|sfreq| sfreq > 500.0) {
        given.push(("raw_resample_sfreq", "250.0".into()));
    }
    if !found.conditions.is_empty() {
        let names: Vec<String> = found.conditions.iter().map(|name| toml(name)).collect();
        given.push(("conditions", format!("[{}]", names.join(", "))));
    }
    let text = commented(&given);
    // What is written must be understood by `run`.
    Config::parse(&output, &text)?;
    bakusoku_bids::layout::write_text(&output, &text)?;
    printer.data(&json!({
        "output": output, "n_recordings": found.n_recordings, "subjects": found.subjects, "tasks": found.tasks,
        "ch_types": found.ch_types, "conditions": found.conditions,
    }));
    printer.say(format!(
        "found {} recordings of {} subjects{}",
        found.n_recordings,
        found.subjects.len(),
        if found.tasks.is_empty() { String::new() } else { format!(", task {}", join(&found.tasks)) }
    ));
    if found.tasks.len() > 1 {
        printer.say("there are several tasks: say in the file which one");
    }
    if found.conditions.is_empty() {
        printer.say("no names of conditions were found: without `conditions` no epochs are made");
    }
    printer.say(format!("wrote {}; next: bakusoku plan {0}", output.display()));
    Ok(0)
}

#[derive(Default)]
struct Found {
    n_recordings: usize,
    subjects: BTreeSet<String>,
    tasks: BTreeSet<String>,
    ch_types: Vec<&'static str>,
    conditions: Vec<String>,
    line_freq: Option<f64>,
    sfreq: Option<f64>,
    /// Where there is no BIDS layout.
    pattern: Option<String>,
}

/// What is in the folder; the first recording's header speaks for all.
fn look(folder: &Path) -> anyhow::Result<Found> {
    let mut found = Found::default();
    let mut first = None;
    if let Ok(dataset) = Dataset::open(folder)
        && let subjects = dataset.subjects()?
        && !subjects.is_empty()
    {
        for subject in &subjects {
            for data_type in [DataType::Meg, DataType::Eeg] {
                let recordings = dataset.recordings(subject, &Query { data_type, ..Query::default() })?;
                if recordings.is_empty() {
                    continue;
                }
                found.subjects.insert(subject.clone());
                found.n_recordings += recordings.len();
                found
                    .tasks
                    .extend(recordings.iter().filter_map(|r| r.entities.task.clone()).filter(|task| task != "noise"));
                if first.is_none() {
                    first = recordings.first().map(|r| r.path.clone());
                    if let Some(recording) = recordings.first()
                        && let Some(events) = bakusoku_bids::sidecar::find(
                            dataset.root(),
                            &recording.path,
                            &recording.entities,
                            "events",
                            ".tsv",
                        )?
                    {
                        found.conditions = conditions(&events)?;
                    }
                }
                break;
            }
        }
    }
    if found.n_recordings == 0 {
        let (pattern, files) = pattern(folder)?;
        found.n_recordings = files.len();
        found.subjects = files.iter().map(|file| file.0.clone()).collect();
        found.pattern = Some(pattern);
        first = files.into_iter().next().map(|file| file.1);
    }
    let Some(first) = first else {
        return Err(usage(
            format!("no recordings found in `{}`", folder.display()),
            "expected sub-01/meg/sub-01_task-av_meg.fif (BIDS), or files like 01/run1_raw.fif or 01_raw.fif",
        ));
    };
    let recording = bakusoku_io::open(&first)?;
    let info = &recording.stream().info;
    let has = |types: &[ChannelType]| info.chs.iter().any(|ch| types.contains(&ch.ch_type()));
    if has(&[ChannelType::Mag, ChannelType::Grad]) {
        found.ch_types.push("meg");
    }
    if has(&[ChannelType::Eeg]) {
        found.ch_types.push("eeg");
    }
    if found.ch_types.is_empty() {
        return Err(usage(
            format!("`{}` has neither MEG nor EEG channels", first.display()),
            "name a folder of MEG or EEG recordings",
        ));
    }
    found.line_freq = info.line_freq;
    found.sfreq = Some(info.sfreq);
    Ok(found)
}

/// `trial_type`s of an events file, in order of appearance.
fn conditions(path: &Path) -> anyhow::Result<Vec<String>> {
    let mut out: Vec<String> = Vec::new();
    for row in bakusoku_bids::sidecar::read_events(path)? {
        if let Some(name) = row.trial_type
            && name != "n/a"
            && !out.contains(&name)
        {
            out.push(name);
        }
    }
    out.truncate(20);
    Ok(out)
}

/// How recordings are laid out where there is no BIDS: a folder per subject, or one file each.
fn pattern(folder: &Path) -> anyhow::Result<(String, Vec<(String, PathBuf)>)> {
    let (mut flat, mut nested) = (Vec::new(), Vec::new());
    for path in sorted(folder)? {
        if path.is_dir() {
            let subject = name(&path);
            nested.extend(sorted(&path)?.into_iter().filter(|file| is_raw(file)).map(|file| (subject.clone(), file)));
        } else if is_raw(&path) {
            flat.push((name(&path).trim_end_matches("_raw.fif").to_owned(), path));
        }
    }
    Ok(if nested.len() >= flat.len() {
        ("{subject}/{run}_raw.fif".into(), nested)
    } else {
        ("{subject}_raw.fif".into(), flat)
    })
}

fn sorted(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut paths =
        fs_err::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
    paths.sort();
    Ok(paths)
}

fn is_raw(path: &Path) -> bool {
    name(path).ends_with("_raw.fif")
}

fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn join(names: &BTreeSet<String>) -> String {
    names.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

fn toml(text: &str) -> String {
    format!("{text:?}")
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

fn usage(message: impl Into<String>, hint: &str) -> anyhow::Error {
    Usage { message: message.into(), hint: hint.to_owned() }.into()
}
