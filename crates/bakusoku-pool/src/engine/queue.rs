//! The queue of tasks that wait for memory. It chooses what fits, and nothing starves.
//!
//! In order of age, the first task that fits into what is free is taken, and the ones it overtakes are counted as
//! overtaken; nobody overtakes a task that was overtaken [`MAX_OVERTAKES`] times. When nothing is running the oldest is
//! taken whatever it needs: a task larger than the whole budget runs alone. Pure: no threads, no clock.

use std::collections::BTreeMap;

use crate::Need;

/// How often a task may be overtaken by younger ones.
pub(crate) const MAX_OVERTAKES: u32 = 16;

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
            if entry.overtaken >= MAX_OVERTAKES {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Bytes;

    const FULL: Need = Need { memory: Bytes(100), disk: Bytes(100) };

    fn need(memory: u64, disk: u64) -> Need {
        Need { memory: Bytes(memory), disk: Bytes(disk) }
    }

    fn queue(needs: &[Need]) -> Queue<usize> {
        let mut queue = Queue::default();
        for (i, need) in needs.iter().enumerate() {
            queue.push(Order { root: i as u64, ticket: i as u64 }, 0, *need, i);
        }
        queue
    }

    /// Runnable a queue to its end: `slots` at once, the oldest ends first. The order of admission.
    fn admitted(mut queue: Queue<usize>, slots: usize) -> Vec<usize> {
        let (mut running, mut order) = (std::collections::VecDeque::new(), Vec::new());
        let mut used = Need::default();
        loop {
            let alone = running.iter().any(|(_, alone)| *alone).then_some(u64::MAX);
            let next = if running.len() < slots { queue.take(used, FULL, running.len(), alone) } else { None };
            match next {
                Some(Admission { need, item, alone, .. }) => {
                    used += need;
                    assert!(used.fits(FULL) || running.is_empty(), "{used:?}");
                    order.push(item);
                    running.push_back((need, alone));
                }
                None => match running.pop_front() {
                    Some((need, _)) => used = used - need,
                    None if queue.is_empty() => return order,
                    None => panic!("nothing runs and nobody is let in"),
                },
            }
        }
    }

    #[test]
    fn it_chooses_what_fits_and_keeps_the_order_where_all_fits() {
        assert_eq!(admitted(queue(&[need(10, 0); 20]), 8), (0..20).collect::<Vec<_>>());
        assert_eq!(admitted(queue(&[need(60, 0), need(60, 0), need(40, 0), need(0, 90)]), 8), [0, 2, 3, 1]);
        // Disk counts as memory does.
        assert_eq!(admitted(queue(&[need(0, 60), need(0, 60), need(0, 40)]), 8), [0, 2, 1]);
    }

    #[test]
    fn nobody_is_overtaken_without_end() {
        let mut state = 1u64;
        for _ in 0..300 {
            let mut next = |n: u64| {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                (state >> 33) % n
            };
            let slots = 1 + next(8) as usize;
            // Up to a fifth more than the whole budget.
            let needs: Vec<Need> = (0..200).map(|_| need(next(3) * next(60), next(120))).collect();
            let order = admitted(queue(&needs), slots);
            let mut seen = order.clone();
            seen.sort_unstable();
            assert!(seen.into_iter().eq(0..200));
            for (place, &item) in order.iter().enumerate() {
                let overtakers = order[..place].iter().filter(|other| **other > item).count();
                assert!(overtakers <= MAX_OVERTAKES as usize, "{item} was overtaken {overtakers} times");
            }
        }
    }

    #[test]
    fn tasks_of_tasks_stand_with_their_root() {
        let mut queue = queue(&[need(1, 0), need(1, 0), need(1, 0)]);
        queue.push(Order { root: 1, ticket: 50 }, 7, need(1, 0), 50);
        queue.push(Order { root: 0, ticket: 51 }, 7, need(1, 0), 51);
        assert_eq!(queue.withdraw(Some(9)), []);
        let mut order = Vec::new();
        while let Some(next) = queue.take(Need::default(), FULL, 0, None) {
            order.push(next.item);
        }
        assert_eq!(order, [0, 51, 1, 50, 2]);
    }
}
