//! Late expansion: matrices that make many channels of few rows wait until filters are through.
//!
//! Where a column method ends with such a matrix and row methods follow that do the same linear thing to all of its
//! channels (filters, resampling), they work on the rows that the matrix takes, which are fewer: fewer samples are
//! transposed and transformed, and the matrix meets fewer columns when there are fewer samples afterwards.
//!
//! ```text
//! method · matrix ─▶ rows ─▶ rows      becomes      method ─▶ rows ─▶ rows ─▶ matrix
//! ```
//!
//! Only where a place has one child: behind a fork each branch would need a matrix of its own.

use super::flow::Flow;
use super::graph::{Graph, Work};
use crate::{Block, Channel, Cx, Emit, Expansion, Info, Operator, Result, RowKernel, Scratch, Segment, Span};
use std::any::Any;
use std::sync::Arc;

/// Binds the method of a node whose children are bound; its matrix waits where it can.
pub(super) fn bind(graph: &mut Graph, index: usize, flow: &Flow<'_>) -> Result<()> {
    let node = &flow.nodes[index];
    let (Some(method), input) = (node.method, &flow.nodes[node.parent].stream) else { return Ok(()) };
    let at_node = |error: crate::Error| error.at_node(&node.name);
    let line = rows_after(graph, index);
    let factored = if line.is_empty() { None } else { method.factor(input).map_err(at_node)? };
    if let Some(factored) = factored
        && !all_on_columns(graph, &line)
    {
        let channels = factored.expansion.channels();
        let may_go_first = |place: &&usize| match &graph.places[**place].work {
            Work::Row(kernel) => kernel.treats_alike(channels),
            _ => false,
        };
        let first: Vec<usize> = line.iter().take_while(may_go_first).copied().collect();
        if let Some(&last) = first.last() {
            let expansion = Arc::new(factored.expansion);
            let expander = Expander::new(Arc::clone(&expansion), graph.places[last].stream.n_times);
            graph.insert_after(last, Work::Operator(Box::new(expander)), vec![index], node.name.clone());
            for &place in [index].iter().chain(&first) {
                let place = &mut graph.places[place];
                place.stream.info = Arc::new(rows_of(&place.stream.info, &expansion, &node.name));
                place.expansion = Some(Arc::clone(&expansion));
                place.work = match std::mem::replace(&mut place.work, Work::Taken) {
                    Work::Row(inner) => Work::Row(Box::new(OnRows { inner, expansion: Arc::clone(&expansion) })),
                    other => other,
                };
            }
            graph.places[index].work = Work::Operator(factored.operator);
            return Ok(());
        }
    }
    graph.places[index].work = method.bind(input).map_err(at_node)?.into();
    Ok(())
}

/// The row methods that follow `place` one after the other, with nobody who listens in between.
fn rows_after(graph: &Graph, place: usize) -> Vec<usize> {
    let mut out = Vec::new();
    let here = &graph.places[place];
    // Whoever wants rows wants those of channels, and so does what is kept.
    if !here.row_taps.is_empty() || here.keep.is_some() || here.children.len() != 1 {
        return out;
    }
    let mut at = here.children[0];
    while graph.is_row(at) {
        out.push(at);
        if !graph.is_silent(at) {
            break;
        }
        at = graph.places[at].children[0];
    }
    out
}

/// Whether these row methods can do without rows: then nothing is transposed, and nothing to be gained.
fn all_on_columns(graph: &Graph, line: &[usize]) -> bool {
    let short =
        |place: &usize| matches!(&graph.places[*place].work, Work::Row(kernel) if kernel.on_columns().is_some());
    line.iter().all(short) && line.last().is_none_or(|&last| !graph.is_walked(last, true))
}

/// The rows that an expansion takes, as channels.
fn rows_of(info: &Info, expansion: &Expansion, name: &str) -> Info {
    let components = (0..expansion.n_components())
        .map(|k| Channel { name: format!("component {k} of {name}"), ..info.chs[expansion.channels()[k]].clone() });
    let chs = components.chain(expansion.others().iter().map(|&ch| info.chs[ch].clone())).collect();
    Info { chs, ..info.clone() }
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
    fn shares_work(&self) -> bool {
        self.inner.shares_work()
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn scratch_bytes(&self) -> u64 {
        self.inner.scratch_bytes()
    }
}
