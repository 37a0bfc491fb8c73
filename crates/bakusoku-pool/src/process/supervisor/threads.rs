//! Threads inside tasks: workers × threads never exceeds the cores, as far as the calls of the moment can tell.

use super::Supervisor;
use super::state::{State, WorkerPool};

impl Supervisor {
    /// Says how many threads the worker's next task may use inside.
    pub(super) fn assign_threads(&self, state: &State, worker_id: u64) {
        let Some(worker) = state.workers.get(&worker_id) else { return };
        let Some(pool) = state.pools.get(&worker.pool) else { return };
        let options = &pool.options;
        let threads = options.threads.unwrap_or_else(|| {
            let others = state.workers.iter().filter(|(id, it)| **id != worker_id && it.is_busy());
            let (mut busy, mut taken) = (0, 0);
            for (_, other) in others {
                busy += usize::from(other.pool == worker.pool);
                taken += other.memory.shared_state().threads().max(1);
            }
            let share = (options.cores / options.size).max(1);
            let share = match queued(state, pool, worker_id) {
                // Few are left: the cores that nobody uses are shared among those that begin now.
                Some(queued) if queued + busy < options.size => {
                    (options.cores.saturating_sub(taken) / queued).max(share)
                }
                // Enough for everybody, or nobody knows.
                _ => share,
            };
            share.min(options.cores.saturating_sub(taken)).min(options.most_threads).max(1)
        });
        worker.memory.shared_state().set_threads(threads);
    }

    /// A worker has nothing more to do: those that wait in line behind others' tasks may get its cores, and, where tasks
    /// can change in their midst, those that run.
    pub(super) fn share_free_cores(&self, state: &State, pool_id: u64) {
        let Some(pool) = state.pools.get(&pool_id) else { return };
        if pool.options.threads.is_some() || pool.options.cores < 2 {
            return;
        }
        for id in &pool.workers {
            if state.workers.get(id).is_some_and(|worker| worker.flights.len() > 1) {
                self.assign_threads(state, *id);
            }
        }
        self.rebalance_threads(state, pool_id);
    }

    /// Where tasks can change in their midst: all that run get the same share.
    pub(super) fn rebalance_threads(&self, state: &State, pool_id: u64) {
        let Some(pool) = state.pools.get(&pool_id).filter(|pool| pool.options.elastic) else { return };
        let running: Vec<_> = pool.workers.iter().filter_map(|id| state.workers.get(id)).collect();
        let running: Vec<_> = running.into_iter().filter(|worker| worker.is_busy()).collect();
        let share = (pool.options.cores / running.len().max(1)).clamp(1, pool.options.most_threads.max(1));
        for worker in running {
            worker.memory.shared_state().set_threads(share);
            worker.memory.shared_state().set_elastic(share);
        }
    }
}

/// Items that are not begun, this worker's next included; `None`: nobody knows.
fn queued(state: &State, pool: &WorkerPool, worker_id: u64) -> Option<usize> {
    let mut waiting = 0;
    for id in &pool.workers {
        let Some(worker) = state.workers.get(id).filter(|_| *id != worker_id) else { continue };
        waiting += worker.flights.iter().skip(1).map(|flight| flight.chunk.items as usize).sum::<usize>();
    }
    for job in pool.jobs.iter().filter_map(|id| state.jobs.get(id)) {
        if job.options.others {
            return None;
        }
        waiting += job.options.total?.saturating_sub(job.supplied) as usize;
        waiting += job.ready.iter().map(|chunk| chunk.items as usize).sum::<usize>();
    }
    Some(waiting + 1)
}
