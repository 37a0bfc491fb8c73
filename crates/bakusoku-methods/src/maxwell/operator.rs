//! The Maxwell filter on a stream of blocks, where it is more than a matrix.
//!
//! Blocks are put together to chunks ([`layout`](super::layout)), as many as there are threads at a time; so results
//! depend on neither. Chunks go out as soon as the windows that reach into them are known: the next chunk, as a rule.

use super::bases::Bases;
use super::method::{ReportSlot, leave, warn};
use super::plan::Plan;
use super::report::TsssWindow;
use super::stretch::{Finish, Samples, Seen, Stretch};
use bakusoku_core::{Block, Cx, Emit, Operator, Result, Segment, Span};
use ndarray::{Array2, ArrayView2, s};
use std::collections::VecDeque;
use std::sync::Arc;

/// Carries samples, triangles and bases from block to block.
pub(super) struct MaxwellOperator {
    plan: Arc<Plan>,
    bases: Bases,
    /// Whether moments come out, and the other channels.
    moments: bool,
    /// Windows that were seen, and where to tell of them.
    windows: Vec<TsssWindow>,
    slot: Option<ReportSlot>,
    /// All of the stream: stretches that pass unchanged gain channels as well.
    whole: [Segment; 1],
    /// The next sample.
    at: u64,
    /// The segment in hand, and how many stretches were begun.
    segment: usize,
    n_begun: usize,
    current: Option<Current>,
}

/// The stretch in hand.
struct Current {
    index: usize,
    stretch: Stretch,
    /// Chunks that were seen.
    seen: usize,
    /// Chunks that went out.
    gone: usize,
    /// Chunks from `gone` on.
    chunks: VecDeque<Chunk>,
}

/// Samples of a chunk, and those after it that a window wants to see.
struct Chunk {
    span: Span,
    /// `(n_rows, chunk and lookahead)`
    data: Array2<f64>,
    filled: usize,
}

impl Chunk {
    fn new(plan: &Plan, index: usize, chunk: usize, n_rows: usize) -> Self {
        let layout = &plan.layouts[index];
        let span = layout.chunk(chunk);
        let shape = (n_rows, span.len() as usize + layout.lookahead(chunk));
        Self { span, data: Array2::zeros(shape), filled: 0 }
    }
    fn is_full(&self) -> bool {
        self.filled == self.data.ncols()
    }
    /// Takes what belongs here of samples from `start` on.
    fn take(&mut self, start: u64, samples: ArrayView2<'_, f64>) {
        let from = self.span.start + self.filled as u64;
        let stop = (self.span.start + self.data.ncols() as u64).min(start + samples.ncols() as u64);
        if from < start || from >= stop {
            return;
        }
        let (a, b) = ((from - start) as usize, (stop - start) as usize);
        let to = s![..samples.nrows(), self.filled..self.filled + b - a];
        self.data.slice_mut(to).assign(&samples.slice(s![.., a..b]));
        self.filled += b - a;
    }
}

impl MaxwellOperator {
    /// Follows a plan, and leaves what it did in `slot`.
    pub(super) fn new(plan: Arc<Plan>, slot: Option<ReportSlot>) -> Self {
        let n_times = plan.segments.last().map_or(0, |segment| segment.span().stop);
        Self {
            plan,
            bases: Bases::default(),
            moments: false,
            windows: Vec::new(),
            slot,
            whole: [Segment::Process(Span::new(0, n_times))],
            at: 0,
            segment: 0,
            n_begun: 0,
            current: None,
        }
    }

    /// The same, that emits inner moments and the other channels: what [`Plan::expansion`] takes.
    pub(super) fn of_moments(plan: Arc<Plan>, slot: Option<ReportSlot>) -> Self {
        Self { moments: true, ..Self::new(plan, slot) }
    }

    /// Samples of a stretch that is processed.
    fn feed(&mut self, start: u64, samples: ArrayView2<'_, f64>, out: &mut dyn Emit, cx: &Cx) -> Result<()> {
        let Self { plan, bases, moments, current, n_begun, windows, .. } = self;
        // What comes out takes the place of what went in, unless it is something else.
        let n_rows = if *moments { plan.n_channels } else { plan.n_out() };
        let current = current.get_or_insert_with(|| {
            *n_begun += 1;
            let index = *n_begun - 1;
            Current { index, stretch: Stretch::new(plan, index), seen: 0, gone: 0, chunks: VecDeque::new() }
        });
        let layout = &plan.layouts[current.index];
        let stop = start + samples.ncols() as u64;
        loop {
            for chunk in &mut current.chunks {
                chunk.take(start, samples);
            }
            let next = current.gone + current.chunks.len();
            let unseen = current.chunks.iter().skip(current.seen - current.gone);
            let full = unseen.take_while(|chunk| chunk.is_full()).count();
            let all_here = current.seen + full == layout.n_chunks();
            if full > 0 && (full >= cx.par.threads() || all_here) {
                windows.extend(current.work(full, plan, bases, *moments, out, cx)?);
            }
            if next == layout.n_chunks() || layout.chunk(next).start >= stop {
                return Ok(());
            }
            current.chunks.push_back(Chunk::new(plan, current.index, next, n_rows));
        }
    }
}

impl Current {
    /// Looks at the next `n` chunks, finishes what can be finished, and sends it out.
    fn work(
        &mut self,
        n: usize,
        plan: &Plan,
        bases: &mut Bases,
        moments: bool,
        out: &mut dyn Emit,
        cx: &Cx,
    ) -> Result<Vec<TsssWindow>> {
        cx.cancel.check()?;
        let n_channels = plan.n_channels;
        let seen: Vec<Seen<'_>> = (0..self.seen - self.gone + n)
            .map(|k| Seen { chunk: self.gone + k, data: self.chunks[k].data.slice(s![..n_channels, ..]) })
            .collect();
        let windows = self.stretch.see(&cx.par, plan, bases, &seen)?;
        for window in &windows {
            let (start, stop) = (window.start as f64 / plan.sfreq, (window.stop - 1) as f64 / plan.sfreq);
            let components = window.n_components;
            tracing::debug!("projecting {components} intersecting tSSS components for {start:.3} - {stop:.3} s");
        }
        self.seen += n;
        let ready = self.stretch.ready(plan) - self.gone;
        if moments {
            self.send_moments(ready, plan, bases, out, cx)?;
        } else {
            self.send(ready, plan, bases, out, cx)?;
        }
        self.gone += ready;
        Ok(windows)
    }

    /// Finishes the first `n` chunks where they stand, and sends them out.
    fn send(&mut self, n: usize, plan: &Plan, bases: &mut Bases, out: &mut dyn Emit, cx: &Cx) -> Result<()> {
        let gone = self.gone;
        let jobs = self.chunks.iter_mut().take(n).enumerate().map(|(k, chunk)| {
            let len = chunk.span.len() as usize;
            Finish { chunk: gone + k, data: Samples::There, out: chunk.data.slice_mut(s![.., ..len]) }
        });
        self.stretch.finish(&cx.par, plan, bases, jobs.collect())?;
        for Chunk { span, data, .. } in self.chunks.drain(..n) {
            let len = span.len() as usize;
            let data = if data.ncols() == len { data } else { data.slice(s![.., ..len]).to_owned() };
            out.emit(Block { start: span.start, data }, cx)?;
        }
        Ok(())
    }

    /// Makes moments of the first `n` chunks, and sends them out.
    fn send_moments(&mut self, n: usize, plan: &Plan, bases: &mut Bases, out: &mut dyn Emit, cx: &Cx) -> Result<()> {
        let chunks: Vec<Chunk> = self.chunks.drain(..n).collect();
        let n_rows = plan.recon.ncols() + plan.n_out() - plan.picks().len();
        let mut made: Vec<Array2<f64>> =
            chunks.iter().map(|chunk| Array2::zeros((n_rows, chunk.span.len() as usize))).collect();
        let gone = self.gone;
        let jobs = chunks.iter().zip(&mut made).enumerate().map(|(k, (chunk, made))| Finish {
            chunk: gone + k,
            data: Samples::ToMoments(chunk.data.slice(s![.., ..made.ncols()])),
            out: made.view_mut(),
        });
        self.stretch.finish(&cx.par, plan, bases, jobs.collect())?;
        for (Chunk { span, .. }, data) in chunks.into_iter().zip(made) {
            out.emit(Block { start: span.start, data }, cx)?;
        }
        Ok(())
    }
}

impl Operator for MaxwellOperator {
    fn segments(&self) -> &[Segment] {
        &self.whole
    }
    fn begin(&mut self, _span: Span) -> Result<()> {
        warn(&self.plan);
        Ok(())
    }
    fn push(&mut self, block: Block, out: &mut dyn Emit, cx: &Cx) -> Result<()> {
        let stop = block.start + block.n_times() as u64;
        while self.at < stop {
            let segment = self.plan.segments[self.segment];
            let to = segment.span().stop.min(stop);
            let range = (self.at - block.start) as usize..(to - block.start) as usize;
            let samples = block.data.slice(s![.., range]);
            let start = self.at;
            match segment {
                Segment::Copy(_) => {
                    let mut data = Array2::zeros((self.plan.n_out(), samples.ncols()));
                    data.slice_mut(s![..samples.nrows(), ..]).assign(&samples);
                    out.emit(Block { start, data }, cx)?;
                }
                Segment::Process(_) => self.feed(start, samples, out, cx)?,
            }
            self.at = to;
            // A stretch of no samples is none.
            while self.plan.segments.get(self.segment).is_some_and(|segment| segment.span().stop == self.at) {
                self.segment += 1;
                self.current = None;
            }
        }
        Ok(())
    }
    fn end(&mut self, _out: &mut dyn Emit, _cx: &Cx) -> Result<()> {
        let mut report = self.plan.report.clone();
        self.bases.tell(&mut report);
        report.windows.append(&mut self.windows);
        leave(self.slot.as_ref(), report);
        Ok(())
    }
    fn held_bytes(&self) -> u64 {
        self.plan.held_bytes(1)
    }
}
