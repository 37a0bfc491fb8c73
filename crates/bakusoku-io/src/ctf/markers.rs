//! Markers (`MarkerFile.mrk`), bad stretches (`bad.segments`) and bad channels (`BadChannels`).

use super::folder::Folder;
use super::res4::Res4;
use crate::{Error, Result};
use bakusoku_core::{Annotation, Info};
use bakusoku_files::read_text;
use std::path::Path;

fn seconds(word: Option<&&str>) -> Option<f64> {
    word?.parse::<f64>().ok().filter(|x| x.is_finite())
}

/// Annotations, onsets from the first sample.
pub(super) fn annotations(folder: &Folder, res4: &Res4) -> Result<Vec<Annotation>> {
    let mut out = Vec::new();
    let before_trigger = f64::from(res4.n_before_trigger) / res4.sfreq;
    if let Some(path) = folder.named("bad.segments") {
        bad_segments(&path, before_trigger, &mut out)?;
    }
    if let Some(path) = folder.named("MarkerFile.mrk") {
        markers(&path, before_trigger, res4.n_samples as f64 / res4.sfreq, &mut out)?;
    }
    Ok(out)
}

/// Lines of a name, start and end (s from the trigger).
fn bad_segments(path: &Path, before_trigger: f64, out: &mut Vec<Annotation>) -> Result<()> {
    let text = read_text(path)?.text;
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (Some(start), Some(end)) = (seconds(words.get(1)), seconds(words.get(2))) else {
            let expected = "a name, a start and an end in s".to_owned();
            return Err(Error::Line { path: path.to_owned(), line: number, expected, got: format!("`{line}`") });
        };
        out.push(Annotation {
            onset: start + before_trigger,
            duration: end - start,
            description: format!("bad_{}", words[0]),
            ch_names: Vec::new(),
        });
    }
    Ok(())
}

/// Groups of a name and a list of trials and times (s from the trigger).
fn markers(path: &Path, before_trigger: f64, trial: f64, out: &mut Vec<Annotation>) -> Result<()> {
    let text = read_text(path)?.text;
    let mut lines = (1..).zip(text.lines());
    let n_lines = text.lines().count();
    let wrong = |line: usize, expected: &str, got: &str| {
        let got = if line > n_lines { "the end of the file".to_owned() } else { format!("`{got}`") };
        Error::Line { path: path.to_owned(), line, expected: expected.to_owned(), got }
    };
    /// What stands below the next line that starts so.
    fn below<'t>(lines: &mut impl Iterator<Item = (usize, &'t str)>, title: &str) -> Option<(usize, &'t str)> {
        lines.find(|(_, line)| line.starts_with(title)).and_then(|_| lines.next())
    }
    let count = |found: Option<(usize, &str)>, expected: &str| {
        let (line, text) = found.unwrap_or((n_lines + 1, ""));
        text.trim().parse::<u64>().map_err(|_| wrong(line, expected, text))
    };
    let n_markers =
        count(below(&mut lines, "NUMBER OF MARKERS:"), "the number of markers, below `NUMBER OF MARKERS:`")?;
    for _ in 0..n_markers {
        let Some((_, name)) = below(&mut lines, "NAME:") else {
            return Err(wrong(n_lines + 1, "a marker's name, below `NAME:`", ""));
        };
        let n = count(below(&mut lines, "NUMBER OF SAMPLES:"), "the number of samples, below `NUMBER OF SAMPLES:`")?;
        // The list has a heading of its own.
        below(&mut lines, "LIST OF SAMPLES:");
        for _ in 0..n {
            let (line, text) = lines.next().unwrap_or((n_lines + 1, ""));
            let words: Vec<&str> = text.split_whitespace().collect();
            let (Some(index), Some(time)) = (seconds(words.first()), seconds(words.get(1))) else {
                return Err(wrong(line, "a trial and a time in s", text));
            };
            out.push(Annotation {
                onset: time + index.trunc() * trial + before_trigger,
                duration: 0.0,
                description: name.to_owned(),
                ch_names: Vec::new(),
            });
        }
    }
    Ok(())
}

/// Names without what follows a dash; as they are where two would be alike.
pub(super) fn clean_names<'n>(names: impl Iterator<Item = &'n str>) -> Vec<String> {
    let names: Vec<&str> = names.collect();
    let clean = |name: &str| {
        let name = name.split('-').next().unwrap_or_default();
        name.strip_suffix("_v").unwrap_or(name).to_owned()
    };
    let mut cleaned: Vec<String> = names.iter().map(|name| clean(name)).collect();
    let mut sorted = cleaned.clone();
    sorted.sort_unstable();
    if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
        cleaned = names.iter().map(|&name| name.to_owned()).collect();
    }
    cleaned
}

/// Bad channels, which the file names without what follows a dash.
pub(super) fn bads(folder: &Folder, info: &Info) -> Result<Vec<String>> {
    let Some(path) = folder.named("BadChannels") else { return Ok(Vec::new()) };
    let text = read_text(&path)?.text;
    let cleaned = clean_names(info.ch_names());
    let mut out = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        match cleaned.iter().position(|name| name == line).or_else(|| info.index_of(line)) {
            Some(at) => out.push(info.chs[at].name.clone()),
            None => tracing::warn!("`{}` names `{line}`, which is no channel of the recording", path.display()),
        }
    }
    out.dedup();
    Ok(out)
}
