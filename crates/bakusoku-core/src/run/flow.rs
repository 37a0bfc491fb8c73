//! The tree of methods and taps, as users build it.

use super::graph::Graph;
use super::times::Times;
use super::{Store, columns, need, rows, schedule, store};
use crate::{Bytes, Cx, Error, Method, Need, Recording, Result, RowSink, Sink, Stream};
use std::time::Duration;

/// A node of a [`Flow`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub(super) usize);

impl NodeId {
    /// The recording as it is read.
    pub const SOURCE: Self = Self(0);
}

/// What is done to a recording, and who listens where: a tree of named nodes whose root is the source.
///
/// It knows the source's [`Stream`] only, so that it can be planned before the samples are there.
///
/// ```
/// # use bakusoku_core::{run::{Flow, NodeId}, Cx, Method, Recording, Result, Sink};
/// # fn f(recording: &dyn Recording, notch: &dyn Method, wide: &dyn Method, narrow: &dyn Method,
/// #      writer: &mut dyn Sink, spectrum: &mut dyn Sink, cx: &Cx) -> Result<()> {
/// let mut flow = Flow::new(recording.stream());
/// let notched = flow.add(NodeId::SOURCE, "notch", notch)?;
/// let filtered = flow.add(notched, "filter", wide)?;
/// let slow = flow.add(notched, "slow waves", narrow)?; // a fork: `notched` is computed once
/// flow.tap(filtered, "write", writer);
/// flow.tap(slow, "spectrum", spectrum);
/// flow.keep(filtered);
/// let mut done = flow.run(recording, cx)?;
/// let store = done.take(filtered).expect("it was kept");
/// let second = Flow::new(store.stream()); // the next pass starts from it as from a file
/// # Ok(()) }
/// ```
pub struct Flow<'a> {
    pub(super) nodes: Vec<Node<'a>>,
    pub(super) taps: Vec<Tap<'a>>,
}

pub(super) struct Node<'a> {
    pub parent: usize,
    pub name: String,
    /// `None`: the source.
    pub method: Option<&'a dyn Method>,
    pub stream: Stream,
    pub keep: bool,
}

pub(super) struct Tap<'a> {
    pub node: usize,
    pub name: String,
    pub face: Face<'a>,
}

/// What a tap can take.
pub(super) enum Face<'a> {
    /// Columns; also rows, where [`Sink::rows`] says so.
    Sink(&'a mut dyn Sink),
    Rows(&'a dyn RowSink),
}

impl Face<'_> {
    pub(super) fn rows(&self) -> Option<&dyn RowSink> {
        match self {
            Face::Sink(sink) => sink.rows(),
            Face::Rows(sink) => Some(*sink),
        }
    }
}

impl<'a> Flow<'a> {
    /// Only the source.
    pub fn new(source: &Stream) -> Self {
        let source = Node { parent: 0, name: "read".into(), method: None, stream: source.clone(), keep: false };
        Self { nodes: vec![source], taps: Vec::new() }
    }
    /// A flow without forks: one node after the other, by the names of their methods.
    ///
    /// # Errors
    /// When a method does not fit the stream that reaches it.
    pub fn straight(source: &Stream, methods: &[&'a dyn Method]) -> Result<Self> {
        let mut flow = Self::new(source);
        for method in methods {
            flow.add(flow.end(), method.name(), *method)?;
        }
        Ok(flow)
    }
    /// Adds a node after `parent`. `name` is the step's, as errors and times shall show it. All parameter errors come from
    /// here, before a sample is read.
    ///
    /// # Errors
    /// When the method does not fit the stream that reaches it.
    pub fn add(&mut self, parent: NodeId, name: impl Into<String>, method: &'a dyn Method) -> Result<NodeId> {
        let name = name.into();
        let stream = method.output(&self.nodes[parent.0].stream).map_err(|error| error.at_node(&name))?;
        self.nodes.push(Node { parent: parent.0, name, method: Some(method), stream, keep: false });
        Ok(self.end())
    }
    /// What flows at a node.
    pub fn stream(&self, node: NodeId) -> &Stream {
        &self.nodes[node.0].stream
    }
    /// The node that was added last; the source, where there is none.
    pub fn end(&self) -> NodeId {
        NodeId(self.nodes.len() - 1)
    }
    /// All nodes, the source first, in the order in which they were added.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..self.nodes.len()).map(NodeId)
    }
    /// Lends a sink to a node. A sink that takes [rows as well](Sink::rows) gets what is walked there anyway. `name` is what
    /// errors and times shall show.
    pub fn tap(&mut self, node: NodeId, name: impl Into<String>, sink: &'a mut dyn Sink) -> &mut Self {
        self.taps.push(Tap { node: node.0, name: name.into(), face: Face::Sink(sink) });
        self
    }
    /// Lends a sink to a node that takes nothing but rows.
    pub fn tap_rows(&mut self, node: NodeId, name: impl Into<String>, sink: &'a dyn RowSink) -> &mut Self {
        self.taps.push(Tap { node: node.0, name: name.into(), face: Face::Rows(sink) });
        self
    }
    /// Keeps the samples of a node in a temporary file, which [`Done::take`] hands out. The source is there already, and is
    /// not kept.
    pub fn keep(&mut self, node: NodeId) -> &mut Self {
        self.nodes[node.0].keep = node != NodeId::SOURCE;
        self
    }
    /// What a run needs at most with `threads` threads and `memory` for rows and blocks in hand: with its taps, and with all
    /// temporary files that are there at the same time.
    ///
    /// # Errors
    /// When a method can't be bound to its stream.
    pub fn need(&self, threads: usize, memory: Bytes) -> Result<Need> {
        // What is odd about a method is said when it runs.
        let quiet = tracing::subscriber::NoSubscriber::default();
        let graph = tracing::subscriber::with_default(quiet, || Graph::new(self))?;
        Ok(need::of(self, &graph, threads, memory))
    }
    /// Leads the recording through. Every sink has had all its samples, and its `end`, when this returns.
    ///
    /// # Errors
    /// The first one of the source, a method, a sink, or the engine, with the [name of its node](Error::node); also when the
    /// run is cancelled, or `source` is not the recording that was planned with.
    pub fn run(self, source: &dyn Recording, cx: &Cx) -> Result<Done> {
        let (planned, given) = (&self.nodes[0].stream, source.stream());
        if (planned.n_channels(), planned.n_times) != (given.n_channels(), given.n_times) {
            return Err(Error::data(format!(
                "the recording has {} channels and {} samples, expected {} and {} as planned",
                given.n_channels(),
                given.n_times,
                planned.n_channels(),
                planned.n_times
            )));
        }
        let mut graph = Graph::new(&self)?;
        let actions = schedule::actions(&graph);
        let names: Vec<String> = self.nodes.iter().map(|node| node.name.clone()).collect();
        let mut taps: Vec<Option<Tap<'a>>> = self.taps.into_iter().map(Some).collect();
        let times = Times::new(names, taps.iter().flatten().map(|tap| tap.name.clone()));
        let total: f64 = actions.iter().map(|action| action.cost(&graph)).sum();
        let mut stores: Vec<Option<Store>> = graph.places.iter().map(|_| None).collect();
        let (mut kept, mut share) = (Vec::new(), 0.0);
        for action in &actions {
            let part = action.cost(&graph) / total.max(f64::MIN_POSITIVE);
            match action {
                schedule::Action::Rows { root, stored } => {
                    let held = stores[*root].as_ref().map_or(store::Held::Source(source), store::Held::Store);
                    let made = rows::walk(held, *root, stored, &graph, &taps, &times, (share, part), cx)?;
                    made.into_iter().for_each(|(place, store)| stores[place] = Some(store));
                }
                schedule::Action::Columns { root, stored } => {
                    let held = stores[*root].as_ref().map_or(store::Held::Source(source), store::Held::Store);
                    let made = columns::walk(held, *root, stored, &mut graph, &mut taps, &times, (share, part), cx)?;
                    made.into_iter().for_each(|(place, store)| stores[place] = Some(store));
                }
                schedule::Action::Release { place } => {
                    let store = stores[*place].take();
                    if let (Some(node), Some(store)) = (graph.places[*place].keep, store) {
                        kept.push((NodeId(node), store));
                    }
                }
            }
            share += part;
        }
        cx.report(1.0, "done");
        Ok(Done { times: times.list(), kept })
    }
}

/// What a run leaves.
pub struct Done {
    /// Wall time by name of node or tap, `read` first; what took no time is left out. Where two methods work as one, each has
    /// half of their time.
    pub times: Vec<(String, Duration)>,
    kept: Vec<(NodeId, Store)>,
}

impl Done {
    /// The samples of a node that were kept; `None` where they weren't, or were taken before.
    pub fn take(&mut self, node: NodeId) -> Option<Store> {
        let at = self.kept.iter().position(|(kept, _)| *kept == node)?;
        Some(self.kept.swap_remove(at).1)
    }
}
