//! What a simulated recording is made of.

use crate::SimError;
use serde::{Deserialize, Serialize};

/// Which of the broken channels are listed in `info.bads`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MarkBads {
    /// All of them.
    #[default]
    All,
    /// Those that everybody sees at once (flat and noisy), not the drifting ones.
    Some,
    /// None: finding them is somebody else's work.
    None,
}

/// Parameters of a simulated recording. Equal parameters give equal samples, bit by bit.
///
/// The factors (`evoked`, `background`, …) scale a part of the signal; 1 is realistic, 0 leaves the part out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SimulationParams {
    /// Seed of the study: subjects and runs differ by their numbers.
    pub seed: u64,
    /// Number of the person, from 1. Decides about head, sources and reaction times.
    pub subject: u32,
    /// Number of the run, from 1. Decides about the head's position, the trials and all noise.
    pub run: u32,
    /// Sampling frequency (Hz).
    pub sfreq: f64,
    /// Length (s).
    pub duration: f64,
    /// With the 306 MEG channels.
    pub meg: bool,
    /// With the 60 EEG channels.
    pub eeg: bool,
    /// Frequency of the power line (Hz).
    pub line_freq: f64,
    /// Sample number of the first sample, counted from the start of the acquisition.
    pub first_samp: i64,
    /// Nobody under the helmet: no EEG, EOG, ECG, events, head position.
    pub empty_room: bool,
    /// Shortest and longest time from one stimulus to the next (s).
    pub isi: (f64, f64),
    /// With channels that are noisy, flat or drifting.
    pub faults: bool,
    /// Which of these are listed in `info.bads`.
    pub mark_bads: MarkBads,
    /// With blinks and eye movements.
    pub eyes: bool,
    /// With heartbeats.
    pub heart: bool,
    /// Factor of the evoked responses.
    pub evoked: f64,
    /// Factor of the brain's own activity.
    pub background: f64,
    /// Factor of the interference from outside.
    pub surroundings: f64,
    /// Factor of the line noise.
    pub line: f64,
    /// Factor of the sensors' own noise.
    pub sensor_noise: f64,
}

impl Default for SimulationParams {
    fn default() -> Self {
        Self {
            seed: 2026,
            subject: 1,
            run: 1,
            sfreq: 1000.0,
            duration: 60.0,
            meg: true,
            eeg: true,
            line_freq: 50.0,
            first_samp: 12_000,
            empty_room: false,
            isi: (0.7, 1.1),
            faults: true,
            mark_bads: MarkBads::All,
            eyes: true,
            heart: true,
            evoked: 1.0,
            background: 1.0,
            surroundings: 1.0,
            line: 1.0,
            sensor_noise: 1.0,
        }
    }
}

fn within(name: &'static str, expected: &'static str, got: f64, good: bool) -> Result<(), SimError> {
    if good && got.is_finite() { Ok(()) } else { Err(SimError::Parameter { name, expected, got: got.to_string() }) }
}

impl SimulationParams {
    /// The same for another person.
    #[must_use]
    pub fn for_subject(&self, subject: u32) -> Self {
        Self { subject, ..self.clone() }
    }
    /// The same for another run.
    #[must_use]
    pub fn for_run(&self, run: u32) -> Self {
        Self { run, ..self.clone() }
    }
    /// Number of samples.
    pub fn n_times(&self) -> u64 {
        (self.duration * self.sfreq).round() as u64
    }
    /// Whether there are EEG channels.
    pub fn has_eeg(&self) -> bool {
        self.eeg && !self.empty_room
    }

    /// Checks the values.
    ///
    /// # Errors
    /// When one of them makes no sense.
    pub fn check(&self) -> Result<(), SimError> {
        within("sfreq", "from 50 to 20000 Hz", self.sfreq, (50.0..=20_000.0).contains(&self.sfreq))?;
        let samples = self.duration * self.sfreq;
        within(
            "duration",
            "at least one sample and at most 30 days (s)",
            self.duration,
            samples >= 0.5 && self.duration <= 2_592_000.0,
        )?;
        within("line_freq", "from 10 to 100 Hz", self.line_freq, (10.0..=100.0).contains(&self.line_freq))?;
        within("isi", "at least 0.2 s", self.isi.0, self.isi.0 >= 0.2)?;
        within("isi", "two times in order (s)", self.isi.1, self.isi.1 >= self.isi.0)?;
        for (name, factor) in [
            ("evoked", self.evoked),
            ("background", self.background),
            ("surroundings", self.surroundings),
            ("line", self.line),
            ("sensor_noise", self.sensor_noise),
        ] {
            within(name, "a factor of 0 or more", factor, factor >= 0.0)?;
        }
        // FIFF holds the number of the first sample in 32 bits.
        if self.first_samp < 0 || self.first_samp + self.n_times() as i64 > i64::from(i32::MAX) {
            let got = self.first_samp.to_string();
            return Err(SimError::Parameter {
                name: "first_samp",
                expected: "0 or more, the last sample below 2^31",
                got,
            });
        }
        if !self.meg && !self.has_eeg() {
            return Err(SimError::Parameter {
                name: "meg",
                expected: "true where there is no EEG",
                got: "false".to_owned(),
            });
        }
        Ok(())
    }
}
