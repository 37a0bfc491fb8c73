//! `events.tsv`.

use crate::{Result, Tsv};
use std::collections::BTreeMap;
use std::path::Path;

/// What an `events.tsv` says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EventsTable {
    /// Rows with a usable onset, in order.
    pub rows: Vec<EventRow>,
    /// Rows without one; they were left out, as mne-bids does.
    pub unusable: Vec<UnusableOnset>,
    /// The column that names the events: `trial_type`, `stim_type` or `value`.
    pub named_by: Option<&'static str>,
    /// How the file was read, where that is worth a remark.
    pub remark: Option<String>,
}

/// A line of `events.tsv`.
#[derive(Clone, Debug, PartialEq)]
pub struct EventRow {
    /// Onset (s from the recording's first sample).
    pub onset: f64,
    /// Length (s).
    pub duration: f64,
    /// Kind of trial, as mne-bids names it: `trial_type`, else `stim_type`, else `value`; `type/value` where events of one
    /// type have several values.
    pub trial_type: Option<String>,
    /// Stimulus code.
    pub value: Option<i64>,
    /// Sample, from the recording's first one.
    pub sample: Option<i64>,
    /// Line, from 1.
    pub line: usize,
}

/// A line whose onset is `n/a`, `nan` or empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnusableOnset {
    /// Line, from 1.
    pub line: usize,
    /// The onset as written.
    pub onset: String,
}

fn is_missing(text: &str) -> bool {
    text.is_empty() || text == "n/a" || text.eq_ignore_ascii_case("nan")
}

/// Reads `events.tsv`.
///
/// # Errors
/// When it can't be read or is not such a table.
pub fn read_events(path: &Path) -> Result<EventsTable> {
    let tsv = Tsv::read(path)?;
    let onset = tsv.require("onset")?;
    let (duration, value, sample) = (tsv.column("duration"), tsv.column("value"), tsv.column("sample"));
    let names = Names::new(&tsv);
    let mut out =
        EventsTable { named_by: names.column.map(|(name, _)| name), remark: tsv.remark(), ..Default::default() };
    for (line, row) in &tsv.rows {
        let number = |name: &str, column: Option<usize>| match column {
            Some(column) if !is_missing(&row[column]) => tsv.number(*line, name, &row[column]),
            _ => Ok(None),
        };
        let Some(onset) = number("onset", Some(onset))? else {
            out.unusable.push(UnusableOnset { line: *line, onset: row[onset].clone() });
            continue;
        };
        // A value that is no number is a name; numeric conditions do not mean it.
        let value = value.and_then(|c| row[c].parse::<f64>().ok()).filter(|x| x.fract() == 0.0).map(|x| x as i64);
        out.rows.push(EventRow {
            onset,
            duration: number("duration", duration)?.unwrap_or(0.0),
            trial_type: names.of(row),
            value,
            sample: number("sample", sample)?.map(|x| x as i64),
            line: *line,
        });
    }
    Ok(out)
}

impl EventsTable {
    /// Whether a row lies inside a recording of this length (s); others have no sample.
    pub fn is_inside(row: &EventRow, length: f64) -> bool {
        (0.0..=length).contains(&row.onset)
    }
    /// One sentence about the rows that can't be used in a recording of this length (s), if there are any.
    pub fn left_out(&self, length: f64) -> Option<String> {
        let outside: Vec<&EventRow> = self.rows.iter().filter(|row| !Self::is_inside(row, length)).collect();
        let rows = |n: usize| if n == 1 { "1 row".to_owned() } else { format!("{n} rows") };
        let mut parts = Vec::new();
        if let Some(first) = self.unusable.first() {
            let onset = if first.onset.is_empty() { "empty".to_owned() } else { format!("`{}`", first.onset) };
            parts.push(format!("{} without a time (line {}: onset {onset})", rows(self.unusable.len()), first.line));
        }
        if let Some(first) = outside.first() {
            let at = format!("line {}: {} s, while the recording has {length} s", first.line, first.onset);
            parts.push(format!("{} outside the recording ({at})", rows(outside.len())));
        }
        (!parts.is_empty()).then(|| format!("{} left out", parts.join(" and ")))
    }
}

/// How mne-bids names events (`_make_annotation_kwargs`).
struct Names {
    /// Name and index of the column.
    column: Option<(&'static str, usize)>,
    value: Option<usize>,
    /// Types whose events have several values.
    split: BTreeMap<String, bool>,
}

impl Names {
    fn new(tsv: &Tsv) -> Self {
        let find = |name: &'static str| tsv.column(name).map(|index| (name, index));
        let value = find("value");
        let onset = tsv.column("onset");
        // Rows without a time do not count.
        let timed = || tsv.rows.iter().filter(|(_, row)| onset.is_none_or(|onset| !is_missing(&row[onset])));
        let said = |index: usize| timed().any(|(_, row)| !is_na(&row[index]));
        let mut column = find("trial_type").or_else(|| find("stim_type"));
        if column.is_none_or(|(_, index)| !said(index)) && value.is_some_and(|(_, index)| said(index)) {
            column = value;
        }
        let mut first = BTreeMap::<String, (String, bool)>::new();
        if let (Some((name, column)), Some((_, value))) = (column, value)
            && name != "value"
        {
            for (_, row) in timed().filter(|(_, row)| !is_na(&row[column])) {
                let (known, several) = first.entry(row[column].clone()).or_insert_with(|| (row[value].clone(), false));
                *several |= *known != row[value];
            }
        }
        let split = first.into_iter().map(|(name, (_, several))| (name, several)).collect();
        Self { column, value: value.map(|(_, index)| index), split }
    }
    fn of(&self, row: &[String]) -> Option<String> {
        let (_, column) = self.column?;
        let name = &row[column];
        if is_na(name) {
            return None;
        }
        match self.value.filter(|_| self.split.get(name) == Some(&true)) {
            // mne-bids takes the slash out of n/a.
            Some(value) if row[value] == "n/a" => Some(format!("{name}/na")),
            Some(value) => Some(format!("{name}/{}", row[value])),
            None => Some(name.clone()),
        }
    }
}

fn is_na(text: &str) -> bool {
    text.is_empty() || text == "n/a"
}
