//! Evoked responses: what a source does around each event.

use super::{CHUNK, Courses, Trials, bell};
use crate::random::Parameters;

/// One deflection of a response.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub(crate) struct Peak {
    /// After the event (s).
    pub(crate) latency: f64,
    /// Standard deviation of its bell (s).
    pub(crate) width: f64,
    /// Share of the source's amplitude.
    pub(crate) height: f64,
}

struct Occurrence {
    /// Seconds from the recording's start, jitter included.
    onset: f64,
    gain: f64,
}

struct Source {
    peaks: Vec<Peak>,
    occurrences: Vec<Occurrence>,
}

/// Responses of several sources.
pub(crate) struct Responses {
    sfreq: f64,
    sources: Vec<Source>,
}

/// Longest time (s) from an event to the end of a response, and to its start where it leads the event.
const REACH: f64 = 1.0;

impl Responses {
    /// `sources`: code of the event and the response's peaks.
    pub(crate) fn new(random: &mut Parameters, trials: &Trials, sfreq: f64, sources: &[(i64, Vec<Peak>)]) -> Self {
        let mut out: Vec<Source> =
            sources.iter().map(|(_, peaks)| Source { peaks: peaks.clone(), occurrences: Vec::new() }).collect();
        for &(sample, code) in &trials.events {
            // What varies from trial to trial is shared by the sources that answer, and a little is their own.
            let (late, strong) = (0.005 * random.bounded(2.5), 0.15 * random.bounded(2.5));
            for (source, _) in out.iter_mut().zip(sources).filter(|(_, (wanted, _))| *wanted == code) {
                let onset = sample as f64 / sfreq + late + 0.002 * random.bounded(2.5);
                source.occurrences.push(Occurrence { onset, gain: 1.0 + strong + 0.1 * random.bounded(2.5) });
            }
        }
        Self { sfreq, sources: out }
    }
}

impl Courses for Responses {
    fn len(&self) -> usize {
        self.sources.len()
    }
    fn fill(&self, chunk: u64, out: &mut [f64]) {
        out.fill(0.0);
        let start = chunk * CHUNK as u64;
        let (from, to) = (start as f64 / self.sfreq - REACH, (start + CHUNK as u64) as f64 / self.sfreq + REACH);
        for (source, row) in self.sources.iter().zip(out.chunks_exact_mut(CHUNK)) {
            // Jitter may swap neighbours in time, by less than what REACH leaves.
            for occurrence in source.occurrences.iter().filter(|o| (from..to).contains(&o.onset)) {
                for peak in &source.peaks {
                    let centre = (occurrence.onset + peak.latency) * self.sfreq;
                    let width = peak.width * self.sfreq;
                    let first = ((centre - 6.0 * width).floor().max(start as f64) as u64).max(start);
                    let last = ((centre + 6.0 * width).ceil().max(0.0) as u64 + 1).min(start + CHUNK as u64);
                    for t in first..last {
                        row[(t - start) as usize] += occurrence.gain * peak.height * bell((t as f64 - centre) / width);
                    }
                }
            }
        }
    }
}
