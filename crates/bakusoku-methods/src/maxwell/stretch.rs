//! One stretch on its way: triangles of chunks, directions of windows, finished chunks.

use super::bases::Bases;
use super::layout::{Layout, Slope};
use super::plan::{Plan, Temporal};
use super::report::TsssWindow;
use super::signals::{Reaching, finish, finish_moments, gather, moving_parts, reconstruct};
use super::temporal::{Shared, from_samples, from_triangle};
use super::triangle::{TILE, Triangle, join, triangle};
use bakusoku_core::{Par, Result, Span};
use bakusoku_math::linalg;
use ndarray::{Array1, Array2, ArrayView2, ArrayViewMut2, Axis, concatenate, s};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// A chunk's triangle, and the sample after it that a window wants to see.
struct Factor {
    triangle: Triangle,
    after: Option<Array1<f64>>,
}

/// Samples of a chunk, and those after it that [`Layout::lookahead`] asks for: all channels.
pub(super) struct Seen<'a> {
    /// Which chunk.
    pub chunk: usize,
    /// `(n_channels, chunk and lookahead)`
    pub data: ArrayView2<'a, f64>,
}

/// A chunk to be finished, or to be given as moments and other channels ([`Plan::expansion`]).
pub(super) struct Finish<'a> {
    /// Which chunk.
    pub chunk: usize,
    /// Its samples.
    pub data: Samples<'a>,
    /// Where the result goes, `(n_out, n)`, or `(n_rows, n)` where it is moments.
    pub out: ArrayViewMut2<'a, f64>,
}

/// Samples of a chunk to be finished, `(n_channels, n)`.
#[derive(Clone, Copy)]
pub(super) enum Samples<'a> {
    /// They stand where the result goes.
    There,
    /// To become channels.
    ToChannels(ArrayView2<'a, f64>),
    /// To become moments.
    ToMoments(ArrayView2<'a, f64>),
}

impl Samples<'_> {
    fn slice(self, at: usize, len: usize) -> Self {
        let columns = s![.., at..at + len];
        match self {
            Self::There => Self::There,
            Self::ToChannels(data) => Self::ToChannels(data.slice_move(columns)),
            Self::ToMoments(data) => Self::ToMoments(data.slice_move(columns)),
        }
    }
}

/// See above.
pub(super) struct Stretch {
    index: usize,
    n_seen: usize,
    n_windows_done: usize,
    factors: BTreeMap<usize, Factor>,
    windows: BTreeMap<usize, Shared>,
    /// Of a rising window, and of a falling one.
    weights: (Vec<f64>, Vec<f64>),
}

impl Stretch {
    /// The stretch of that number.
    pub(super) fn new(plan: &Plan, index: usize) -> Self {
        Self {
            index,
            n_seen: 0,
            n_windows_done: 0,
            factors: BTreeMap::new(),
            windows: BTreeMap::new(),
            weights: plan.layouts[index].hann(),
        }
    }

    fn layout<'a>(&self, plan: &'a Plan) -> &'a Layout {
        &plan.layouts[self.index]
    }

    /// How many chunks can be finished.
    pub(super) fn ready(&self, plan: &Plan) -> usize {
        let layout = self.layout(plan);
        let known = |c: &usize| layout.windows_of(*c).iter().all(|&(w, _)| w < self.n_windows_done);
        (0..self.n_seen).rev().find(known).map_or(0, |c| c + 1)
    }

    /// Looks at the next chunks, and finds the directions of the windows that are complete with them. The chunks that
    /// were seen before but are not finished come first.
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
        let Some(last) = chunks.last() else { return Ok(Vec::new()) };
        let before = std::mem::replace(&mut self.n_seen, last.chunk + 1);
        let Some(temporal) = plan.temporal else { return Ok(Vec::new()) };
        if !layout.is_temporal() {
            // Too short for a window: nothing is taken out.
            let Span { start, stop } = layout.span;
            let n_positions = plan.windows[self.index][0].n_positions;
            let short = TsssWindow { start, stop, n_components: 0, n_positions };
            return Ok(if before == 0 { vec![short] } else { Vec::new() });
        }
        let done = self.n_windows_done;
        let n = (done..layout.n_windows()).take_while(|&w| layout.chunks_of(w).end <= self.n_seen).count();
        let planned = &plan.windows[self.index][done..done + n];
        if let (Some(first), Some(last)) = (planned.first(), planned.last()) {
            let controls = if temporal.after {
                plan.controls_of(Span::new(layout.window(done).start, layout.window(done + n - 1).stop))
            } else {
                0..0
            };
            let averages = if temporal.after { 0..0 } else { first.average..last.average + 1 };
            bases.need(par, plan, controls, averages)?;
        }
        let bases = &*bases;
        if !temporal.after {
            let new: Vec<&Seen<'_>> = chunks.iter().filter(|seen| seen.chunk >= before).collect();
            let factors = par.try_map(new.len(), |k| factor(plan, layout, new[k]))?;
            self.factors.extend(new.iter().map(|seen| seen.chunk).zip(factors));
        }
        let found = par.try_map(n, |k| self.window(plan, bases, temporal, done + k, chunks))?;
        let reports = found.iter().enumerate().map(|(k, shared)| TsssWindow {
            start: layout.window(done + k).start,
            stop: layout.window(done + k).stop,
            n_components: shared.n_components(),
            n_positions: planned[k].n_positions,
        });
        let reports = reports.collect();
        self.windows.extend((done..).zip(found));
        self.n_windows_done += n;
        // What no later window sees.
        self.factors = self.factors.split_off(&self.n_windows_done);
        Ok(reports)
    }

    /// The directions of a window.
    fn window(&self, plan: &Plan, bases: &Bases, temporal: Temporal, w: usize, chunks: &[Seen<'_>]) -> Result<Shared> {
        let layout = self.layout(plan);
        let span = layout.window(w);
        let average = plan.windows[self.index][w].average;
        if !temporal.after {
            let r = self.triangle(layout, w);
            let found = from_triangle(r.view(), span.len(), bases.splitter(average), temporal.limit)?;
            if let Some(shared) = found {
                return Ok(shared);
            }
        }
        let range = layout.chunks_of(w);
        let pieces: Vec<ArrayView2<'_, f64>> = chunks
            .iter()
            .filter(|seen| range.contains(&seen.chunk))
            .map(|seen| {
                let look = if seen.chunk + 1 == range.end { layout.lookahead(seen.chunk) } else { 0 };
                seen.data.slice(s![.., ..layout.chunk(seen.chunk).len() as usize + look])
            })
            .collect();
        let samples = concatenate(Axis(1), &pieces).expect("all chunks have the same channels");
        let good = gather(plan, span.start, samples.view(), plan.good.iter())?;
        if temporal.after {
            let signals = reconstruct(plan, bases, span.start, good.view());
            return from_samples(moving_parts(plan, bases, span.start, good.view()), signals.view(), temporal.limit);
        }
        let signals = gather(plan, span.start, samples.view(), plan.signals().iter())?;
        let decoupled = match &plan.decoupler {
            None => good,
            Some(decoupler) => linalg::matmul(&Par::serial(), decoupler.view(), good.view()),
        };
        from_samples(bases.splitter(average).parts(decoupled.view()), signals.view(), temporal.limit)
    }

    /// The triangle of a window's signals.
    fn triangle(&self, layout: &Layout, w: usize) -> Array2<f64> {
        let parts: Vec<&Factor> = layout.chunks_of(w).map(|c| &self.factors[&c]).collect();
        let after = parts.last().and_then(|last| last.after.as_ref()).map(|after| after.view().insert_axis(Axis(0)));
        let triangles: Vec<&Triangle> = parts.iter().map(|factor| &factor.triangle).collect();
        join(&triangles, after.as_slice())
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
        if !plan.temporal.is_some_and(|temporal| temporal.only) {
            let span = Span::new(layout.chunk(first).start, layout.chunk(last).stop);
            bases.need(par, plan, plan.controls_of(span), 0..0)?;
        }
        let mut jobs = Vec::new();
        for Finish { chunk, data, out } in chunks {
            let n = out.ncols();
            // Tiles are cut from the chunk's start, whoever hands it in.
            let mut rest = out;
            for at in (0..n).step_by(TILE) {
                let len = TILE.min(n - at);
                let (tile, more) = rest.split_at(Axis(1), len);
                jobs.push((chunk, at, data.slice(at, len), Mutex::new(tile)));
                rest = more;
            }
        }
        let (this, made) = (&*self, &*bases);
        par.try_for_each(jobs.len(), |k| {
            let (chunk, at, data, out) = &jobs[k];
            let mut out = out.lock().unwrap_or_else(PoisonError::into_inner);
            let windows = this.reaching(layout, *chunk, *at, out.ncols());
            let start = layout.chunk(*chunk).start + *at as u64;
            match *data {
                Samples::There => finish(plan, made, start, None, out.view_mut(), &windows),
                Samples::ToChannels(data) => finish(plan, made, start, Some(data), out.view_mut(), &windows),
                Samples::ToMoments(data) => finish_moments(plan, made, start, data, out.view_mut(), &windows),
            }
        })?;
        // What no later chunk and no later window needs.
        let average = plan.windows[self.index].get(self.n_windows_done).map_or(0, |window| window.average);
        bases.forget(plan.positions.holding(layout.chunk(last).stop - 1), average);
        let gone = layout.windows_of(last).iter().map(|&(w, _)| w).min().unwrap_or(0);
        self.windows = self.windows.split_off(&gone);
        Ok(())
    }

    /// The windows that reach into a tile of a chunk, and have something to take out.
    fn reaching(&self, layout: &Layout, chunk: usize, at: usize, len: usize) -> Vec<Reaching<'_>> {
        let start = layout.chunk(chunk).start + at as u64;
        layout
            .windows_of(chunk)
            .into_iter()
            .map(|(w, slope)| Reaching {
                shared: &self.windows[&w],
                at: (start - layout.window(w).start) as usize,
                weights: match slope {
                    Slope::Flat => None,
                    Slope::Rising => Some(&self.weights.0[at..at + len]),
                    Slope::Falling => Some(&self.weights.1[at..at + len]),
                },
            })
            .filter(|window| window.shared.n_components() > 0)
            .collect()
    }
}

/// The triangle of a chunk's signals.
fn factor(plan: &Plan, layout: &Layout, seen: &Seen<'_>) -> Result<Factor> {
    let (span, rows) = (layout.chunk(seen.chunk), plan.signals());
    let n = span.len() as usize;
    let samples =
        |from: usize, to: usize| gather(plan, span.start + from as u64, seen.data.slice(s![.., from..to]), rows.iter());
    let triangle = triangle(rows.len(), n, |k| samples(k * TILE, ((k + 1) * TILE).min(n)))?;
    let after = match layout.lookahead(seen.chunk) {
        0 => None,
        _ => Some(samples(n, n + 1)?.column(0).to_owned()),
    };
    Ok(Factor { triangle, after })
}
