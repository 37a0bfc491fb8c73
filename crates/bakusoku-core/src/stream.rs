//! What is agreed about a stream of samples before the first one flows.

use crate::{Annotations, Info, Segment, Span};
use std::sync::Arc;

/// What is agreed about a stream of samples before the first one flows.
#[derive(Clone, Debug)]
pub struct Stream {
    /// Channels, rates, positions, and so on.
    pub info: Arc<Info>,
    /// Sample number of the first sample since the start of the acquisition; it meets users at events, annotations and
    /// head positions only.
    pub first_samp: i64,
    /// Number of samples.
    pub n_times: u64,
    /// Stretches that were not acquired (FIFF's data skips); their samples read as zero.
    pub gaps: Vec<Span>,
    /// Marked stretches.
    pub annotations: Annotations,
}

impl Stream {
    /// Number of channels.
    pub fn n_channels(&self) -> usize {
        self.info.n_channels()
    }
    /// Sampling frequency (Hz).
    pub fn sfreq(&self) -> f64 {
        self.info.sfreq
    }
    /// Stretches whose annotation starts with one of `prefixes`, in samples of this stream.
    pub fn annotated(&self, prefixes: &[&str]) -> Vec<Span> {
        self.annotations.spans(prefixes, self.info.meas_date, self.first_samp, self.info.sfreq, self.n_times)
    }
    /// The segments for a method that skips annotations which start with `skip_by_annotation`, and gaps where
    /// `bad_acq_skip` is among them (MNE's default is `("edge", "bad_acq_skip")`).
    ///
    /// An `edge` annotation has no length: it cuts without skipping a sample.
    pub fn segments(&self, skip_by_annotation: &[&str]) -> Vec<Segment> {
        let mut skips = self.annotated(skip_by_annotation);
        if skip_by_annotation.iter().any(|prefix| "bad_acq_skip".starts_with(&prefix.to_lowercase())) {
            skips.extend(self.gaps.iter().copied());
        }
        let mut cuts: Vec<u64> = skips.iter().filter(|s| s.is_empty()).map(|s| s.start).collect();
        cuts.sort_unstable();
        cuts.dedup();
        let mut out = Vec::new();
        for segment in Segment::cut(&skips, self.n_times) {
            let Segment::Process(span) = segment else {
                out.push(segment);
                continue;
            };
            let mut start = span.start;
            for &cut in cuts.iter().filter(|&&cut| cut > span.start && cut < span.stop) {
                out.push(Segment::Process(Span::new(start, cut)));
                start = cut;
            }
            out.push(Segment::Process(Span::new(start, span.stop)));
        }
        out
    }
}
