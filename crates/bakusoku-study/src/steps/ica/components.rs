//! `_ica_components.tsv`: which components go, and why. People have the last word: what they write into it stays.

use super::fit::Found;
use crate::resume::{Key, Sidecar, Validity, check};
use crate::{Error, Result};
use bakusoku_core::containers::Ica;
use std::fmt::Write;
use std::path::Path;

/// Why a component is out, in mne-bids-pipeline's words; empty where it stays.
pub(super) fn reason(ica: &Ica, index: usize) -> String {
    let follows = |name: &str| ica.labels.iter().any(|(label, list)| label == name && list.contains(&index));
    match (follows("ecg"), follows("eog")) {
        (true, true) => "Auto-detected ECG artifact, Auto-detected EOG artifact".into(),
        (true, false) => "Auto-detected ECG artifact".into(),
        (false, true) => "Auto-detected EOG artifact".into(),
        (false, false) => String::new(),
    }
}

/// As mne-bids-pipeline's `_components.tsv`, with the scores.
pub(super) fn table(found: &Found) -> String {
    let mut out = String::from("component\ttype\tdescription\tstatus\tstatus_description\tecg_score");
    for (name, _) in &found.eog {
        let _ = write!(out, "\teog_score ({name})");
    }
    out.push('\n');
    for index in 0..found.ica.n_components() {
        let status = if found.ica.exclude.contains(&index) { "bad" } else { "good" };
        let why = reason(&found.ica, index);
        let why = if why.is_empty() { "n/a" } else { &why };
        let _ = write!(out, "{index}\tica\tIndependent Component\t{status}\t{why}");
        let score = |score: Option<&f64>| score.map_or_else(|| "n/a".into(), |score| format!("{score:.4}"));
        let _ = write!(out, "\t{}", score(found.ecg.get(index)));
        for (_, scores) in &found.eog {
            let _ = write!(out, "\t{}", score(scores.get(index)));
        }
        out.push('\n');
    }
    out
}

/// The components that somebody marked as bad in the table, where it was changed since the decomposition of `key` wrote it;
/// a table of another decomposition does not count.
///
/// # Errors
/// Names the line that cannot be read.
pub(super) fn edited(path: &Path, key: &Key, revision: u32, config: &serde_json::Value) -> Result<Option<Vec<usize>>> {
    let changed = matches!(check(path, key, revision, config), Validity::Damaged(_));
    if !changed || !path.is_file() || Sidecar::read(path).is_none() {
        return Ok(None);
    }
    read(path, &fs_err::read_to_string(path)?).map(Some)
}

fn read(path: &Path, text: &str) -> Result<Vec<usize>> {
    let wrong = |line: usize, what: String| {
        let hint = "each line needs a component and its status, good or bad; delete the file to have it made anew";
        Error::data(format!("`{}`, line {line}: {what}", path.display()), hint)
    };
    let mut lines = text.lines().enumerate();
    let head: Vec<&str> =
        lines.next().map_or("", |(_, line)| line).trim_start_matches('\u{feff}').split('\t').collect();
    let column = |name: &str| head.iter().position(|other| other.trim() == name);
    let (Some(component), Some(status)) = (column("component"), column("status")) else {
        return Err(wrong(1, format!("expected the columns `component` and `status`, got `{}`", head.join(" "))));
    };
    let mut out = Vec::new();
    for (line, text) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        let cells: Vec<&str> = text.split('\t').map(str::trim).collect();
        let cell = |column: usize| cells.get(column).copied().unwrap_or_default();
        let index = cell(component).parse::<usize>();
        let index = index.map_err(|_| wrong(line + 1, format!("`{}` is no component", cell(component))))?;
        match cell(status).to_lowercase().as_str() {
            "bad" => out.push(index),
            "good" => {}
            other => return Err(wrong(line + 1, format!("the status is `{other}`, expected `good` or `bad`"))),
        }
    }
    out.sort_unstable();
    out.dedup();
    Ok(out)
}

/// The scores that stand in a table: of the heart, and of each EOG channel; none where it can't be read.
pub(super) fn scores(path: &Path) -> (Vec<f64>, Vec<(String, Vec<f64>)>) {
    let text = fs_err::read_to_string(path).unwrap_or_default();
    let mut lines = text.lines();
    let head: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split('\t').collect()).collect();
    let column = |at: usize| -> Option<Vec<f64>> {
        rows.iter().map(|row| row.get(at).and_then(|cell| cell.trim().parse().ok())).collect()
    };
    let (mut ecg, mut eog) = (Vec::new(), Vec::new());
    for (at, name) in head.iter().enumerate() {
        let of_channel = name.strip_prefix("eog_score (").and_then(|rest| rest.strip_suffix(')'));
        match (of_channel, column(at)) {
            (Some(channel), Some(scores)) => eog.push((channel.to_owned(), scores)),
            (None, Some(scores)) if *name == "ecg_score" => ecg = scores,
            _ => {}
        }
    }
    (ecg, eog)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_read_as_people_leave_them() {
        let path = Path::new("x.tsv");
        let text = "component\ttype\tstatus\n0\tica\tgood\n3\tica\tBad\n\n1\tica\t bad \n";
        assert_eq!(read(path, text).unwrap(), [1, 3]);
        for (text, what) in [
            ("component\ttype\n0\tica\n", "line 1"),
            ("component\tstatus\n0\tmaybe\n", "line 2: the status is `maybe`"),
            ("component\tstatus\n0\tgood\nICA001\tbad\n", "line 3: `ICA001`"),
            ("", "line 1"),
        ] {
            let error = read(path, text).unwrap_err().to_string();
            assert!(error.contains(what), "{error}");
        }
    }
}
