//! Convolution of long series with FIR filters, each stretch padded on its own.
//!
//! Two blocks of a series are the real and the imaginary part of one complex series: with real taps its filtered real part
//! is the first block filtered, and its filtered imaginary part the second. Taps that are symmetric about the sample that
//! comes out have a real spectrum (overlap-save with the filter centred). Lengths are chosen by measured cost.

use crate::fft::{Complex, Fft, quick_lens};
use crate::pad::Pad;
use crate::wide;
use std::sync::Arc;

/// A filter and how it meets the ends: `y[i] = Σ taps[k] x[i + shift - k]`, with at most `n_edge` samples of padding at
/// each end (never more than n - 1, as in MNE), and zeros beyond.
#[derive(Clone, Debug, PartialEq)]
pub struct Fir {
    /// Its taps.
    pub taps: Vec<f64>,
    /// By how many samples it looks ahead; `(n_taps - 1) / 2` for no delay.
    pub shift: usize,
    /// Padding at each end, at most.
    pub n_edge: usize,
    /// How the series goes on.
    pub pad: Pad,
}

impl Fir {
    /// How many samples before the one that comes out it looks at.
    pub fn before(&self) -> usize {
        self.taps.len() - 1 - self.shift
    }
    /// Whether it has no delay and is the same forwards and backwards.
    pub fn is_symmetric(&self) -> bool {
        let n = self.taps.len();
        let peak = self.taps.iter().fold(0.0, |max: f64, tap| max.max(tap.abs()));
        self.shift * 2 + 1 == n && (0..n / 2).all(|i| (self.taps[i] - self.taps[n - 1 - i]).abs() <= 1e-15 * peak)
    }
}

/// A series with what lies beside it: zeros but for `left`, `mid`, `right`; `mid` begins at 0.
#[derive(Clone, Copy)]
pub struct Stretch<'a> {
    /// Samples before `mid`.
    pub left: &'a [f64],
    /// The series.
    pub mid: &'a [f64],
    /// Samples after `mid`.
    pub right: &'a [f64],
}

impl Stretch<'_> {
    /// Writes the samples from `start` on into one part of `out`.
    fn fill<const IMAGINARY: bool>(&self, start: isize, out: &mut [Complex]) {
        let len = out.len() as isize;
        let (n_left, n) = (self.left.len() as isize, self.mid.len() as isize);
        let end = n + self.right.len() as isize;
        let mut write = |from: isize, to: isize, source: Option<(&[f64], isize)>| {
            let (from, to) = (from.max(start), to.min(start + len));
            if from >= to {
                return;
            }
            let out = &mut out[(from - start) as usize..(to - start) as usize];
            match source {
                Some((source, at)) => {
                    let source = &source[(from - at) as usize..(to - at) as usize];
                    for (z, &x) in out.iter_mut().zip(source) {
                        *(if IMAGINARY { &mut z.im } else { &mut z.re }) = x;
                    }
                }
                None => out.iter_mut().for_each(|z| *(if IMAGINARY { &mut z.im } else { &mut z.re }) = 0.0),
            }
        };
        write(isize::MIN, -n_left, None);
        write(-n_left, 0, Some((self.left, -n_left)));
        write(0, n, Some((self.mid, 0)));
        write(n, end, Some((self.right, n)));
        write(end, isize::MAX, None);
    }
}

/// Buffers of one thread.
#[derive(Default)]
pub struct Work {
    a: Vec<Complex>,
    b: Vec<Complex>,
    scratch: Vec<Complex>,
    left: Vec<f64>,
    right: Vec<f64>,
}

enum Spectrum {
    Real(Vec<f64>),
    Complex(Vec<Complex>),
}

/// The filter's spectrum for one FFT length, divided by that length.
struct Response {
    fft: Arc<Fft>,
    spectrum: Spectrum,
}

/// One pair of blocks.
#[derive(Clone, Copy, Debug)]
struct Pair {
    response: usize,
    start: usize,
    lens: [usize; 2],
}

/// A filter made ready for series of known lengths.
pub struct Convolver {
    fir: Fir,
    symmetric: bool,
    responses: Vec<Response>,
    /// For every number of samples that come out: the blocks.
    layouts: Vec<(usize, Vec<Pair>)>,
}

impl Convolver {
    /// Makes the filter ready to give `lens` samples at once (the lengths of the stretches, in any order).
    pub fn new(fir: Fir, lens: impl IntoIterator<Item = usize>) -> Self {
        let symmetric = fir.is_symmetric();
        let mut convolver = Self { fir, symmetric, responses: Vec::new(), layouts: Vec::new() };
        lens.into_iter().for_each(|len| convolver.prepare(len));
        convolver
    }
    /// The filter.
    pub fn fir(&self) -> &Fir {
        &self.fir
    }
    /// Bytes of work space that a thread needs.
    pub fn work_bytes(&self) -> u64 {
        let longest = self.responses.iter().map(|response| response.fft.len()).max().unwrap_or(0);
        3 * 16 * longest as u64 + 16 * self.fir.n_edge as u64
    }

    /// Makes it ready to give `len` samples at once.
    pub fn prepare(&mut self, len: usize) {
        if self.layouts.iter().any(|layout| layout.0 == len) {
            return;
        }
        let mut pairs = Vec::new();
        let mut start = 0;
        for (n_fft, count) in choose_lens(len, self.fir.taps.len()) {
            let response = match self.responses.iter().position(|response| response.fft.len() == n_fft) {
                Some(found) => found,
                None => {
                    self.responses.push(self.response(n_fft));
                    self.responses.len() - 1
                }
            };
            let block = n_fft - self.fir.taps.len() + 1;
            for _ in 0..count {
                let rest = len - start;
                let first = if rest < 2 * block { rest.div_ceil(2) } else { block };
                let lens = [first, (rest - first).min(block)];
                pairs.push(Pair { response, start, lens });
                start += lens[0] + lens[1];
            }
        }
        self.layouts.push((len, pairs));
    }

    fn response(&self, n_fft: usize) -> Response {
        let fft = Fft::new(n_fft);
        let mut taps = vec![Complex::default(); n_fft];
        for (k, &tap) in self.fir.taps.iter().enumerate() {
            taps[(k + n_fft - self.fir.shift) % n_fft].re = tap / n_fft as f64;
        }
        let mut bins = taps.clone();
        fft.forward(&mut taps, &mut bins, &mut vec![Complex::default(); fft.scratch_len()]);
        let spectrum = if self.symmetric {
            Spectrum::Real(bins.iter().map(|bin| bin.re).collect())
        } else {
            Spectrum::Complex(bins)
        };
        Response { fft, spectrum }
    }

    /// Filters a stretch, padded at both ends; both are of a length that was prepared.
    pub fn run(&self, x: &[f64], out: &mut [f64], work: &mut Work) {
        if x.is_empty() {
            return;
        }
        let (mut left, mut right) = (std::mem::take(&mut work.left), std::mem::take(&mut work.right));
        self.pads(x, &mut left, &mut right);
        self.run_range(Stretch { left: &left, mid: x, right: &right }, 0, out, work);
        (work.left, work.right) = (left, right);
    }

    /// What lies before and after `x`.
    pub fn pads(&self, x: &[f64], left: &mut Vec<f64>, right: &mut Vec<f64>) {
        let n_edge = self.fir.n_edge.min(x.len() - 1);
        left.resize(n_edge.min(self.fir.before()), 0.0);
        right.resize(n_edge.min(self.fir.shift), 0.0);
        self.fir.pad.left(x, left);
        self.fir.pad.right(x, right);
    }

    /// The samples from `from` on of a stretch, filtered; `out` is of a length that was prepared.
    pub fn run_range(&self, stretch: Stretch<'_>, from: usize, out: &mut [f64], work: &mut Work) {
        let layout = self.layouts.iter().find(|layout| layout.0 == out.len()).expect("the length was prepared");
        for pair in &layout.1 {
            let (first, second) = out[pair.start..][..pair.lens[0] + pair.lens[1]].split_at_mut(pair.lens[0]);
            let starts = [from + pair.start, from + pair.start + pair.lens[0]];
            self.pair(pair.response, [stretch, stretch], starts, first, second, work);
        }
    }

    /// Two stretches at once: samples from `from` on of each; the lengths that come out are prepared by
    /// [`prepare_pair`](Self::prepare_pair).
    pub fn run_pair(
        &self,
        stretches: [Stretch<'_>; 2],
        from: [usize; 2],
        first: &mut [f64],
        second: &mut [f64],
        work: &mut Work,
    ) {
        let n_fft = single_len(first.len().max(second.len()), self.fir.taps.len());
        let response = self.responses.iter().position(|response| response.fft.len() == n_fft);
        self.pair(response.expect("the length was prepared"), stretches, from, first, second, work);
    }
    /// Makes it ready for [`run_pair`](Self::run_pair) with outputs of which the longer has `longest` samples.
    pub fn prepare_pair(&mut self, longest: usize) {
        let n_fft = single_len(longest, self.fir.taps.len());
        if !self.responses.iter().any(|response| response.fft.len() == n_fft) {
            self.responses.push(self.response(n_fft));
        }
    }
    /// What one pair of blocks costs that gives `longest` samples of each (ns, about).
    pub fn cost_of_pair(&self, longest: usize) -> f64 {
        pair_cost(single_len(longest, self.fir.taps.len()))
    }
    /// What giving `len` samples costs (ns, about).
    pub fn cost(&self, len: usize) -> f64 {
        choose_lens(len, self.fir.taps.len()).iter().map(|&(n_fft, count)| count as f64 * pair_cost(n_fft)).sum()
    }

    fn pair(
        &self,
        response: usize,
        stretches: [Stretch<'_>; 2],
        from: [usize; 2],
        first: &mut [f64],
        second: &mut [f64],
        work: &mut Work,
    ) {
        let Response { fft, spectrum } = &self.responses[response];
        let n_fft = fft.len();
        let longer = |buffer: &mut Vec<Complex>, len: usize| {
            if buffer.len() < len {
                buffer.resize(len, Complex::default());
            }
        };
        longer(&mut work.a, n_fft);
        longer(&mut work.b, n_fft);
        longer(&mut work.scratch, fft.scratch_len());
        let (a, b) = (&mut work.a[..n_fft], &mut work.b[..n_fft]);
        let scratch = &mut work.scratch[..fft.scratch_len()];
        let before = self.fir.before();
        let starts = from.map(|from| from as isize - before as isize);
        let inside = |i: usize| starts[i] >= 0 && starts[i] as usize + n_fft <= stretches[i].mid.len();
        if inside(0) && inside(1) {
            let [one, two] = [0, 1].map(|i| &stretches[i].mid[starts[i] as usize..][..n_fft]);
            wide!({
                for ((z, &re), &im) in a.iter_mut().zip(one).zip(two) {
                    *z = Complex::new(re, im);
                }
            });
        } else {
            stretches[0].fill::<false>(starts[0], a);
            if second.is_empty() {
                a.iter_mut().for_each(|z| z.im = 0.0);
            } else {
                stretches[1].fill::<true>(starts[1], a);
            }
        }
        fft.forward(a, b, scratch);
        wide!(match spectrum {
            Spectrum::Real(gains) => {
                for (z, &gain) in b.iter_mut().zip(gains) {
                    *z = Complex::new(z.re * gain, z.im * gain);
                }
            }
            Spectrum::Complex(gains) => {
                for (z, gain) in b.iter_mut().zip(gains) {
                    *z *= gain;
                }
            }
        });
        fft.inverse(b, a, scratch);
        let valid = &a[before..];
        wide!({
            // Both at once as far as both go.
            let n = first.len().min(second.len());
            let (head, tail) = first.split_at_mut(n);
            let (head_two, tail_two) = second.split_at_mut(n);
            for ((re, im), z) in head.iter_mut().zip(head_two).zip(valid) {
                (*re, *im) = (z.re, z.im);
            }
            tail.iter_mut().zip(&valid[n..]).for_each(|(out, z)| *out = z.re);
            tail_two.iter_mut().zip(&valid[n..]).for_each(|(out, z)| *out = z.im);
        });
    }
}

/// Nanoseconds of one complex transform (rustfft 6.4, AVX, one core of a Zen 4), by the base-2 logarithm of its length.
fn fft_cost(n: usize) -> f64 {
    const PER_POINT: [f64; 20] =
        [5.0, 4.0, 3.0, 2.5, 2.0, 1.7, 1.5, 1.5, 1.6, 1.7, 1.9, 2.2, 2.4, 2.7, 3.2, 3.6, 4.0, 4.8, 7.0, 9.0];
    let log = (n as f64).log2().clamp(0.0, 18.999);
    let (low, share) = (log as usize, log.fract());
    let per_point = PER_POINT[low] * (1.0 - share) + PER_POINT[low + 1] * share;
    n as f64 * per_point * if n.is_power_of_two() { 1.0 } else { 1.04 }
}

/// Nanoseconds of a pair of blocks: there, back, the product and the copies, and what a call costs.
fn pair_cost(n_fft: usize) -> f64 {
    2.0 * fft_cost(n_fft) + 2.5 * n_fft as f64 + 100.0
}

/// The shortest FFT length whose block gives `len` samples.
fn single_len(len: usize, n_taps: usize) -> usize {
    quick_lens(n_taps).find(|&n| n - n_taps + 1 >= len).expect("lengths go on for ever")
}

/// The FFT lengths that give `len` samples at the least cost, and how many pairs of blocks of each.
fn choose_lens(len: usize, n_taps: usize) -> Vec<(usize, usize)> {
    // One length that does it all, in a single pair, is the longest worth a look.
    let longest = single_len(len.div_ceil(2), n_taps);
    let range = || quick_lens(n_taps).take_while(move |&n| n <= longest);
    let mut best = (f64::INFINITY, Vec::new());
    for n_fft in range() {
        let block = 2 * (n_fft - n_taps + 1);
        let (count, rest) = (len / block, len % block);
        let mut lens = vec![(n_fft, count)];
        let mut cost = count as f64 * pair_cost(n_fft);
        if rest > 0 {
            let last = single_len(rest.div_ceil(2), n_taps);
            lens.push((last, 1));
            cost += pair_cost(last);
        }
        if cost < best.0 {
            lens.retain(|&(_, count)| count > 0);
            best = (cost, lens);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(n: usize) -> Vec<f64> {
        (0..n).map(|t| ((t * t * 31 + t * 7) % 97) as f64 - 48.0 + t as f64 * 0.1).collect()
    }

    fn direct(fir: &Fir, x: &[f64]) -> Vec<f64> {
        let n_edge = fir.n_edge.min(x.len() - 1);
        let (mut ext, mut right) = (vec![0.0; n_edge], vec![0.0; n_edge]);
        fir.pad.left(x, &mut ext);
        fir.pad.right(x, &mut right);
        ext.extend_from_slice(x);
        ext.extend_from_slice(&right);
        let at = |t: isize| if t < 0 { 0.0 } else { ext.get(t as usize).copied().unwrap_or(0.0) };
        (0..x.len())
            .map(|i| {
                let centre = (n_edge + i + fir.shift) as isize;
                fir.taps.iter().enumerate().map(|(k, tap)| tap * at(centre - k as isize)).sum()
            })
            .collect()
    }

    #[test]
    fn blocks_give_what_the_sum_gives() {
        let symmetric: Vec<f64> = (0..41).map(|k| 1.0 / (1.0 + (k as f64 - 20.0).abs())).collect();
        let skewed: Vec<f64> = (0..33).map(|k| (k as f64 * 0.7).sin() / (1.0 + k as f64)).collect();
        for (taps, shift) in [(symmetric, 20), (skewed.clone(), 16), (skewed, 0), (vec![2.0], 0)] {
            for pad in Pad::ALL {
                let fir = Fir { n_edge: taps.len() - 1, taps: taps.clone(), shift, pad };
                let lens = [1, 2, 5, 33, 100, 1000, 20_000];
                let convolver = Convolver::new(fir.clone(), lens);
                let mut work = Work::default();
                for n in lens {
                    let x = series(n);
                    let mut out = vec![f64::NAN; n];
                    convolver.run(&x, &mut out, &mut work);
                    let expected = direct(&fir, &x);
                    let peak = x.iter().fold(1.0, |max: f64, x| max.max(x.abs()));
                    for (i, (a, b)) in out.iter().zip(&expected).enumerate() {
                        assert!((a - b).abs() <= 1e-13 * peak, "{pad} shift {shift}, {n} samples, at {i}: {a} {b}");
                    }
                }
            }
        }
    }

    #[test]
    fn lengths_cover_what_is_asked() {
        for (len, n_taps) in [(1, 1), (180_000, 3301), (180_000, 6601), (180_000, 33_001), (10, 33_001), (777, 776)] {
            let lens = choose_lens(len, n_taps);
            let covered: usize = lens.iter().map(|&(n, count)| count * 2 * (n - n_taps + 1)).sum();
            assert!(covered >= len, "{lens:?}");
        }
    }
}
