//! Which passes a plan takes: what is due, ranks, what is kept between passes, and what all of it needs.

use super::graph::{Change, FileNode, Fill, Graph, Make, Rec, Signal};
use super::work::PASS_BUFFER;
use crate::{Error, Result};
use bakusoku_core::run::{Flow, NodeId, Planned};
use bakusoku_core::{Bytes, Need, Sink};
use std::collections::BTreeSet;

/// One pass over one recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pass {
    pub(crate) rank: usize,
    pub(crate) rec: Rec,
    /// Where it starts: the recording with this header, or the samples kept at this signal.
    pub(crate) root: Signal,
    /// Signals with a method, each after its parent.
    pub(crate) signals: Vec<Signal>,
    /// Products that are tapped.
    pub(crate) taps: Vec<usize>,
    /// Epochs that are cut.
    pub(crate) epochs: Vec<usize>,
    /// Files that are written while samples pass.
    pub(crate) files: Vec<usize>,
    /// Signals whose samples a later pass starts from.
    pub(crate) keep: Vec<Signal>,
}

impl Pass {
    /// The signals at which somebody listens.
    fn places(&self, graph: &Graph) -> Vec<Signal> {
        let taps = self.taps.iter().filter_map(|id| match &graph.products[*id].make {
            Make::Tap { at, .. } => Some(*at),
            _ => None,
        });
        let epochs = self.epochs.iter().map(|index| graph.epochs[*index].at);
        let files = self.files.iter().filter_map(|index| match &graph.files[*index].fill {
            Fill::Stream { at, .. } => Some(*at),
            Fill::From { .. } => None,
        });
        taps.chain(epochs).chain(files).collect()
    }
}

/// What will be computed, and in which passes.
pub(crate) struct Schedule {
    /// Products that are computed or read.
    pub(crate) products: BTreeSet<usize>,
    pub(crate) passes: Vec<Pass>,
}

/// What a unit holds beside samples: headers, the plan, what its page is drawn from.
const BESIDES: Bytes = Bytes(2 << 20);

impl Schedule {
    /// From what is due.
    pub(crate) fn new(graph: &Graph) -> Self {
        Self::of(graph, |file| file.output.is_due())
    }

    /// From some of the files.
    pub(crate) fn of(graph: &Graph, wanted: impl Fn(&FileNode) -> bool) -> Self {
        let mut due = Due { graph, products: BTreeSet::new() };
        let mut streams = Vec::new();
        for (index, file) in graph.files.iter().enumerate().filter(|(_, file)| wanted(file)) {
            match &file.fill {
                Fill::From { inputs, .. } => inputs.iter().for_each(|id| due.product(*id)),
                Fill::Stream { at, .. } => {
                    due.signal(*at);
                    streams.push((index, *at));
                }
            }
        }
        let products = due.products;
        let mut passes: Vec<Pass> = Vec::new();
        let mut add = |at: Signal, waits: &[usize], what: fn(&mut Pass) -> &mut Vec<usize>, item: usize| {
            let rank = waits.iter().map(|id| product_rank(graph, *id)).fold(signal_rank(graph, at), usize::max);
            let (rec, line) = (graph.signals[at.0].rec, graph.line(at));
            let methods = line.iter().position(|s| matches!(graph.signals[s.0].change, Change::Method { .. }));
            let root = line[methods.unwrap_or(line.len()) - 1];
            let found = passes.iter().position(|pass| (pass.rank, pass.rec, pass.root) == (rank, rec, root));
            let index = found.unwrap_or_else(|| {
                let (signals, taps, epochs, files, keep) = Default::default();
                passes.push(Pass { rank, rec, root, signals, taps, epochs, files, keep });
                passes.len() - 1
            });
            let pass = &mut passes[index];
            for signal in line.into_iter().skip(methods.unwrap_or(usize::MAX)) {
                if !pass.signals.contains(&signal) {
                    pass.signals.push(signal);
                }
            }
            if !what(pass).contains(&item) {
                what(pass).push(item);
            }
        };
        for (index, at) in streams {
            add(at, &[], |pass| &mut pass.files, index);
        }
        for &id in products.iter().filter(|id| !graph.is_cached(**id)) {
            match &graph.products[id].make {
                Make::Tap { at, waits, .. } => add(*at, waits, |pass| &mut pass.taps, id),
                Make::Collect { epochs, .. } => {
                    for at in epochs {
                        let node = &graph.epochs[at.0];
                        add(node.at, &node.waits, |pass| &mut pass.epochs, at.0);
                    }
                }
                Make::Join { .. } => {}
            }
        }
        passes.sort_by_key(|pass| (pass.rank, pass.rec, pass.root));
        passes.iter_mut().for_each(|pass| pass.signals.sort_unstable());
        let mut schedule = Self { products, passes };
        schedule.keep(graph);
        schedule
    }

    /// Where a later pass would compute again what an earlier one had, the earlier one keeps it.
    fn keep(&mut self, graph: &Graph) {
        for later in 1..self.passes.len() {
            let (before, rest) = self.passes.split_at_mut(later);
            let pass = &mut rest[0];
            let shared = before.iter_mut().filter(|other| (other.rec, other.root) == (pass.rec, pass.root));
            let places = pass.places(graph);
            // The deepest signal that all of this pass goes through and that an earlier one has.
            let on_all = |signal: &Signal| places.iter().all(|at| graph.line(*at).contains(signal));
            let common = |other: &Pass| {
                let both = pass.signals.iter().filter(|signal| other.signals.contains(signal) && on_all(signal));
                both.max().copied()
            };
            let Some((signal, other)) =
                shared.filter_map(|other| Some((common(other)?, other))).max_by_key(|(s, _)| *s)
            else {
                continue;
            };
            if !other.keep.contains(&signal) {
                other.keep.push(signal);
            }
            pass.root = signal;
            pass.signals.retain(|other| *other > signal);
        }
    }

    /// What all of it needs at most.
    ///
    /// # Errors
    /// When a method does not fit.
    pub(crate) fn need(&self, graph: &Graph, threads: usize) -> Result<Need> {
        let mut need = Need::default();
        let mut collected = Need::default();
        for &id in self.products.iter().filter(|id| !graph.is_cached(**id)) {
            match &graph.products[id].make {
                Make::Join { need: own, .. } => need = need.max(*own),
                Make::Collect { need: own, .. } => {
                    collected.memory += own.memory;
                    collected.disk += own.disk;
                }
                Make::Tap { .. } => {}
            }
        }
        let mut kept = 0;
        for pass in &self.passes {
            let mut own = self.pass_need(graph, pass, threads)?;
            for &epochs in &pass.epochs {
                let epochs = &graph.epochs[epochs].need;
                own.memory += epochs.memory;
                collected.disk += epochs.disk;
            }
            own.disk += Bytes(kept);
            need = need.max(own);
            kept += pass.keep.iter().map(|signal| stored(graph, *signal)).sum::<u64>();
        }
        need.memory += collected.memory;
        need.memory += BESIDES;
        need.disk += collected.disk;
        need.disk += Bytes(graph.files.iter().filter(|file| file.output.is_due()).map(|file| file.bytes).sum());
        Ok(need)
    }

    fn pass_need(&self, graph: &Graph, pass: &Pass, threads: usize) -> Result<Need> {
        let held = |bytes: Bytes, rows: bool| Planned { held: bytes, rows };
        let mut sinks: Vec<(Signal, Planned)> = Vec::new();
        for &id in &pass.taps {
            if let Make::Tap { at, memory, .. } = &graph.products[id].make {
                sinks.push((*at, held(*memory, true)));
            }
        }
        sinks.extend(pass.epochs.iter().map(|index| (graph.epochs[*index].at, held(Bytes(0), false))));
        for &index in &pass.files {
            if let Fill::Stream { at, .. } = &graph.files[index].fill {
                sinks.push((*at, held(Bytes(0), false)));
            }
        }
        let mut flow = Flow::new(&graph.signals[pass.root.0].stream);
        let mut nodes = vec![(pass.root, NodeId::SOURCE)];
        for &signal in &pass.signals {
            let node = &graph.signals[signal.0];
            let Change::Method { expected, .. } = &node.change else { continue };
            let parent = node_of(&nodes, node.parent);
            let failed = |error: bakusoku_core::Error| Error::Step {
                step: node.step.name,
                run: graph.run_label(Some(node.rec)),
                source: Box::new(error.into()),
            };
            nodes.push((signal, flow.add(parent, node.step.name, &**expected).map_err(failed)?));
        }
        for (at, sink) in &mut sinks {
            let sink: &mut dyn Sink = sink;
            flow.tap(node_of(&nodes, Some(*at)), "tap", sink);
        }
        for signal in &pass.keep {
            flow.keep(node_of(&nodes, Some(*signal)));
        }
        Ok(flow.need(threads, PASS_BUFFER)?)
    }
}

/// The node of a flow that stands for a signal.
pub(crate) fn node_of(nodes: &[(Signal, NodeId)], signal: Option<Signal>) -> NodeId {
    let found = nodes.iter().find(|(other, _)| Some(*other) == signal);
    found.map_or(NodeId::SOURCE, |(_, node)| *node)
}

fn stored(graph: &Graph, signal: Signal) -> u64 {
    let stream = &graph.signals[signal.0].stream;
    stream.n_channels() as u64 * stream.n_times * 8
}

/// Finds what must be computed for what is due.
struct Due<'g> {
    graph: &'g Graph,
    products: BTreeSet<usize>,
}

impl Due<'_> {
    fn product(&mut self, id: usize) {
        if !self.products.insert(id) || self.graph.is_cached(id) {
            return;
        }
        match &self.graph.products[id].make {
            Make::Tap { at, waits, .. } => {
                self.signal(*at);
                waits.iter().for_each(|id| self.product(*id));
            }
            Make::Collect { epochs, .. } => {
                for at in epochs {
                    let node = &self.graph.epochs[at.0];
                    self.signal(node.at);
                    node.waits.iter().for_each(|id| self.product(*id));
                }
            }
            Make::Join { inputs, reads, .. } => {
                inputs.iter().for_each(|id| self.product(*id));
                reads.iter().for_each(|signal| self.signal(*signal));
            }
        }
    }
    fn signal(&mut self, signal: Signal) {
        for signal in self.graph.line(signal) {
            self.graph.signals[signal.0].waits.iter().for_each(|id| self.product(*id));
        }
    }
}

fn signal_rank(graph: &Graph, signal: Signal) -> usize {
    let line = graph.line(signal);
    let waits = line.iter().flat_map(|signal| &graph.signals[signal.0].waits);
    waits.map(|id| product_rank(graph, *id)).max().unwrap_or(0)
}

/// Passes that must be over before a product exists.
pub(crate) fn product_rank(graph: &Graph, id: usize) -> usize {
    if graph.is_cached(id) {
        return 0;
    }
    let of = |ids: &[usize]| ids.iter().map(|id| product_rank(graph, *id)).max().unwrap_or(0);
    match &graph.products[id].make {
        Make::Tap { at, waits, .. } => signal_rank(graph, *at).max(of(waits)) + 1,
        Make::Collect { epochs, .. } => {
            let nodes = epochs.iter().map(|at| &graph.epochs[at.0]);
            nodes.map(|node| signal_rank(graph, node.at).max(of(&node.waits))).max().unwrap_or(0) + 1
        }
        Make::Join { inputs, reads, .. } => {
            reads.iter().map(|signal| signal_rank(graph, *signal)).fold(of(inputs), usize::max)
        }
    }
}
