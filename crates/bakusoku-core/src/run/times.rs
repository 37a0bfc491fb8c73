//! Which node took how long.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Wall time by node, then by tap.
pub(super) struct Times {
    names: Vec<String>,
    n_nodes: usize,
    nanos: Vec<AtomicU64>,
}

impl Times {
    pub(super) fn new(nodes: Vec<String>, taps: impl Iterator<Item = String>) -> Self {
        let n_nodes = nodes.len();
        let names: Vec<String> = nodes.into_iter().chain(taps).collect();
        let nanos = names.iter().map(|_| AtomicU64::new(0)).collect();
        Self { names, n_nodes, nanos }
    }
    /// Where a tap's time is counted; a node's is counted at its index.
    pub(super) fn slot_of_tap(&self, tap: usize) -> usize {
        self.n_nodes + tap
    }
    pub(super) fn name(&self, slot: usize) -> &str {
        &self.names[slot]
    }
    /// Adds to all of `slots` alike.
    fn add(&self, slots: &[usize], nanos: u64) {
        for &slot in slots {
            self.nanos[slot].fetch_add(nanos / slots.len() as u64, Ordering::Relaxed);
        }
    }
    /// What was counted, equal names together, in the order of the names.
    pub(super) fn list(&self) -> Vec<(String, Duration)> {
        let mut out: Vec<(String, Duration)> = Vec::new();
        for (name, nanos) in self.names.iter().zip(&self.nanos) {
            let time = Duration::from_nanos(nanos.load(Ordering::Relaxed));
            match out.iter_mut().find(|(other, _)| other == name) {
                Some((_, sum)) => *sum += time,
                None => out.push((name.clone(), time)),
            }
        }
        out.retain(|(_, time)| !time.is_zero());
        out
    }
}

/// How several threads at work share a walk's wall time.
pub(super) struct Busy<'t> {
    times: &'t Times,
    start: Instant,
    nanos: Vec<AtomicU64>,
}

impl<'t> Busy<'t> {
    pub(super) fn new(times: &'t Times) -> Self {
        Self { times, start: Instant::now(), nanos: times.names.iter().map(|_| AtomicU64::new(0)).collect() }
    }
    /// Does `work` on the account of `slots`.
    pub(super) fn count<T>(&self, slots: &[usize], work: impl FnOnce() -> T) -> T {
        self.count_times(1, slots, work)
    }
    /// The same for work of so many threads at once.
    pub(super) fn count_times<T>(&self, threads: u32, slots: &[usize], work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let out = work();
        let nanos = (start.elapsed() * threads).as_nanos() as u64;
        slots.iter().for_each(|&slot| _ = self.nanos[slot].fetch_add(nanos / slots.len() as u64, Ordering::Relaxed));
        out
    }
    /// The walk is over: its wall time is divided as its threads were busy.
    pub(super) fn finish(self) {
        let busy: Vec<u64> = self.nanos.iter().map(|nanos| nanos.load(Ordering::Relaxed)).collect();
        let (wall, total) = (self.start.elapsed().as_nanos() as f64, busy.iter().sum::<u64>().max(1) as f64);
        busy.iter()
            .enumerate()
            .for_each(|(slot, &nanos)| self.times.add(&[slot], (wall * nanos as f64 / total) as u64));
    }
}

/// A clock that one thread carries from node to node.
pub(super) struct Clock<'t> {
    pub times: &'t Times,
    since: Cell<Instant>,
}

impl<'t> Clock<'t> {
    pub(super) fn new(times: &'t Times) -> Self {
        Self { times, since: Cell::new(Instant::now()) }
    }
    /// What has passed since the last call was spent on `slots`.
    pub(super) fn spent_on(&self, slots: &[usize]) {
        let now = Instant::now();
        self.times.add(slots, (now - self.since.replace(now)).as_nanos() as u64);
    }
}
