//! Matrices put off until rows are through.
//!
//! Where a column method ends with a matrix and row methods follow that do the same linear thing to all of its channels
//! (filters, resampling), they work on the rows that the matrix takes, which are fewer: fewer samples are turned round and
//! transformed, and the matrix meets fewer columns when there are fewer samples afterwards.
//!
//! ```text
//! method · matrix ─▶ rows ─▶ rows      becomes      method ─▶ rows ─▶ rows ─▶ matrix
//! ```

use super::Taps;
use super::stage::Nodes;
use crate::{Block, Bound, Cx, Emit, Expansion, Method, Operator, Result, RowKernel, Scratch, Segment, Span, Stream};
use std::any::Any;
use std::collections::VecDeque;
use std::sync::Arc;

/// Binds all methods, and puts off what can be; a place is added where a matrix is applied later.
pub(super) fn bind<'a>(
    methods: &[&dyn Method],
    streams: Vec<Stream>,
    taps: Vec<Taps<'a>>,
) -> Result<(Vec<Bound>, Nodes<'a>)> {
    let names = methods.iter().map(|method| method.name()).collect();
    let mut nodes = Nodes::new(streams, names, taps);
    // Of the methods after the one at hand.
    let mut bounds = VecDeque::new();
    for (index, method) in methods.iter().enumerate().rev() {
        let (stream, place) = (&nodes.streams[index], index + 1);
        let n_rows = following(&bounds, place, &nodes);
        let factored = if n_rows > 0 { method.factor(stream)? } else { None };
        let may_go_first = |bound: &&Bound| {
            let channels = factored.as_ref().map_or(&[][..], |factored| factored.expansion.channels());
            matches!(bound, Bound::Rows(kernel) if kernel.is_alike(channels))
        };
        let n = bounds.iter().take(n_rows).take_while(may_go_first).count();
        match factored {
            Some(factored) if n > 0 && !all_on_columns(&bounds, n_rows, place, &nodes) => {
                let expansion = Arc::new(factored.expansion);
                let later = Expander::new(Arc::clone(&expansion), nodes.streams[place + n].n_times);
                let rest = bounds.split_off(n);
                let rows = bounds.into_iter().map(|bound| on_rows(bound, &expansion));
                let first = std::iter::once(Bound::Columns(factored.operator));
                let last = std::iter::once(Bound::Columns(Box::new(later)));
                bounds = first.chain(rows).chain(last).chain(rest).collect();
                nodes.postpone(place..place + n + 1, &expansion, method.name());
            }
            _ => bounds.push_front(method.bind(stream)?),
        }
    }
    Ok((bounds.into(), nodes))
}

/// How many row methods follow `place` with nobody who listens to rows in between.
fn following(bounds: &VecDeque<Bound>, place: usize, nodes: &Nodes<'_>) -> usize {
    if nodes.wants_rows(place) {
        return 0;
    }
    let rows = bounds.iter().enumerate();
    rows.take_while(|(k, bound)| matches!(bound, Bound::Rows(_)) && (*k == 0 || nodes.is_silent(place + k))).count()
}

/// Whether the `n` row methods after `place` can do without rows: then nothing is turned round, and nothing to be gained.
fn all_on_columns(bounds: &VecDeque<Bound>, n: usize, place: usize, nodes: &Nodes<'_>) -> bool {
    let short = |bound: &Bound| matches!(bound, Bound::Rows(kernel) if kernel.on_columns().is_some());
    let rows_go_on = nodes.wants_rows(place + n) || matches!(bounds.get(n), Some(Bound::Rows(_)));
    !rows_go_on && bounds.iter().take(n).all(short)
}

fn on_rows(bound: Bound, expansion: &Arc<Expansion>) -> Bound {
    match bound {
        Bound::Rows(inner) => Bound::Rows(Box::new(OnRows { inner, expansion: Arc::clone(expansion) })),
        other => other,
    }
}

/// Applies the matrix.
struct Expander {
    expansion: Arc<Expansion>,
    whole: [Segment; 1],
}

impl Expander {
    fn new(expansion: Arc<Expansion>, n_times: u64) -> Self {
        Self { expansion, whole: [Segment::Process(Span::new(0, n_times))] }
    }
}

impl Operator for Expander {
    fn segments(&self) -> &[Segment] {
        &self.whole
    }
    fn push(&mut self, block: Block, out: &mut dyn Emit, cx: &Cx) -> Result<()> {
        let data = self.expansion.expand(&cx.par, block.data.view());
        out.emit(Block { start: block.start, data }, cx)
    }
}

/// A row method on the rows that an expansion takes: components are treated as its channels are.
struct OnRows {
    inner: Box<dyn RowKernel>,
    expansion: Arc<Expansion>,
}

impl OnRows {
    /// The channel as which a row is treated.
    fn channel(&self, row: usize) -> usize {
        match row.checked_sub(self.expansion.n_components()) {
            None => self.expansion.channels()[row],
            Some(other) => self.expansion.others()[other],
        }
    }
}

impl RowKernel for OnRows {
    fn n_out(&self) -> usize {
        self.inner.n_out()
    }
    fn passes(&self, row: usize) -> bool {
        self.inner.passes(self.channel(row))
    }
    fn run(&self, row: usize, samples: &[f64], out: &mut [f64], scratch: &mut Scratch) -> Result<()> {
        self.inner.run(self.channel(row), samples, out, scratch)
    }
    fn fuse(&self, next: &dyn RowKernel) -> Option<Box<dyn RowKernel>> {
        let next = next.as_any().downcast_ref::<Self>()?;
        if !Arc::ptr_eq(&self.expansion, &next.expansion) {
            return None;
        }
        let inner = self.inner.fuse(&*next.inner)?;
        Some(Box::new(Self { inner, expansion: Arc::clone(&self.expansion) }))
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn scratch_bytes(&self) -> u64 {
        self.inner.scratch_bytes()
    }
}
