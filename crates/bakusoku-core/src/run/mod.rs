//! The runner: one pass of a recording through a chain of methods, with taps.
//!
//! ```text
//! source ─▶ method ─▶ method ─▶ … ─▶ method
//!   │taps     │taps     │taps          │taps         sinks (columns) and row sinks
//! ```
//!
//! Neighbouring row methods run together on a row while it is in cache; neighbouring matrices are multiplied into one
//! before the data is touched; between rows and columns stands a [`Store`], a file in which the matrix is turned round,
//! so that memory is a few rows per thread or a few blocks, never the recording. A chain that begins with rows reads
//! the source by channel group instead, where that takes few passes over it. A matrix that makes many channels of few rows
//! is put off until row methods are through ([`Factored`](crate::Factored)).
//!
//! Results depend neither on the number of threads nor on the length of blocks: rows are pure, and columns arrive in
//! order, cut to the operator's grain from the start of its segment.

mod columns;
mod cut;
mod postpone;
mod rows;
mod stage;
mod store;

pub use store::Store;

use crate::{Bytes, Cx, Method, Need, Recording, Result, RowSink, Sink, Stream};
use stage::Stage;

/// Who listens at one place of the chain.
#[derive(Default)]
pub struct Taps<'a> {
    /// Those that want columns.
    pub sinks: Vec<&'a mut dyn Sink>,
    /// Those that want rows.
    pub row_sinks: Vec<&'a dyn RowSink>,
}

/// A recording, what is done to it in order, and who listens where.
pub struct Chain<'a> {
    /// Where samples come from.
    pub source: &'a dyn Recording,
    /// What is done, in order.
    pub methods: Vec<&'a dyn Method>,
    /// Who listens: at the source, then after each method (`methods.len() + 1` places).
    pub taps: Vec<Taps<'a>>,
}

impl<'a> Chain<'a> {
    /// A chain without taps.
    pub fn new(source: &'a dyn Recording, methods: Vec<&'a dyn Method>) -> Self {
        let taps = (0..=methods.len()).map(|_| Taps::default()).collect();
        Self { source, methods, taps }
    }
    /// The place after the last method.
    pub fn end(&self) -> usize {
        self.methods.len()
    }
    /// Adds one that wants columns at `place` (0: the source, k: after the k-th method).
    ///
    /// # Panics
    /// When there is no such place.
    pub fn tap(&mut self, place: usize, sink: &'a mut dyn Sink) -> &mut Self {
        self.taps[place].sinks.push(sink);
        self
    }
    /// Adds one that wants rows at `place`.
    ///
    /// # Panics
    /// When there is no such place.
    pub fn tap_rows(&mut self, place: usize, sink: &'a dyn RowSink) -> &mut Self {
        self.taps[place].row_sinks.push(sink);
        self
    }
    /// Leads the recording through it: [`run`].
    ///
    /// # Errors
    /// As [`run`].
    pub fn run(self, cx: &Cx) -> Result<()> {
        run(self, cx)
    }
}

/// The streams of a chain: the source's, then the one after each method. All parameter errors come from here, before
/// a sample is read.
///
/// # Errors
/// When a method does not fit the stream that reaches it.
pub fn streams(source: &Stream, methods: &[&dyn Method]) -> Result<Vec<Stream>> {
    let mut streams = vec![source.clone()];
    for method in methods {
        streams.push(method.output(&streams[streams.len() - 1])?);
    }
    Ok(streams)
}

/// What a chain needs at most when it is run with `threads` threads and `memory` for rows and blocks in hand.
///
/// # Errors
/// As [`streams`].
pub fn need(source: &Stream, methods: &[&dyn Method], threads: usize, memory: Bytes) -> Result<Need> {
    let streams = streams(source, methods)?;
    let bytes = |stream: &Stream| stream.n_channels() as u64 * stream.n_times * 8;
    let row = streams.iter().map(|stream| stream.n_times * 8).max().unwrap_or(0);
    // Three rows in hand per thread: what came in, what goes out, and what the kernel pads.
    let mut total = memory.0.max(4 * row * threads as u64);
    let mut disk = 0;
    for (method, stream) in methods.iter().zip(&streams) {
        let need = method.need(stream, threads);
        total += need.memory.0;
        disk += need.disk.0;
    }
    disk += streams.iter().skip(1).map(bytes).max().unwrap_or(0);
    if rows::passes(source, threads, memory) > rows::MAX_PASSES {
        disk += bytes(source);
    }
    Ok(Need { memory: Bytes(total), disk: Bytes(disk) })
}

/// Leads the recording through the chain. Every sink has had all its samples, and its `end`, when this returns.
///
/// # Errors
/// The first one of the source, a method, a sink, or the engine; also when the run is cancelled.
pub fn run(chain: Chain<'_>, cx: &Cx) -> Result<()> {
    let streams = streams(chain.source.stream(), &chain.methods)?;
    let (bounds, mut nodes) = postpone::bind(&chain.methods, streams, chain.taps)?;
    let stages = stage::group(bounds, &nodes);
    let n_passes = stages.len() as f64 + 1.0;
    let mut held = store::Held::Source(chain.source);
    for (index, stage) in stages.into_iter().enumerate() {
        let share = (index as f64 / n_passes, 1.0 / n_passes);
        held = match stage {
            Stage::Rows { from, steps } => rows::run(held, from, steps, &mut nodes, share, cx)?,
            Stage::Columns { from, steps } => columns::run(held, from, steps, &mut nodes, share, cx)?,
        };
    }
    let last = nodes.streams.len() - 1;
    let share = ((n_passes - 1.0) / n_passes, 1.0 / n_passes);
    // Whoever still waits at the end of the chain: those behind a turn-round that no further stage walks.
    if nodes.wants_columns(last) {
        columns::walk(&held, last, &mut nodes, share, cx)?;
    }
    if nodes.wants_rows(last) {
        rows::walk(&held, last, &mut nodes, share, cx)?;
    }
    cx.report(1.0, "done");
    Ok(())
}

#[cfg(test)]
mod tests;
