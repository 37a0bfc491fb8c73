//! One stretch on its way: triangles of chunks, directions of windows, finished chunks.

use super::bases::Bases;
use super::layout::{Layout, Slope};
use super::plan::{N_CHPI, Plan, Temporal};
use super::report::TsssWindow;
use super::temporal::{Shared, shared};
use super::triangle::{self, TILE};
use bakusoku_core::{Error, Par, Result, Span};
use bakusoku_math::linalg::{self, Accumulate};
use ndarray::{Array1, Array2, ArrayView2, ArrayViewMut2, Axis, s};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// A chunk's triangle, and the sample after it that a window wants to see.
struct Factor {
    r: Array2<f64>,
    after: Option<Array1<f64>>,
}

/// Samples of a chunk, and those after it that [`Layout::lookahead`] asks for: all channels.
pub(super) struct Seen<'a> {
    /// Which chunk.
    pub chunk: usize,
    /// `(n_channels, chunk and lookahead)`
    pub data: ArrayView2<'a, f64>,
}

/// A chunk to be finished.
pub(super) struct Finish<'a> {
    /// Which chunk.
    pub chunk: usize,
    /// Its samples, `(n_channels, n)`; `None`: they stand in `out`.
    pub data: Option<ArrayView2<'a, f64>>,
    /// Where the result goes, `(n_out, n)`.
    pub out: ArrayViewMut2<'a, f64>,
}

/// See above.
pub(super) struct Stretch {
    index: usize,
    factors: BTreeMap<usize, Factor>,
    windows: BTreeMap<usize, Shared>,
    n_windows_done: usize,
    weights: (Vec<f64>, Vec<f64>),
}

impl Stretch {
    /// The stretch of that number.
    pub(super) fn new(plan: &Plan, index: usize) -> Self {
        Self {
            index,
            factors: BTreeMap::new(),
            windows: BTreeMap::new(),
            n_windows_done: 0,
            weights: plan.layouts[index].hann(),
        }
    }

    fn layout<'a>(&self, plan: &'a Plan) -> &'a Layout {
        &plan.layouts[self.index]
    }

    /// How many chunks can be finished, once the chunks before `seen` were seen.
    pub(super) fn ready(&self, plan: &Plan, seen: usize) -> usize {
        let layout = self.layout(plan);
        if seen == layout.n_chunks() || !layout.is_temporal() {
            return seen;
        }
        // The last window that is complete, and what it and the one before it cover together.
        (0..seen)
            .rev()
            .find(|&c| layout.windows_of(c).iter().all(|&(w, _)| layout.chunks_of(w).end <= seen))
            .map_or(0, |c| c + 1)
    }

    /// Looks at the next chunks, and finds the directions of the windows that are complete with them.
    ///
    /// # Errors
    /// When samples are not finite, or a basis can't be made.
    pub(super) fn see(
        &mut self,
        par: &Par,
        plan: &Plan,
        bases: &mut Bases,
        chunks: &[Seen<'_>],
    ) -> Result<Vec<TsssWindow>> {
        let layout = self.layout(plan);
        let (Some(temporal), true, Some(last)) = (plan.temporal, layout.is_temporal(), chunks.last()) else {
            return Ok(Vec::new());
        };
        let done = self.n_windows_done;
        let complete = (done..layout.n_windows()).take_while(|&w| layout.chunks_of(w).end <= last.chunk + 1).count();
        self.need(
            par,
            plan,
            bases,
            layout.chunk(chunks[0].chunk).start,
            layout.chunk(last.chunk).stop,
            done..done + complete,
        )?;
        let bases = &*bases;
        let factors = par.try_map(chunks.len(), |k| factor(plan, bases, temporal, layout, &chunks[k]))?;
        for (seen, factor) in chunks.iter().zip(factors) {
            self.factors.insert(seen.chunk, factor);
        }
        let found = par.try_map(complete, |k| {
            let w = done + k;
            let r = self.window_triangle(layout, w);
            let window = &plan.windows[self.index][w];
            let span = layout.window(w);
            shared(r.view(), span.len(), bases.splitter(window.average), temporal.limit)
        })?;
        let mut reports = Vec::with_capacity(complete);
        for (k, shared) in found.into_iter().enumerate() {
            let (w, span) = (done + k, layout.window(done + k));
            reports.push(TsssWindow {
                start: span.start,
                stop: span.stop,
                n_components: shared.n_components(),
                n_positions: plan.windows[self.index][w].n_positions,
            });
            self.windows.insert(w, shared);
        }
        self.n_windows_done += complete;
        // What no later window sees.
        let next = self.n_windows_done;
        self.factors = self.factors.split_off(&next);
        Ok(reports)
    }

    /// Makes the bases that samples and windows need.
    fn need(
        &self,
        par: &Par,
        plan: &Plan,
        bases: &mut Bases,
        start: u64,
        stop: u64,
        windows: std::ops::Range<usize>,
    ) -> Result<()> {
        let controls = match plan.temporal {
            Some(temporal) if temporal.after => plan.controls_of(Span::new(start, stop)),
            _ => 0..0,
        };
        let averages = match (plan.windows[self.index].get(windows.start), windows.is_empty()) {
            (Some(first), false) => first.average..plan.windows[self.index][windows.end - 1].average + 1,
            _ => 0..0,
        };
        bases.need(par, plan, controls, averages)
    }

    fn window_triangle(&self, layout: &Layout, w: usize) -> Array2<f64> {
        let chunks = layout.chunks_of(w);
        let parts: Vec<&Factor> = chunks.map(|c| &self.factors[&c]).collect();
        if let [only] = parts[..] {
            return only.r.clone();
        }
        let last = parts[parts.len() - 1];
        let mut views: Vec<ArrayView2<'_, f64>> = parts.iter().map(|factor| factor.r.view()).collect();
        if let Some(after) = &last.after {
            views.push(after.view().insert_axis(Axis(0)));
        }
        triangle::join(&views)
    }

    /// Finishes chunks whose windows were found.
    ///
    /// # Errors
    /// When samples are not finite, or a basis can't be made.
    pub(super) fn finish(&mut self, par: &Par, plan: &Plan, bases: &mut Bases, chunks: Vec<Finish<'_>>) -> Result<()> {
        let layout = self.layout(plan);
        let (Some(first), Some(last)) = (chunks.first().map(|c| c.chunk), chunks.last().map(|c| c.chunk)) else {
            return Ok(());
        };
        let spatial = !plan.temporal.is_some_and(|temporal| temporal.only);
        if spatial {
            let span = Span::new(layout.chunk(first).start, layout.chunk(last).stop);
            bases.need(par, plan, plan.controls_of(span), 0..0)?;
        }
        let spare = bases;
        let bases = &*spare;
        let mut jobs = Vec::new();
        for Finish { chunk, data, out } in chunks {
            let n = out.ncols();
            // Tiles are cut from the chunk's start, whoever hands it in.
            let mut rest = out;
            let mut at = 0;
            while at < n {
                let len = TILE.min(n - at);
                let (tile, more) = rest.split_at(Axis(1), len);
                let input = data.map(|data| data.slice_move(s![.., at..at + len]));
                jobs.push((chunk, at, input, Mutex::new(tile)));
                rest = more;
                at += len;
            }
        }
        par.try_for_each(jobs.len(), |k| {
            let (chunk, at, input, out) = &jobs[k];
            let mut out = out.lock().unwrap_or_else(PoisonError::into_inner);
            let windows = self.weighted(layout, *chunk, *at, out.ncols());
            tile(
                plan,
                bases,
                layout.is_temporal(),
                layout.chunk(*chunk).start + *at as u64,
                *input,
                out.view_mut(),
                &windows,
            )
        })?;
        let average = plan.windows[self.index].get(self.n_windows_done).map_or(0, |window| window.average);
        spare.forget(plan.positions.holding(layout.chunk(last).stop - 1), average);
        let gone = layout.windows_of(last).iter().map(|&(w, _)| w).min().unwrap_or(0);
        self.windows = self.windows.split_off(&gone);
        Ok(())
    }

    /// The windows that reach into samples of a chunk, with their weights (none: 1).
    fn weighted(&self, layout: &Layout, chunk: usize, at: usize, len: usize) -> Vec<(&Shared, Option<&[f64]>)> {
        layout
            .windows_of(chunk)
            .into_iter()
            .map(|(w, slope)| {
                let weights = match slope {
                    Slope::Flat => None,
                    Slope::Rising => Some(&self.weights.0[at..at + len]),
                    Slope::Falling => Some(&self.weights.1[at..at + len]),
                };
                (&self.windows[&w], weights)
            })
            .filter(|(shared, _)| shared.n_components() > 0)
            .collect()
    }
}

/// The triangle of a chunk's signals.
fn factor(plan: &Plan, bases: &Bases, temporal: Temporal, layout: &Layout, seen: &Seen<'_>) -> Result<Factor> {
    let span = layout.chunk(seen.chunk);
    let n = span.len() as usize;
    let signals_at =
        |at: usize, to: usize| signals(plan, bases, temporal, span.start + at as u64, seen.data.slice(s![.., at..to]));
    let n_signals = if temporal.after {
        plan.picks().len() + 2 * plan.good.len()
    } else {
        plan.good.len() + if temporal.only { plan.bad.len() } else { 0 }
    };
    let r = triangle::triangle(n_signals, n, |k| signals_at(k * TILE, ((k + 1) * TILE).min(n)))?;
    let after = match layout.lookahead(seen.chunk) {
        0 => None,
        _ => Some(signals_at(n, n + 1)?.column(0).to_owned()),
    };
    Ok(Factor { r, after })
}

/// The signals that windows are made of: the good channels (then the bad ones, where they are only projected); or what
/// comes out, then its inner parts and residuals.
fn signals(
    plan: &Plan,
    bases: &Bases,
    temporal: Temporal,
    start: u64,
    data: ArrayView2<'_, f64>,
) -> Result<Array2<f64>> {
    let good = gather(plan, start, data, &plan.good, if temporal.only { &plan.bad } else { &[] })?;
    if !temporal.after {
        return Ok(good);
    }
    let (n_meg, n) = (plan.picks().len(), plan.good.len());
    let mut out = Array2::zeros((n_meg + 2 * n, good.ncols()));
    reconstruct(plan, bases, start, good.view(), out.slice_mut(s![..n_meg, ..]));
    for part in 0..2 {
        let rows = n_meg + part * n..n_meg + (part + 1) * n;
        blend(plan, start, good.view(), out.slice_mut(s![rows, ..]), |control| {
            let parts = bases.spatial(control).parts.as_ref().expect("parts are made where they are needed");
            parts[part].view()
        });
    }
    Ok(out)
}

/// Rows of the recording, one after the other in memory.
fn gather(plan: &Plan, start: u64, data: ArrayView2<'_, f64>, rows: &[usize], more: &[usize]) -> Result<Array2<f64>> {
    let mut out = Array2::zeros((rows.len() + more.len(), data.ncols()));
    for (mut to, &row) in out.rows_mut().into_iter().zip(rows.iter().chain(more)) {
        let from = data.row(row);
        to.assign(&from);
        Error::check_finite(to.view(), &plan.ch_names[row], start, plan.sfreq)?;
    }
    Ok(out)
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

/// All MEG channels from the good ones.
fn reconstruct(plan: &Plan, bases: &Bases, start: u64, good: ArrayView2<'_, f64>, out: ArrayViewMut2<'_, f64>) {
    let mut moments = Array2::zeros((plan.recon.ncols(), good.ncols()));
    blend(plan, start, good, moments.view_mut(), |control| bases.spatial(control).ps.view());
    linalg::matmul_into(&Par::serial(), out, Accumulate::Replace, plan.recon.view(), moments.view(), 1.0);
}

/// Finishes samples of a chunk.
fn tile(
    plan: &Plan,
    bases: &Bases,
    is_temporal: bool,
    start: u64,
    input: Option<ArrayView2<'_, f64>>,
    mut out: ArrayViewMut2<'_, f64>,
    windows: &[(&Shared, Option<&[f64]>)],
) -> Result<()> {
    let serial = Par::serial();
    let n = plan.n_channels;
    if let Some(input) = input {
        out.slice_mut(s![..n, ..]).assign(&input);
    }
    if plan.chpi {
        head_channels(plan, start, out.slice_mut(s![n..n + N_CHPI, ..]));
    }
    let none = Temporal { limit: 1.0, only: false, after: false };
    let temporal = plan.temporal.filter(|_| is_temporal).unwrap_or(none);
    if plan.temporal.is_some_and(|temporal| temporal.only) && windows.is_empty() {
        return Ok(());
    }
    let mut x = signals(plan, bases, temporal, start, out.slice(s![..n, ..]))?;
    let courses: Vec<Array2<f64>> = windows
        .iter()
        .map(|(shared, weights)| {
            let mut course = linalg::matmul(&serial, shared.m.t(), x.view());
            if let Some(weights) = weights {
                course
                    .rows_mut()
                    .into_iter()
                    .for_each(|mut row| row.iter_mut().zip(*weights).for_each(|(x, w)| *x *= w));
            }
            course
        })
        .collect();
    for ((shared, _), course) in windows.iter().zip(&courses) {
        linalg::matmul_into(&serial, x.view_mut(), Accumulate::Add, shared.a.view(), course.view(), -1.0);
    }
    if temporal.only {
        return scatter(x.view(), plan.good.iter().chain(&plan.bad), out);
    }
    if temporal.after {
        return scatter(x.view(), plan.picks().iter(), out);
    }
    let mut all = Array2::zeros((plan.picks().len(), x.ncols()));
    reconstruct(plan, bases, start, x.view(), all.view_mut());
    scatter(all.view(), plan.picks().iter(), out)
}

/// Writes rows to their channels.
fn scatter<'a>(
    rows: ArrayView2<'_, f64>,
    to: impl Iterator<Item = &'a usize>,
    mut out: ArrayViewMut2<'_, f64>,
) -> Result<()> {
    for (row, &channel) in rows.rows().into_iter().zip(to) {
        out.row_mut(channel).assign(&row);
    }
    Ok(())
}

/// The channels that tell where the head was: each position from its sample to the next.
fn head_channels(plan: &Plan, start: u64, mut out: ArrayViewMut2<'_, f64>) {
    for k in 0..out.ncols() {
        let at = &plan.positions.controls[plan.positions.holding(start + k as u64)].at;
        out.column_mut(k).iter_mut().zip(&at.to_row()[1..]).for_each(|(x, &value)| *x = value);
    }
}
