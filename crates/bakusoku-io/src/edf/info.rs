//! A header as the description of a recording.

use super::header::{Header, Signal};
use super::{EdfOptions, StimChannel, Units};
use crate::{ChannelRef, Error, Result};
use bakusoku_core::{Channel, ChannelType, CoordFrame, Info, OrigTime, SubjectInfo};
use std::path::Path;

/// A channel that is read, and how its samples become numbers: `((stored × cal) + offset) × gain`, in this order.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    /// Its place among the header's signals.
    pub(super) signal: usize,
    pub(super) cal: f64,
    pub(super) offset: f64,
    pub(super) gain: f64,
    /// Stimulus codes: the lowest 17 bits, held where other channels are interpolated.
    pub(super) is_stim: bool,
}

/// Labels' prefixes by which types are told, as in MNE.
const TYPES: [(&str, ChannelType); 13] = [
    ("EEG", ChannelType::Eeg),
    ("SEEG", ChannelType::Seeg),
    ("ECOG", ChannelType::Ecog),
    ("DBS", ChannelType::Dbs),
    ("EOG", ChannelType::Eog),
    ("ECG", ChannelType::Ecg),
    ("EMG", ChannelType::Emg),
    ("BIO", ChannelType::Bio),
    ("RESP", ChannelType::Resp),
    ("TEMP", ChannelType::Temperature),
    ("MISC", ChannelType::Misc),
    ("SAO2", ChannelType::Bio),
    ("STIM", ChannelType::Stim),
];

/// Names and types that the labels tell.
pub(super) fn labelled(header: &Header, infer_types: bool) -> Vec<(String, ChannelType)> {
    let of = |signal: &Signal| {
        if infer_types
            && let Some((prefix, name)) = signal.label.split_once(' ')
            && let Some((_, ch_type)) = TYPES.iter().find(|(other, _)| prefix.eq_ignore_ascii_case(other))
        {
            return (name.to_owned(), *ch_type);
        }
        (signal.label.clone(), ChannelType::Eeg)
    };
    header.signals.iter().map(of).collect()
}

/// The channels that are read and their description.
pub(super) fn info(path: &Path, header: &Header, options: &EdfOptions) -> Result<(Info, Vec<Stored>)> {
    let (mut names, types): (Vec<String>, Vec<ChannelType>) = labelled(header, options.infer_types).into_iter().unzip();
    if options.exclude_after_unique {
        crate::names::make_unique(&mut names);
    }
    if !(options.include.is_empty() || options.exclude.is_empty()) {
        return Err(bakusoku_core::Error::parameter("exclude", "empty where `include` is given", "names").into());
    }
    let wanted = |name: &String| match options.include.is_empty() {
        true => !options.exclude.contains(name),
        false => options.include.contains(name),
    };
    let chosen: Vec<usize> =
        (0..names.len()).filter(|&k| !header.signals[k].is_annotations() && wanted(&names[k])).collect();
    if chosen.is_empty() {
        let content = if header.signals.iter().all(Signal::is_annotations) {
            "annotations without signals"
        } else {
            "without any of the channels that were chosen"
        };
        return Err(Error::NotARecording { path: path.to_owned(), content: content.to_owned() });
    }
    let mut names: Vec<String> = chosen.iter().map(|&k| names[k].clone()).collect();
    crate::names::make_unique(&mut names);
    let stim = stim_channels(&options.stim_channel, &names);
    let (mut chs, mut stored) = (Vec::new(), Vec::new());
    let n = header.signals.len();
    for (index, (&k, name)) in chosen.iter().zip(&names).enumerate() {
        let signal = &header.signals[k];
        let mut ch = Channel::new(name.clone(), types[k]);
        // MNE takes all for potentials.
        ch.unit = Channel::UNIT_V;
        // What holds codes is read as codes, whatever type it is given.
        let is_stim = stim.contains(&index);
        if ChannelRef::any(&options.eog, name, index, n) {
            (ch.kind, ch.coil_type) = (Channel::EOG, 0);
        } else if ChannelRef::any(&options.misc, name, index, n) {
            (ch.kind, ch.coil_type) = (Channel::MISC, 0);
        } else if is_stim {
            (ch.kind, ch.coil_type, ch.unit) = (Channel::STIM, 0, Channel::UNIT_NONE);
        }
        let scaled = !is_stim || header.width == 2 && ch.kind != Channel::STIM;
        (ch.coord_frame, ch.loc) = (CoordFrame::HEAD, [f64::NAN; 12]);
        stored.push(calibration(path, header.width, k, signal, name, is_stim, scaled, &options.units)?);
        chs.push(ch);
    }
    let per_record = chosen.iter().map(|&k| header.signals[k].n_samples).max().unwrap_or(1);
    let sfreq = per_record as f64 / header.record_length;
    if !(sfreq.is_finite() && sfreq > 0.0) {
        let (expected, got) = ("a length of records that fits their samples", header.record_length.to_string());
        return Err(Error::Byte { path: path.to_owned(), at: 244, expected: expected.into(), got });
    }
    let signals: Vec<&Signal> =
        chosen.iter().zip(&stored).filter(|(_, s)| !s.is_stim).map(|(&k, _)| &header.signals[k]).collect();
    let (highpass, lowpass) = pass_band(&signals, sfreq);
    let info = Info {
        sfreq,
        chs,
        highpass,
        lowpass,
        meas_date: meas_date(header),
        subject_info: Some(subject(&header.patient)),
        ..Info::default()
    };
    Ok((info.number_channels(), stored))
}

fn stim_channels(which: &StimChannel, names: &[String]) -> Vec<usize> {
    let lower: Vec<String> = names.iter().map(|name| name.to_lowercase()).collect();
    let find = |name: &str| lower.iter().position(|other| other == name);
    match which {
        StimChannel::None => Vec::new(),
        StimChannel::Auto => ["status", "trigger"].into_iter().filter_map(find).collect(),
        StimChannel::These(refs) => refs
            .iter()
            .filter_map(|which| match which {
                ChannelRef::Name(name) => find(&name.to_lowercase()),
                ChannelRef::Index(at) if *at < 0 => usize::try_from(*at + names.len() as i64).ok(),
                ChannelRef::Index(at) => usize::try_from(*at).ok().filter(|&at| at < names.len()),
            })
            .collect(),
    }
}

fn calibration(
    path: &Path,
    width: u64,
    index: usize,
    signal: &Signal,
    name: &str,
    is_stim: bool,
    scaled: bool,
    units: &Units,
) -> Result<Stored> {
    let range = |[low, high]: [f64; 2], what| match high - low {
        0.0 => {
            tracing::warn!("`{}`: channel `{name}` has a {what} range of 0, which is taken for 1", path.display());
            1.0
        }
        range => range,
    };
    let cal = range(signal.physical, "physical") / range(signal.digital, "digital");
    let mut stored =
        Stored { signal: index, cal, offset: signal.physical[0] - signal.digital[0] * cal, gain: 1.0, is_stim };
    if is_stim && width == 3 {
        (stored.cal, stored.offset) = (1.0, 0.0);
    }
    if !scaled {
        return Ok(stored);
    }
    stored.gain = match signal.unit.as_str() {
        // Greek mu, the micro sign, and mu in Shift-JIS.
        "\u{3bc}V" | "\u{b5}V" | "\u{83}\u{ca}V" | "uV" => 1e-6,
        "mV" => 1e-3,
        "nV" => 1e-9,
        _ => 1.0,
    };
    let given = match units {
        Units::OfFile => None,
        Units::All(unit) => Some(unit),
        Units::By(list) => list.iter().find(|(other, _)| other == name).map(|(_, unit)| unit),
    };
    if let Some(unit) = given {
        if !(signal.unit.is_empty() || signal.unit == *unit) {
            let expected = format!("`{}` for channel `{name}`, as the file says", signal.unit);
            return Err(bakusoku_core::Error::parameter("units", expected, format!("`{unit}`")).into());
        }
        if signal.unit.is_empty() {
            let factor = potential(unit).ok_or_else(|| {
                bakusoku_core::Error::parameter("units", "`V` with a prefix or without", format!("`{unit}`"))
            })?;
            stored.gain /= factor;
        }
    }
    Ok(stored)
}

/// How many of a unit are a volt.
fn potential(unit: &str) -> Option<f64> {
    match unit.strip_suffix('V')? {
        "" => Some(1.0),
        "c" => Some(1e2),
        "m" => Some(1e3),
        "u" | "\u{b5}" | "\u{3bc}" => Some(1e6),
        "n" => Some(1e9),
        "p" => Some(1e12),
        "k" => Some(1e-3),
        _ => None,
    }
}

/// The pass band of all channels, from `HP:0.1Hz LP:75Hz`: where they differ, the narrowest, as in MNE.
fn pass_band(signals: &[&Signal], sfreq: f64) -> (f64, f64) {
    let edge = |key: &str, narrower: fn(f64, f64) -> f64| {
        let values: Vec<String> = signals.iter().map(|signal| cutoff(&signal.prefilter, key)).collect();
        let known = values.iter().filter_map(|text| frequency(text));
        let chosen = known.reduce(narrower);
        if values.iter().any(|value| value != &values[0]) {
            tracing::warn!("channels have different {key} filters; {} Hz is taken for all", chosen.unwrap_or(0.0));
        }
        chosen.filter(|&value| value > 0.0)
    };
    let (highpass, lowpass) = (edge("HP", f64::max).unwrap_or(0.0), edge("LP", f64::min).unwrap_or(sfreq / 2.0));
    if highpass > lowpass {
        tracing::warn!(
            "the high-pass filter ({highpass} Hz) lies above the low-pass filter ({lowpass} Hz); both are ignored"
        );
        return (0.0, sfreq / 2.0);
    }
    (highpass, lowpass)
}

/// What stands behind the last `key:`.
fn cutoff(prefilter: &str, key: &str) -> String {
    let Some((_, rest)) = prefilter.rsplit_once(&format!("{key}:")) else { return String::new() };
    let value: String =
        rest.trim_start().chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, ',' | '.')).collect();
    value.replace("Hz", "").replace(',', ".")
}

fn frequency(text: &str) -> Option<f64> {
    if text == "DC" {
        return Some(0.0);
    }
    text.chars().all(|c| c.is_ascii_digit() || c == '.').then(|| text.parse().ok()).flatten()
}

/// The date from `Startdate dd-MMM-yyyy …` of EDF+, which has all digits of the year, else from the field of the date.
fn meas_date(header: &Header) -> Option<OrigTime> {
    let words: Vec<&str> = header.recording.split(' ').collect();
    let date = if words.len() == 5 { long_date(words[1]) } else { None };
    let numbers = |text: &str| -> Option<[i32; 3]> {
        let parts: Vec<i32> = text.split('.').filter_map(|part| part.trim().parse().ok()).collect();
        if text.split('.').count() == 3 { parts.try_into().ok() } else { None }
    };
    let short = || {
        let [day, month, year] = numbers(&header.date)?;
        Some([if year < 85 { year + 2000 } else { year + 1900 }, month, day])
    };
    let [hour, minute, second] = numbers(&header.time).unwrap_or_default();
    let found = date.or_else(short).and_then(|[year, month, day]| {
        let at = |h, m, s| crate::dates::utc(year, month, day, h, m, s);
        at(hour, minute, second).or_else(|| at(0, 0, 0))
    });
    if found.is_none() {
        tracing::warn!("the header has no valid date of the measurement");
    }
    found.map(|secs| (secs, 0))
}

/// `16-SEP-1987` as year, month, day.
fn long_date(text: &str) -> Option<[i32; 3]> {
    const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
    let parts: Vec<&str> = text.split('-').collect();
    let [day, month, year] = parts[..] else { return None };
    let month = MONTHS.iter().position(|name| month.eq_ignore_ascii_case(name))? as i32 + 1;
    let (day, year): (i32, i32) = (day.parse().ok()?, year.parse().ok().filter(|_| year.len() == 4)?);
    crate::dates::utc(year, month, day, 0, 0, 0).map(|_| [year, month, day])
}

/// `id sex birthday name key=value …`, as EDF+ has it.
fn subject(patient: &str) -> SubjectInfo {
    let words: Vec<&str> = patient.split(' ').collect();
    let mut out = SubjectInfo { his_id: words.first().map(|id| (*id).to_owned()), ..SubjectInfo::default() };
    let [_, sex, birthday, name, more @ ..] = &words[..] else { return out };
    out.sex = Some(match *sex {
        "M" => 1,
        "F" => 2,
        _ => 0,
    });
    // Days of the Julian calendar's count at 1970-01-01.
    out.birthday = long_date(birthday)
        .and_then(|[year, month, day]| crate::dates::utc(year, month, day, 0, 0, 0))
        .map(|secs| (secs.div_euclid(86_400) + 2_440_588) as i32);
    match name.split('_').collect::<Vec<_>>()[..] {
        [first, last] => (out.first_name, out.last_name) = (Some(first.into()), Some(last.into())),
        [first, middle, last] => {
            (out.first_name, out.middle_name) = (Some(first.into()), Some(middle.into()));
            out.last_name = Some(last.into());
        }
        _ => out.last_name = Some((*name).to_owned()),
    }
    for (key, value) in more.iter().filter_map(|word| word.split_once('=')) {
        match key {
            "weight" => out.weight = value.parse().ok(),
            "height" => out.height = value.parse().ok(),
            "hand" => out.hand = value.parse().ok(),
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_dates_and_people_are_read() {
        assert_eq!(cutoff("HP:0.1Hz LP:75Hz N:50Hz", "LP"), "75");
        assert_eq!(cutoff("HP: DC; LP: 417 Hz", "HP"), "DC");
        assert_eq!(cutoff("HP:0,16Hz", "HP"), "0.16");
        assert_eq!(
            (frequency("DC"), frequency("0.16"), frequency("off"), frequency("")),
            (Some(0.0), Some(0.16), None, None)
        );
        assert_eq!(long_date("16-Sep-1987"), Some([1987, 9, 16]));
        assert_eq!(long_date("31-FEB-1987"), None);
        let person = subject("X F 02-AUG-1951 Ada_K_Mustermann hand=1 weight=70.5 x=y=z");
        assert_eq!((person.his_id.as_deref(), person.sex, person.hand), (Some("X"), Some(2), Some(1)));
        assert_eq!(person.birthday, Some(2_433_861));
        assert_eq!((person.middle_name.as_deref(), person.weight), (Some("K"), Some(70.5)));
    }
}
