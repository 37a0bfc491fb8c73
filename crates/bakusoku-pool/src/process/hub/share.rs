//! Cores for threads inside of tasks: workers times threads are never more than the cores, as far as the calls that are
//! there now can tell.

use super::Hub;
use super::state::{Crew, State};

impl Hub {
    /// Says how many threads the worker's next task may use inside.
    pub(super) fn allot(&self, state: &State, worker_id: u64) {
        let Some(worker) = state.workers.get(&worker_id) else { return };
        let Some(crew) = state.crews.get(&worker.crew) else { return };
        let options = &crew.options;
        let threads = options.threads.unwrap_or_else(|| {
            let others = state.workers.iter().filter(|(id, it)| **id != worker_id && it.is_busy());
            let (mut busy, mut taken) = (0, 0);
            for (_, other) in others {
                busy += usize::from(other.crew == worker.crew);
                taken += other.memory.board().threads().max(1);
            }
            let share = (options.cores / options.size).max(1);
            let share = match queued(state, crew, worker_id) {
                // Few are left: the cores that nobody uses are shared among those that begin now.
                Some(queued) if queued + busy < options.size => {
                    (options.cores.saturating_sub(taken) / queued).max(share)
                }
                // Enough for everybody, or nobody knows.
                _ => share,
            };
            share.min(options.cores.saturating_sub(taken)).min(options.most_threads).max(1)
        });
        worker.memory.board().set_threads(threads);
    }

    /// A worker has nothing more to do: those that wait in line behind others' tasks may get its cores, and, where tasks
    /// can change in their midst, those that run.
    pub(super) fn share_what_is_free(&self, state: &State, crew_id: u64) {
        let Some(crew) = state.crews.get(&crew_id) else { return };
        if crew.options.threads.is_some() || crew.options.cores < 2 {
            return;
        }
        for id in &crew.workers {
            if state.workers.get(id).is_some_and(|worker| worker.flights.len() > 1) {
                self.allot(state, *id);
            }
        }
        self.stretch(state, crew_id);
    }

    /// Where tasks can change in their midst: all that run get the same share.
    pub(super) fn stretch(&self, state: &State, crew_id: u64) {
        let Some(crew) = state.crews.get(&crew_id).filter(|crew| crew.options.elastic) else { return };
        let running: Vec<_> = crew.workers.iter().filter_map(|id| state.workers.get(id)).collect();
        let running: Vec<_> = running.into_iter().filter(|worker| worker.is_busy()).collect();
        let share = (crew.options.cores / running.len().max(1)).clamp(1, crew.options.most_threads.max(1));
        for worker in running {
            worker.memory.board().set_threads(share);
            worker.memory.board().set_elastic(share);
        }
    }
}

/// Items that are not begun, this worker's next included; `None`: nobody knows.
fn queued(state: &State, crew: &Crew, worker_id: u64) -> Option<usize> {
    let mut waiting = 0;
    for id in &crew.workers {
        let Some(worker) = state.workers.get(id).filter(|_| *id != worker_id) else { continue };
        waiting += worker.flights.iter().skip(1).map(|flight| flight.parcel.items as usize).sum::<usize>();
    }
    for job in crew.jobs.iter().filter_map(|id| state.jobs.get(id)) {
        if job.options.others {
            return None;
        }
        waiting += job.options.total?.saturating_sub(job.supplied) as usize;
        waiting += job.ready.iter().map(|parcel| parcel.items as usize).sum::<usize>();
    }
    Some(waiting + 1)
}
