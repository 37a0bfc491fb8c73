//! Memory: which items may run beside those that run.
//!
//! What an item needs was said, or is learned from those of its function that are done: how far their worker grew beyond
//! what it held when it was new. Items of one worker run one after the other, so a worker needs as much as the largest
//! of its items.

use std::collections::HashMap;
use std::sync::Weak;

use super::Hub;
use super::state::{Crew, State, Worker};
use crate::process::parcel::{Function, Parcel};

/// Items of a function that are remembered.
const REMEMBERED: usize = 32;

/// What items of each function needed.
#[derive(Debug, Default)]
pub(super) struct Needs(HashMap<u64, (Weak<Function>, Vec<u64>)>);

impl Needs {
    /// Takes note of how much a parcel needed.
    pub(super) fn learn(&mut self, parcel: &Parcel, bytes: u64) {
        self.0.retain(|_, (function, _)| function.strong_count() > 0);
        let (_, seen) = self
            .0
            .entry(parcel.function.number)
            .or_insert_with(|| (std::sync::Arc::downgrade(&parcel.function), Vec::new()));
        if seen.len() == REMEMBERED {
            seen.remove(0);
        }
        seen.push(bytes);
    }

    /// How much a parcel will need: what was said, or what others of its function did; 0 where nobody knows.
    pub(super) fn of(&self, parcel: &Parcel) -> u64 {
        if parcel.need > 0 {
            return parcel.need;
        }
        if self.0.is_empty() {
            return 0;
        }
        self.0.get(&parcel.function.number).map_or(0, |(_, seen)| predicted(seen))
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

impl Hub {
    /// The worker with the least to do that may run this parcel without memory running out; `None`: it waits.
    pub(super) fn worker_for(&self, state: &State, crew: &Crew, parcel: &Parcel, depth: usize) -> Option<u64> {
        let need = crew.needs.of(parcel);
        crew.workers
            .iter()
            .filter_map(|id| Some((*id, state.workers.get(id)?)))
            .filter(|(_, worker)| worker.has_room(depth, crew.options.lives))
            .filter(|(id, _)| fits(state, crew, *id, need))
            .map(|(id, worker)| (worker.flights.len(), id))
            .min()
            .map(|(_, id)| id)
    }
}

/// Whether a worker may run something that needs this much beside what the others run.
pub(super) fn fits(state: &State, crew: &Crew, worker_id: u64, need: u64) -> bool {
    if need == 0 {
        return true;
    }
    let (mut others, mut own) = (0u64, 0);
    for (id, worker) in &state.workers {
        let reserved = reserved(state, worker);
        if *id == worker_id { own = reserved } else { others = others.saturating_add(reserved) }
    }
    // One always runs.
    others == 0 || others.saturating_add(own.max(need)) <= crew.options.memory
}

fn reserved(state: &State, worker: &Worker) -> u64 {
    let Some(crew) = state.crews.get(&worker.crew) else { return 0 };
    worker.flights.iter().filter(|flight| flight.job.is_some()).map(|f| crew.needs.of(&f.parcel)).max().unwrap_or(0)
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
