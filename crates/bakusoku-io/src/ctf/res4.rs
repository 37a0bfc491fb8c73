//! The header, `.res4`: one record of fixed layout, big-endian.

use crate::{Error, Result};
use std::path::{Path, PathBuf};

/// Where the description starts, whatever was before it.
const DESCRIPTION: usize = 1844;
/// Coils of a sensor's record, in the device and in the head.
const MAX_COILS: usize = 8;
/// Reference sensors of a compensation record, and bytes of their names.
const MAX_BALANCING: usize = 50;
const SENSOR_LABEL: usize = 31;
/// Bytes of a channel's record, and of one of its coils.
const CHANNEL: usize = 48 + 2 * MAX_COILS * COIL;
const COIL: usize = 80;

/// A header.
#[derive(Debug)]
pub(super) struct Res4 {
    pub(super) path: PathBuf,
    pub(super) date: String,
    pub(super) time: String,
    /// Samples of a trial.
    pub(super) n_samples: u64,
    pub(super) sfreq: f64,
    /// Samples before the trigger.
    pub(super) n_before_trigger: i32,
    pub(super) operator: String,
    pub(super) subject: String,
    /// Type and edge (Hz) of each filter.
    pub(super) filters: Vec<(i32, f64)>,
    pub(super) channels: Vec<Sensor>,
    pub(super) coefficients: Vec<Coefficients>,
}

/// A channel.
#[derive(Clone, Debug)]
pub(super) struct Sensor {
    pub(super) name: String,
    pub(super) type_index: i16,
    pub(super) proper_gain: f64,
    pub(super) q_gain: f64,
    /// Grade of compensation in effect.
    pub(super) grade: i16,
    /// Position (m) and direction of the first two coils, in the device's frame.
    pub(super) coils: [([f64; 3], [f64; 3]); 2],
}

/// What of the reference sensors is subtracted from one sensor.
#[derive(Clone, Debug)]
pub(super) struct Coefficients {
    pub(super) sensor: String,
    /// The kind of compensation, four letters: `G1BR`, `G3AR`, …
    pub(super) kind: i32,
    pub(super) references: Vec<String>,
    pub(super) values: Vec<f64>,
}

/// Text up to a zero, as UTF-8 or else Latin-1.
fn text(bytes: &[u8]) -> String {
    let bytes = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
    std::str::from_utf8(bytes).map_or_else(|_| bytes.iter().map(|&byte| char::from(byte)).collect(), str::to_owned)
}

struct Bytes<'b> {
    path: &'b Path,
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Bytes<'b> {
    fn take(&mut self, n: usize, what: &str) -> Result<&'b [u8]> {
        let taken = self.at.checked_add(n).and_then(|end| self.bytes.get(self.at..end)).ok_or_else(|| {
            let got = format!("the end of the file, which has {} bytes", self.bytes.len());
            self.wrong(self.at, format!("{what} ({n} bytes)"), got)
        })?;
        self.at += n;
        Ok(taken)
    }
    fn fixed<const N: usize>(&mut self, what: &str) -> Result<[u8; N]> {
        Ok(*self.take(N, what)?.first_chunk().unwrap_or(&[0; N]))
    }
    fn short(&mut self, what: &str) -> Result<i16> {
        self.fixed(what).map(i16::from_be_bytes)
    }
    fn int(&mut self, what: &str) -> Result<i32> {
        self.fixed(what).map(i32::from_be_bytes)
    }
    fn double(&mut self, what: &str) -> Result<f64> {
        self.fixed(what).map(f64::from_be_bytes)
    }
    fn text(&mut self, n: usize, what: &str) -> Result<String> {
        self.take(n, what).map(text)
    }
    fn align(&mut self, to: usize) {
        self.at = self.at.next_multiple_of(to);
    }
    fn wrong(&self, at: usize, expected: impl Into<String>, got: impl Into<String>) -> Error {
        Error::Byte { path: self.path.to_owned(), at: at as u64, expected: expected.into(), got: got.into() }
    }
    /// A number that must be above zero, as found at `at`.
    fn positive(&self, at: usize, what: &str, n: i64) -> Result<u64> {
        u64::try_from(n).ok().filter(|&n| n > 0).ok_or_else(|| self.wrong(at, format!("{what} above 0"), n.to_string()))
    }
}

impl Res4 {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let bytes = fs_err::read(path).map_err(Error::io(path, "reading"))?;
        let mut b = Bytes { path, bytes: &bytes, at: 0 };
        let head = b.text(8, "the kind of file")?;
        if !(head.starts_with("MEG4") && head.ends_with("RS")) {
            return Err(b.wrong(0, "`MEG41RS` or `MEG42RS`", format!("`{head}`")));
        }
        // Programs, descriptions, number of averages.
        b.take(3 * 256 + 2, "descriptions")?;
        let (mut time, mut date) = (b.text(255, "the time")?, b.text(255, "the date")?);
        // Some programs write them the other way round.
        if time.contains('/') && date.contains(':') {
            std::mem::swap(&mut time, &mut date);
        }
        let at = b.at;
        let n_samples = b.int("the number of samples")?;
        let n_samples = b.positive(at, "a number of samples", n_samples.into())?;
        let at = b.at;
        let n_channels = b.short("the number of channels")?;
        let n_channels = b.positive(at, "a number of channels", n_channels.into())? as usize;
        b.align(8);
        let at = b.at;
        let sfreq = b.double("the sampling frequency")?;
        if !(sfreq.is_finite() && sfreq > 0.0) {
            return Err(b.wrong(at, "a sampling frequency above 0 Hz", sfreq.to_string()));
        }
        b.double("the duration")?;
        b.short("the number of trials")?;
        b.align(4);
        let n_before_trigger = b.int("the samples before the trigger")?;
        // Trials that were done, triggers, head positions, artefacts; then the run's title.
        b.take(36 + 4, "settings of the acquisition")?;
        b.take(32 + 256 + 32 + 32, "the run's title")?;
        let (subject, operator) = (b.text(32, "the subject")?, b.text(32, "the operator")?);
        b.take(60, "the sensor file")?;
        let at = b.at;
        let length = b.int("the length of the description")?;
        let length = usize::try_from(length).map_err(|_| b.wrong(at, "a length of at least 0", length.to_string()))?;
        b.at = DESCRIPTION;
        b.take(length, "the description")?;
        let filters = filters(&mut b)?;
        let names = (0..n_channels).map(|_| b.text(32, "a channel's name")).collect::<Result<Vec<_>>>()?;
        let channels = names.into_iter().map(|name| sensor(&mut b, name)).collect::<Result<Vec<_>>>()?;
        let coefficients = coefficients(&mut b)?;
        Ok(Self {
            path: path.to_owned(),
            date,
            time,
            n_samples,
            sfreq,
            n_before_trigger,
            operator,
            subject,
            filters,
            channels,
            coefficients,
        })
    }
}

fn filters(b: &mut Bytes) -> Result<Vec<(i32, f64)>> {
    let n = b.short("the number of filters")?;
    let mut out = Vec::new();
    for _ in 0..n {
        let edge = b.double("a filter's edge")?;
        b.int("a filter's class")?;
        let kind = b.int("a filter's type")?;
        let at = b.at;
        let n = b.short("the number of a filter's parameters")?;
        let n = usize::try_from(n).map_err(|_| b.wrong(at, "a number of parameters of at least 0", n.to_string()))?;
        b.take(8 * n, "a filter's parameters")?;
        out.push((kind, edge));
    }
    Ok(out)
}

fn sensor(b: &mut Bytes, name: String) -> Result<Sensor> {
    let record = b.take(CHANNEL, "a channel's record")?;
    let mut r = Bytes { path: b.path, bytes: record, at: 0 };
    let type_index = r.short("type")?;
    r.take(2 + 4, "run and coil")?;
    let (proper_gain, q_gain) = (r.double("gain")?, r.double("gain")?);
    r.take(8 + 8 + 2, "gain and offset of the input, coils")?;
    let grade = r.short("grade")?;
    r.take(4, "padding")?;
    let mut coils = [([0.0; 3], [0.0; 3]); 2];
    for (index, coil) in coils.iter_mut().enumerate() {
        r.at = 48 + index * COIL;
        for x in &mut coil.0 {
            // Centimetres.
            *x = r.double("position")? / 100.0;
        }
        r.take(8, "padding")?;
        for x in &mut coil.1 {
            *x = r.double("direction")?;
        }
    }
    Ok(Sensor { name, type_index, proper_gain, q_gain, grade, coils })
}

fn coefficients(b: &mut Bytes) -> Result<Vec<Coefficients>> {
    let n = b.short("the number of compensation records")?;
    let mut out = Vec::new();
    for _ in 0..n {
        let sensor = b.text(32, "a sensor's name")?;
        let kind = b.int("the kind of compensation")?;
        b.take(4, "padding")?;
        let at = b.at;
        let n = b.short("the number of coefficients")?;
        let n = usize::try_from(n)
            .ok()
            .filter(|&n| n <= MAX_BALANCING)
            .ok_or_else(|| b.wrong(at, format!("a number of coefficients of 0 to {MAX_BALANCING}"), n.to_string()))?;
        let names = b.take(MAX_BALANCING * SENSOR_LABEL, "names of reference sensors")?;
        let references = names.chunks_exact(SENSOR_LABEL).take(n).map(text).collect();
        let values = b.take(MAX_BALANCING * 8, "coefficients")?;
        let values = values.as_chunks::<8>().0.iter().take(n).map(|&x| f64::from_be_bytes(x)).collect();
        out.push(Coefficients { sensor, kind, references, values });
    }
    Ok(out)
}
