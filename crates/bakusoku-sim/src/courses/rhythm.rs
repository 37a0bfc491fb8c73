//! Rhythms: noise in a narrow band, waxing and waning, and suppressed after the events that matter to them.
//!
//! The rhythm is the real part of a complex first-order process: a phasor that turns and is pushed about by white noise.

use super::{CHUNK, Courses, Smooth, Trials, bell};
use crate::random::{Purpose, Samples, Streams};

/// What a rhythm looks like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rhythm {
    /// Centre (Hz).
    pub(crate) frequency: f64,
    /// Full width at half power (Hz).
    pub(crate) bandwidth: f64,
    /// Code of the event that suppresses it.
    pub(crate) suppressed_by: i64,
}

/// Several rhythms, of about unit variance when fully on.
pub(crate) struct Rhythms {
    streams: Streams,
    sfreq: f64,
    /// The phasor's turn in a sample, and the standard deviation of what pushes it.
    turns: Vec<([f64; 2], f64)>,
    /// Onsets (s) of the events that suppress each rhythm.
    suppressions: Vec<Vec<f64>>,
    /// Phasors at the start of each chunk, `(n_chunks, n)`.
    states: Vec<[f64; 2]>,
}

impl Rhythms {
    pub(crate) fn new(streams: Streams, rhythms: &[Rhythm], trials: &Trials, sfreq: f64, n_chunks: u64) -> Self {
        let turns: Vec<_> = rhythms
            .iter()
            .map(|rhythm| {
                let keep = (-std::f64::consts::PI * rhythm.bandwidth / sfreq).exp();
                let (sin, cos) = (2.0 * std::f64::consts::PI * rhythm.frequency / sfreq).sin_cos();
                ([keep * cos, keep * sin], (1.0 - keep * keep).sqrt())
            })
            .collect();
        let onsets = |code| trials.events.iter().filter(|e| e.1 == code).map(|e| e.0 as f64 / sfreq).collect();
        let suppressions = rhythms.iter().map(|rhythm| onsets(rhythm.suppressed_by)).collect();
        let mut out = Self { streams, sfreq, turns, suppressions, states: Vec::new() };
        // The phasor starts anywhere: its real and imaginary part have unit variance.
        let mut phasors: Vec<[f64; 2]> = (0..rhythms.len())
            .map(|index| {
                let mut samples = streams.samples_before(Purpose::Rhythm, index as u64, 1);
                [samples.normal(), samples.normal()]
            })
            .collect();
        for chunk in 0..n_chunks {
            out.states.extend_from_slice(&phasors);
            for (index, phasor) in phasors.iter_mut().enumerate() {
                out.turn(index, &mut streams.samples(Purpose::Rhythm, index as u64, chunk), phasor, |_, _| {});
            }
        }
        out
    }

    #[inline(always)]
    fn turn(&self, index: usize, samples: &mut Samples, phasor: &mut [f64; 2], mut emit: impl FnMut(usize, f64)) {
        let ([cos, sin], push) = self.turns[index];
        let [mut re, mut im] = *phasor;
        for t in 0..CHUNK {
            (re, im) = (cos * re - sin * im + push * samples.normal(), sin * re + cos * im + push * samples.normal());
            emit(t, re);
        }
        *phasor = [re, im];
    }
}

impl Courses for Rhythms {
    fn len(&self) -> usize {
        self.turns.len()
    }
    fn fill(&self, chunk: u64, out: &mut [f64]) {
        let n = self.turns.len();
        let start = chunk * CHUNK as u64;
        let (from, to) = (start as f64 / self.sfreq - 2.0, (start + CHUNK as u64) as f64 / self.sfreq);
        for (index, row) in out.chunks_exact_mut(CHUNK).enumerate() {
            let mut phasor = self.states[chunk as usize * n + index];
            let mut samples = self.streams.samples(Purpose::Rhythm, index as u64, chunk);
            self.turn(index, &mut samples, &mut phasor, |t, value| row[t] = value);
            // On and off over a few seconds.
            let envelope = Smooth::new(self.streams, Purpose::RhythmEnvelope, index as u64, 2.0 * self.sfreq);
            envelope.walk(chunk, |t, value| row[t] *= 0.25 + 0.75 / (1.0 + (-3.0 * value).exp()));
            for &onset in self.suppressions[index].iter().filter(|onset| (from..to).contains(*onset)) {
                for (t, value) in row.iter_mut().enumerate() {
                    let since = (start + t as u64) as f64 / self.sfreq - onset;
                    *value *= 1.0 - 0.6 * bell((since - 0.4) / 0.15);
                }
            }
        }
    }
}
