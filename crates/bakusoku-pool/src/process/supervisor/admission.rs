//! Memory: which items may run beside those that are running.
//!
//! The need of an item is given by the user or learned from finished items of the same function: how far their worker grew
//! beyond its size when it was new. Items of one worker run one after the other, so a worker needs as much as the largest
//! of its items.

use std::collections::HashMap;
use std::sync::Weak;

use super::Supervisor;
use super::state::{State, Worker, WorkerPool};
use crate::process::chunk::{Chunk, Function};

/// Items of a function that are remembered.
const REMEMBERED: usize = 32;

/// What items of each function needed.
#[derive(Debug, Default)]
pub(super) struct Needs(HashMap<u64, (Weak<Function>, Vec<u64>)>);

impl Needs {
    /// Takes note of how much a chunk needed.
    pub(super) fn learn(&mut self, chunk: &Chunk, bytes: u64) {
        self.0.retain(|_, (function, _)| function.strong_count() > 0);
        let (_, seen) = self
            .0
            .entry(chunk.function.number)
            .or_insert_with(|| (std::sync::Arc::downgrade(&chunk.function), Vec::new()));
        if seen.len() == REMEMBERED {
            seen.remove(0);
        }
        seen.push(bytes);
    }

    /// How much a chunk will need: what was said, or what others of its function did; 0 where nobody knows.
    pub(super) fn of(&self, chunk: &Chunk) -> u64 {
        if chunk.need > 0 {
            return chunk.need;
        }
        if self.0.is_empty() {
            return 0;
        }
        self.0.get(&chunk.function.number).map_or(0, |(_, seen)| predicted(seen))
    }
}

/// Median + 1.5 × interquartile range, and not more than was ever seen.
fn predicted(seen: &[u64]) -> u64 {
    let mut sorted = seen.to_vec();
    sorted.sort_unstable();
    let Some(last) = sorted.len().checked_sub(1) else { return 0 };
    let at = |quarter: usize| sorted[(last * quarter).div_ceil(4)];
    (at(2) + (at(3) - at(1)) * 3 / 2).min(sorted[last])
}

impl Supervisor {
    /// The worker with the least to do that may run this chunk without memory running out; `None`: it waits.
    pub(super) fn worker_for(&self, state: &State, pool: &WorkerPool, chunk: &Chunk, depth: usize) -> Option<u64> {
        let need = pool.needs.of(chunk);
        pool.workers
            .iter()
            .filter_map(|id| Some((*id, state.workers.get(id)?)))
            .filter(|(_, worker)| worker.has_room(depth, pool.options.max_tasks))
            .filter(|(id, _)| fits(state, pool, *id, need))
            .map(|(id, worker)| (worker.flights.len(), id))
            .min()
            .map(|(_, id)| id)
    }
}

/// Whether a worker may run something that needs this much beside what the others run.
pub(super) fn fits(state: &State, pool: &WorkerPool, worker_id: u64, need: u64) -> bool {
    if need == 0 {
        return true;
    }
    let (mut others, mut own) = (0u64, 0);
    for (id, worker) in &state.workers {
        let reserved = reserved(state, worker);
        if *id == worker_id { own = reserved } else { others = others.saturating_add(reserved) }
    }
    // One always runs.
    others == 0 || others.saturating_add(own.max(need)) <= pool.options.memory
}

fn reserved(state: &State, worker: &Worker) -> u64 {
    let Some(pool) = state.pools.get(&worker.pool) else { return 0 };
    worker.flights.iter().filter(|flight| flight.job.is_some()).map(|f| pool.needs.of(&f.chunk)).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::predicted;

    #[test]
    fn what_is_expected_lies_within_what_was_seen() {
        assert_eq!(predicted(&[]), 0);
        assert_eq!(predicted(&[7]), 7);
        assert_eq!(predicted(&[5, 5, 900, 5, 5, 5, 5, 5]), 5);
        assert_eq!(predicted(&[10, 20]), 20);
        assert!((30..=50).contains(&predicted(&[10, 20, 30, 40, 50])));
    }
}
