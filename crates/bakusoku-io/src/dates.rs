//! Dates of headers.

/// Seconds since 1970 of a date that is taken for UTC; `None` where there is no such date.
pub(crate) fn utc(year: i32, month: i32, day: i32, hour: i32, minute: i32, second: i32) -> Option<i64> {
    let small = |value: i32| i8::try_from(value).ok();
    let date = jiff::civil::DateTime::new(
        i16::try_from(year).ok().filter(|&year| year > 0)?,
        small(month)?,
        small(day)?,
        small(hour)?,
        small(minute)?,
        small(second)?,
        0,
    );
    let timestamp = jiff::tz::TimeZone::UTC.to_timestamp(date.ok()?).ok()?;
    Some(timestamp.as_second())
}
