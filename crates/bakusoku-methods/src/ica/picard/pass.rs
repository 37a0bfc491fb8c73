//! One look at all samples: what a search for independent components needs to know at a point.
//!
//! Sources, their scores, the sums over them and their logarithms are made of some hundred samples at a time, while these
//! are in the cache; nothing as long as the recording is ever written.

use bakusoku_core::Par;
use bakusoku_math::linalg::{self, Accumulate};
use bakusoku_math::tanh::{step_parts_into, sum_ln_two_cosh, tanh_parts_into};
use ndarray::{Array1, Array2, ArrayView2, ArrayViewMut2};
use std::sync::{Mutex, PoisonError};

/// Numbers of a block: five of them stay in a cache of a megabyte.
const BLOCK: usize = 16_384;
/// Blocks that one thread takes at a time, and whose sums are added up first.
const TOGETHER: usize = 4;

/// Whitened samples, `(n, n_times)`, in blocks of some hundred that lie one after the other.
#[derive(Clone, Debug)]
pub struct Blocks {
    data: Vec<f64>,
    n: usize,
    n_times: usize,
    width: usize,
}

impl Blocks {
    /// Zeros.
    pub fn zeros(n: usize, n_times: usize) -> Self {
        let width = (BLOCK / n.max(1)).clamp(128, 4096) / 32 * 32;
        Self { data: bakusoku_pool::memory::zeros(n * n_times), n, n_times, width }
    }
    /// A copy of samples, `(n, n_times)`.
    pub fn of(par: &Par, x: ArrayView2<'_, f64>) -> Self {
        let mut blocks = Self::zeros(x.nrows(), x.ncols());
        blocks.fill(par, |start, mut block| {
            let stop = start + block.ncols();
            block.assign(&x.slice(ndarray::s![.., start..stop]));
        });
        blocks
    }
    /// Writes every block: `f` gets the first sample and the block, `(n, some)`.
    pub fn fill(&mut self, par: &Par, f: impl Fn(usize, ArrayViewMut2<'_, f64>) + Sync) {
        let (n, width) = (self.n, self.width);
        if self.data.is_empty() {
            return;
        }
        par.for_each_chunk_mut(&mut self.data, n * width, |index, block| {
            let cols = block.len() / n;
            f(index * width, ArrayViewMut2::from_shape((n, cols), block).expect("a block has n rows"));
        });
    }
    /// Rows.
    pub fn n(&self) -> usize {
        self.n
    }
    /// Samples.
    pub fn n_times(&self) -> usize {
        self.n_times
    }
    fn n_blocks(&self) -> usize {
        self.n_times.div_ceil(self.width)
    }
    fn block(&self, index: usize) -> ArrayView2<'_, f64> {
        let start = index * self.width;
        let cols = self.width.min(self.n_times - start);
        let data = &self.data[start * self.n..(start + cols) * self.n];
        ArrayView2::from_shape((self.n, cols), data).expect("a block has n rows")
    }
}

/// Means over all samples, for the sources `y`, with `ψ = tanh`.
#[derive(Clone, Debug)]
pub(super) struct Means {
    /// `ln(2 cosh(y))` of each source.
    pub(super) log_cosh: Array1<f64>,
    /// `ψ'(y)` of each source.
    pub(super) derivative: Array1<f64>,
    /// `ψ(y) yᵀ`.
    pub(super) score: Array2<f64>,
    /// `ψ'(y) (y²)ᵀ`; empty where it was not asked for.
    pub(super) curvature: Array2<f64>,
}

impl Means {
    fn zeros(n: usize, curvature: bool) -> Self {
        let m = if curvature { n } else { 0 };
        Self {
            log_cosh: Array1::zeros(n),
            derivative: Array1::zeros(n),
            score: Array2::zeros((n, n)),
            curvature: Array2::zeros((m, m)),
        }
    }
}

struct Scratch {
    sums: Vec<f64>,
    y: Array2<f64>,
    score: Array2<f64>,
    derivative: Array2<f64>,
    square: Array2<f64>,
}

/// What the sources `w · x` say.
pub(super) fn look(par: &Par, x: &Blocks, w: ArrayView2<'_, f64>, curvature: bool) -> Means {
    let n = x.n;
    let n_groups = x.n_blocks().div_ceil(TOGETHER);
    let groups: Vec<Mutex<Option<Means>>> = (0..n_groups).map(|_| Mutex::new(None)).collect();
    let scratch = || {
        let more = if curvature { n * x.width } else { 0 };
        let zeros = |len: usize| Array2::from_shape_vec((1, len), vec![0.0; len]).expect("as long as it says");
        let sums = vec![0.0; x.width];
        Scratch { sums, y: zeros(n * x.width), score: zeros(n * x.width), derivative: zeros(more), square: zeros(more) }
    };
    par.for_each_init(n_groups, scratch, |scratch, group| {
        let mut sums = Means::zeros(n, curvature);
        for index in group * TOGETHER..((group + 1) * TOGETHER).min(x.n_blocks()) {
            add(&mut sums, scratch, x.block(index), w);
        }
        *groups[group].lock().unwrap_or_else(PoisonError::into_inner) = Some(sums);
    });
    let mut means = Means::zeros(n, curvature);
    for group in groups {
        let Some(sums) = group.into_inner().unwrap_or_else(PoisonError::into_inner) else { continue };
        means.log_cosh += &sums.log_cosh;
        means.derivative += &sums.derivative;
        means.score += &sums.score;
        means.curvature += &sums.curvature;
    }
    let share = 1.0 / x.n_times as f64;
    means.log_cosh *= share;
    means.derivative *= share;
    means.score *= share;
    means.curvature *= share;
    means
}

/// The mean of `ln(2 cosh(y))` of each source along a line: of `(w + alpha step) · x`, for every `alpha`, `(n_alphas, n)`.
///
/// The samples are looked at once for all of them: most of a step's cost is in the products.
pub(super) fn look_along(
    par: &Par,
    x: &Blocks,
    w: ArrayView2<'_, f64>,
    step: ArrayView2<'_, f64>,
    alphas: &[f64],
) -> Array2<f64> {
    let n = x.n;
    let n_groups = x.n_blocks().div_ceil(TOGETHER);
    let groups: Vec<Mutex<Option<Array2<f64>>>> = (0..n_groups).map(|_| Mutex::new(None)).collect();
    let zeros = |len: usize| Array2::from_shape_vec((1, len), vec![0.0; len]).expect("as long as it says");
    let scratch = || (zeros(n * x.width), zeros(n * x.width), vec![0.0; x.width], vec![0.0; x.width]);
    par.for_each_init(n_groups, scratch, |(y, z, stepped, parts), group| {
        let mut sums = Array2::zeros((alphas.len(), n));
        let serial = Par::serial();
        for index in group * TOGETHER..((group + 1) * TOGETHER).min(x.n_blocks()) {
            let x = x.block(index);
            let cols = x.ncols();
            let (mut y, mut z) = (part(y, n, cols), part(z, n, cols));
            linalg::matmul_into(&serial, y.view_mut(), Accumulate::Replace, w, x, 1.0);
            linalg::matmul_into(&serial, z.view_mut(), Accumulate::Replace, step, x, 1.0);
            let (stepped, parts) = (&mut stepped[..cols], &mut parts[..cols]);
            for i in 0..n {
                let y = y.row(i).to_slice().expect("rows are contiguous");
                let z = z.row(i).to_slice().expect("rows are contiguous");
                for (k, &alpha) in alphas.iter().enumerate() {
                    sums[[k, i]] += bakusoku_math::wide!({
                        step_parts_into(y, z, alpha, stepped, parts);
                        sum_ln_two_cosh(stepped, parts)
                    });
                }
            }
        }
        *groups[group].lock().unwrap_or_else(PoisonError::into_inner) = Some(sums);
    });
    let mut means = Array2::zeros((alphas.len(), n));
    for group in groups {
        if let Some(sums) = group.into_inner().unwrap_or_else(PoisonError::into_inner) {
            means += &sums;
        }
    }
    means / x.n_times as f64
}

fn part(array: &mut Array2<f64>, n: usize, cols: usize) -> ArrayViewMut2<'_, f64> {
    let data = array.as_slice_mut().expect("a fresh array is contiguous");
    ArrayViewMut2::from_shape((n, cols), &mut data[..n * cols]).expect("as long as it says")
}

fn add(sums: &mut Means, scratch: &mut Scratch, x: ArrayView2<'_, f64>, w: ArrayView2<'_, f64>) {
    let (n, cols) = x.dim();
    let serial = Par::serial();
    let mut y = part(&mut scratch.y, n, cols);
    linalg::matmul_into(&serial, y.view_mut(), Accumulate::Replace, w, x, 1.0);
    let mut score = part(&mut scratch.score, n, cols);
    let curvature = !sums.curvature.is_empty();
    let (mut derivative, mut square) = if curvature {
        (Some(part(&mut scratch.derivative, n, cols)), Some(part(&mut scratch.square, n, cols)))
    } else {
        (None, None)
    };
    let ones = &mut scratch.sums[..cols];
    for i in 0..n {
        let y = y.row(i).to_slice().expect("rows are contiguous");
        let score = score.row_mut(i).into_slice().expect("rows are contiguous");
        let (log_cosh, squares) = bakusoku_math::wide!({
            tanh_parts_into(y, score, ones);
            (sum_ln_two_cosh(y, ones), sum_of_squares(score))
        });
        sums.log_cosh[i] += log_cosh;
        // ψ' = 1 - ψ²
        sums.derivative[i] += cols as f64 - squares;
        if let (Some(derivative), Some(square)) = (&mut derivative, &mut square) {
            let derivative = derivative.row_mut(i).into_slice().expect("rows are contiguous");
            let square = square.row_mut(i).into_slice().expect("rows are contiguous");
            bakusoku_math::wide!(derivatives_and_squares(y, score, derivative, square));
        }
    }
    linalg::matmul_into(&serial, sums.score.view_mut(), Accumulate::Add, score.view(), y.t(), 1.0);
    if let (Some(derivative), Some(square)) = (derivative, square) {
        let out = sums.curvature.view_mut();
        linalg::matmul_into(&serial, out, Accumulate::Add, derivative.view(), square.t(), 1.0);
    }
}

#[inline(always)]
fn sum_of_squares(x: &[f64]) -> f64 {
    const LANES: usize = 8;
    let mut sums = [0.0; LANES];
    let (chunks, rest) = x.as_chunks::<LANES>();
    for chunk in chunks {
        for lane in 0..LANES {
            sums[lane] += chunk[lane] * chunk[lane];
        }
    }
    for (sum, x) in sums.iter_mut().zip(rest) {
        *sum += x * x;
    }
    sums.iter().sum()
}

#[inline(always)]
fn derivatives_and_squares(y: &[f64], score: &[f64], derivative: &mut [f64], square: &mut [f64]) {
    for (((y, score), derivative), square) in y.iter().zip(score).zip(derivative).zip(square) {
        *derivative = 1.0 - score * score;
        *square = y * y;
    }
}
