//! Stretches of samples.

use serde::{Deserialize, Serialize};
use std::ops::Range;

/// A stretch of consecutive samples, `start` included, `stop` excluded, counted from the start of its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    /// First sample.
    pub start: u64,
    /// One past the last sample.
    pub stop: u64,
}

impl Span {
    /// The span `start..stop`; an inverted one is empty at `start`.
    pub fn new(start: u64, stop: u64) -> Self {
        Self { start, stop: stop.max(start) }
    }
    /// Number of samples.
    pub fn len(&self) -> u64 {
        self.stop - self.start
    }
    /// Whether it holds no sample.
    pub fn is_empty(&self) -> bool {
        self.start == self.stop
    }
    /// Whether `sample` lies inside.
    pub fn contains(&self, sample: u64) -> bool {
        (self.start..self.stop).contains(&sample)
    }
    /// What both spans share, if anything.
    pub fn intersect(&self, other: Span) -> Option<Span> {
        let (start, stop) = (self.start.max(other.start), self.stop.min(other.stop));
        (start < stop).then_some(Span { start, stop })
    }
    /// As a range of indices.
    pub fn range(&self) -> Range<usize> {
        self.start as usize..self.stop as usize
    }
    /// Spans sorted, merged where they touch or overlap, empty ones dropped.
    pub fn union(mut spans: Vec<Span>) -> Vec<Span> {
        spans.retain(|span| !span.is_empty());
        spans.sort();
        let mut out: Vec<Span> = Vec::with_capacity(spans.len());
        for span in spans {
            match out.last_mut() {
                Some(last) if span.start <= last.stop => last.stop = last.stop.max(span.stop),
                _ => out.push(span),
            }
        }
        out
    }
    /// What of `0..n_times` the given spans leave uncovered, in order.
    pub fn complement(spans: &[Span], n_times: u64) -> Vec<Span> {
        let (mut at, mut out) = (0, Vec::new());
        for span in Span::union(spans.to_vec()) {
            let start = span.start.min(n_times);
            if at < start {
                out.push(Span { start: at, stop: start });
            }
            at = at.max(span.stop);
        }
        if at < n_times {
            out.push(Span { start: at, stop: n_times });
        }
        out
    }
}

/// How a method treats a stretch: work on it (padding it on its own), or hand it on unchanged.
///
/// A method says its own segments, because which annotations cut is its own parameter (`skip_by_annotation`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segment {
    /// Samples to be processed, on their own.
    Process(Span),
    /// Samples that pass unchanged.
    Copy(Span),
}

impl Segment {
    /// The stretch itself.
    pub fn span(&self) -> Span {
        match *self {
            Segment::Process(span) | Segment::Copy(span) => span,
        }
    }
    /// `0..n_times` cut into segments: `skips` are copied, what lies between is processed.
    pub fn cut(skips: &[Span], n_times: u64) -> Vec<Segment> {
        let whole = Span::new(0, n_times);
        let mut out: Vec<Segment> = Span::complement(skips, n_times).into_iter().map(Segment::Process).collect();
        out.extend(Span::union(skips.to_vec()).into_iter().filter_map(|s| s.intersect(whole)).map(Segment::Copy));
        out.sort_by_key(|segment| segment.span().start);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skips_are_copied_and_the_rest_is_processed() {
        let skips = [Span::new(10, 20), Span::new(15, 25), Span::new(90, 200)];
        let cut = Segment::cut(&skips, 100);
        assert_eq!(
            cut,
            vec![
                Segment::Process(Span::new(0, 10)),
                Segment::Copy(Span::new(10, 25)),
                Segment::Process(Span::new(25, 90)),
                Segment::Copy(Span::new(90, 100)),
            ]
        );
        assert_eq!(Segment::cut(&[], 5), vec![Segment::Process(Span::new(0, 5))]);
        assert_eq!(Segment::cut(&[Span::new(0, 9)], 5), vec![Segment::Copy(Span::new(0, 5))]);
    }
}
