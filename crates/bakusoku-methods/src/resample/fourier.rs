//! Resampling by a Fourier transform over the whole row, as MNE 1.13 (after SciPy's `resample`).
//!
//! Where at most half of the padded length is kept, the long transform is two complex ones of a quarter of its length
//! (samples 4m and 4m + 1, 4m + 2 and 4m + 3 are real and imaginary part), joined only for the bins that are kept.

use super::params::{Npad, ResampleWindow, Resampling};
use bakusoku_core::Result;
use bakusoku_math::fft::{Complex, Fft, RealFft};
use bakusoku_math::pad::Pad;
use bakusoku_math::wide;
use bakusoku_math::window::Window;
use std::f64::consts::TAU;
use std::sync::Arc;

#[derive(Clone)]
enum Forward {
    Whole(Arc<RealFft>),
    /// The plan, and `exp(-2πi k/n)` for the bins kept.
    Quarters(Arc<Fft>, Arc<[Complex]>),
}

/// Resampling by FFT, ready for rows of one length.
#[derive(Clone)]
pub(super) struct Fourier {
    pub(super) pad: Pad,
    pub(super) n_pad: [usize; 2],
    /// Samples that are left out at the start of the resampled padded row.
    pub(super) remove: usize,
    /// Padded length.
    pub(super) n_old: usize,
    /// Padded length after resampling.
    pub(super) n_new: usize,
    forward: Forward,
    inverse: Arc<RealFft>,
    /// What bins are multiplied with; for a boxcar window one number for all but the last.
    pub(super) gains: Option<Arc<[f64]>>,
    pub(super) scale: f64,
    /// Bins that are kept, and the gain of the Nyquist bin if it is among them.
    pub(super) n_kept: usize,
    pub(super) nyquist: f64,
}

/// Buffers of one thread.
#[derive(Default)]
pub(super) struct Work {
    pads: [Vec<f64>; 2],
    whole: Vec<f64>,
    parts: [Vec<Complex>; 4],
    pub(super) bins: Vec<Complex>,
    out: Vec<f64>,
    scratch: Vec<Complex>,
}

impl Fourier {
    pub(super) fn new(n: usize, n_out: usize, ratio: f64, resampling: &Resampling) -> Result<Self> {
        let n_pad = match resampling.npad {
            Npad::Samples(n_pad) => [n_pad; 2],
            Npad::Text(_) => {
                let least = n + (n / 8).min(100) * 2;
                let added = least.next_power_of_two() - n;
                [added / 2, added / 2 + added % 2]
            }
        };
        let round = |x: f64| x.round_ties_even() as usize;
        let n_old = n + n_pad[0] + n_pad[1];
        let n_new = round(ratio * n_old as f64).max(1);
        let remove = round(ratio * n_pad[0] as f64).min(n_new - n_out.min(n_new));
        let shorter = n_new < n_old;
        let used = n_new.min(n_old);
        let n_kept = used / 2 + 1;
        let nyquist = match (used % 2 == 0, shorter) {
            (true, true) => 2.0,
            (true, false) => 0.5,
            (false, _) => 1.0,
        };
        // The inverse transform's 1 / n_new and MNE's factor n_new / n_old.
        let scale = 1.0 / n_old as f64;
        let gains = match resampling.window {
            ResampleWindow::Auto | ResampleWindow::Named(Window::Boxcar) => None,
            ResampleWindow::Named(window) => {
                // The window's middle lies at frequency 0; both halves are averaged.
                let samples = window.samples(n_old, true);
                let at = |k: usize| samples[(k + n_old / 2) % n_old];
                let gain = |k: usize| if k == 0 { at(0) } else { (at(k) + at(n_old - k)) / 2.0 };
                Some((0..n_kept).map(|k| gain(k) * scale).collect::<Vec<_>>().into())
            }
        };
        let forward = if n_old.is_multiple_of(4) && 2 * n_new <= n_old {
            let twiddle = |k: usize| Complex::from_polar(1.0, -TAU * k as f64 / n_old as f64);
            Forward::Quarters(Fft::new(n_old / 4), (0..n_kept).map(twiddle).collect::<Vec<_>>().into())
        } else {
            Forward::Whole(RealFft::new(n_old))
        };
        let inverse = RealFft::new(n_new);
        let pad = resampling.fft_pad()?;
        Ok(Self { pad, n_pad, remove, n_old, n_new, forward, inverse, gains, scale, n_kept, nyquist })
    }

    pub(super) fn work_bytes(&self) -> u64 {
        (40 * self.n_old + 32 * self.n_new) as u64
    }

    pub(super) fn run(&self, row: &[f64], out: &mut [f64], work: &mut Work) {
        self.forward(row, work);
        self.inverse(out, self.gains.as_deref(), work);
    }

    /// The bins of the padded row that are kept.
    pub(super) fn forward(&self, row: &[f64], work: &mut Work) {
        let Work { pads, whole, parts, bins, scratch, .. } = work;
        let [left, right] = pads;
        left.resize(self.n_pad[0], 0.0);
        right.resize(self.n_pad[1], 0.0);
        self.pad.left(row, left);
        self.pad.right(row, right);
        let pieces = [&left[..], row, &right[..]];
        bins.resize(self.n_old.max(self.n_new) / 2 + 1, Complex::default());
        match &self.forward {
            Forward::Whole(fft) => {
                whole.clear();
                pieces.into_iter().for_each(|piece| whole.extend_from_slice(piece));
                scratch.resize(scratch.len().max(fft.scratch_len()), Complex::default());
                fft.forward(whole, &mut bins[..fft.n_bins()], &mut scratch[..fft.scratch_len()]);
            }
            Forward::Quarters(fft, twiddles) => {
                parts.iter_mut().for_each(|part| part.resize(fft.len(), Complex::default()));
                scratch.resize(scratch.len().max(fft.scratch_len()), Complex::default());
                let [a, b, e, o] = parts;
                wide!(split(pieces, a, b));
                fft.forward(a, e, &mut scratch[..fft.scratch_len()]);
                fft.forward(b, o, &mut scratch[..fft.scratch_len()]);
                wide!(join(e, o, twiddles, bins));
            }
        }
    }

    /// The resampled row from these bins, times `gains` (the scale among them), or else times the scale.
    pub(super) fn inverse(&self, out: &mut [f64], gains: Option<&[f64]>, work: &mut Work) {
        let Work { bins, out: long, scratch, .. } = work;
        let n_bins = self.n_new / 2 + 1;
        wide!(match gains {
            None => bins[..self.n_kept].iter_mut().for_each(|bin| *bin *= self.scale),
            Some(gains) => bins.iter_mut().zip(gains).for_each(|(bin, gain)| *bin *= gain),
        });
        bins[self.n_kept - 1] *= self.nyquist;
        bins[self.n_kept..n_bins.max(self.n_kept)].fill(Complex::default());
        long.resize(self.n_new, 0.0);
        scratch.resize(scratch.len().max(self.inverse.scratch_len()), Complex::default());
        self.inverse.inverse(&mut bins[..n_bins], long, &mut scratch[..self.inverse.scratch_len()]);
        out.copy_from_slice(&long[self.remove..][..out.len()]);
    }
}

/// Deals the samples out: 4m and 4m + 1 to `a`, 4m + 2 and 4m + 3 to `b`.
#[inline(always)]
fn split(pieces: [&[f64]; 3], a: &mut [Complex], b: &mut [Complex]) {
    #[inline(always)]
    fn put(t: usize, x: f64, a: &mut [Complex], b: &mut [Complex]) {
        let part = if t % 4 < 2 { &mut a[t / 4] } else { &mut b[t / 4] };
        *(if t.is_multiple_of(2) { &mut part.re } else { &mut part.im }) = x;
    }
    let mut at = 0usize;
    for piece in pieces {
        let head = (at.next_multiple_of(4) - at).min(piece.len());
        piece[..head].iter().enumerate().for_each(|(i, &x)| put(at + i, x, a, b));
        let (fours, tail) = piece[head..].as_chunks::<4>();
        let from = at + head;
        tail.iter().enumerate().for_each(|(i, &x)| put(from + 4 * fours.len() + i, x, a, b));
        let (a, b) = (&mut a[from / 4..], &mut b[from / 4..]);
        for ((a, b), four) in a.iter_mut().zip(b).zip(fours) {
            *a = Complex::new(four[0], four[1]);
            *b = Complex::new(four[2], four[3]);
        }
        at += piece.len();
    }
}

/// Bins of the whole from those of its two parts.
///
/// With z(j) = x(2j) + i x(2j + 1) of length 2Q, Z(k) = E(k) + w² O(k), and X(k) = (Z(k) + Z*(2Q - k)) / 2 -
/// i w (Z(k) - Z*(2Q - k)) / 2, where w = exp(-2πi k / 4Q).
#[inline(always)]
fn join(e: &[Complex], o: &[Complex], twiddles: &[Complex], bins: &mut [Complex]) {
    /// From bins k and Q - k of both.
    #[inline(always)]
    fn one(e: [Complex; 2], o: [Complex; 2], w: Complex) -> Complex {
        let square = w * w;
        let a = e[0] + square * o[0];
        let b = e[1].conj() + square * o[1].conj();
        let (sum, difference) = (a + b, w * (a - b));
        Complex::new(0.5 * (sum.re + difference.im), 0.5 * (sum.im - difference.re))
    }
    let q = e.len();
    let (n, first) = (twiddles.len(), ([e[0]; 2], [o[0]; 2]));
    bins[0] = one(first.0, first.1, twiddles[0]);
    for k in 1..n.min(q) {
        bins[k] = one([e[k], e[q - k]], [o[k], o[q - k]], twiddles[k]);
    }
    if n > q {
        bins[q] = one(first.0, first.1, twiddles[q]);
    }
}
