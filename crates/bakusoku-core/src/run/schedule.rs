//! The order of walks.

use super::graph::Graph;

/// What is done next. A place whose samples are wanted after a walk is stored by it.
#[derive(Debug)]
pub(super) enum Action {
    /// Walks row by row from `root`.
    Rows { root: usize, stored: Vec<usize> },
    /// Walks column by column from `root`.
    Columns { root: usize, stored: Vec<usize> },
    /// What was stored at `place` has been walked.
    Release { place: usize },
}

/// All that is to be done, branch by branch: what is stored is walked, and released, before another branch begins.
pub(super) fn actions(graph: &Graph) -> Vec<Action> {
    let mut out = Vec::new();
    visit(graph, 0, true, true, &mut out);
    out
}

fn visit(graph: &Graph, root: usize, by_rows: bool, by_columns: bool, out: &mut Vec<Action>) {
    let mut after = Vec::new();
    if by_rows && graph.is_walked(root, true) {
        let stored = stored(graph, root, true);
        after.extend(stored.iter().map(|&place| (place, false)));
        out.push(Action::Rows { root, stored });
    }
    if by_columns && graph.is_walked(root, false) {
        let stored = stored(graph, root, false);
        after.extend(stored.iter().map(|&place| (place, true)));
        out.push(Action::Columns { root, stored });
    }
    if root != 0 {
        out.push(Action::Release { place: root });
    }
    for (place, by_rows) in after {
        visit(graph, place, by_rows, !by_rows, out);
    }
}

/// The places of a walk whose samples are wanted the other way, or kept.
fn stored(graph: &Graph, root: usize, by_rows: bool) -> Vec<usize> {
    let wanted = |&place: &usize| graph.is_walked(place, !by_rows) || graph.places[place].keep.is_some();
    graph.reached(root, by_rows).into_iter().skip(1).filter(wanted).collect()
}

impl Action {
    /// A rough measure of its time, for progress: samples that it touches.
    pub(super) fn cost(&self, graph: &Graph) -> f64 {
        let (root, by_rows) = match self {
            Action::Rows { root, .. } => (*root, true),
            Action::Columns { root, .. } => (*root, false),
            Action::Release { .. } => return 0.0,
        };
        let samples =
            |place: usize| graph.places[place].stream.n_channels() as f64 * graph.places[place].stream.n_times as f64;
        graph.reached(root, by_rows).into_iter().map(samples).sum::<f64>().max(1.0)
    }
}
