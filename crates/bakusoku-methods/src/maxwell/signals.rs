//! Samples: gathered, multiplied by what head positions make of them, written back.

use super::bases::Bases;
use super::plan::{N_CHPI, Plan};
use super::temporal::{Directions, Shared};
use bakusoku_core::{Error, Par, Result};
use bakusoku_math::linalg::{self, Accumulate};
use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis, s};

/// A window that reaches into a tile.
pub(super) struct Reaching<'a> {
    /// What is taken out.
    pub shared: &'a Shared,
    /// The tile's first sample, counted from the window's start.
    pub at: usize,
    /// Its weight, sample by sample; none: 1.
    pub weights: Option<&'a [f64]>,
}

/// Rows of the recording, one after the other in memory.
///
/// # Errors
/// When a sample is not finite.
pub(super) fn gather<'a>(
    plan: &Plan,
    start: u64,
    data: ArrayView2<'_, f64>,
    rows: impl ExactSizeIterator<Item = &'a usize>,
) -> Result<Array2<f64>> {
    let shape = (rows.len(), data.ncols());
    let mut out = Vec::with_capacity(shape.0 * shape.1);
    for &row in rows {
        let samples = data.row(row);
        Error::check_finite(samples, &plan.ch_names[row], start, plan.sfreq)?;
        match samples.as_slice() {
            Some(samples) => out.extend_from_slice(samples),
            None => out.extend(samples),
        }
    }
    Ok(Array2::from_shape_vec(shape, out).expect("each row has as many samples"))
}

/// Multiplies samples by the matrices of the head positions between which they lie.
fn blend<'m>(
    plan: &Plan,
    start: u64,
    x: ArrayView2<'_, f64>,
    mut out: ArrayViewMut2<'_, f64>,
    matrix: impl Fn(usize) -> ArrayView2<'m, f64>,
) {
    let serial = Par::serial();
    let n = x.ncols();
    let mut at = 0;
    while at < n {
        let control = plan.positions.holding(start + at as u64);
        let next = plan.positions.controls.get(control + 1).map(|next| (next.sample - start) as usize);
        let to = next.unwrap_or(n).min(n);
        let (part, mut target) = (x.slice(s![.., at..to]), out.slice_mut(s![.., at..to]));
        linalg::matmul_into(&serial, target.view_mut(), Accumulate::Replace, matrix(control), part, 1.0);
        if let (_, Some((next, _))) = plan.between(start + at as u64) {
            let other = linalg::matmul(&serial, matrix(next), part);
            let weights: Vec<f64> =
                (at..to).map(|k| plan.between(start + k as u64).1.map_or(1.0, |(_, weight)| weight)).collect();
            for (mut row, other) in target.rows_mut().into_iter().zip(other.rows()) {
                for ((x, &y), &w) in row.iter_mut().zip(other).zip(&weights) {
                    *x = w * *x + (1.0 - w) * y;
                }
            }
        }
        at = to;
    }
}

/// Inner moments from the good channels.
fn moments(plan: &Plan, bases: &Bases, start: u64, good: ArrayView2<'_, f64>, out: ArrayViewMut2<'_, f64>) {
    blend(plan, start, good, out, |control| bases.spatial(control).ps.view());
}

/// All MEG channels from the good ones, with the head at its destination.
pub(super) fn reconstruct(plan: &Plan, bases: &Bases, start: u64, good: ArrayView2<'_, f64>) -> Array2<f64> {
    let mut inner = Array2::zeros((plan.recon.ncols(), good.ncols()));
    moments(plan, bases, start, good, inner.view_mut());
    linalg::matmul(&Par::serial(), plan.recon.view(), inner.view())
}

/// Inner parts and residuals of the good channels, that change with the head's position.
pub(super) fn moving_parts(plan: &Plan, bases: &Bases, start: u64, good: ArrayView2<'_, f64>) -> [Array2<f64>; 2] {
    [0, 1].map(|part| {
        let mut out = Array2::zeros(good.dim());
        blend(plan, start, good, out.view_mut(), |control| {
            let parts = bases.spatial(control).parts.as_ref().expect("parts are made where they are needed");
            parts[part].view()
        });
        out
    })
}

/// Takes the directions of windows out of signals.
fn project(mut x: ArrayViewMut2<'_, f64>, windows: &[Reaching<'_>]) {
    let serial = Par::serial();
    let n = x.ncols();
    // All courses first: they are those of the signals as they came.
    let courses: Vec<Array2<f64>> = windows
        .iter()
        .map(|Reaching { shared, at, weights }| {
            let mut course = match &shared.v {
                Directions::OfSignals(m) => linalg::matmul(&serial, m.t(), x.view()),
                Directions::InTime(v) => v.slice(s![.., *at..at + n]).to_owned(),
            };
            if let Some(weights) = weights {
                let weigh = |mut row: ndarray::ArrayViewMut1<'_, f64>| {
                    row.iter_mut().zip(*weights).for_each(|(x, w)| *x *= w);
                };
                course.rows_mut().into_iter().for_each(weigh);
            }
            course
        })
        .collect();
    for (window, course) in windows.iter().zip(&courses) {
        linalg::matmul_into(&serial, x.view_mut(), Accumulate::Add, window.shared.a.view(), course.view(), -1.0);
    }
}

/// Finishes a tile from sample `start` on, of which `input` are all channels; without it they stand in `out`.
///
/// # Errors
/// When a sample is not finite.
pub(super) fn finish(
    plan: &Plan,
    bases: &Bases,
    start: u64,
    input: Option<ArrayView2<'_, f64>>,
    mut out: ArrayViewMut2<'_, f64>,
    windows: &[Reaching<'_>],
) -> Result<()> {
    let n = plan.n_channels;
    if plan.chpi {
        head_channels(plan, start, out.slice_mut(s![n..n + N_CHPI, ..]));
    }
    let temporal = plan.temporal;
    if temporal.is_some_and(|temporal| temporal.only) {
        if let Some(input) = input {
            out.slice_mut(s![..n, ..]).assign(&input);
        }
        if !windows.is_empty() {
            let rows = || plan.good.iter().chain(&plan.bad);
            let mut x = gather(plan, start, out.slice(s![..n, ..]), plan.signals().iter())?;
            project(x.view_mut(), windows);
            scatter(x.view(), rows(), out);
        }
        return Ok(());
    }
    let mut x = match input {
        Some(input) => {
            plan.others.iter().for_each(|&ch| out.row_mut(ch).assign(&input.row(ch)));
            gather(plan, start, input, plan.good.iter())?
        }
        None => gather(plan, start, out.slice(s![..n, ..]), plan.good.iter())?,
    };
    if temporal.is_some_and(|temporal| temporal.after) {
        let mut all = reconstruct(plan, bases, start, x.view());
        project(all.view_mut(), windows);
        scatter(all.view(), plan.picks().iter(), out);
        return Ok(());
    }
    project(x.view_mut(), windows);
    let mut inner = Array2::zeros((plan.recon.ncols(), x.ncols()));
    moments(plan, bases, start, x.view(), inner.view_mut());
    linalg::matmul_to_rows(&Par::serial(), out, plan.picks(), plan.recon.view(), inner.view());
    Ok(())
}

/// Finishes a tile from sample `start` on but for the last matrix: what [`Plan::expansion`] takes goes to `out`.
///
/// # Errors
/// When a sample is not finite.
pub(super) fn finish_moments(
    plan: &Plan,
    bases: &Bases,
    start: u64,
    input: ArrayView2<'_, f64>,
    out: ArrayViewMut2<'_, f64>,
    windows: &[Reaching<'_>],
) -> Result<()> {
    let mut x = gather(plan, start, input, plan.good.iter())?;
    project(x.view_mut(), windows);
    let (inner, mut rest) = out.split_at(Axis(0), plan.recon.ncols());
    moments(plan, bases, start, x.view(), inner);
    for (mut row, &ch) in rest.rows_mut().into_iter().zip(&plan.others) {
        row.assign(&input.row(ch));
    }
    if plan.chpi {
        head_channels(plan, start, rest.slice_mut(s![plan.others.len().., ..]));
    }
    Ok(())
}

/// Writes rows to their channels.
fn scatter<'a>(rows: ArrayView2<'_, f64>, to: impl Iterator<Item = &'a usize>, mut out: ArrayViewMut2<'_, f64>) {
    for (row, &channel) in rows.rows().into_iter().zip(to) {
        out.row_mut(channel).assign(&row);
    }
}

/// The channels that tell where the head was: each position from its sample to the next.
fn head_channels(plan: &Plan, start: u64, mut out: ArrayViewMut2<'_, f64>) {
    for k in 0..out.ncols() {
        let at = &plan.positions.controls[plan.positions.holding(start + k as u64)].at;
        out.column_mut(k).iter_mut().zip(&at.to_row()[1..]).for_each(|(x, &value)| *x = value);
    }
}
