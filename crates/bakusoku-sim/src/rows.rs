//! What each channel does on its own: sensor noise, offset, drift, faults, stimulus codes.

use crate::SimulationParams;
use crate::courses::Smooth;
use crate::random::{CHUNK, Purpose, Streams};
use crate::sensors::Kind;
use serde::Serialize;

/// What is wrong with a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Fault {
    Noisy,
    Flat,
    Drifting,
}

/// One channel.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    kind: Kind,
    index: u64,
    /// Standard deviation of the white noise.
    white: f64,
    offset: f64,
    pub(crate) fault: Option<Fault>,
}

/// Density of the white noise: T/m/√Hz, T/√Hz, V/√Hz.
fn density(kind: Kind) -> f64 {
    match kind {
        Kind::Grad => 3.0e-13,
        Kind::Mag => 3.0e-15,
        Kind::Eeg => 30e-9,
        Kind::EogVertical | Kind::EogHorizontal | Kind::Ecg => 80e-9,
        Kind::Stim => 0.0,
    }
}

/// How far a channel's zero may lie off: raw data are not centred.
fn offset(kind: Kind) -> f64 {
    match kind {
        Kind::Grad => 3e-11,
        Kind::Mag => 2e-12,
        Kind::Eeg => 150e-6,
        Kind::EogVertical | Kind::EogHorizontal | Kind::Ecg => 100e-6,
        Kind::Stim => 0.0,
    }
}

/// All channels of a recording. The faults are chosen by person: a broken sensor stays broken from run to run.
pub(crate) fn rows(params: &SimulationParams, anatomy: &Streams, kinds: &[Kind]) -> Vec<Row> {
    let mut random = anatomy.parameters(Purpose::Sensor);
    let mut rows: Vec<Row> = kinds
        .iter()
        .enumerate()
        .map(|(index, &kind)| {
            let spread = (0.1 * random.bounded(2.5)).exp();
            let white = params.sensor_noise * density(kind) * (0.5 * params.sfreq).sqrt() * spread;
            let offset = params.sensor_noise * offset(kind) * random.bounded(2.0);
            Row { kind, index: index as u64, white, offset, fault: None }
        })
        .collect();
    if params.faults {
        let mut random = anatomy.parameters(Purpose::Faults);
        let mut wrong = |kinds: &[Kind], fault| {
            let sound: Vec<usize> =
                (0..rows.len()).filter(|&i| kinds.contains(&rows[i].kind) && rows[i].fault.is_none()).collect();
            if !sound.is_empty() {
                rows[sound[random.below(sound.len())]].fault = Some(fault);
            }
        };
        wrong(&[Kind::Grad, Kind::Mag], Fault::Noisy);
        wrong(&[Kind::Grad, Kind::Mag], Fault::Flat);
        wrong(&[Kind::Eeg], Fault::Noisy);
        wrong(&[Kind::Eeg, Kind::Mag], Fault::Drifting);
    }
    rows
}

impl Row {
    /// Adds to the mixed samples of a chunk what is the channel's own.
    pub(crate) fn finish(&self, streams: &Streams, chunk: u64, sfreq: f64, samples: &mut [f64]) {
        let mut noise = streams.samples(Purpose::Sensor, self.index, chunk);
        let white = match self.fault {
            Some(Fault::Flat) => {
                // A dead input still shows the last digits of its converter.
                samples.fill(0.0);
                return samples.iter_mut().for_each(|x| *x += 1e-3 * self.white * noise.normal());
            }
            Some(Fault::Noisy) if self.kind == Kind::Eeg => 100.0 * self.white,
            Some(Fault::Noisy) => 20.0 * self.white,
            _ => self.white,
        };
        samples.iter_mut().for_each(|x| *x += self.offset + white * noise.normal());
        if self.white == 0.0 {
            return;
        }
        let mut drift = |purpose, seconds: f64, size: f64| {
            Smooth::new(*streams, purpose, self.index, seconds * sfreq)
                .walk(chunk, |t, value| samples[t] += size * value);
        };
        if matches!(self.kind, Kind::Eeg | Kind::EogVertical | Kind::EogHorizontal) {
            // Sweat and gel.
            drift(Purpose::ElectrodeDrift, 11.0, 12e-6);
        }
        if self.fault == Some(Fault::Drifting) {
            drift(Purpose::FaultDrift, 7.0, if self.kind == Kind::Mag { 30e-12 } else { 600e-6 });
        }
    }
}

const _: () = assert!(CHUNK.is_multiple_of(8));
