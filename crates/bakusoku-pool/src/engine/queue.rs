//! The queue of tasks that wait for memory. It chooses what fits, and nothing starves.
//!
//! In order of age, the first task that fits into what is free is taken, and the ones it overtakes are counted as
//! overtaken; nobody overtakes a task that was overtaken [`PATIENCE`] times. When nothing is running the oldest is
//! taken whatever it needs: a task larger than the whole budget runs alone. Pure: no threads, no clock.

use std::collections::BTreeMap;

use crate::Need;

/// How often a task may be overtaken by younger ones.
pub(crate) const PATIENCE: u32 = 16;

/// How many tasks are looked at: thousands of equal ones need no search.
const WINDOW: usize = 64;

/// Age: tasks of tasks stand with their eldest ancestor, the root.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Order {
    pub(crate) root: u64,
    pub(crate) ticket: u64,
}

pub(crate) struct Queue<T>(BTreeMap<Order, Entry<T>>);

struct Entry<T> {
    batch: u64,
    need: Need,
    overtaken: u32,
    item: T,
}

pub(crate) struct Admission<T> {
    pub(crate) order: Order,
    pub(crate) need: Need,
    pub(crate) item: T,
    /// Larger than the whole budget.
    pub(crate) alone: bool,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Queue(BTreeMap::new())
    }
}

impl<T> Queue<T> {
    pub(crate) fn push(&mut self, order: Order, batch: u64, need: Need, item: T) {
        self.0.insert(order, Entry { batch, need, overtaken: 0, item });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Who is next, when `used` of `capacity` is taken by running tasks, `active` of which are not waiting for their own.
    pub(crate) fn choose(&self, used: Need, capacity: Need, active: usize, alone: Option<u64>) -> Option<Order> {
        for (order, entry) in self.0.iter().take(WINDOW) {
            // Beside a task that runs alone only its own tasks run.
            let welcome = alone.is_none_or(|root| root == order.root);
            if welcome && (used + entry.need).fits(capacity) {
                return Some(*order);
            }
            if entry.overtaken >= PATIENCE {
                break;
            }
        }
        // Nobody who is running can end before somebody is let in, or nobody is running at all.
        let first = || self.0.keys().find(|order| alone.is_none_or(|root| root == order.root));
        if active == 0 { first().copied() } else { None }
    }

    pub(crate) fn take(
        &mut self,
        used: Need,
        capacity: Need,
        active: usize,
        alone: Option<u64>,
    ) -> Option<Admission<T>> {
        let order = self.choose(used, capacity, active, alone)?;
        for (_, entry) in self.0.range_mut(..order) {
            entry.overtaken += 1;
        }
        let Entry { need, item, .. } = self.0.remove(&order)?;
        Some(Admission { order, need, item, alone: !need.fits(capacity) })
    }

    pub(crate) fn withdraw(&mut self, batch: Option<u64>) -> Vec<T> {
        let gone: Vec<Order> =
            self.0.iter().filter(|(_, e)| batch.is_none_or(|b| b == e.batch)).map(|(order, _)| *order).collect();
        gone.iter().filter_map(|order| self.0.remove(order)).map(|entry| entry.item).collect()
    }

    pub(crate) fn correct(&mut self, batch: u64, need: impl Fn(Need) -> Need) {
        for entry in self.0.values_mut().filter(|entry| entry.batch == batch) {
            entry.need = need(entry.need);
        }
    }
}
