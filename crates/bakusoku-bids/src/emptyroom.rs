//! The empty room that belongs to a recording.

use crate::{DataType, Dataset, Entities, Error, Query, RecordingFile, Result, sidecar};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Unit};
use std::path::{Path, PathBuf};

/// As BIDS names the task of an empty room.
pub const NOISE: &str = "noise";

/// The search for an empty room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EmptyRoom {
    /// What was found.
    pub found: Option<RecordingFile>,
    /// What should be known about the search, whatever it found.
    pub remarks: Vec<String>,
}

/// The empty-room recording of a recording, sought where mne-bids seeks it (`BIDSPath.find_empty_room`): the one that its
/// JSON sidecar names (`AssociatedEmptyRoom`), else `task-noise` of the same subject and session, else the nearest in
/// time of `sub-emptyroom`. The date of a room is that of its session (`ses-YYYYMMDD`), else what `meas_date` says
/// of the file. Rooms of the same day come first; mne-bids compares the recording's time with the day's midnight.
///
/// `date` is the recording's measurement date (s since 1970); without it nothing can be the nearest.
///
/// # Errors
/// When a folder can't be read, or the room that is named does not exist.
pub fn find_empty_room(
    dataset: &Dataset,
    recording: &RecordingFile,
    date: Option<i64>,
    extensions: &[&'static str],
    meas_date: &dyn Fn(&Path) -> Option<i64>,
) -> Result<EmptyRoom> {
    let mut out = EmptyRoom::default();
    let sidecar = sidecar::find(dataset.root(), recording, recording.data_type.name(), ".json")?;
    if let Some(sidecar) = sidecar {
        match named(dataset, &sidecar) {
            Ok(Some(found)) => return Ok(EmptyRoom { found: Some(found), ..out }),
            Ok(None) => {}
            Err(error @ Error::EmptyRoom { .. }) => return Err(error),
            // Nothing else of the file is needed.
            Err(error) => out.remarks.push(format!("`AssociatedEmptyRoom` can't be read: {error}")),
        }
    }
    let (subject, session) = (recording.entities.subject.as_deref().unwrap_or_default(), &recording.entities.session);
    let mut query = Query {
        data_type: DataType::Meg,
        extensions: extensions.to_vec(),
        task: Some(NOISE.into()),
        ..Query::default()
    };
    query.sessions = session.clone().map(|session| vec![session]);
    let mut own = dataset.recordings(subject, &query)?.found;
    own.retain(|room| room.entities.session == *session);
    match own.len() {
        0 => {}
        1 => return Ok(EmptyRoom { found: own.pop(), ..out }),
        n => out.remarks.push(format!("there are {n} recordings of task-noise, so sub-emptyroom is searched")),
    }
    if !dataset.root().join("sub-emptyroom").is_dir() {
        return Ok(out);
    }
    let query = Query { data_type: DataType::Meg, extensions: extensions.to_vec(), ..Query::default() };
    let rooms = dataset.recordings("emptyroom", &query)?.found;
    let Some(date) = date else {
        if !rooms.is_empty() {
            out.remarks
                .push("the recording has no measurement date, so no empty room of sub-emptyroom is the nearest".into());
        }
        return Ok(out);
    };
    let mut dated = Vec::new();
    for room in rooms {
        let of_session = room.entities.session.as_deref().and_then(|session| Date::strptime("%Y%m%d", session).ok());
        match of_session.or_else(|| meas_date(&room.path).and_then(of_timestamp)) {
            Some(day) => dated.push((days_between(date, day), room)),
            None => out.remarks.push(format!("`{}` has no date and is not considered", room.path.display())),
        }
    }
    let Some(nearest) = dated.iter().map(|(days, _)| *days).min() else { return Ok(out) };
    dated.retain(|(days, _)| *days == nearest);
    if dated.len() > 1 {
        // Several of one day: the nearest in time; those that do not know theirs come last.
        dated.sort_by_cached_key(|(_, room)| {
            (meas_date(&room.path).map_or(i64::MAX, |time| (time - date).abs()), room.path.clone())
        });
    }
    out.found = dated.into_iter().next().map(|(_, room)| room);
    Ok(out)
}

/// The room that a sidecar names: a path below the dataset or the subject's folder, a URI, or a list of such.
fn named(dataset: &Dataset, sidecar: &Path) -> Result<Option<RecordingFile>> {
    let json = sidecar::read_json(sidecar)?;
    let names: Vec<&str> = match json.get("AssociatedEmptyRoom") {
        Some(serde_json::Value::String(name)) => vec![name],
        Some(serde_json::Value::Array(names)) => names.iter().filter_map(|name| name.as_str()).collect(),
        _ => return Ok(None),
    };
    let mut names = names.into_iter().filter(|name| !name.trim().is_empty() && *name != "n/a").peekable();
    let Some(first) = names.peek().map(|name| (*name).to_owned()) else { return Ok(None) };
    for name in names {
        let relative = name.strip_prefix("bids::").unwrap_or(name).trim_start_matches('/');
        let path = dataset.root().join(relative);
        let is_there = |path: &PathBuf| path.exists() || bakusoku_files::missing_target(path).is_some();
        // mne-bids takes the file's name alone; its entities say where it lies.
        let by_name = path.file_name().and_then(|name| name.to_str()).and_then(|name| {
            let (entities, _, _) = Entities::parse(name).ok()?;
            let subject = entities.subject.as_deref()?;
            Some(dataset.folder(subject, entities.session.as_deref(), DataType::Meg).join(name))
        });
        if let Some(path) = [Some(path), by_name].into_iter().flatten().find(is_there)
            && let Some(found) = recording_of(path)
        {
            return Ok(Some(found));
        }
    }
    Err(Error::EmptyRoom { sidecar: sidecar.to_owned(), named: first })
}

fn recording_of(path: PathBuf) -> Option<RecordingFile> {
    let (mut entities, _, _) = Entities::parse(path.file_name()?.to_str()?).ok()?;
    entities.split = None;
    Some(RecordingFile { entities, data_type: DataType::Meg, parts: vec![path.clone()], path })
}

fn of_timestamp(seconds: i64) -> Option<Date> {
    Some(TimeZone::UTC.to_datetime(Timestamp::from_second(seconds).ok()?).date())
}

/// Days between the day of a time (s since 1970, UTC) and another day.
fn days_between(seconds: i64, day: Date) -> i32 {
    let days = of_timestamp(seconds).and_then(|date| date.until((Unit::Day, day)).ok()).map(|span| span.get_days());
    days.map_or(i32::MAX, i32::abs)
}

/// The day of a time, in seconds since 1970 (UTC), as `YYYYMMDD`.
pub fn day(seconds: i64) -> String {
    of_timestamp(seconds).map(|date| date.strftime("%Y%m%d").to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for (seconds, expected) in [
            (0, "19700101"),
            (86_399, "19700101"),
            (-1, "19691231"),
            (951_782_400, "20000229"),
            (1_035_504_000, "20021025"),
            (4_107_542_400, "21000301"),
        ] {
            assert_eq!(day(seconds), expected);
        }
        assert_eq!(days_between(951_782_400, Date::constant(1999, 12, 31)), 60);
    }
}
