//! Welch's method on rows, as MNE 1.13 does by SciPy's `spectrogram`.

use super::params::{Average, WelchParams};
use crate::map_rows::map_rows;
use bakusoku_core::{Error, Par, Result, Scratch, Span};
use bakusoku_math::fft::{Complex, RealFft};
use bakusoku_math::wide;
use ndarray::{Array2, Array3, ArrayView2, Axis};
use std::ops::Range;
use std::sync::Arc;

/// `n_fft` of `psd_array_welch`.
const ARRAY_N_FFT: usize = 256;

/// A good stretch: where its segments start, their length and window.
pub(super) struct Stretch {
    start: usize,
    n_segments: usize,
    step: usize,
    /// Its segments' window; shorter where the stretch is.
    window: Arc<Vec<f64>>,
    /// 1 / (sfreq Σ window²)
    scale: f64,
    /// Its share of the average.
    share: f64,
}

impl Stretch {
    /// All samples that are looked at.
    pub(super) fn span(&self) -> Span {
        let len = (self.n_segments - 1) * self.step + self.window.len();
        Span::new(self.start as u64, (self.start + len) as u64)
    }
    /// How many segments there are.
    pub(super) fn n_segments(&self) -> usize {
        self.n_segments
    }
    /// The samples of a segment.
    pub(super) fn segment(&self, index: usize) -> Span {
        let start = self.start + index * self.step;
        Span::new(start as u64, (start + self.window.len()) as u64)
    }
}

/// Welch's method, ready for rows of one length.
pub struct Welch {
    fft: Arc<RealFft>,
    bins: Range<usize>,
    /// Of each bin: power of negative frequencies is added to that of positive ones.
    sides: Vec<f64>,
    sfreq: f64,
    average: Average,
    remove_dc: bool,
    stretches: Vec<Stretch>,
}

/// Buffers of one thread.
#[derive(Default)]
pub(super) struct Work {
    series: Vec<f64>,
    bins: Vec<Complex>,
    scratch: Vec<Complex>,
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
            stretches.push(Stretch { start, n_segments, step, window, scale, share: used as f64 });
        }
        if stretches.is_empty() {
            return Err(Error::data("no good stretch is left for a spectrum"));
        }
        let used: f64 = stretches.iter().map(|stretch| stretch.share).sum();
        stretches.iter_mut().for_each(|stretch| stretch.share /= used);
        let fft = RealFft::new(lengths.n_fft);
        let sides = bins.clone().map(|k| if k == 0 || 2 * k == lengths.n_fft { 1.0 } else { 2.0 }).collect();
        Ok(Self { fft, bins, sides, sfreq, average: params.average, remove_dc: params.remove_dc, stretches })
    }
    /// Frequencies of what comes out (Hz).
    pub fn freqs(&self) -> Vec<f64> {
        let width = self.sfreq / self.fft.len() as f64;
        self.bins.clone().map(|k| k as f64 * width).collect()
    }
    /// Bytes of work space that a thread needs.
    pub fn scratch_bytes(&self) -> u64 {
        (32 * self.fft.len() + 8 * self.n_kept()) as u64
    }
    /// How many frequencies come out.
    pub(super) fn n_bins(&self) -> usize {
        self.bins.len()
    }
    /// The good stretches, in order.
    pub(super) fn stretches(&self) -> &[Stretch] {
        &self.stretches
    }

    /// The spectrum of a row.
    ///
    /// A row with an infinite or missing sample in a good stretch gives NaN.
    pub fn run(&self, row: &[f64], out: &mut [f64], scratch: &mut Scratch) {
        let work = scratch.get::<Work>();
        let mut kept = std::mem::take(&mut work.segments);
        kept.resize(self.n_kept(), 0.0);
        out.fill(0.0);
        for stretch in &self.stretches {
            for index in 0..stretch.n_segments {
                self.add(stretch, index, &row[stretch.segment(index).range()], &mut kept, out, work);
            }
        }
        work.segments = kept;
    }

    /// How much is kept of a row between segments, beside its spectrum: all of a stretch, where a median is wanted.
    pub(super) fn n_kept(&self) -> usize {
        match self.average {
            Average::Mean => 0,
            Average::Median => {
                self.bins.len() * self.stretches.iter().map(|stretch| stretch.n_segments).max().unwrap_or(0)
            }
        }
    }

    /// Adds a segment of a row to its spectrum `out`; segments come in order.
    pub(super) fn add(
        &self,
        stretch: &Stretch,
        index: usize,
        samples: &[f64],
        kept: &mut [f64],
        out: &mut [f64],
        work: &mut Work,
    ) {
        let (n, scale) = (stretch.n_segments, stretch.share * stretch.scale);
        let bins = &self.transform(stretch, samples, work)[self.bins.clone()];
        match self.average {
            Average::Mean => {
                let scale = scale / n as f64;
                wide!({
                    for ((out, z), sides) in out.iter_mut().zip(bins).zip(&self.sides) {
                        *out += (z.re * z.re + z.im * z.im) * (sides * scale);
                    }
                });
            }
            Average::Median => {
                for (bin, z) in bins.iter().enumerate() {
                    kept[bin * n + index] = z.norm_sqr();
                }
                if index + 1 == n {
                    let scale = scale / median_bias(n);
                    for ((out, sides), values) in out.iter_mut().zip(&self.sides).zip(kept.chunks_exact_mut(n)) {
                        values.sort_unstable_by(f64::total_cmp);
                        *out += 0.5 * (values[(n - 1) / 2] + values[n / 2]) * (sides * scale);
                    }
                }
            }
        }
    }

    /// The transform of a segment.
    fn transform<'w>(&self, stretch: &Stretch, samples: &[f64], work: &'w mut Work) -> &'w [Complex] {
        work.series.resize(self.fft.len(), 0.0);
        work.bins.resize(self.fft.n_bins(), Complex::default());
        work.scratch.resize(self.fft.scratch_len(), Complex::default());
        let offset = if self.remove_dc { sum(samples) / samples.len() as f64 } else { 0.0 };
        let (series, rest) = work.series.split_at_mut(samples.len());
        wide!({
            for ((to, &x), &w) in series.iter_mut().zip(samples).zip(stretch.window.iter()) {
                *to = (x - offset) * w;
            }
        });
        rest.fill(0.0);
        self.fft.forward(&mut work.series, &mut work.bins, &mut work.scratch);
        &work.bins
    }
}

/// Σ x in eight interleaved sums.
fn sum(x: &[f64]) -> f64 {
    let (chunks, rest) = x.as_chunks::<8>();
    let sums = wide!({
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
    for (mut bin, &sides) in psds.axis_iter_mut(Axis(1)).zip(&welch.sides) {
        bin *= sides;
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
                for segment in 0..n {
                    let bins = welch.transform(stretch, &row[stretch.segment(segment).range()], work);
                    for (bin, k) in welch.bins.clone().enumerate() {
                        out[bin * n + segment] = bins[k] * scale;
                    }
                }
            }
        });
    }
    Ok((out, welch.freqs(), welch))
}
