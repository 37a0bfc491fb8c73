//! Which methods run together.

use super::Taps;
use crate::{Bound, LinearMap, Operator, RowKernel, RowSink, Sink, Stream};

/// The places of a chain: what flows there, and who still waits for it.
pub(super) struct Nodes<'a> {
    pub streams: Vec<Stream>,
    pub names: Vec<&'static str>,
    taps: Vec<Taps<'a>>,
}

impl<'a> Nodes<'a> {
    pub(super) fn new(streams: Vec<Stream>, names: Vec<&'static str>, taps: Vec<Taps<'a>>) -> Self {
        Self { streams, names, taps }
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
pub(super) fn group(bounds: Vec<Bound>, taps: &[Taps<'_>]) -> Vec<Stage> {
    let silent = |place: usize| taps[place].sinks.is_empty() && taps[place].row_sinks.is_empty();
    let mut stages: Vec<Stage> = Vec::new();
    for (index, bound) in bounds.into_iter().enumerate() {
        let to = index + 1;
        match bound {
            Bound::Rows(kernel) => {
                if let Some(Stage::Rows { steps, .. }) = stages.last_mut() {
                    let last = steps.last_mut().expect("a stage has a step");
                    match if silent(index) { last.kernel.fuse(&*kernel) } else { None } {
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
                    && silent(index)
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
    straighten(stages, taps)
}

/// Makes column stages of those row stages that can be, where nobody wants rows.
fn straighten(stages: Vec<Stage>, taps: &[Taps<'_>]) -> Vec<Stage> {
    let mut out = Vec::new();
    for stage in stages {
        match stage {
            Stage::Columns { from, steps } => steps.into_iter().for_each(|step| push_column(&mut out, from, step)),
            Stage::Rows { from, steps } => {
                let quiet =
                    steps.iter().map(|step| step.to).chain([from]).all(|place| taps[place].row_sinks.is_empty());
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
