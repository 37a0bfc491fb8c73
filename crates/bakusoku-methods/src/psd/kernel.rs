//! Welch's method on rows, as MNE 1.13 does by SciPy's `spectrogram`.

use super::params::{Average, WelchParams};
use crate::rows::map_rows;
use bakusoku_core::{Error, Par, Result, Scratch, Span};
use bakusoku_math::fft::{Complex, Fft};
use bakusoku_math::simd::wide;
use ndarray::{Array2, Array3, ArrayView2, Axis};
use std::ops::Range;
use std::sync::Arc;

/// `n_fft` of `psd_array_welch`.
const ARRAY_N_FFT: usize = 256;

/// A good stretch: where its segments start, their length and window, and its weight in the average.
struct Stretch {
    start: usize,
    n_segments: usize,
    step: usize,
    /// Its segments' window; shorter where the stretch is.
    window: Arc<Vec<f64>>,
    /// 1 / (sfreq Σ window²)
    scale: f64,
    weight: f64,
}

/// Welch's method, ready for rows of one length.
pub struct Welch {
    fft: Arc<Fft>,
    bins: Range<usize>,
    sfreq: f64,
    average: Average,
    remove_dc: bool,
    stretches: Vec<Stretch>,
}

/// Buffers of one thread.
#[derive(Default)]
struct Work {
    a: Vec<Complex>,
    b: Vec<Complex>,
    scratch: Vec<Complex>,
    power: Vec<f64>,
    segments: Vec<f64>,
}

impl Welch {
    /// Makes ready for rows of `n_times` samples of which only `good` stretches count; `default_n_fft` where the
    /// parameters give none.
    ///
    /// # Errors
    /// When lengths do not fit, no frequency is left, or a good stretch is not longer than the overlap.
    pub fn new(params: &WelchParams, n_times: usize, sfreq: f64, good: &[Span], default_n_fft: usize) -> Result<Self> {
        let lengths = params.lengths(n_times, default_n_fft)?;
        let bins = params.bins(lengths.n_fft, sfreq)?;
        let whole = Arc::new(params.window.samples(lengths.n_per_seg, true));
        let mut stretches = Vec::new();
        for span in good.iter().filter(|span| !span.is_empty()) {
            let len = span.len() as usize;
            let n_per_seg = lengths.n_per_seg.min(len);
            let window = if n_per_seg == lengths.n_per_seg {
                whole.clone()
            } else {
                Arc::new(params.window.samples(n_per_seg, true))
            };
            if params.n_overlap >= n_per_seg {
                let expected = format!("below the shortest good stretch ({n_per_seg} samples)");
                return Err(Error::parameter("n_overlap", expected, params.n_overlap));
            }
            let step = n_per_seg - params.n_overlap;
            let n_segments = 1 + (len - n_per_seg) / step;
            // Samples that are used, as MNE counts them.
            let used = if len < lengths.n_per_seg { len } else { len - (len - params.n_overlap) % lengths.step };
            let scale = 1.0 / (sfreq * window.iter().map(|w| w * w).sum::<f64>());
            let start = span.start as usize;
            stretches.push(Stretch { start, n_segments, step, window, scale, weight: used as f64 });
        }
        if stretches.is_empty() {
            return Err(Error::data("no good stretch is left for a spectrum"));
        }
        let fft = Fft::new(lengths.n_fft);
        Ok(Self { fft, bins, sfreq, average: params.average, remove_dc: params.remove_dc, stretches })
    }
    /// Frequencies of what comes out (Hz).
    pub fn freqs(&self) -> Vec<f64> {
        let width = self.sfreq / self.fft.len() as f64;
        self.bins.clone().map(|k| k as f64 * width).collect()
    }
    /// Bytes of work space that a thread needs.
    pub fn scratch_bytes(&self) -> u64 {
        let segments = match self.average {
            Average::Mean => 0,
            Average::Median => self.stretches.iter().map(|stretch| stretch.n_segments).max().unwrap_or(0),
        };
        (56 * self.fft.len() + 8 * segments * self.bins.len()) as u64
    }

    /// The spectrum of a row.
    ///
    /// A row with an infinite or missing sample in a good stretch gives NaN.
    pub fn run(&self, row: &[f64], out: &mut [f64], scratch: &mut Scratch) {
        let work = scratch.get::<Work>();
        let total: f64 = self.stretches.iter().map(|stretch| stretch.weight).sum();
        out.fill(0.0);
        for stretch in &self.stretches {
            let share = if self.stretches.len() == 1 { 1.0 } else { stretch.weight / total };
            match self.average {
                Average::Mean => self.mean(stretch, row, share, out, work),
                Average::Median => self.median(stretch, row, share, out, work),
            }
        }
    }

    /// Transforms the segments of a stretch two by two, and calls `f` with the number of the first of them, how many
    /// there are, and the transform.
    fn pairs(&self, stretch: &Stretch, row: &[f64], work: &mut Work, mut f: impl FnMut(usize, usize, &[Complex])) {
        let (n_fft, n) = (self.fft.len(), stretch.window.len());
        work.a.resize(n_fft, Complex::default());
        work.b.resize(n_fft, Complex::default());
        work.scratch.resize(self.fft.scratch_len(), Complex::default());
        let segment = |index: usize| &row[stretch.start + index * stretch.step..][..n];
        let mean = |x: &[f64]| if self.remove_dc { sum(x) / n as f64 } else { 0.0 };
        for first in (0..stretch.n_segments).step_by(2) {
            let one = segment(first);
            let offset = mean(one);
            let count = (stretch.n_segments - first).min(2);
            if count == 2 {
                let two = segment(first + 1);
                let offset_two = mean(two);
                let (a, window) = (&mut work.a[..n], &stretch.window[..n]);
                wide(|| {
                    for (((z, &x), &y), &w) in a.iter_mut().zip(one).zip(two).zip(window) {
                        *z = Complex::new((x - offset) * w, (y - offset_two) * w);
                    }
                });
            } else {
                for ((z, &x), &w) in work.a.iter_mut().zip(one).zip(stretch.window.iter()) {
                    *z = Complex::new((x - offset) * w, 0.0);
                }
            }
            work.a[n..].fill(Complex::default());
            self.fft.forward(&mut work.a, &mut work.b, &mut work.scratch);
            f(first, count, &work.b);
        }
    }

    /// |X|² and |Y|² of both segments together are half of |Z(k)|² + |Z(-k)|².
    fn mean(&self, stretch: &Stretch, row: &[f64], share: f64, out: &mut [f64], work: &mut Work) {
        let n_fft = self.fft.len();
        let mut power = std::mem::take(&mut work.power);
        power.clear();
        power.resize(n_fft, 0.0);
        self.pairs(stretch, row, work, |_, _, z| {
            let power = &mut power[..];
            wide(|| {
                for (power, z) in power.iter_mut().zip(z) {
                    *power += z.re * z.re + z.im * z.im;
                }
            });
        });
        let scale = share * stretch.scale / stretch.n_segments as f64;
        for (out, k) in out.iter_mut().zip(self.bins.clone()) {
            let both = 0.5 * (power[k] + power[(n_fft - k) % n_fft]);
            *out += both * scale * self.sides(k);
        }
        work.power = power;
    }

    fn median(&self, stretch: &Stretch, row: &[f64], share: f64, out: &mut [f64], work: &mut Work) {
        let n = stretch.n_segments;
        let mut segments = std::mem::take(&mut work.segments);
        segments.resize(n * self.bins.len(), 0.0);
        self.spectra(stretch, row, work, |index, bin, x| segments[bin * n + index] = x.norm_sqr());
        let scale = share * stretch.scale / median_bias(n);
        for ((out, k), values) in out.iter_mut().zip(self.bins.clone()).zip(segments.chunks_exact_mut(n)) {
            values.sort_unstable_by(f64::total_cmp);
            *out += 0.5 * (values[(n - 1) / 2] + values[n / 2]) * scale * self.sides(k);
        }
        work.segments = segments;
    }

    /// Calls `f` with segment, bin (counted from the first that is wanted) and transform.
    fn spectra(&self, stretch: &Stretch, row: &[f64], work: &mut Work, mut f: impl FnMut(usize, usize, Complex)) {
        let n_fft = self.fft.len();
        self.pairs(stretch, row, work, |first, count, z| {
            for (bin, k) in self.bins.clone().enumerate() {
                let (a, b) = (z[k], z[(n_fft - k) % n_fft].conj());
                f(first, bin, 0.5 * (a + b));
                if count == 2 {
                    let difference = 0.5 * (a - b);
                    f(first + 1, bin, Complex::new(difference.im, -difference.re));
                }
            }
        });
    }

    /// Power of negative frequencies is added to that of positive ones.
    fn sides(&self, k: usize) -> f64 {
        if k == 0 || 2 * k == self.fft.len() { 1.0 } else { 2.0 }
    }
}

/// Σ x in eight interleaved sums.
fn sum(x: &[f64]) -> f64 {
    let (chunks, rest) = x.as_chunks::<8>();
    let sums = wide(|| {
        let mut sums = [0.0; 8];
        for chunk in chunks {
            for i in 0..8 {
                sums[i] += chunk[i];
            }
        }
        sums
    });
    sums.iter().sum::<f64>() + rest.iter().sum::<f64>()
}

/// Median over mean of `n` values of a χ² distribution with 2 degrees of freedom, as SciPy's `welch` corrects it.
fn median_bias(n: usize) -> f64 {
    1.0 + (1..=(n.max(1) - 1) / 2).map(|i| 2.0 * i as f64).map(|i| 1.0 / (i + 1.0) - 1.0 / i).sum::<f64>()
}

/// What of an array's samples counts: stretches between samples that are missing (NaN) in all rows, and rows that are
/// not finite.
struct Checked {
    good: Vec<Span>,
    broken: Vec<bool>,
}

fn check(x: ArrayView2<'_, f64>, params: &WelchParams) -> Result<Checked> {
    let n_times = x.ncols();
    let lengths = params.lengths(n_times, ARRAY_N_FFT)?;
    let whole = vec![Span::new(0, n_times as u64)];
    let mut broken = vec![false; x.nrows()];
    if x.iter().all(|x| x.is_finite()) {
        return Ok(Checked { good: whole, broken });
    }
    let end = lengths.step * ((n_times - lengths.n_per_seg) / lengths.step) + lengths.n_per_seg;
    let first = x.row(0);
    let has_nan = x.iter().any(|x| x.is_nan());
    let aligned = has_nan && x.outer_iter().all(|row| row.iter().zip(&first).all(|(a, b)| a.is_nan() == b.is_nan()));
    for (broken, row) in broken.iter_mut().zip(x.outer_iter()) {
        *broken = row.iter().take(end).any(|x| x.is_infinite() || (!aligned && x.is_nan()));
    }
    if broken.contains(&true) {
        tracing::warn!("some channels hold samples that are not finite; their spectra are NaN");
    }
    let good = if aligned {
        let bad = first.iter().enumerate().filter(|(_, x)| x.is_nan()).map(|(t, _)| Span::new(t as u64, t as u64 + 1));
        Span::complement(&bad.collect::<Vec<_>>(), n_times as u64)
    } else {
        whole
    };
    Ok(Checked { good, broken })
}

/// Welch spectra of the rows of `x`, `(n_channels, n_times)`: `(n_channels, n_freqs)`, and the frequencies (MNE's
/// `psd_array_welch`).
///
/// Samples that are NaN in all rows are left out (that is how MNE marks bad stretches); a row that is not finite
/// elsewhere gives NaN.
///
/// # Errors
/// When parameters do not fit the length or the sampling frequency.
pub fn psd_array_welch(
    par: &Par,
    x: ArrayView2<'_, f64>,
    sfreq: f64,
    params: &WelchParams,
) -> Result<(Array2<f64>, Vec<f64>)> {
    let Checked { good, broken } = check(x, params)?;
    let welch = Welch::new(params, x.ncols(), sfreq, &good, ARRAY_N_FFT)?;
    let mut psds = map_rows(par, x, welch.bins.len(), |row, out, scratch| {
        welch.run(row, out, scratch);
        Ok(())
    })?;
    for (mut row, _) in psds.outer_iter_mut().zip(&broken).filter(|(_, broken)| **broken) {
        row.fill(f64::NAN);
    }
    Ok((psds, welch.freqs()))
}

/// Spectra of the single segments, `(n_channels, n_freqs, n_segments)`, and the frequencies (`average=None`).
///
/// # Errors
/// As [`psd_array_welch`], and when samples are missing in the middle.
pub fn psd_array_welch_segments(
    par: &Par,
    x: ArrayView2<'_, f64>,
    sfreq: f64,
    params: &WelchParams,
) -> Result<(Array3<f64>, Vec<f64>)> {
    let (spectra, freqs, welch) = segments(par, x, sfreq, params)?;
    let mut psds = spectra.mapv(|x| x.norm_sqr());
    for (mut bin, k) in psds.axis_iter_mut(Axis(1)).zip(welch.bins.clone()) {
        bin *= welch.sides(k);
    }
    Ok((psds, freqs))
}

/// Fourier coefficients of the single segments, `(n_channels, n_freqs, n_segments)`, and the frequencies
/// (`average=None, output="complex"`).
///
/// # Errors
/// As [`psd_array_welch_segments`].
pub fn psd_array_welch_complex(
    par: &Par,
    x: ArrayView2<'_, f64>,
    sfreq: f64,
    params: &WelchParams,
) -> Result<(Array3<Complex>, Vec<f64>)> {
    let (spectra, freqs, _) = segments(par, x, sfreq, params)?;
    Ok((spectra, freqs))
}

fn segments(
    par: &Par,
    x: ArrayView2<'_, f64>,
    sfreq: f64,
    params: &WelchParams,
) -> Result<(Array3<Complex>, Vec<f64>, Welch)> {
    let Checked { good, broken } = check(x, params)?;
    let welch = Welch::new(params, x.ncols(), sfreq, &good, ARRAY_N_FFT)?;
    let [stretch] = &welch.stretches[..] else {
        return Err(Error::parameter("average", "mean or median where samples are missing", "none"));
    };
    let (n, scale) = (stretch.n_segments, stretch.scale.sqrt());
    let shape = (x.nrows(), welch.bins.len(), n);
    let mut out = Array3::from_elem(shape, Complex::new(f64::NAN, f64::NAN));
    let data = out.as_slice_mut().expect("a fresh array is contiguous");
    if !data.is_empty() {
        par.for_each_chunk_mut_init(data, shape.1 * n, Work::default, |work, index, out| {
            if !broken[index] {
                let row = x.row(index);
                let row = row.as_slice().map_or_else(|| row.to_vec().into(), std::borrow::Cow::Borrowed);
                welch.spectra(stretch, &row, work, |segment, bin, x| out[bin * n + segment] = x * scale);
            }
        });
    }
    Ok((out, welch.freqs(), welch))
}
