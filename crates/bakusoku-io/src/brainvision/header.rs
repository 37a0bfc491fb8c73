//! What a header (`.vhdr`, `.ahdr`) says.

use super::settings::{Entry, Settings};
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::path::Path;

/// Name of the channel that files beside an `.ahdr` hold and do not list.
pub(super) const AHDR_CHANNEL: &str = "_AHDR";
/// Most channels of a recording: more than any amplifier has.
const MAX_CHANNELS: usize = 1 << 16;

/// The order of samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Orientation {
    /// Time by time.
    Multiplexed,
    /// Channel by channel.
    Vectorized,
}

/// How binary samples are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Binary {
    Int16,
    Int32,
    Float32,
}

impl Binary {
    /// Bytes of a sample.
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::Int16 => 2,
            Self::Int32 | Self::Float32 => 4,
        }
    }
}

/// How samples stand in a text file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ascii {
    /// Lines before the first sample.
    pub(super) skip_lines: u64,
    /// Words before the first sample of a line.
    pub(super) skip_columns: u64,
    /// Whether a comma is the decimal point.
    pub(super) decimal_comma: bool,
}

/// How samples are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Binary { binary: Binary, big_endian: bool },
    Ascii(Ascii),
}

/// A channel as the header has it.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    pub(super) name: String,
    pub(super) resolution: f64,
    pub(super) unit: String,
}

/// What a header says.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) sfreq: f64,
    pub(super) orientation: Orientation,
    pub(super) format: Format,
    /// The data file's name, and the line where it stands.
    pub(super) data_file: (String, usize),
    pub(super) marker_file: Option<String>,
    pub(super) n_points: Option<u64>,
    /// The channels of the data file, in order.
    pub(super) channels: Vec<Listed>,
    /// Whether the last one stands in the data file only, and is left out.
    pub(super) hidden_channel: bool,
    /// Radius, theta, phi (degrees) by channel, in the order of the file; `None`: no such section.
    pub(super) coordinates: Option<Vec<(usize, [f64; 3])>>,
    /// Lines of the comment, which tell the filters.
    pub(super) comment: Vec<String>,
}

impl Header {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let settings = Settings::read(path)?;
        check_first_line(&settings, path, "Header")?;
        if let Some(kind) = settings.find(COMMON, "DataType")?
            && !kind.value.eq_ignore_ascii_case("TIMEDOMAIN")
        {
            return Err(settings.wrong_value(kind, "samples over time, `TIMEDOMAIN`"));
        }
        let interval = settings.need(COMMON, "SamplingInterval")?;
        let microseconds: f64 = interval.value.parse().unwrap_or(f64::NAN);
        let sfreq = 1e6 / microseconds;
        if !(microseconds > 0.0 && sfreq.is_finite() && sfreq > 0.0) {
            return Err(settings.wrong_value(interval, "microseconds between two samples, above 0"));
        }
        let orientation = settings.need(COMMON, "DataOrientation")?;
        let orientation = match orientation.value.to_ascii_uppercase().as_str() {
            "MULTIPLEXED" => Orientation::Multiplexed,
            "VECTORIZED" => Orientation::Vectorized,
            _ => return Err(settings.wrong_value(orientation, "`MULTIPLEXED` or `VECTORIZED`")),
        };
        let data_file = settings.need(COMMON, "DataFile")?;
        let marker_file = settings.find(COMMON, "MarkerFile")?.map(|entry| entry.value.clone());
        let n_points = match settings.find(COMMON, "DataPoints")? {
            Some(entry) => Some(whole(&settings, entry, "a number of samples")?).filter(|&n| n > 0),
            None => None,
        };
        let mut channels = channels(&settings)?;
        let hidden_channel = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("ahdr"));
        let coordinates = coordinates(&settings, channels.len())?;
        if hidden_channel {
            channels.push(Listed { name: AHDR_CHANNEL.into(), resolution: 1.0, unit: "V".into() });
        }
        Ok(Self {
            sfreq,
            orientation,
            format: format(&settings)?,
            data_file: (data_file.value.clone(), data_file.line),
            marker_file: marker_file.filter(|name| !name.is_empty()),
            n_points,
            channels,
            hidden_channel,
            coordinates,
            comment: settings.comment,
        })
    }
}

const COMMON: &str = "Common Infos";

/// Warns where the first line names a version that is not known, as MNE does.
pub(super) fn check_first_line(settings: &Settings<'_>, path: &Path, kind: &str) -> Result<()> {
    let first = &settings.first;
    let other = if kind == "Header" { "Marker File" } else { "Header File" };
    if first.contains(other) {
        let expected = format!("the first line of a {} file", kind.to_lowercase());
        return Err(settings.wrong(1, expected, format!("`{}`", super::settings::shorten(first))));
    }
    let known = first.contains(kind) && (first.contains("Version 1.0") || first.contains("Version 2.0"));
    if !known {
        let shown = super::settings::shorten(first);
        tracing::warn!("`{}`: expected version 1.0 or 2.0 in the first line, which is `{shown}`", path.display());
    }
    Ok(())
}

fn whole(settings: &Settings<'_>, entry: &Entry, what: &str) -> Result<u64> {
    entry.value.parse().map_err(|_| settings.wrong_value(entry, what))
}

fn format(settings: &Settings<'_>) -> Result<Format> {
    let format = settings.need(COMMON, "DataFormat")?;
    if format.value.eq_ignore_ascii_case("ASCII") {
        let number = |key| match settings.find("ASCII Infos", key)? {
            Some(entry) => whole(settings, entry, "a number of lines or columns"),
            None => Ok(0),
        };
        let decimal_comma = settings.find("ASCII Infos", "DecimalSymbol")?.is_some_and(|entry| entry.value == ",");
        return Ok(Format::Ascii(Ascii {
            skip_lines: number("SkipLines")?,
            skip_columns: number("SkipColumns")?,
            decimal_comma,
        }));
    }
    if !format.value.eq_ignore_ascii_case("BINARY") {
        return Err(settings.wrong_value(format, "`BINARY` or `ASCII`"));
    }
    let binary = settings.need("Binary Infos", "BinaryFormat")?;
    let big_endian = settings
        .find("Binary Infos", "UseBigEndianOrder")?
        .is_some_and(|entry| entry.value.eq_ignore_ascii_case("yes"));
    let binary = match binary.value.to_ascii_uppercase().as_str() {
        "INT_16" => Binary::Int16,
        "INT_32" => Binary::Int32,
        "IEEE_FLOAT_32" => Binary::Float32,
        _ => return Err(settings.wrong_value(binary, "`INT_16`, `INT_32` or `IEEE_FLOAT_32`")),
    };
    Ok(Format::Binary { binary, big_endian })
}

/// The channel's place, from 0, of a line `Ch<number>=…`.
fn place(settings: &Settings<'_>, entry: &Entry) -> Result<usize> {
    let number = entry.key.get(..2).filter(|start| start.eq_ignore_ascii_case("ch")).and_then(|_| entry.key.get(2..));
    number.and_then(|number| number.parse().ok()).and_then(|number: usize| number.checked_sub(1)).ok_or_else(|| {
        settings.wrong(
            entry.line,
            "`Ch<number>=`, counted from 1",
            format!("`{}`", super::settings::shorten(&entry.key)),
        )
    })
}

fn channels(settings: &Settings<'_>) -> Result<Vec<Listed>> {
    let number = settings.need(COMMON, "NumberOfChannels")?;
    let n_channels = number.value.parse().ok().filter(|n| (1..=MAX_CHANNELS).contains(n));
    let n_channels = n_channels
        .ok_or_else(|| settings.wrong_value(number, format!("a number of channels from 1 to {MAX_CHANNELS}")))?;
    let mut listed = BTreeMap::new();
    let mut beyond = 0;
    for entry in settings.entries("Channel Infos") {
        let at = place(settings, entry)?;
        if at >= n_channels {
            beyond += 1;
            continue;
        }
        if listed.insert(at, channel(settings, entry)?).is_some() {
            return Err(settings.wrong(entry.line, format!("`Ch{}` once", at + 1), "it for the second time".into()));
        }
    }
    if beyond > 0 {
        tracing::warn!("the header lists {beyond} channels more than its NumberOfChannels; they are left out");
    }
    if let Some(missing) = (0..n_channels).find(|at| !listed.contains_key(at)) {
        let got = format!("{n_channels}, but no line `Ch{}=` in the section [Channel Infos]", missing + 1);
        return Err(settings.wrong(number.line, "as many channels as are listed", got));
    }
    Ok(listed.into_values().collect())
}

/// `name,reference,resolution,unit,…`; a comma in a name is written `\1`.
fn channel(settings: &Settings<'_>, entry: &Entry) -> Result<Listed> {
    let mut parts = entry.value.split(',').map(str::trim);
    let name = parts.next().unwrap_or_default().replace("\\1", ",");
    let resolution = parts.nth(1).unwrap_or_default();
    // Text that was UTF-8 and was read as Latin-1 has an Â before the µ. Greek and micro sign are one to us.
    let unit = parts.next().unwrap_or_default().replace('\u{c2}', "").replace('\u{3bc}', "\u{b5}");
    let resolution = if resolution.is_empty() { Ok(1.0f64) } else { resolution.parse() };
    match resolution {
        Ok(resolution) if resolution.is_finite() => Ok(Listed {
            name,
            resolution,
            // The specification's unit where none is given.
            unit: if unit.is_empty() { "µV".into() } else { unit },
        }),
        _ => Err(settings.wrong_value(entry, "`name,reference,resolution,unit` with a resolution that is a number")),
    }
}

fn coordinates(settings: &Settings<'_>, n_channels: usize) -> Result<Option<Vec<(usize, [f64; 3])>>> {
    if !settings.has("Coordinates") {
        return Ok(None);
    }
    let mut out = Vec::new();
    for entry in settings.entries("Coordinates") {
        let at = place(settings, entry)?;
        let numbers: Vec<f64> = entry.value.split(',').filter_map(|word| word.trim().parse().ok()).collect();
        match numbers[..] {
            [radius, theta, phi] if numbers.iter().all(|x| x.is_finite()) => {
                if at < n_channels {
                    out.push((at, [radius, theta, phi]));
                }
            }
            _ => return Err(settings.wrong_value(entry, "`radius,theta,phi`")),
        }
    }
    Ok(Some(out))
}

/// A data file that does not fit.
pub(super) fn wrong_data(path: &Path, expected: String, got: String) -> Error {
    Error::Content { path: path.to_owned(), expected, got }
}
