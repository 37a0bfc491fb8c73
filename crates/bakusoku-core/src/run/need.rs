//! Memory and disk of a run, before it runs.

use super::columns;
use super::flow::{Face, Flow, Tap};
use super::graph::{Graph, Work};
use super::rows::{Hand, group_len, transposes};
use super::schedule::{Action, actions};
use super::store::TILE;
use crate::{Bytes, Grain, Need, Stream};

/// What a run needs at most: the largest of its walks, and the temporary files that are there at the same time.
pub(super) fn of(flow: &Flow<'_>, graph: &Graph, threads: usize, memory: Bytes) -> Need {
    let mut alive = vec![0; graph.places.len()];
    let (mut most, mut disk) = (0, 0);
    for action in actions(graph) {
        let (root, stored, by_rows) = match action {
            Action::Rows { root, stored } => (root, stored, true),
            Action::Columns { root, stored } => (root, stored, false),
            Action::Release { place } => {
                if graph.places[place].keep.is_none() {
                    alive[place] = 0;
                }
                continue;
            }
        };
        for place in stored.iter().copied() {
            alive[place] = bytes(&graph.places[place].stream);
        }
        let mut here: u64 = alive.iter().sum();
        let methods =
            graph.reached(root, by_rows).into_iter().skip(1).map(|place| of_methods(flow, graph, place, threads));
        let (in_methods, on_disk) = methods.fold((0, 0), |sum, need| (sum.0 + need.0, sum.1 + need.1));
        let walk = if by_rows {
            let (memory, transposed) = of_rows(flow, graph, root, threads, memory);
            here += transposed;
            memory
        } else {
            of_columns(graph, root, &stored, threads)
        };
        most = most.max(walk + in_methods);
        disk = disk.max(here + on_disk);
    }
    // Taps live as long as the run.
    let held: u64 = flow.taps.iter().enumerate().map(|(index, tap)| of_tap(graph, index, tap)).sum();
    Need { memory: Bytes(most + held), disk: Bytes(disk) }
}

fn bytes(stream: &Stream) -> u64 {
    stream.n_channels() as u64 * stream.n_times * 8
}

/// Memory and disk of what leads to a place, beside rows and blocks in hand.
fn of_methods(flow: &Flow<'_>, graph: &Graph, place: usize, threads: usize) -> (u64, u64) {
    let place = &graph.places[place];
    if place.is_late {
        return (0, 0);
    }
    let needs = place.nodes.iter().filter_map(|&node| {
        let node = &flow.nodes[node];
        Some(node.method?.need(&flow.nodes[node.parent].stream, threads))
    });
    let (memory, disk) = needs.fold((0, 0), |sum, need| (sum.0 + need.memory.0, sum.1 + need.disk.0));
    // What a method says that it needs, and what it turns out to hold, are the same thing.
    let held = match &place.work {
        Work::Operator(operator) => operator.held_bytes(),
        Work::Matrix(map) => 8 * map.matrix.len() as u64,
        _ => 0,
    };
    (memory.max(held), disk)
}

/// A walk by rows, and what is transposed before it.
fn of_rows(flow: &Flow<'_>, graph: &Graph, root: usize, threads: usize, memory: Bytes) -> (u64, u64) {
    let stream = &graph.places[root].stream;
    let hand = Hand::new(graph, &|tap: usize| flow.taps[tap].face.rows(), root, threads);
    let in_hand = hand.rows + hand.scratch;
    if root != 0 {
        return (in_hand, 0);
    }
    let group = group_len(stream, threads, memory, &hand);
    if transposes(stream, group) {
        let tiles = 8 * TILE.min(stream.n_times) * (stream.n_channels() * threads) as u64;
        return (in_hand.max(tiles), bytes(stream));
    }
    (in_hand + 8 * group.min(stream.n_channels() as u64) * stream.n_times, 0)
}

/// A walk by columns.
fn of_columns(graph: &Graph, root: usize, stored: &[usize], threads: usize) -> u64 {
    let reached = graph.reached(root, false);
    let channels = |place: usize| graph.places[place].stream.n_channels() as u64;
    let most = reached.iter().map(|&place| channels(place)).max().unwrap_or(0);
    let n_times = graph.places[root].stream.n_times;
    let len = columns::block_len(most as usize).min(n_times);
    // As many blocks are read at once as there are threads.
    let mut samples = threads as u64 * len * channels(root);
    for &place in &reached {
        let here = &graph.places[place];
        if let Some(expansion) = &here.expansion {
            samples += len * expansion.n_channels() as u64;
        }
        if stored.contains(&place) {
            samples += TILE.min(here.stream.n_times) * channels(place);
        }
        samples += match &here.work {
            Work::Operator(operator) => {
                let grain = match operator.grain() {
                    Grain::Any => 0,
                    Grain::Fixed(grain) => grain.min(n_times),
                };
                // What waits for its grain, and what comes out.
                grain * channels(here.parent) + grain.max(len) * channels(place)
            }
            // What goes in, and what comes out.
            Work::Matrix(map) => 2 * len * map.channels.len() as u64 + len * channels(place),
            _ => 0,
        };
    }
    8 * samples
}

/// What a tap holds, of rows or of columns.
fn of_tap(graph: &Graph, index: usize, tap: &Tap<'_>) -> u64 {
    let by_rows = graph.places.iter().any(|place| place.row_taps.contains(&index));
    match (&tap.face, by_rows.then(|| tap.face.rows()).flatten()) {
        (_, Some(rows)) => rows.held_bytes(),
        (Face::Sink(sink), None) => sink.held_bytes(),
        (Face::Rows(sink), None) => sink.held_bytes(),
    }
}
