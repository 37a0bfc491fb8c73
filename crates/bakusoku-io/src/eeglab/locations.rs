//! Channels: names, types and places.

use super::mat::{Records, Value};
use super::options::{EeglabOptions, EogChannels};
use super::set::Set;
use crate::{ChannelRef, Result};
use bakusoku_core::{Channel, ChannelType, CoordFrame, DigKind, DigPoint, Info};

/// Samples are in microvolts.
const CAL: f64 = 1e-6;
/// Channels of these names are where the reference is.
const REFERENCES: [&str; 2] = ["EEG000", "REF"];

/// A point in EEGLAB's axes (nose, left ear, vertex) in MNE's (right ear, nose, vertex).
fn turned([x, y, z]: [f64; 3]) -> [f64; 3] {
    [-y, x, z]
}

fn length(r: [f64; 3]) -> f64 {
    r.iter().map(|x| x * x).sum::<f64>().sqrt()
}

fn known(r: [f64; 3]) -> bool {
    r.iter().all(|x| x.is_finite())
}

/// The places in `X`, `Y`, `Z` of each struct, NaN where there is none; `None` where the fields are not there.
fn places(records: &Records) -> Option<Vec<[f64; 3]>> {
    let column = |name| Some(records.column(name)?.map(|value| value.number().unwrap_or(f64::NAN)));
    let places = column("X")?.zip(column("Y")?).zip(column("Z")?);
    Some(places.map(|((x, y), z)| turned([x, y, z])).collect())
}

/// What is known about the channels.
pub(super) fn info(set: &Set, options: &EeglabOptions) -> Result<Info> {
    let n = set.n_channels as usize;
    let mut chs: Vec<Channel> = Vec::new();
    let mut dig = Vec::new();
    let eog = |name: &str, index| match &options.eog {
        EogChannels::These(these) => ChannelRef::any(these, name, index, n),
        EogChannels::Auto => ["EOG", "EYE"].iter().any(|part| name.to_uppercase().contains(part)),
    };
    match set.records("chanlocs") {
        None => {
            for index in 0..n {
                let name = format!("EEG {index:03}");
                let is_eog = eog(&name, index);
                chs.push(channel(name, ChannelType::Eeg, is_eog));
            }
        }
        Some(locations) => {
            if locations.items.len() != n {
                let got = format!("a list of {} channels", locations.items.len());
                return Err(set.wrong("chanlocs", &format!("one entry for each of {n} channels (`nbchan`)"), got));
            }
            let Some(labels) = locations.column("labels") else {
                return Err(set.wrong("chanlocs", "structs with the field `labels`", "structs without".into()));
            };
            let mut names: Vec<String> = labels.map(label).collect();
            let types = types(locations, &names);
            let listed = names.clone();
            crate::names::make_unique(&mut names);
            for (index, name) in names.into_iter().enumerate() {
                chs.push(channel(name, types[index], eog(&listed[index], index)));
            }
            if let Some(places) = places(locations) {
                dig = place(set, &mut chs, places, options);
            }
        }
    }
    let info = Info { sfreq: set.sfreq, chs, lowpass: set.sfreq / 2.0, dig, ..Info::default() };
    Ok(info.number_channels())
}

fn label(value: &Value) -> String {
    value.text().map_or_else(|| value.shown(), str::to_owned)
}

/// A channel; with `is_eog` it becomes an electro-oculogram, as the caller wants it.
fn channel(name: String, ch_type: ChannelType, is_eog: bool) -> Channel {
    let mut ch = Channel::new(name, ch_type);
    ch.cal = CAL;
    ch.loc = [f64::NAN; 12];
    if is_electrode(ch_type) {
        ch.coord_frame = CoordFrame::HEAD;
    }
    if is_eog {
        (ch.kind, ch.coil_type) = (Channel::EOG, 0);
    }
    ch
}

/// Whether MNE gives a channel of this type a place.
fn is_electrode(ch_type: ChannelType) -> bool {
    use ChannelType::{Dbs, Ecog, Eeg, Seeg};
    matches!(ch_type, Eeg | Seeg | Dbs | Ecog)
}

/// Types by the field `type`; what is no type of MNE's is EEG, with a warning.
fn types(locations: &Records, names: &[String]) -> Vec<ChannelType> {
    use ChannelType::{Eeg, Eyetrack, Fnirs, Grad, Mag};
    let Some(types) = locations.column("type") else { return vec![Eeg; names.len()] };
    let mut unknown: Vec<(String, &str)> = Vec::new();
    let types = types
        .zip(names)
        .map(|(value, name)| {
            let Some(text) = value.text().map(|text| text.trim().to_lowercase()).filter(|text| !text.is_empty()) else {
                return Eeg;
            };
            // Those that have no one unit can't be told by their name alone.
            let known = ChannelType::from_name(&text).filter(|known| !matches!(known, Grad | Mag | Fnirs | Eyetrack));
            known.unwrap_or_else(|| {
                unknown.push((text, name));
                Eeg
            })
        })
        .collect();
    if !unknown.is_empty() {
        let listed: Vec<String> = unknown.iter().map(|(ch_type, name)| format!("{name} ({ch_type})")).collect();
        tracing::warn!("channel types that are not known are taken for EEG: {}", listed.join(", "));
    }
    types
}

/// Gives electrodes their places, and lists the digitised points.
fn place(set: &Set, chs: &mut [Channel], mut places: Vec<[f64; 3]>, options: &EeglabOptions) -> Vec<DigPoint> {
    let mean = |places: &[[f64; 3]]| {
        let lengths: Vec<f64> = places.iter().copied().filter(|&r| known(r)).map(length).collect();
        (!lengths.is_empty()).then(|| lengths.iter().sum::<f64>() / lengths.len() as f64)
    };
    let radius = mean(&places);
    let scale = options.montage_units.scale(radius.unwrap_or(0.0));
    places.iter_mut().flatten().for_each(|x| *x *= scale);
    if let Some(radius) = radius.map(|radius| radius * scale).filter(|radius| !(0.05..=0.1085).contains(radius)) {
        tracing::warn!(
            "`{}`: the electrodes lie {:.1} cm from the origin in the mean, heads have radii of 5 to 10.9 cm; their unit may \
             be another one",
            set.path.display(),
            radius * 100.0
        );
    }
    let reference = chs.iter().position(|ch| REFERENCES.contains(&ch.name.as_str()));
    let reference = reference.map(|at| places[at]).filter(|&r| known(r)).unwrap_or_default();
    let point = |kind, ident, r| DigPoint { kind, ident, r, coord_frame: CoordFrame::HEAD };
    let idents = idents(chs);
    let mut electrodes = Vec::new();
    for ((ch, &r), ident) in chs.iter_mut().zip(&places).zip(idents) {
        if !is_electrode(ch.ch_type()) {
            continue;
        }
        if known(r) {
            ch.loc[..3].copy_from_slice(&r);
            ch.loc[3..6].copy_from_slice(&reference);
        }
        electrodes.push(point(DigKind::Eeg, ident, r));
    }
    let mut fiducials = fiducials(set, scale);
    // Those that are missing are put on the axes, as far out as the mean of all points.
    let mut points = places;
    points.extend(fiducials.iter().flatten());
    if let Some(radius) = mean(&points) {
        let axes = [[-radius, 0.0, 0.0], [0.0, radius, 0.0], [radius, 0.0, 0.0]];
        fiducials.iter_mut().zip(axes).for_each(|(point, axis)| {
            point.get_or_insert(axis);
        });
    }
    let fiducials = (1..).zip(fiducials).filter_map(|(ident, r)| Some(point(DigKind::Cardinal, ident, r?)));
    electrodes.sort_by_key(|point| point.ident);
    fiducials.chain(electrodes).collect()
}

/// Numbers of the electrodes: those at the end of their names where all have one, else running ones.
fn idents(chs: &[Channel]) -> Vec<i32> {
    let at_end = |name: &str| {
        let skip = name.chars().count().saturating_sub(3);
        name.chars().skip(skip).collect::<String>().trim().parse().ok()
    };
    let numbers: Option<Vec<i32>> = chs.iter().map(|ch| at_end(&ch.name)).collect();
    numbers.unwrap_or_else(|| (1..).take(chs.len()).collect())
}

/// Left ear, nasion, right ear, where the set has them among the channels without data.
fn fiducials(set: &Set, scale: f64) -> [Option<[f64; 3]>; 3] {
    let mut out = [None; 3];
    let without_data = set.records("chaninfo").and_then(|info| info.get("nodatchans")).and_then(Value::records);
    let Some(records) = without_data else { return out };
    let Some(places) = places(records) else { return out };
    for (index, r) in places.into_iter().enumerate().filter(|(_, r)| known(*r)) {
        let text = |field: &str| {
            let value = records.column(field).and_then(|mut column| column.nth(index));
            value.and_then(Value::text).map(str::trim).unwrap_or_default().to_lowercase()
        };
        if text("type") != "fid" {
            continue;
        }
        let which = match (text("description").as_str(), text("labels").as_str()) {
            ("left periauricular point", _) | (_, "lpa" | "lht") => 0,
            ("nasion", _) | (_, "nz" | "nas" | "nasion") => 1,
            ("right periauricular point", _) | (_, "rpa" | "rht") => 2,
            _ => continue,
        };
        out[which] = Some(r.map(|x| x * scale));
    }
    out
}
