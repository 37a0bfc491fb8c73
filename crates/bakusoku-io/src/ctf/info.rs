//! What is known about a recording beside its samples.

use super::compensation::compensators;
use super::head::Head;
use super::positions::Electrodes;
use super::res4::{Res4, Sensor};
use crate::fif::info::{dig_point_bytes, transform_bytes};
use crate::{Error, Result};
use bakusoku_core::{Channel, ChannelType, CoordFrame, DigKind, DigPoint, Info, OrigTime, SubjectInfo};
use bakusoku_fiff::constants::{
    FIFF_COORD_TRANS, FIFF_DIG_POINT, FIFFB_HPI_RESULT, FIFFT_COORD_TRANS_STRUCT, FIFFT_DIG_POINT_STRUCT,
};
use bakusoku_fiff::{Branch, RawTag};

// Types of channels of CTF.
const REFERENCE_MAGNETOMETER: i16 = 0;
const REFERENCE_GRADIOMETER: i16 = 1;
const GRADIOMETER: i16 = 5;
const EEG: i16 = 9;
const STIM: i16 = 11;
// Types of filters.
const LOWPASS: i32 = 1;
const HIGHPASS: i32 = 2;

/// `FIFFV_REF_MEG_CH`.
const REF_MEG: i32 = 301;
// `FIFFV_COIL_CTF_*`.
const COIL_GRAD: i32 = 5001;
const COIL_REF_MAG: i32 = 5002;
const COIL_REF_GRAD: i32 = 5003;
const COIL_OFFDIAG_REF_GRAD: i32 = 5004;

/// Most characters of a channel's name, as in MNE.
const LONGEST_NAME: usize = 15;
/// What is nearer (m²) to the origin is nowhere.
const NOWHERE: f64 = 1e-6;

pub(super) fn name(sensor: &str) -> String {
    sensor.chars().take(LONGEST_NAME).collect()
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}
fn cross(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}
pub(super) fn at_origin(r: [f64; 3]) -> bool {
    dot(r, r) < 1e-8
}

pub(super) fn info(res4: &Res4, head: &Head, electrodes: Option<&Electrodes>) -> Result<Info> {
    let mut chs = channels(res4, head, electrodes.is_none())?;
    let mut dig = head.digitised();
    match electrodes {
        Some(electrodes) => dig.extend(electrodes.place(&mut chs, head)),
        None => {
            let placed = chs.iter().filter(|ch| {
                let r = [ch.loc[0], ch.loc[1], ch.loc[2]];
                ch.kind == Channel::EEG && r.iter().all(|x| x.is_finite()) && !at_origin(r)
            });
            dig.extend(placed.map(|ch| DigPoint {
                kind: DigKind::Eeg,
                ident: ch.logno,
                r: [ch.loc[0], ch.loc[1], ch.loc[2]],
                coord_frame: CoordFrame::HEAD,
            }));
        }
    }
    let mut names: Vec<String> = chs.iter().map(|ch| ch.name.clone()).collect();
    crate::names::make_unique(&mut names);
    chs.iter_mut().zip(names).for_each(|(ch, name)| ch.name = name);
    let edge = |kind| res4.filters.iter().rev().find(|(filter, _)| *filter == kind).map(|(_, edge)| *edge);
    let comps = compensators(res4, &chs)?;
    Ok(Info {
        sfreq: res4.sfreq,
        chs,
        highpass: edge(HIGHPASS).unwrap_or(0.0),
        lowpass: edge(LOWPASS).unwrap_or(res4.sfreq / 2.0),
        meas_date: date(res4),
        dig,
        dev_head_t: head.dev_head,
        dev_ctf_t: head.dev_ctf(),
        ctf_head_t: head.ctf_head_head,
        comps,
        experimenter: Some(res4.operator.clone()).filter(|operator| !operator.is_empty()),
        subject_info: Some(SubjectInfo { his_id: Some(res4.subject.clone()), ..SubjectInfo::default() }),
        blocks: hpi_result(head),
        ..Info::default()
    })
}

/// Where the coils were, as FIFF keeps it.
fn hpi_result(head: &Head) -> Vec<Branch> {
    let points = head.measured();
    let Some(transform) = head.ctf_head_head.filter(|_| !points.is_empty()) else { return Vec::new() };
    let mut branch = Branch::new(FIFFB_HPI_RESULT);
    branch.tags.extend(points.iter().map(|point| RawTag {
        kind: FIFF_DIG_POINT,
        type_: FIFFT_DIG_POINT_STRUCT,
        data: dig_point_bytes(point),
    }));
    let data = transform_bytes(&transform);
    branch.tags.push(RawTag { kind: FIFF_COORD_TRANS, type_: FIFFT_COORD_TRANS_STRUCT, data });
    vec![branch]
}

fn channels(res4: &Res4, head: &Head, electrodes_here: bool) -> Result<Vec<Channel>> {
    let mut grade = None;
    // How many there are of MEG, EEG, stimuli, others and references.
    let mut counts = [0; 5];
    let mut count = |which: usize| {
        counts[which] += 1;
        counts[which]
    };
    let mut out = Vec::new();
    for (scanno, sensor) in (1..).zip(&res4.channels) {
        let mut ch = Channel {
            scanno,
            cal: 1.0 / (sensor.proper_gain * sensor.q_gain),
            loc: [f64::NAN; 12],
            ..Channel::new(name(&sensor.name), ChannelType::Misc)
        };
        ch.unit = Channel::UNIT_V;
        let is_meg = matches!(sensor.type_index, REFERENCE_MAGNETOMETER | REFERENCE_GRADIOMETER | GRADIOMETER);
        let (position, direction) = sensor.coils[0];
        if is_meg && (dot(position, position) < NOWHERE || dot(direction, direction) < NOWHERE) {
            tracing::warn!("MEG channel `{}` has no position: it is taken for one of type misc", sensor.name);
            ch.logno = count(3);
        } else if is_meg {
            ch.unit = Channel::UNIT_T;
            ch.coord_frame = CoordFrame::DEVICE;
            let (coil_type, r, axes) = coil(sensor);
            let (kind, which) = if sensor.type_index == GRADIOMETER { (Channel::MEG, 0) } else { (REF_MEG, 4) };
            (ch.kind, ch.logno) = (kind, count(which));
            if kind == Channel::MEG && *grade.get_or_insert(sensor.grade) != sensor.grade {
                return Err(Error::Field {
                    path: res4.path.clone(),
                    field: format!("grade of compensation of {}", sensor.name),
                    expected: format!("{}, as that of the channels before", grade.unwrap_or_default()),
                    got: sensor.grade.to_string(),
                });
            }
            // The grade stands in the upper half.
            ch.coil_type = coil_type | i32::from(sensor.grade) << 16;
            ch.loc[..3].copy_from_slice(&head.ctf_dev_dev.apply(r));
            for (axis, to) in axes.into_iter().zip(ch.loc[3..].chunks_exact_mut(3)) {
                to.copy_from_slice(&head.ctf_dev_dev.rotate(axis));
            }
        } else if sensor.type_index == EEG {
            ch.set_type(ChannelType::Eeg);
            ch.coord_frame = CoordFrame::HEAD;
            ch.logno = count(1);
            // Positions of electrodes, where they are given, are in CTF's head frame.
            if electrodes_here {
                match head.ctf_head_head {
                    _ if at_origin(position) => ch.loc[..3].copy_from_slice(&position),
                    Some(transform) => ch.loc[..3].copy_from_slice(&transform.apply(position)),
                    None => {
                        tracing::warn!(
                            "electrode `{}`: its position is left out, as landmarks are missing",
                            sensor.name
                        );
                        ch.coord_frame = CoordFrame::CTF_HEAD;
                    }
                }
            }
        } else if sensor.type_index == STIM {
            ch.set_type(ChannelType::Stim);
            ch.logno = count(2);
        } else {
            ch.logno = count(3);
        }
        out.push(ch);
    }
    Ok(out)
}

/// The coil's type, its position, and its axes; z is its direction.
fn coil(sensor: &Sensor) -> (i32, [f64; 3], [[f64; 3]; 3]) {
    let (position, direction) = sensor.coils[0];
    // A positive gain means that the coil is wound the other way.
    let z = if sensor.proper_gain > 0.0 { direction.map(|x| -x) } else { direction };
    let coil_type = match sensor.type_index {
        REFERENCE_MAGNETOMETER => COIL_REF_MAG,
        REFERENCE_GRADIOMETER => {
            let second = sensor.coils[1].0;
            let between: [f64; 3] = std::array::from_fn(|i| position[i] - second[i]);
            let size = dot(between, between).sqrt();
            let x = if size > 0.0 { between.map(|x| x / size) } else { between };
            if dot(x, z).abs() < 1e-3 {
                // Off-diagonal: the coils lie side by side, and x points along the gradient, as in planar gradiometers.
                let middle = std::array::from_fn(|i| position[i] - size * x[i] / 2.0);
                return (COIL_OFFDIAG_REF_GRAD, middle, [x, cross(z, x), z]);
            }
            COIL_REF_GRAD
        }
        _ => COIL_GRAD,
    };
    (coil_type, position, plane(z))
}

/// Axes around a direction, as MNE chooses them.
fn plane(z: [f64; 3]) -> [[f64; 3]; 3] {
    let length = dot(z, z).sqrt();
    let mut x = [0.0; 3];
    // The first axis is the one along which the direction is the least; there may be two.
    if (length - z[2].abs()).abs() < 1e-5 {
        x[0] = 1.0;
    } else if z[1] < z[2] {
        x[usize::from(z[0] >= z[1])] = 1.0;
    } else {
        x[if z[0] < z[2] { 0 } else { 2 }] = 1.0;
    }
    let z = z.map(|value| value / length);
    let along = dot(z, x);
    let x: [f64; 3] = std::array::from_fn(|i| x[i] - along * z[i]);
    let length = dot(x, x).sqrt();
    let x = x.map(|value| value / length);
    [x, cross(z, x), z]
}

/// The start of the recording, as if its clock showed UTC; 1970 where the header has no date.
fn date(res4: &Res4) -> Option<OrigTime> {
    let (date, time) = (res4.date.trim(), res4.time.trim());
    if date.is_empty() && time.is_empty() {
        return Some((0, 0));
    }
    let parsed = day(date).zip(clock(time));
    let seconds = parsed.and_then(|((year, month, day), (hour, minute, second))| {
        crate::dates::utc(year, month, day, hour, minute, second)
    });
    if seconds.is_none() {
        tracing::warn!("`{}`: `{date} {time}` is no date that is known; the recording gets none", res4.path.display());
    }
    seconds.map(|seconds| (seconds, 0))
}

/// `30/04/2013`, `30-Apr-2013`, `Tue, Apr 30, 2013`, `2013/04/30`.
fn day(text: &str) -> Option<(i32, i32, i32)> {
    let parts: Vec<&str> = text.split(['/', '-', ' ', ',']).filter(|part| !part.is_empty()).collect();
    let number = |text: &str| text.parse::<i32>().ok();
    match parts.as_slice() {
        [year, month, day] if year.len() == 4 && text.contains('/') => {
            Some((number(year)?, number(month)?, number(day)?))
        }
        [day, month, year] if text.contains('/') => Some((number(year)?, number(month)?, number(day)?)),
        [day, month_name, year] => Some((number(year)?, month(month_name)?, number(day)?)),
        [_, month_name, day, year] => Some((number(year)?, month(month_name)?, number(day)?)),
        _ => None,
    }
}

fn month(name: &str) -> Option<i32> {
    const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    (1..).zip(MONTHS).find(|(_, month)| name.eq_ignore_ascii_case(month)).map(|(number, _)| number)
}

/// `14:03:12`, `14:03`.
fn clock(text: &str) -> Option<(i32, i32, i32)> {
    let parts: Option<Vec<i32>> = text.split(':').map(|part| part.parse().ok()).collect();
    match parts?[..] {
        [hour, minute, second] => Some((hour, minute, second)),
        [hour, minute] => Some((hour, minute, 0)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_every_program_are_read() {
        for text in ["30/04/2013", "30-Apr-2013", "Tue, Apr 30, 2013", "2013/04/30"] {
            assert_eq!(day(text), Some((2013, 4, 30)), "{text}");
        }
        assert_eq!((clock("14:03:12"), clock("14:03")), (Some((14, 3, 12)), Some((14, 3, 0))));
        assert_eq!((day("30.04.2013"), day("30-Avr-2013"), clock("noon")), (None, None, None));
    }

    #[test]
    fn axes_are_orthogonal_around_any_direction() {
        for z in [[0.0, 0.0, 1.0], [0.0, 0.0, -1.0], [1.0, 0.0, 0.0], [0.3, -0.5, 0.2], [-0.3, 0.5, -0.9]] {
            let axes = plane(z);
            for (i, a) in axes.iter().enumerate() {
                for (j, b) in axes.iter().enumerate() {
                    assert!((dot(*a, *b) - f64::from(u8::from(i == j))).abs() < 1e-12, "{z:?}: {axes:?}");
                }
            }
        }
    }
}
