//! The empty room that belongs to a recording.

use crate::{DataType, Dataset, Entities, Found, Query, Result, sidecar};
use std::path::Path;

/// The empty-room recording of a recording: the one that its JSON sidecar names (`AssociatedEmptyRoom`), else the
/// nearest by date among `sub-emptyroom/ses-YYYYMMDD`.
///
/// `date` is the recording's day as `YYYYMMDD`; without it only the sidecar counts.
///
/// # Errors
/// When a folder or sidecar can't be read.
pub fn nearest_emptyroom(dataset: &Dataset, recording: &Found, date: Option<&str>) -> Result<Option<Found>> {
    let json =
        sidecar::find(dataset.root(), &recording.path, &recording.entities, recording.data_type.name(), ".json")?;
    if let Some(json) = json
        && let Some(named) = sidecar::read_json(&json)?.get("AssociatedEmptyRoom").and_then(|value| value.as_str())
    {
        let relative = named.strip_prefix("bids::").unwrap_or(named).trim_start_matches('/');
        let path = dataset.root().join(relative);
        return Ok(found(&path));
    }
    let Some(date) = date.and_then(days) else { return Ok(None) };
    if !dataset.root().join("sub-emptyroom").is_dir() {
        return Ok(None);
    }
    let query = Query { data_type: DataType::Meg, ..Query::default() };
    let rooms = dataset.recordings("emptyroom", &query)?;
    Ok(rooms
        .into_iter()
        .filter_map(|room| {
            let day = room.entities.session.as_deref().and_then(days)?;
            Some(((day - date).abs(), room))
        })
        .min_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.path.cmp(&b.1.path)))
        .map(|(_, room)| room))
}

fn found(path: &Path) -> Option<Found> {
    let name = path.file_name()?.to_str()?;
    let (mut entities, _, _) = Entities::parse(name).ok()?;
    entities.split = None;
    path.is_file().then(|| Found {
        entities,
        data_type: DataType::Meg,
        path: path.to_owned(),
        parts: vec![path.to_owned()],
    })
}

/// Days since 0000-03-01 of a date `YYYYMMDD` (Howard Hinnant's `days_from_civil`).
fn days(date: &str) -> Option<i64> {
    if date.len() != 8 || !date.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (y, m, d): (i64, i64, i64) = (date[..4].parse().ok()?, date[4..6].parse().ok()?, date[6..].parse().ok()?);
    let y = if m <= 2 { y - 1 } else { y };
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let doy = (153 * ((m + 9) % 12) + 2) / 5 + d - 1;
    Some(era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy)
}

/// The day of a time, in seconds since 1970 (UTC), as `YYYYMMDD` (Howard Hinnant's `civil_from_days`).
pub fn day(seconds: i64) -> String {
    let days = seconds.div_euclid(86_400) + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}{month:02}{day:02}")
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
    }
}
