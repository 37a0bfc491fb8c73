//! Marker files (`.vmrk`, `.amrk`).

use super::header::check_first_line;
use super::settings::Settings;
use crate::Result;
use bakusoku_core::{Annotation, OrigTime};
use std::path::Path;

/// What a marker file says.
#[derive(Debug, Default)]
pub(super) struct Markers {
    /// The markers as annotations; onsets (s) from the first sample.
    pub(super) items: Vec<Annotation>,
    /// The first date of a `New Segment`.
    pub(super) date: Option<OrigTime>,
}

/// Reads a marker file. The first marker, where it is a `New Segment`, tells the date only.
pub(super) fn read(path: &Path, sfreq: f64, ignore_types: bool) -> Result<Markers> {
    let settings = Settings::read(path)?;
    check_first_line(&settings, path, "Marker")?;
    let mut out = Markers::default();
    let entries = settings.entries("Marker Infos").filter(|entry| {
        let number = entry.key.get(2..).unwrap_or_default();
        entry.key.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("mk"))
            && !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit())
    });
    for (index, entry) in entries.enumerate() {
        let parts: Vec<&str> = entry.value.split(',').map(str::trim).collect();
        let expected = "`type,description,position,size,channel`, with a position that is a number";
        // Some write commas of a description as they are: it ends where three numbers follow.
        let is_number = |at: usize| parts.get(at).is_some_and(|part| part.parse::<i64>().is_ok());
        let numbers = (2..parts.len()).find(|&at| is_number(at) && (at == 2 || is_number(at + 1) && is_number(at + 2)));
        let Some(at) = numbers else { return Err(settings.wrong_value(entry, expected)) };
        let position: i64 = parts[at].parse().unwrap_or(0);
        // Text is not trimmed: that of a response may begin with spaces.
        let untrimmed: Vec<&str> = entry.value.split(',').collect();
        let (kind, description) = (parts[0].replace("\\1", ","), untrimmed[1..at].join(",").replace("\\1", ","));
        if kind == "New Segment" {
            if out.date.is_none() {
                out.date = parts.get(at + 3).and_then(|date| parse_date(date));
            }
            if index == 0 {
                continue;
            }
        }
        // A size that is no number is none, as in MNE.
        let size: u64 = parts.get(at + 1).and_then(|size| size.parse().ok()).unwrap_or(0);
        out.items.push(Annotation {
            onset: (position.saturating_sub(1)) as f64 / sfreq,
            duration: size as f64 / sfreq,
            description: if ignore_types { description } else { format!("{kind}/{description}") },
            ch_names: Vec::new(),
        });
    }
    Ok(out)
}

/// `YYYYMMDDhhmmssuuuuuu`, taken for UTC, as MNE does; zeros are no date.
fn parse_date(text: &str) -> Option<OrigTime> {
    if text.len() != 20 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = |from: usize, to: usize| text[from..to].parse::<i32>().ok();
    let (year, month, day) = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
    let (hour, minute, second) = (number(8, 10)?, number(10, 12)?, number(12, 14)?);
    crate::dates::utc(year, month, day, hour, minute, second).map(|secs| (secs, number(14, 20).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_seconds_and_microseconds() {
        assert_eq!(parse_date("20131113161403794232"), Some((1_384_359_243, 794_232)));
        assert_eq!(parse_date("00000000000000000000"), None);
        assert_eq!(parse_date("20131313161403794232"), None);
        assert_eq!(parse_date("2013"), None);
    }
}
