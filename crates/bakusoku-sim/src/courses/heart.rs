//! Heartbeats: P wave, QRS complex and T wave along two directions of the heart's vector.

use super::{CHUNK, Courses, bell};
use crate::random::{Purpose, Streams};

/// Two courses: along the heart's axis (R peak of 1), and across it.
pub(crate) struct Heart {
    sfreq: f64,
    /// R peaks (s).
    pub(crate) beats: Vec<f64>,
}

/// Seconds from the R peak, width (s), height along and across the axis; the shape of McSharry et al. (2003), IEEE Trans.
/// Biomed. Eng. 50, 289–294, in time instead of phase.
const WAVES: [(f64, f64, f64, f64); 5] = [
    (-0.170, 0.022, 0.12, 0.10),  // P
    (-0.032, 0.009, -0.12, 0.35), // Q
    (0.000, 0.011, 1.00, 0.30),   // R
    (0.030, 0.010, -0.22, -0.80), // S
    (0.270, 0.050, 0.30, 0.20),   // T
];

impl Heart {
    pub(crate) fn new(anatomy: &Streams, run: &Streams, sfreq: f64, duration: f64) -> Self {
        let pace = 0.88 + 0.07 * anatomy.parameters(Purpose::Heart).bounded(2.0);
        let mut random = run.parameters(Purpose::Heart);
        let (mut beats, mut at) = (Vec::new(), -random.uniform(0.0, pace));
        while at < duration + 1.0 {
            beats.push(at);
            // Breathing makes the pace swing, and the rest is noise.
            let breath = 0.04 * (2.0 * std::f64::consts::PI * 0.24 * at).sin();
            at += (pace + breath + 0.015 * random.bounded(3.0)).max(0.4);
        }
        Self { sfreq, beats }
    }
}

impl Courses for Heart {
    fn len(&self) -> usize {
        2
    }
    fn fill(&self, chunk: u64, out: &mut [f64]) {
        out.fill(0.0);
        let start = chunk * CHUNK as u64;
        let time = |t: usize| (start + t as u64) as f64 / self.sfreq;
        let (along, across) = out.split_at_mut(CHUNK);
        let first = self.beats.partition_point(|beat| beat + 0.6 < time(0));
        for beat in self.beats[first..].iter().take_while(|beat| *beat - 0.4 < time(CHUNK)) {
            for (delay, width, a, b) in WAVES {
                for t in 0..CHUNK {
                    let value = bell((time(t) - beat - delay) / width);
                    if value > 0.0 {
                        along[t] += a * value;
                        across[t] += b * value;
                    }
                }
            }
        }
    }
}
