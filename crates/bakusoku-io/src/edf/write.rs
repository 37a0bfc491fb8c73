//! Writing EDF+ and BDF+ files, as `mne.export.export_raw` (by edfio) has them.

use super::write_annotations::{Lists, lists};
use crate::{Error, Result, blocks};
use bakusoku_core::{Channel, ChannelType, Recording, Stream, SubjectInfo};
use bakusoku_files::{AtomicFile, commit};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The files that are written: one.
pub fn files(path: &Path) -> Vec<PathBuf> {
    vec![path.to_owned()]
}

/// Writes a recording as EDF+: 16 bits a sample.
///
/// Potentials are written in µV; the range of 16 bits is that of all samples of a type of channels, as in MNE. Stimulus
/// codes that are whole numbers stay what they are. The last record is filled with the last sample, and that is annotated as
/// `BAD_ACQ_SKIP`. A rate that is no whole number gets records of a length by which it is exact, where there is one.
///
/// # Errors
/// When the recording can't be read, the file can't be written, or a name does not fit into 16 characters of ASCII.
pub fn write_edf(path: &Path, recording: &dyn Recording) -> Result<Vec<PathBuf>> {
    write(path, recording, 2)
}

/// As [`write_edf`], as BDF+: 24 bits a sample.
///
/// # Errors
/// See [`write_edf`].
pub fn write_bdf(path: &Path, recording: &dyn Recording) -> Result<Vec<PathBuf>> {
    write(path, recording, 3)
}

/// How a channel is stored.
struct Stored {
    /// Units of the file in an SI unit.
    scale: f64,
    unit: &'static str,
    /// Texts of the header.
    physical: [String; 2],
    digital: [i32; 2],
    gain: f64,
    offset: f64,
}

/// Records: samples in each, and its length.
struct Records {
    samples: u64,
    length: String,
    seconds: f64,
}

fn write(path: &Path, recording: &dyn Recording, width: usize) -> Result<Vec<PathBuf>> {
    let stream = recording.stream();
    check_names(path, stream)?;
    let records = records(path, stream.sfreq())?;
    let n_records = stream.n_times.div_ceil(records.samples);
    let stored = stored(path, recording, width)?;
    let lists = lists(stream, n_records, records.seconds, records.samples, width);
    let mut out = AtomicFile::create(path)?;
    out.write_all(&header(stream, &stored, &records, n_records, &lists, width)).map_err(Error::io(path, "writing"))?;
    let mut bytes = Vec::new();
    blocks::for_each(recording, 0..stream.n_times, records.samples, |start, data| {
        bytes.clear();
        let first = start / records.samples;
        let n = (data.ncols() as u64).div_ceil(records.samples);
        for record in 0..n {
            let from = (record * records.samples) as usize;
            for (row, stored) in data.rows().into_iter().zip(&stored) {
                for k in 0..records.samples as usize {
                    let value = row[(from + k).min(row.len() - 1)] * stored.scale;
                    let number = (value / stored.gain - stored.offset).round_ties_even();
                    let [low, high] = stored.digital.map(f64::from);
                    bytes.extend(&(number.clamp(low, high) as i32).to_le_bytes()[..width]);
                }
            }
            lists.put(first + record, &mut bytes);
        }
        out.write_all(&bytes).map_err(Error::io(path, "writing"))
    })?;
    Ok(commit(vec![out])?)
}

fn check_names(path: &Path, stream: &Stream) -> Result<()> {
    let wrong = |what, expected: &str, got: String| {
        Err(Error::Unwritable { path: path.to_owned(), what, expected: expected.into(), got })
    };
    if stream.n_channels() > 9998 {
        return wrong("the channels", "at most 9998", stream.n_channels().to_string());
    }
    match stream.info.ch_names().find(|name| !(name.is_ascii() && name.len() <= 16)) {
        Some(name) => wrong("a channel's name", "at most 16 characters of ASCII", format!("`{name}`")),
        None => Ok(()),
    }
}

/// The shortest records by which the rate is exact in the header's eight characters; else those of about a second.
fn records(path: &Path, sfreq: f64) -> Result<Records> {
    let of = |samples: u64| {
        let length = number(samples as f64 / sfreq, f64::round);
        let seconds: f64 = length.parse().unwrap_or(f64::NAN);
        Records { samples, length, seconds }
    };
    let about = (sfreq.floor() as u64).clamp(1, 99_999_999);
    let exact = |records: &Records| records.samples as f64 / records.seconds == sfreq;
    // Whole seconds first, then about one second.
    let seconds = (1..=64).map(|k| (sfreq * f64::from(k)).round() as u64);
    let near = (0..4096).flat_map(|more| [about.saturating_sub(more), about + more]);
    let found = std::iter::once(about).chain(seconds).chain(near).filter(|&n| n > 0).map(of).find(exact);
    let records = found.unwrap_or_else(|| of(about));
    if records.seconds.is_nan() || records.seconds <= 0.0 {
        let (expected, got) = ("one whose records have a length of eight characters".into(), format!("{sfreq} Hz"));
        return Err(Error::Unwritable { path: path.to_owned(), what: "the sampling frequency", expected, got });
    }
    if !exact(&records) {
        let written = records.samples as f64 / records.seconds;
        tracing::warn!("`{}`: the header can't hold {sfreq} Hz, it says {written} Hz", path.display());
    }
    Ok(records)
}

/// Looks at all samples once, for their range.
fn stored(path: &Path, recording: &dyn Recording, width: usize) -> Result<Vec<Stored>> {
    let stream = recording.stream();
    let chs = &stream.info.chs;
    let most = if width == 2 { i32::from(i16::MAX) } else { (1 << 23) - 1 };
    let mut ranges = vec![[f64::INFINITY, f64::NEG_INFINITY]; chs.len()];
    let mut whole = vec![true; chs.len()];
    blocks::for_each(recording, 0..stream.n_times, 1, |start, data| {
        for (k, row) in data.rows().into_iter().enumerate() {
            bakusoku_core::Error::check_finite(row, &chs[k].name, start, stream.sfreq())?;
            for &value in row {
                ranges[k] = [ranges[k][0].min(value), ranges[k][1].max(value)];
                whole[k] &= value.fract() == 0.0;
            }
        }
        Ok(())
    })?;
    let of_type = |ch_type: ChannelType| {
        let same = ranges.iter().zip(chs).filter(|(_, ch)| ch.ch_type() == ch_type).map(|(range, _)| *range);
        same.reduce(|a, b| [a[0].min(b[0]), a[1].max(b[1])]).unwrap_or([0.0, 1.0])
    };
    let out = chs.iter().zip(ranges.iter().zip(&whole)).map(|(ch, (range, whole))| {
        let codes = ch.ch_type() == ChannelType::Stim && *whole;
        if codes && range[0] >= f64::from(-most - 1) && range[1] <= f64::from(most) {
            let digital = [-most - 1, most];
            let physical = digital.map(|value| value.to_string());
            return Stored { scale: 1.0, unit: "", physical, digital, gain: 1.0, offset: 0.0 };
        }
        let is_potential = ch.unit == Channel::UNIT_V && ch.ch_type() != ChannelType::Stim;
        let (scale, unit) = if is_potential { (1e6, "uV") } else { (1.0, "") };
        let [low, mut high] = of_type(ch.ch_type()).map(|value| value * scale);
        if low == high {
            high += 1.0;
        }
        let physical = [number(low, f64::floor), number(high, f64::ceil)];
        let [low, high] = [&physical[0], &physical[1]].map(|text| text.parse().unwrap_or(0.0));
        let gain = (high - low) / f64::from(2 * most);
        Stored { scale, unit, physical, digital: [-most, most], gain, offset: high / gain - f64::from(most) }
    });
    let out: Vec<Stored> = out.collect();
    match out.iter().position(|stored| !(stored.gain.is_finite() && stored.gain > 0.0)) {
        Some(k) => {
            let (channel, fmt) = (chs[k].name.clone(), if width == 2 { "EDF" } else { "BDF" });
            let why = format!("its samples reach from {:e} to {:e}", ranges[k][0], ranges[k][1]);
            Err(Error::Samples { path: path.to_owned(), channel, fmt, why })
        }
        None => Ok(out),
    }
}

/// A number in at most eight characters, rounded as `round` says.
fn number(value: f64, round: fn(f64) -> f64) -> String {
    let text = value.to_string();
    if text.len() <= 8 {
        return text;
    }
    let whole = text.find('.').unwrap_or(text.len());
    // Small numbers keep more digits with a power of ten.
    if value.abs() >= 1e-3 && whole <= 8 {
        let factor = 10f64.powi(7 - whole.min(7) as i32);
        let rounded = (round(value * factor) / factor).to_string();
        if rounded.len() <= 8 {
            return rounded;
        }
    }
    let power = value.abs().log10().floor() as i32;
    for digits in (0..=5).rev() {
        let factor = 10f64.powi(digits - power);
        let text = format!("{:.*e}", digits as usize, round(value * factor) / factor);
        if text.len() <= 8 {
            return text;
        }
    }
    text.chars().take(8).collect()
}

fn header(
    stream: &Stream,
    stored: &[Stored],
    records: &Records,
    n_records: u64,
    lists: &Lists,
    width: usize,
) -> Vec<u8> {
    let mut out = Vec::new();
    let n = stored.len() + 1;
    let kind = if width == 2 { "EDF" } else { "BDF" };
    let mut put = |text: &str, len: usize| {
        let text = text.chars().map(|c| if c.is_ascii() && !c.is_control() { c } else { '_' }).take(len);
        out.extend(format!("{:<len$}", text.collect::<String>()).into_bytes());
    };
    put(if width == 2 { "0" } else { "_BIOSEMI" }, 8);
    put(&patient(stream.info.subject_info.as_ref()), 80);
    let time = stream.info.meas_date.and_then(|(secs, _)| jiff::Timestamp::new(secs, 0).ok());
    let date = |format: &str| time.map(|time| time.strftime(format).to_string());
    let long = date("%d-%b-%Y").map_or("X".into(), |date| date.to_uppercase());
    put(&format!("Startdate {long} X X X"), 80);
    put(&date("%d.%m.%y").unwrap_or_else(|| "01.01.85".into()), 8);
    put(&date("%H.%M.%S").unwrap_or_else(|| "00.00.00".into()), 8);
    put(&(256 * (n + 1)).to_string(), 8);
    put(&format!("{kind}+C"), 44);
    put(&n_records.to_string(), 8);
    put(&records.length, 8);
    put(&n.to_string(), 4);
    let info = &stream.info;
    info.ch_names().for_each(|name| put(name, 16));
    put(&format!("{kind} Annotations"), 16);
    (0..n).for_each(|_| put("", 80));
    stored.iter().for_each(|s| put(s.unit, 8));
    put("", 8);
    let lowest = if width == 2 { i32::from(i16::MIN) } else { -(1 << 23) };
    for side in [0, 1] {
        stored.iter().for_each(|s| put(&s.physical[side], 8));
        put(&if side == 0 { lowest } else { -lowest - 1 }.to_string(), 8);
    }
    for side in [0, 1] {
        stored.iter().for_each(|s| put(&s.digital[side].to_string(), 8));
        put(&if side == 0 { lowest } else { -lowest - 1 }.to_string(), 8);
    }
    let line = info.line_freq.map_or(String::new(), |freq| format!(" N:{freq}Hz"));
    let filters = format!("HP:{}Hz LP:{}Hz{line}", info.highpass, info.lowpass);
    stored.iter().for_each(|_| put(&filters, 80));
    put("", 80);
    stored.iter().for_each(|_| put(&records.samples.to_string(), 8));
    put(&lists.samples().to_string(), 8);
    (0..n).for_each(|_| put("", 32));
    if width == 3 {
        out[0] = 0xff;
    }
    out
}

/// `code sex birthday name key=value …`; X for what is not known.
fn patient(subject: Option<&SubjectInfo>) -> String {
    let Some(subject) = subject else { return "X X X X".into() };
    let word = |text: &str| text.trim().replace(' ', "_");
    let or_x = |text: String| if text.is_empty() { "X".into() } else { text };
    let sex = match subject.sex {
        Some(1) => "M",
        Some(2) => "F",
        _ => "X",
    };
    // Days of the Julian count at 1970-01-01.
    let birthday = subject.birthday.map(|day| (i64::from(day) - 2_440_588) * 86_400);
    let birthday = birthday.and_then(|secs| jiff::Timestamp::new(secs, 0).ok());
    let birthday = birthday.map_or("X".into(), |time| time.strftime("%d-%b-%Y").to_string().to_uppercase());
    let names = [&subject.first_name, &subject.middle_name, &subject.last_name];
    let name: Vec<String> =
        names.into_iter().flatten().map(|name| word(name)).filter(|name| !name.is_empty()).collect();
    let mut out =
        [or_x(word(subject.his_id.as_deref().unwrap_or_default())), sex.into(), birthday, or_x(name.join("_"))]
            .join(" ");
    let numbers = [("height", subject.height), ("weight", subject.weight), ("hand", subject.hand.map(f64::from))];
    for (key, value) in numbers {
        if let Some(value) = value.filter(|value| *value != 0.0) {
            out.push_str(&format!(" {key}={value}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_eight_characters_and_are_rounded_outwards() {
        for (value, low, high) in [
            (12.0, "12", "12"),
            (-37.566_812_3, "-37.5669", "-37.5668"),
            (1_234_567.891, "1234567", "1234568"),
            (-1.234_567e-9, "-1.24e-9", "-1.23e-9"),
            (1.234_567_8e-5, "1.234e-5", "1.235e-5"),
            (123_456_789_012.0, "1.234e11", "1.235e11"),
        ] {
            assert_eq!((number(value, f64::floor).as_str(), number(value, f64::ceil).as_str()), (low, high));
        }
    }

    #[test]
    fn rates_are_exact_where_eight_characters_can_say_them() {
        for (sfreq, samples, length) in [
            (250.0, 250, "1"),
            (1000.0 / 3.0, 333, "0.999"),
            (0.5, 1, "2"),
            (512.5, 1025, "2"),
            (2048.0, 2048, "1"),
            (1e6 / 1665.0, 600, "0.999"),
        ] {
            let found = records(Path::new("x.edf"), sfreq).unwrap();
            assert_eq!((found.samples, found.length.as_str()), (samples, length));
        }
    }
}
