//! A slowly wandering course: random knots, joined by Catmull-Rom splines. Any sample can be had without the ones before.

use super::CHUNK;
use crate::random::{Purpose, Streams};

/// One course of about unit variance.
pub(crate) struct Smooth {
    streams: Streams,
    purpose: Purpose,
    index: u64,
    /// Samples from knot to knot.
    step: f64,
}

impl Smooth {
    pub(crate) fn new(streams: Streams, purpose: Purpose, index: u64, step: f64) -> Self {
        Self { streams, purpose, index, step }
    }
    /// Hands each sample of a chunk to `each`.
    pub(crate) fn walk(&self, chunk: u64, mut each: impl FnMut(usize, f64)) {
        let (mut interval, mut knots) = (u64::MAX, [0.0; 4]);
        for t in 0..CHUNK {
            let at = (chunk * CHUNK as u64 + t as u64) as f64 / self.step;
            let i = at as u64;
            if i != interval {
                interval = i;
                knots = std::array::from_fn(|k| self.streams.knot(self.purpose, self.index, i + k as u64));
            }
            let u = at - i as f64;
            let [a, b, c, d] = knots;
            let value = b + 0.5 * u * (c - a + u * (2.0 * a - 5.0 * b + 4.0 * c - d + u * (3.0 * (b - c) + d - a)));
            each(t, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_passes_its_knots_without_steps() {
        let streams = Streams::new(1, 1, 1);
        let smooth = Smooth::new(streams, Purpose::ElectrodeDrift, 5, 256.0);
        let mut x = Vec::new();
        for chunk in 0..8 {
            smooth.walk(chunk, |_, value| x.push(value));
        }
        for knot in 0..32 {
            assert_eq!(x[knot * 256], streams.knot(Purpose::ElectrodeDrift, 5, knot as u64 + 1));
        }
        let largest = x.windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f64::max);
        assert!(largest < 10.0 / 256.0, "{largest}");
    }
}
