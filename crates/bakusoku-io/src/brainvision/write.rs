//! Writing: a header, markers, and samples as 32-bit floating point, as `mne.export.export_raw` (by pybv) has them.

use crate::{Error, Result, blocks};
use bakusoku_core::{Annotation, Channel, OrigTime, Recording, Stream};
use bakusoku_files::{AtomicFile, commit};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Resolution of all channels in their unit, as MNE writes it.
const RESOLUTION: f64 = 0.1;
/// FIFF's unit of degrees Celsius.
const UNIT_CELSIUS: i32 = 114;
/// Types of markers that an annotation may begin with, as `Stimulus/S  1`.
const TYPES: [&str; 8] =
    ["Stimulus", "Response", "Comment", "New Segment", "SyncStatus", "Optic", "Event", "Bad Interval"];

/// The files that [`write`] makes of a header's path.
pub fn files(header: &Path) -> Vec<PathBuf> {
    [header.to_owned(), header.with_extension("vmrk"), header.with_extension("eeg")].into()
}

/// Writes a recording as BrainVision files; `header` (`.vhdr`) tells the names of all three.
///
/// Potentials are written in µV, other samples as they are. Markers have the type that an annotation begins with
/// (`Stimulus/S  1`); others become comments, those that mark bad stretches bad intervals, so that they stay bad when they
/// are read (MNE makes comments of them). Types of channels, bad channels, positions and filters have no place in such
/// files, as in MNE's export.
///
/// # Errors
/// When the recording can't be read, the files can't be written, or samples do not fit into 32 bits.
pub fn write(header: &Path, recording: &dyn Recording) -> Result<Vec<PathBuf>> {
    let stream = recording.stream();
    let paths = files(header);
    let mut out = paths.iter().map(AtomicFile::create).collect::<bakusoku_files::Result<Vec<_>>>()?;
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let texts = [head(stream, &name(&paths[1]), &name(&paths[2])), markers(stream, &name(&paths[2]))];
    for (file, text) in out.iter_mut().zip(texts) {
        let path = file.path().to_owned();
        file.write_all(text.as_bytes()).map_err(Error::io(&path, "writing"))?;
    }
    let samples = &mut out[2];
    let scales: Vec<f64> = stream.info.chs.iter().map(|ch| unit(ch).1 / RESOLUTION).collect();
    let mut bytes = Vec::new();
    blocks::for_each(recording, 0..stream.n_times, 1, |start, data| {
        bytes.clear();
        for (time, column) in data.columns().into_iter().enumerate() {
            for ((value, scale), ch) in column.iter().zip(&scales).zip(&stream.info.chs) {
                let stored = (value * scale) as f32;
                if stored.is_infinite() {
                    let why = format!("{value:e} at sample {}", start + time as u64);
                    let (path, channel) = (paths[2].clone(), ch.name.clone());
                    return Err(Error::Samples { path, channel, fmt: "IEEE_FLOAT_32", why });
                }
                bytes.extend(stored.to_le_bytes());
            }
        }
        samples.write_all(&bytes).map_err(Error::io(&paths[2], "writing"))
    })?;
    Ok(commit(out)?)
}

/// A channel's unit, and how many of it are the SI unit.
fn unit(ch: &Channel) -> (&'static str, f64) {
    match ch.unit {
        Channel::UNIT_V => ("µV", 1e6),
        UNIT_CELSIUS => ("C", 1.0),
        _ => ("n/a", 1.0),
    }
}

/// A text that may stand between commas.
fn field(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().replace(',', "\\1")
}

/// The interval (µs) that gives back exactly this rate, where there is one.
fn interval(sfreq: f64) -> f64 {
    let near = 1e6 / sfreq;
    [near, near.next_up(), near.next_down()].into_iter().find(|interval| 1e6 / interval == sfreq).unwrap_or(near)
}

fn head(stream: &Stream, markers: &str, samples: &str) -> String {
    let mut out = format!(
        "Brain Vision Data Exchange Header File Version 1.0\n; Written by bakusoku\n\n[Common Infos]\nCodepage=UTF-8\n\
         DataFile={samples}\nMarkerFile={markers}\nDataFormat=BINARY\n; MULTIPLEXED=ch1,pt1, ch2,pt1 ...\n\
         DataOrientation=MULTIPLEXED\nNumberOfChannels={}\n; In microseconds\nSamplingInterval={}\n\n[Binary Infos]\n\
         BinaryFormat=IEEE_FLOAT_32\n\n[Channel Infos]\n; Ch<number>=<name>,<reference>,<resolution in unit>,<unit>\n\
         ; Commas in names are coded as \"\\1\".\n",
        stream.n_channels(),
        interval(stream.sfreq())
    );
    for (number, ch) in (1..).zip(&stream.info.chs) {
        let _ = writeln!(out, "Ch{number}={},,{RESOLUTION},{}", field(&ch.name), unit(ch).0);
    }
    out
}

fn markers(stream: &Stream, samples: &str) -> String {
    let mut out = format!(
        "Brain Vision Data Exchange Marker File, Version 1.0\n; Written by bakusoku\n\n[Common Infos]\nCodepage=UTF-8\n\
         DataFile={samples}\n\n[Marker Infos]\n; Mk<number>=<type>,<description>,<position>,<size>,<channel, 0: all>,\
         <date (YYYYMMDDhhmmssuuuuuu)>\n; Commas in type or description are coded as \"\\1\".\n\
         Mk1=New Segment,,1,1,0{}\n",
        stream.info.meas_date.and_then(date).unwrap_or_default()
    );
    let mut number = 2;
    let (annotations, info) = (&stream.annotations, &stream.info);
    for (index, item) in annotations.items.iter().enumerate() {
        let onset = annotations.onset_from_first_sample(index, info.meas_date, stream.first_samp, info.sfreq);
        let position = (onset * info.sfreq).round_ties_even().clamp(0.0, stream.n_times.saturating_sub(1) as f64) + 1.0;
        let size = (item.duration * info.sfreq).round_ties_even().max(0.0);
        let (kind, description) = typed(item);
        let named = item.ch_names.iter().filter_map(|name| info.index_of(name)).map(|index| index + 1);
        let channels: Vec<usize> = if item.ch_names.is_empty() { vec![0] } else { named.collect() };
        for channel in channels {
            let (kind, description) = (field(kind), field(description));
            let _ = writeln!(out, "Mk{number}={kind},{description},{position},{size},{channel}");
            number += 1;
        }
    }
    out
}

/// Type and description of an annotation's marker.
fn typed(item: &Annotation) -> (&str, &str) {
    let text = item.description.as_str();
    match text.split_once('/') {
        Some((kind, rest)) if TYPES.contains(&kind) => (kind, rest),
        _ if text.to_lowercase().starts_with("bad") => ("Bad Interval", text),
        _ => ("Comment", text),
    }
}

fn date((secs, micros): OrigTime) -> Option<String> {
    let time = jiff::Timestamp::new(secs, 0).ok()?;
    Some(format!(",{}{micros:06}", time.strftime("%Y%m%d%H%M%S")))
}
