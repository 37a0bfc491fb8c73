//! Blinks, and small movements of the eyes to the side.

use super::{CHUNK, Courses};
use crate::random::{Purpose, Streams};

/// Two courses: the lid (1 at the top of a usual blink) and the gaze (degrees to the right).
pub(crate) struct Eyes {
    sfreq: f64,
    /// Top (s) and height of each blink.
    pub(crate) blinks: Vec<(f64, f64)>,
    /// Time (s) and new direction of each saccade.
    pub(crate) saccades: Vec<(f64, f64)>,
}

/// Standard deviations (s) of a blink's rise and fall: lids close faster than they open.
const RISE: f64 = 0.045;
const FALL: f64 = 0.085;
/// Length of a small saccade (s).
const SACCADE: f64 = 0.03;

impl Eyes {
    pub(crate) fn new(streams: &Streams, sfreq: f64, duration: f64) -> Self {
        let mut random = streams.parameters(Purpose::Blinks);
        // About 14 blinks a minute: at least 1.5 s apart, then with the same chance at any moment.
        let wait = |random: &mut crate::random::Parameters, least: f64, mean: f64| {
            least - (mean - least) * random.uniform(1e-9, 1.0).ln()
        };
        let mut blinks = Vec::new();
        let mut at = wait(&mut random, 0.5, 3.0);
        while at < duration + 1.0 {
            blinks.push((at, 1.0 + 0.15 * random.bounded(2.5)));
            at += wait(&mut random, 1.5, 4.3);
        }
        let mut random = streams.parameters(Purpose::Saccades);
        let mut saccades = Vec::new();
        let mut at = 0.0;
        while at < duration + 1.0 {
            saccades.push((at, 0.7 * random.bounded(3.0)));
            at += wait(&mut random, 0.25, 1.6);
        }
        Self { sfreq, blinks, saccades }
    }
}

impl Courses for Eyes {
    fn len(&self) -> usize {
        2
    }
    fn fill(&self, chunk: u64, out: &mut [f64]) {
        let start = chunk * CHUNK as u64;
        let time = |t: usize| (start + t as u64) as f64 / self.sfreq;
        let (lid, gaze) = out.split_at_mut(CHUNK);
        lid.fill(0.0);
        let (from, to) = (time(0), time(CHUNK));
        let first = self.blinks.partition_point(|blink| blink.0 + 6.0 * FALL < from);
        for &(top, height) in self.blinks[first..].iter().take_while(|blink| blink.0 - 6.0 * RISE < to) {
            for (t, value) in lid.iter_mut().enumerate() {
                let d = time(t) - top;
                *value += height * super::bell(d / if d < 0.0 { RISE } else { FALL });
            }
        }
        let mut next = self.saccades.partition_point(|saccade| saccade.0 <= from);
        for (t, value) in gaze.iter_mut().enumerate() {
            while self.saccades.get(next).is_some_and(|saccade| saccade.0 <= time(t)) {
                next += 1;
            }
            // The first saccade is at 0, so there is always one behind.
            let (begin, target) = self.saccades[next - 1];
            let before = if next >= 2 { self.saccades[next - 2].1 } else { target };
            let share = ((time(t) - begin) / SACCADE).min(1.0);
            *value = before + (target - before) * share * share * (3.0 - 2.0 * share);
        }
    }
}
