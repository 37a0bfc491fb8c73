//! Which methods run together.

use super::Taps;
use crate::{Bound, Channel, Expansion, Info, LinearMap, Operator, RowKernel, RowSink, Sink, Stream};
use std::ops::Range;
use std::sync::Arc;

/// The places of a chain: what flows there, and who still waits for it.
pub(super) struct Nodes<'a> {
    pub streams: Vec<Stream>,
    pub names: Vec<&'static str>,
    taps: Vec<Taps<'a>>,
    /// What makes a place's channels of the rows that flow there, where that is put off.
    expansions: Vec<Option<Arc<Expansion>>>,
}

impl<'a> Nodes<'a> {
    pub(super) fn new(streams: Vec<Stream>, names: Vec<&'static str>, taps: Vec<Taps<'a>>) -> Self {
        let expansions = vec![None; streams.len()];
        Self { streams, names, taps, expansions }
    }
    /// At `places` only the rows of an expansion flow; the last of them, where all channels are made of them, gets a place
    /// after it that takes over its taps.
    pub(super) fn postpone(&mut self, places: Range<usize>, expansion: &Arc<Expansion>, name: &'static str) {
        let last = places.end - 1;
        self.streams.insert(places.end, self.streams[last].clone());
        self.taps.insert(last, Taps::default());
        self.names.insert(last, name);
        self.expansions.insert(places.end, None);
        for place in places {
            self.streams[place].info = Arc::new(rows_of(&self.streams[place].info, expansion, name));
            self.expansions[place] = Some(Arc::clone(expansion));
        }
    }
    /// What makes the channels of a place of the rows that flow there; `None`: they flow there.
    pub(super) fn expansion(&self, node: usize) -> Option<Arc<Expansion>> {
        self.expansions[node].clone()
    }
    pub(super) fn is_silent(&self, node: usize) -> bool {
        !self.wants_columns(node) && !self.wants_rows(node)
    }
    pub(super) fn wants_columns(&self, node: usize) -> bool {
        !self.taps[node].sinks.is_empty()
    }
    pub(super) fn wants_rows(&self, node: usize) -> bool {
        !self.taps[node].row_sinks.is_empty()
    }
    /// Those that want columns, taken: each is served once.
    pub(super) fn take_sinks(&mut self, node: usize) -> Vec<&'a mut dyn Sink> {
        std::mem::take(&mut self.taps[node].sinks)
    }
    /// Those that want rows, taken: each is served once.
    pub(super) fn take_row_sinks(&mut self, node: usize) -> Vec<&'a dyn RowSink> {
        std::mem::take(&mut self.taps[node].row_sinks)
    }
}

/// The rows that an expansion takes, as channels.
fn rows_of(info: &Info, expansion: &Expansion, name: &str) -> Info {
    let components = (0..expansion.n_components())
        .map(|k| Channel { name: format!("component {k} of {name}"), ..info.chs[expansion.channels()[k]].clone() });
    let chs = components.chain(expansion.others().iter().map(|&ch| info.chs[ch].clone())).collect();
    Info { chs, ..info.clone() }
}

/// A step of a row stage: the kernel and the place it leads to.
pub(super) struct RowStep {
    pub kernel: Box<dyn RowKernel>,
    pub to: usize,
}

/// A step of a column stage.
pub(super) struct ColumnStep {
    pub work: ColumnWork,
    pub to: usize,
}

/// What a column step does.
pub(super) enum ColumnWork {
    Operator(Box<dyn Operator>),
    Matrix(LinearMap),
}

/// Neighbouring methods of one kind.
pub(super) enum Stage {
    Rows { from: usize, steps: Vec<RowStep> },
    Columns { from: usize, steps: Vec<ColumnStep> },
}

/// Groups neighbours of one kind; fuses those between which nobody listens.
pub(super) fn group(bounds: Vec<Bound>, nodes: &Nodes<'_>) -> Vec<Stage> {
    let mut stages: Vec<Stage> = Vec::new();
    for (index, bound) in bounds.into_iter().enumerate() {
        let to = index + 1;
        match bound {
            Bound::Rows(kernel) => {
                if let Some(Stage::Rows { steps, .. }) = stages.last_mut() {
                    let last = steps.last_mut().expect("a stage has a step");
                    match if nodes.is_silent(index) { last.kernel.fuse(&*kernel) } else { None } {
                        Some(fused) => *last = RowStep { kernel: fused, to },
                        None => steps.push(RowStep { kernel, to }),
                    }
                } else {
                    stages.push(Stage::Rows { from: index, steps: vec![RowStep { kernel, to }] });
                }
            }
            Bound::Columns(operator) => {
                push_column(&mut stages, index, ColumnStep { work: ColumnWork::Operator(operator), to })
            }
            Bound::Matrix(map) => {
                if let Some(Stage::Columns { steps, .. }) = stages.last_mut()
                    && let Some(ColumnStep { work: ColumnWork::Matrix(first), to: last_to }) = steps.last_mut()
                    && nodes.is_silent(index)
                    && first.segments == map.segments
                {
                    *first = product(first, &map);
                    *last_to = to;
                    continue;
                }
                push_column(&mut stages, index, ColumnStep { work: ColumnWork::Matrix(map), to });
            }
        }
    }
    straighten(stages, nodes)
}

/// Makes column stages of those row stages that can be, where nobody wants rows.
fn straighten(stages: Vec<Stage>, nodes: &Nodes<'_>) -> Vec<Stage> {
    let mut out = Vec::new();
    for stage in stages {
        match stage {
            Stage::Columns { from, steps } => steps.into_iter().for_each(|step| push_column(&mut out, from, step)),
            Stage::Rows { from, steps } => {
                let quiet = steps.iter().map(|step| step.to).chain([from]).all(|place| !nodes.wants_rows(place));
                let operators = || steps.iter().map(|step| step.kernel.on_columns()).collect::<Option<Vec<_>>>();
                match quiet.then(operators).flatten() {
                    Some(operators) => operators.into_iter().zip(steps).for_each(|(operator, step)| {
                        push_column(&mut out, from, ColumnStep { work: ColumnWork::Operator(operator), to: step.to });
                    }),
                    None => out.push(Stage::Rows { from, steps }),
                }
            }
        }
    }
    out
}

fn push_column(stages: &mut Vec<Stage>, from: usize, step: ColumnStep) {
    match stages.last_mut() {
        Some(Stage::Columns { steps, .. }) => steps.push(step),
        _ => stages.push(Stage::Columns { from, steps: vec![step] }),
    }
}

/// First `a`, then `b`, over the channels of either.
fn product(a: &LinearMap, b: &LinearMap) -> LinearMap {
    let mut channels: Vec<usize> = a.channels.iter().chain(&b.channels).copied().collect();
    channels.sort_unstable();
    channels.dedup();
    let (a_full, b_full) = (widen(a, &channels), widen(b, &channels));
    LinearMap {
        matrix: bakusoku_math::linalg::matmul(&crate::Par::serial(), b_full.view(), a_full.view()),
        channels,
        segments: a.segments.clone(),
        finite: a.finite || b.finite,
    }
}

/// The map's matrix over more channels, identity on those it does not concern.
fn widen(map: &LinearMap, channels: &[usize]) -> ndarray::Array2<f64> {
    let mut out = ndarray::Array2::eye(channels.len());
    let place: Vec<usize> = map
        .channels
        .iter()
        .map(|ch| channels.binary_search(ch).expect("`channels` holds those of both maps"))
        .collect();
    for (i, &row) in place.iter().enumerate() {
        for (j, &column) in place.iter().enumerate() {
            out[[row, column]] = map.matrix[[i, j]];
        }
    }
    out
}
