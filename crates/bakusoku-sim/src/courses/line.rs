//! Hum of the power line: the fundamental and its harmonics, wandering a little in frequency and strength.

use super::{CHUNK, Courses, Smooth};
use crate::random::{Purpose, Streams};

/// Strength of the fundamental and its harmonics.
const HARMONICS: [f64; 5] = [1.0, 0.15, 0.35, 0.06, 0.12];

/// Sine and cosine of each harmonic below half the sampling frequency.
pub(crate) struct Line {
    streams: Streams,
    sfreq: f64,
    line_freq: f64,
    n_harmonics: usize,
}

impl Line {
    pub(crate) fn new(streams: Streams, sfreq: f64, line_freq: f64) -> Self {
        let n_harmonics = (1..=HARMONICS.len()).filter(|&h| h as f64 * line_freq < 0.49 * sfreq).count();
        Self { streams, sfreq, line_freq, n_harmonics }
    }
}

impl Courses for Line {
    fn len(&self) -> usize {
        2 * self.n_harmonics
    }
    fn fill(&self, chunk: u64, out: &mut [f64]) {
        // The grid's frequency wanders by hundredths of a hertz: a radian or so of phase over ten seconds.
        let mut phase = [0.0; CHUNK];
        Smooth::new(self.streams, Purpose::LinePhase, 0, 10.0 * self.sfreq)
            .walk(chunk, |t, value| phase[t] = 0.5 * value);
        for (t, phase) in phase.iter_mut().enumerate() {
            let cycles = (chunk * CHUNK as u64 + t as u64) as f64 * self.line_freq / self.sfreq;
            *phase += 2.0 * std::f64::consts::PI * cycles.fract();
        }
        for (harmonic, rows) in out.chunks_exact_mut(2 * CHUNK).enumerate() {
            let mut strength = [0.0; CHUNK];
            Smooth::new(self.streams, Purpose::LineAmplitude, harmonic as u64, 5.0 * self.sfreq)
                .walk(chunk, |t, value| strength[t] = HARMONICS[harmonic] * (1.0 + 0.1 * value));
            let (sines, cosines) = rows.split_at_mut(CHUNK);
            for t in 0..CHUNK {
                let (sin, cos) = ((harmonic + 1) as f64 * phase[t]).sin_cos();
                sines[t] = strength[t] * sin;
                cosines[t] = strength[t] * cos;
            }
        }
    }
}
