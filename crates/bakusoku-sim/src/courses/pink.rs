//! Noise whose power falls with frequency as 1/f^exponent.
//!
//! A bank of first-order low-passes with corners on a logarithmic scale, all driven by the same white noise; their sum follows
//! the wanted slope between the lowest and the highest corner. The state at the start of every chunk is kept, so that any chunk
//! can be made on its own.

use super::{CHUNK, Courses};
use crate::random::{Purpose, Samples, Streams};

/// Low-passes in a bank.
const POLES: usize = 8;
type Bank = [f64; POLES];

/// `n` independent courses of unit variance.
pub(crate) struct Pink {
    streams: Streams,
    purpose: Purpose,
    n: usize,
    decay: Bank,
    gain: Bank,
    /// Banks at the start of each chunk, `(n_chunks, n)`.
    states: Vec<Bank>,
}

/// What the noise looks like.
pub(crate) struct Slope {
    pub(crate) lowest: f64,
    pub(crate) highest: f64,
    pub(crate) exponent: f64,
}

impl Pink {
    pub(crate) fn new(streams: Streams, purpose: Purpose, n: usize, slope: &Slope, sfreq: f64, n_chunks: u64) -> Self {
        let ratio = (slope.highest / slope.lowest).powf(1.0 / (POLES - 1) as f64);
        let corners: Bank = std::array::from_fn(|k| slope.lowest * ratio.powi(k as i32));
        let decay = corners.map(|f| (-2.0 * std::f64::consts::PI * f / sfreq).exp());
        let mut gain: Bank = std::array::from_fn(|k| (1.0 - decay[k]) * corners[k].powf(-0.5 * slope.exponent));
        // Variance of the sum: all are driven by the same noise.
        let mut variance = 0.0;
        for j in 0..POLES {
            for k in 0..POLES {
                variance += gain[j] * gain[k] / (1.0 - decay[j] * decay[k]);
            }
        }
        gain = gain.map(|g| g / f64::sqrt(variance));

        let mut pink = Self { streams, purpose, n, decay, gain, states: Vec::new() };
        // Eight time constants of the slowest low-pass before the first sample.
        let warm = (8.0 * sfreq / (2.0 * std::f64::consts::PI * slope.lowest) / CHUNK as f64).ceil() as u64;
        let mut bank = vec![[0.0; POLES]; n];
        for (source, state) in bank.iter_mut().enumerate() {
            for back in (1..=warm).rev() {
                pink.run(&mut streams.samples_before(purpose, source as u64, back), state, |_, _| {});
            }
        }
        pink.states.reserve(n * n_chunks as usize);
        for chunk in 0..n_chunks {
            pink.states.extend_from_slice(&bank);
            if chunk + 1 < n_chunks {
                for (source, state) in bank.iter_mut().enumerate() {
                    pink.run(&mut streams.samples(purpose, source as u64, chunk), state, |_, _| {});
                }
            }
        }
        pink
    }

    #[inline(always)]
    fn run(&self, samples: &mut Samples, state: &mut Bank, mut emit: impl FnMut(usize, f64)) {
        let mut bank = *state;
        for t in 0..CHUNK {
            let white = samples.normal();
            for k in 0..POLES {
                bank[k] = self.decay[k] * bank[k] + self.gain[k] * white;
            }
            // A fixed tree, so that the compiler may use vectors.
            emit(t, ((bank[0] + bank[4]) + (bank[2] + bank[6])) + ((bank[1] + bank[5]) + (bank[3] + bank[7])));
        }
        *state = bank;
    }
}

impl Courses for Pink {
    fn len(&self) -> usize {
        self.n
    }
    fn fill(&self, chunk: u64, out: &mut [f64]) {
        for (source, row) in out.chunks_exact_mut(CHUNK).enumerate() {
            let mut state = self.states[chunk as usize * self.n + source];
            let mut samples = self.streams.samples(self.purpose, source as u64, chunk);
            self.run(&mut samples, &mut state, |t, value| row[t] = value);
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Power at `frequency` (cycles a sample) by Welch's method with one Fourier coefficient, segments of `length`.
    pub(crate) fn power(x: &[f64], frequency: f64, length: usize) -> f64 {
        let mut sum = 0.0;
        let (mut n, mut start) = (0.0, 0);
        while start + length <= x.len() {
            let (mut re, mut im) = (0.0, 0.0);
            for t in 0..length {
                let window = 0.5 - 0.5 * (2.0 * std::f64::consts::PI * (t as f64 + 0.5) / length as f64).cos();
                let phase = 2.0 * std::f64::consts::PI * frequency * t as f64;
                re += window * x[start + t] * phase.cos();
                im += window * x[start + t] * phase.sin();
            }
            sum += re * re + im * im;
            n += 1.0;
            start += length / 2;
        }
        sum / n / length as f64
    }

    #[test]
    fn chunks_join_variance_is_one_and_the_slope_is_right() {
        let n_chunks = 300;
        let slope = Slope { lowest: 0.1, highest: 80.0, exponent: 1.0 };
        let pink = Pink::new(Streams::new(3, 1, 1), Purpose::Background, 4, &slope, 1000.0, n_chunks);
        let mut courses = vec![Vec::new(); 4];
        let mut out = vec![f64::NAN; 4 * CHUNK];
        for chunk in 0..n_chunks {
            pink.fill(chunk, &mut out);
            for (course, row) in courses.iter_mut().zip(out.chunks_exact(CHUNK)) {
                course.extend_from_slice(row);
            }
        }
        let jump = |x: &[f64], t: usize| (x[t] - x[t - 1]).abs();
        for x in &courses {
            let variance = x.iter().map(|v| v * v).sum::<f64>() / x.len() as f64;
            assert!((0.6..1.6).contains(&variance), "{variance}");
            // Chunks join: steps at their edges are as large as anywhere.
            let at_edges = (1..300).map(|c| jump(x, c * CHUNK)).sum::<f64>() / 299.0;
            let anywhere = (1..x.len()).map(|t| jump(x, t)).sum::<f64>() / (x.len() - 1) as f64;
            assert!((0.7..1.4).contains(&(at_edges / anywhere)), "{at_edges} {anywhere}");
        }
        // From 1 to 32 Hz the power falls by 32, within the bank's ripple and the estimate's error.
        let at = |f: f64| courses.iter().map(|x| power(x, f / 1000.0, 4096)).sum::<f64>();
        let slope = (at(1.0) / at(32.0)).ln() / 32f64.ln();
        assert!((0.85..1.15).contains(&slope), "{slope}");
    }
}
