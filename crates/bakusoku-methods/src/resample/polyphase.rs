//! Resampling by a polyphase filter, as MNE 1.13 does by SciPy's `resample_poly`.

use super::params::{ResampleWindow, Resampling};
use bakusoku_core::{Error, Result};
use bakusoku_math::fir;
use bakusoku_math::wide;
use bakusoku_math::window::Window;

/// How SciPy's `upfirdn` goes on beyond the ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    Constant,
    Reflect,
    Symmetric,
    Edge,
    Wrap,
    Mean,
    Median,
    Minimum,
    Maximum,
}

const MODES: [(&str, Mode); 10] = [
    ("auto", Mode::Reflect),
    ("reflect", Mode::Reflect),
    ("constant", Mode::Constant),
    ("symmetric", Mode::Symmetric),
    ("edge", Mode::Edge),
    ("wrap", Mode::Wrap),
    ("mean", Mode::Mean),
    ("median", Mode::Median),
    ("minimum", Mode::Minimum),
    ("maximum", Mode::Maximum),
];

fn mode(pad: &str) -> Result<Mode> {
    MODES.iter().find(|mode| mode.0 == pad).map(|mode| mode.1).ok_or_else(|| {
        let names: Vec<&str> = MODES.iter().map(|mode| mode.0).collect();
        Error::parameter("pad", format!("for polyphase resampling one of {}", names.join(", ")), format!("`{pad}`"))
    })
}

/// Longest filter that is made (taps): 4 GB of them would never be meant.
const MAX_TAPS: usize = 1 << 28;

fn factors(n: usize, n_out: usize) -> (usize, usize) {
    let (mut a, mut b) = (n, n_out);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    (n_out / a, n / a)
}

pub(super) fn check(pad: &str, n: usize, ratio: f64) -> Result<()> {
    mode(pad)?;
    let (up, down) = factors(n, super::kernel::length(n, ratio));
    if 20 * up.max(down) > MAX_TAPS {
        let got = format!("{up}/{down}");
        return Err(Error::parameter("sfreq", "such that new and old length have a large common divisor", got));
    }
    Ok(())
}

/// Polyphase resampling, ready for rows of one length.
pub(super) struct Polyphase {
    mode: Mode,
    up: usize,
    down: usize,
    half: usize,
    /// The taps of each phase, in order of time; phase p starts at `starts[p]`.
    taps: Vec<f64>,
    starts: Vec<usize>,
    /// Samples needed beyond each end.
    reach: usize,
}

/// Buffers of one thread.
#[derive(Default)]
pub(super) struct Work {
    extended: Vec<f64>,
}

impl Polyphase {
    pub(super) fn new(n: usize, n_out: usize, resampling: &Resampling) -> Result<Self> {
        let (up, down) = factors(n, n_out);
        let max_rate = up.max(down);
        let half = 10 * max_rate;
        let window = match resampling.window {
            ResampleWindow::Auto => Window::Kaiser(5.0),
            ResampleWindow::Named(window) => window,
        };
        let all = match (up, down) {
            (1, 1) => vec![1.0],
            _ => fir::lowpass(2 * half + 1, 1.0 / max_rate as f64, window),
        };
        let half = all.len() / 2;
        let (mut taps, mut starts) = (Vec::with_capacity(all.len()), vec![0]);
        for phase in 0..up {
            taps.extend(all.iter().skip(phase).step_by(up).rev().map(|tap| tap * up as f64));
            starts.push(taps.len());
        }
        Ok(Self { mode: mode(&resampling.pad)?, up, down, half, taps, starts, reach: half / up + 1 })
    }

    pub(super) fn work_bytes(&self) -> u64 {
        16 * self.reach as u64
    }

    pub(super) fn run(&self, row: &[f64], out: &mut [f64], work: &mut Work) {
        let background = self.extend(row, &mut work.extended);
        let x = &work.extended;
        wide!({
            for (m, out) in out.iter_mut().enumerate() {
                // y(m) = Σ x(i) h(half + m down - i up)
                let at = self.half + m * self.down;
                let (newest, phase) = (at / self.up, at % self.up);
                let taps = &self.taps[self.starts[phase]..self.starts[phase + 1]];
                let stop = newest + 1 + self.reach;
                *out = dot(taps, &x[stop - taps.len()..stop]) + background;
            }
        });
    }

    /// The row with `reach` samples more at each end, and a constant that was taken off and is to be added again.
    fn extend(&self, row: &[f64], out: &mut Vec<f64>) -> f64 {
        let n = row.len();
        let background = match self.mode {
            Mode::Mean => row.iter().sum::<f64>() / n as f64,
            Mode::Median => {
                let mut sorted = row.to_vec();
                sorted.sort_by(f64::total_cmp);
                (sorted[(n - 1) / 2] + sorted[n / 2]) / 2.0
            }
            Mode::Minimum => row.iter().copied().fold(f64::INFINITY, f64::min),
            Mode::Maximum => row.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            _ => 0.0,
        };
        // The sample `k` steps beyond an end, counted from that end.
        let beyond = |k: usize| -> Option<usize> {
            match self.mode {
                Mode::Edge => Some(0),
                Mode::Wrap => Some(n - 1 - (k - 1) % n),
                Mode::Symmetric => {
                    let at = (k - 1) % (2 * n);
                    Some(if at < n { at } else { 2 * n - 1 - at })
                }
                Mode::Reflect if n == 1 => Some(0),
                Mode::Reflect => {
                    let at = k % (2 * (n - 1));
                    Some(if at < n { at } else { 2 * (n - 1) - at })
                }
                _ => None,
            }
        };
        out.clear();
        out.extend((1..=self.reach).rev().map(|k| beyond(k).map_or(0.0, |at| row[at])));
        out.extend(row.iter().map(|x| x - background));
        out.extend((1..=self.reach + 1).map(|k| beyond(k).map_or(0.0, |at| row[n - 1 - at])));
        background
    }
}

/// Σ a b in eight interleaved sums.
#[inline(always)]
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (chunks_a, rest_a) = a.as_chunks::<8>();
    let (chunks_b, rest_b) = b.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for (a, b) in chunks_a.iter().zip(chunks_b) {
        for i in 0..8 {
            sums[i] += a[i] * b[i];
        }
    }
    let rest: f64 = rest_a.iter().zip(rest_b).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f64>() + rest
}
