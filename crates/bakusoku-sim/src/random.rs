//! Random numbers by position, not by order.
//!
//! Every random number of a recording belongs to a *stream*, named by what it is for, an index (channel, source) and a
//! chunk of time. A stream's seed is a hash of its name, so that any of them can be made at any time, by any thread, and is
//! always the same. Parameters (few) come from ChaCha8, samples (many) from xoshiro256++.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// Samples per chunk of time: the unit in which samples are made, whatever is asked for.
pub(crate) const CHUNK: usize = 1024;

/// What a stream is for. The numbers are part of the simulation: changing one changes the data.
#[derive(Clone, Copy, Debug)]
#[repr(u64)]
pub(crate) enum Purpose {
    Head = 1,
    Trials = 2,
    Evoked = 3,
    BackgroundSources = 4,
    Background = 5,
    RhythmSources = 6,
    Rhythm = 7,
    RhythmEnvelope = 8,
    Blinks = 9,
    Heart = 10,
    Surroundings = 11,
    SurroundingsSources = 12,
    LineSources = 13,
    LinePhase = 14,
    LineAmplitude = 15,
    Sensor = 16,
    ElectrodeDrift = 17,
    Faults = 18,
    FaultDrift = 19,
    Saccades = 20,
    Warm = 1 << 32,
}

/// The streams of one recording.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Streams {
    key: u64,
}

/// The finaliser of SplitMix64 (Steele, Lea & Flood 2014): a bijection that spreads every bit over all.
fn spread(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

impl Streams {
    pub(crate) fn new(seed: u64, subject: u32, run: u32) -> Self {
        Self { key: spread(spread(seed) ^ (u64::from(subject) | u64::from(run) << 32)) }
    }
    fn seed(&self, purpose: u64, index: u64, chunk: u64) -> u64 {
        spread(spread(spread(self.key ^ purpose) ^ index) ^ chunk)
    }
    /// For parameters.
    pub(crate) fn parameters(&self, purpose: Purpose) -> Parameters {
        Parameters(ChaCha8Rng::seed_from_u64(self.seed(purpose as u64, 0, 0)))
    }
    /// For the samples of `index` in `chunk`.
    pub(crate) fn samples(&self, purpose: Purpose, index: u64, chunk: u64) -> Samples {
        Samples(Xoshiro256PlusPlus::seed_from_u64(self.seed(purpose as u64, index, chunk)))
    }
    /// For the samples of `index` before the first chunk: `back` chunks ago.
    pub(crate) fn samples_before(&self, purpose: Purpose, index: u64, back: u64) -> Samples {
        Samples(Xoshiro256PlusPlus::seed_from_u64(self.seed(purpose as u64 | Purpose::Warm as u64, index, back)))
    }
    /// The knot `at` of a smooth course: one normal number.
    pub(crate) fn knot(&self, purpose: Purpose, index: u64, at: u64) -> f64 {
        self.samples(purpose, index, at).normal()
    }
}

/// Random samples.
pub(crate) struct Samples(Xoshiro256PlusPlus);

impl Samples {
    /// A number of zero mean and unit variance.
    #[inline]
    pub(crate) fn normal(&mut self) -> f64 {
        StandardNormal.sample(&mut self.0)
    }
}

/// Random parameters.
pub(crate) struct Parameters(ChaCha8Rng);

impl Parameters {
    pub(crate) fn normal(&mut self) -> f64 {
        StandardNormal.sample(&mut self.0)
    }
    /// A normal number, cut at `limit` standard deviations: a parameter must stay plausible.
    pub(crate) fn bounded(&mut self, limit: f64) -> f64 {
        self.normal().clamp(-limit, limit)
    }
    /// Uniform in `low..high`.
    pub(crate) fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.0.random::<f64>()
    }
    /// Uniform in `0..n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0.random_range(0..n as u64) as usize
    }
    /// Whether something of that probability happens.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.0.random::<f64>() < probability
    }
    /// A direction, all equally likely.
    pub(crate) fn direction(&mut self) -> [f64; 3] {
        loop {
            let v = [self.normal(), self.normal(), self.normal()];
            if crate::vector::norm(v) > 1e-6 {
                return crate::vector::unit(v);
            }
        }
    }
    /// In random order (Fisher and Yates).
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_normal_reproducible_and_independent() {
        let streams = Streams::new(7, 1, 1);
        let draw = |streams: &Streams, index, chunk| -> Vec<f64> {
            let mut samples = streams.samples(Purpose::Sensor, index, chunk);
            (0..20_000).map(|_| samples.normal()).collect()
        };
        let (a, b, c) = (draw(&streams, 0, 0), draw(&streams, 1, 0), draw(&streams, 0, 1));
        assert_eq!(a, draw(&Streams::new(7, 1, 1), 0, 0));
        assert_ne!(a, draw(&Streams::new(7, 2, 1), 0, 0));
        let mean = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>() / x.len() as f64;
        // Five standard errors of 20,000 draws.
        assert!((mean(&a, &a) - 1.0).abs() < 5.0 * (2.0 / 20_000f64).sqrt());
        for (x, y) in [(&a, &b), (&a, &c), (&b, &c)] {
            assert!(mean(x, y).abs() < 5.0 / 20_000f64.sqrt());
        }
    }
}
