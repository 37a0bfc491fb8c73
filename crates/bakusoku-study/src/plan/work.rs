//! What running code may ask for: threads, a place for temporary files, whether to stop, and where to leave remarks.

use super::graph::{Graph, Rec, Signal};
use super::product::Values;
use crate::config::Config;
use crate::report::data::Warning;
use crate::{Error, Result};
use bakusoku_core::{Bytes, Cancel, Cx, Par, Picks, Progress, Recording, SpillDir, Stream};
use ndarray::ArrayViewMut2;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

/// What a pass may hold of rows and blocks.
pub(crate) const PASS_BUFFER: Bytes = Bytes(86_000_000);

/// What running code may ask for.
pub struct Work<'a> {
    /// The study's configuration.
    pub config: &'a Config,
    /// How inner work is spread.
    pub par: &'a Par,
    /// Whether to stop.
    pub cancel: &'a Cancel,
    /// Where temporary files go.
    pub spill: &'a SpillDir,
    pub(crate) progress: Progress,
    pub(crate) graph: Option<&'a Graph>,
    pub(crate) values: Option<&'a Values>,
    /// Share of the unit's work that the function in hand makes up: from, how much.
    pub(crate) range: (f64, f64),
    pub(crate) warnings: &'a Mutex<Vec<Warning>>,
    pub(crate) step: &'static str,
    pub(crate) run: Option<String>,
}

impl Work<'_> {
    /// What the runner is handed.
    pub fn cx(&self) -> Cx {
        let (progress, (from, part)) = (self.progress.clone(), self.range);
        Cx {
            par: self.par.clone(),
            cancel: self.cancel.clone(),
            memory: PASS_BUFFER,
            spill: self.spill.clone(),
            progress: Some(Arc::new(move |done: f64, what: &str| progress(from + part * done, what))),
        }
    }
    /// Tells what is being worked on.
    pub fn progress_of(&self, what: &str) {
        (self.progress)(self.range.0, what);
    }
    /// Leaves a remark, with the step and recording in hand.
    pub fn warn(&self, text: impl Into<String>) {
        let warning = Warning { step: self.step.into(), run: self.run.clone(), text: text.into() };
        let mut warnings = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }
    /// A recording with the header that it has at `signal`; nothing but headers may lie between.
    ///
    /// # Errors
    /// When a header can't be made.
    pub fn recording(&self, signal: Signal) -> Result<View<'_>> {
        match (self.graph, self.values) {
            (Some(graph), Some(values)) => View::new(graph, values, signal),
            _ => Err(Error::data("there is no recording here", "read it in a step of a unit")),
        }
    }
}

/// A recording with another header.
pub struct View<'a> {
    inner: &'a dyn Recording,
    stream: Stream,
}

impl<'a> View<'a> {
    pub(crate) fn new(graph: &'a Graph, values: &Values, signal: Signal) -> Result<Self> {
        let Rec(rec) = graph.signals[signal.0].rec;
        let inner = &graph.recordings[rec].input;
        let mut stream = inner.stream().clone();
        for signal in graph.line(signal) {
            if let super::graph::Change::Header(change) = &graph.signals[signal.0].change {
                stream = change(values, &stream)?;
            }
        }
        Ok(Self { inner, stream })
    }
}

impl Recording for View<'_> {
    fn stream(&self) -> &Stream {
        &self.stream
    }
    fn read(&self, times: Range<u64>, picks: &Picks, out: ArrayViewMut2<'_, f64>) -> bakusoku_core::Result<()> {
        self.inner.read(times, picks, out)
    }
}
