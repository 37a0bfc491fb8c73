//! Handles for the language binding: [`WorkerPool`] and [`Job`].

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::admission::Needs;
use super::state::{
    From, Job as JobState, JobOptions, Listener, Reason, Role, Stage, State, WorkerPool as PoolState, WorkerPoolOptions,
};
use super::{Callbacks, Supervisor, Until, Waited};
use crate::process::chunk::{Chunk, ChunkResult, Source};

/// How long a task that was interrupted may take to end.
const GRACE: Duration = Duration::from_secs(2);

/// The workers of one pool.
pub struct WorkerPool {
    supervisor: Arc<Supervisor>,
    id: u64,
}

/// Where a job's items come from, beside those that it is started with.
pub enum Items {
    /// There are no others.
    These,
    /// Asked by whoever has time: it must not make anybody wait.
    Source(Box<dyn Source>),
}

/// The items of one call. Dropped, it runs to its end and its answers are lost.
pub struct Job {
    supervisor: Arc<Supervisor>,
    id: u64,
}

impl Supervisor {
    /// Starts workers.
    pub fn pool(self: &Arc<Self>, options: WorkerPoolOptions, callbacks: Arc<dyn Callbacks>) -> io::Result<WorkerPool> {
        self.ensure_thread()?;
        self.stop_here();
        let id = {
            let mut state = self.lock();
            if state.down {
                return Err(io::Error::other("the process is ending, and its pools have ended"));
            }
            let id = state.number();
            let missing = options.size;
            let pool = PoolState {
                options,
                callbacks,
                stage: Stage::Open,
                workers: Vec::new(),
                missing,
                starting: false,
                from_forkserver: false,
                generation: 0,
                broken: None,
                failed_starts: 0,
                retry: None,
                pace: None,
                needs: Needs::default(),
                jobs: VecDeque::new(),
            };
            state.pools.insert(id, pool);
            id
        };
        self.dispatch();
        Ok(WorkerPool { supervisor: Arc::clone(self), id })
    }

    pub(super) fn cancel_job(&self, state: &mut State, id: u64) {
        let Some(job) = state.jobs.get_mut(&id) else { return };
        job.cancelled = true;
        job.ready.clear();
        if !matches!(job.source, From::Busy)
            && let From::Source(source) | From::Later(source) = std::mem::replace(&mut job.source, From::End)
        {
            // An object of the binding; dropped without the lock.
            state.trash.push(source);
        }
        self.asked.notify_all();
        if let Some(pool) = state.jobs.get(&id).and_then(|job| state.pools.get(&job.pool)) {
            for worker_id in pool.workers.clone() {
                let Some(worker) = state.workers.get_mut(&worker_id) else { continue };
                let mut back = Vec::new();
                worker.flights.retain(|flight| {
                    let goes = flight.job == Some(id) && worker.memory.shared_state().withdraw(flight.slot);
                    if goes {
                        back.push(flight.chunk.clone());
                    }
                    !goes
                });
                for chunk in back {
                    worker.take_back(&chunk);
                    state.outstanding -= 1;
                    if let Some(job) = state.jobs.get_mut(&id) {
                        job.flights -= 1;
                        job.in_flight_items -= u64::from(chunk.items);
                    }
                }
            }
        }
        if state.jobs.get(&id).is_some_and(JobState::done) {
            self.finish(state, id);
        }
    }

    /// A job has all its answers.
    pub(super) fn finish(&self, state: &mut State, id: u64) {
        let Some(job) = state.jobs.get_mut(&id) else { return };
        let pool_id = job.pool;
        // It is told for the last time, and let go: it may hold what holds the job.
        if let Some(listener) = job.listener.take() {
            state.told.push(listener);
        }
        if job.abandoned
            && let Some(job) = state.jobs.remove(&id)
        {
            state.finished.push(job);
        }
        // Of many jobs, those at the front end first.
        if let Some(pool) = state.pools.get_mut(&pool_id)
            && let Some(at) = pool.jobs.iter().position(|job| *job == id)
        {
            pool.jobs.remove(at);
        }
        self.close_if_done(state, pool_id);
    }
}

impl WorkerPool {
    /// Starts a job: these chunks, then what the source has.
    pub fn job(&self, options: JobOptions, chunks: Vec<Chunk>, source: Items, listener: Option<Listener>) -> Job {
        let supervisor = &self.supervisor;
        let id = {
            let mut state = supervisor.lock();
            let id = state.number();
            let supplied = chunks.iter().map(|chunk| u64::from(chunk.items)).sum();
            let job = JobState {
                pool: self.id,
                options,
                ready: chunks.into(),
                source: match source {
                    Items::These => From::End,
                    Items::Source(source) => From::Source(source),
                },
                supplied,
                flights: 0,
                parts: Vec::new(),
                unread: 0,
                arrived: 0,
                per_item: None,
                most: 1,
                weight: 0,
                weight_of_item: 0,
                result_weight: 0,
                cancelled: false,
                listener,
                abandoned: false,
                in_flight_items: 0,
                came: false,
            };
            let timed = job.options.timeout.is_some();
            state.jobs.insert(id, job);
            let refused = match state.pools.get_mut(&self.id) {
                Some(pool) if pool.stage != Stage::Terminated && pool.broken.is_none() => {
                    pool.jobs.push_back(id);
                    false
                }
                _ => true,
            };
            if refused {
                supervisor.cancel_job(&mut state, id);
            } else if state.jobs.get(&id).is_some_and(JobState::done) {
                supervisor.finish(&mut state, id);
            } else if timed && state.role == Role::Supervisor {
                supervisor.wake();
            }
            id
        };
        supervisor.dispatch();
        Job { supervisor: Arc::clone(supervisor), id }
    }

    /// Takes no more jobs; workers end when those that there are have ended.
    pub fn close(&self) {
        let mut state = self.supervisor.lock();
        let Some(pool) = state.pools.get_mut(&self.id) else { return };
        if pool.stage == Stage::Open {
            pool.stage = Stage::Closed;
            if pool.jobs.is_empty() {
                pool.missing = 0;
            }
        }
        self.supervisor.close_if_done(&mut state, self.id);
    }

    /// Ends all jobs and workers, now.
    pub fn terminate(&self) {
        {
            let mut state = self.supervisor.lock();
            let Some(pool) = state.pools.get_mut(&self.id) else { return };
            pool.stage = Stage::Terminated;
            (pool.missing, pool.retry) = (0, None);
            let (workers, jobs) = (pool.workers.clone(), pool.jobs.clone());
            for job in jobs {
                self.supervisor.cancel_job(&mut state, job);
            }
            for worker in workers {
                self.supervisor.end_worker(&mut state, worker);
            }
        }
        // The thread that polls sees to those that do not end.
        self.supervisor.wake();
        self.supervisor.empty_trash();
    }

    /// Waits until all workers have ended. Items that wait for a reader are begun all the same.
    pub fn join(&self, deadline: Option<Instant>, stop: &mut dyn FnMut() -> bool) -> Waited {
        {
            let mut state = self.supervisor.lock();
            let jobs = state.pools.get(&self.id).map(|pool| pool.jobs.clone()).unwrap_or_default();
            for job in jobs {
                if let Some(job) = state.jobs.get_mut(&job) {
                    job.options.ahead = None;
                }
            }
        }
        let id = self.id;
        let mut gone = |state: &State| {
            let busy = state.pools.get(&id).is_some_and(|c| c.stage != Stage::Terminated && !c.jobs.is_empty());
            !busy && state.workers.values().all(|worker| worker.pool != id)
        };
        self.supervisor.wait(&mut gone, deadline, stop)
    }

    /// Why there are no workers, when there are none.
    pub fn broken(&self) -> Option<Arc<Reason>> {
        self.supervisor.lock().pools.get(&self.id).and_then(|pool| pool.broken.clone())
    }

    /// Processes of the workers that run.
    pub fn processes(&self) -> Vec<u32> {
        let state = self.supervisor.lock();
        let Some(pool) = state.pools.get(&self.id) else { return Vec::new() };
        let pids = pool.workers.iter().filter_map(|id| state.workers.get(id)?.pid);
        pids.map(i32::unsigned_abs).collect()
    }

    /// The items that run now: their jobs' tags and their numbers.
    pub fn running(&self) -> Vec<(u64, u64)> {
        let state = self.supervisor.lock();
        let Some(pool) = state.pools.get(&self.id) else { return Vec::new() };
        pool.workers.iter().filter_map(|id| state.workers.get(id)?.running(&state.jobs)).collect()
    }

    /// The supervisor that its workers belong to.
    pub fn supervisor(&self) -> &Arc<Supervisor> {
        &self.supervisor
    }
}

impl Drop for WorkerPool {
    fn drop(&mut self) {
        if !self.supervisor.is_ours() {
            return;
        }
        self.terminate();
        let pool = {
            let mut state = self.supervisor.lock();
            state.pools.remove(&self.id)
        };
        drop(pool);
    }
}

impl Job {
    /// At the end of the process nothing more arrives: whether [`stop`](Job::stop) is due.
    pub fn has_stopped(&self) -> bool {
        let state = self.supervisor.lock();
        state.down && state.ended_by != Some(std::thread::current().id())
    }

    /// Stops a thread that the end of the process does not wait for.
    pub fn stop(&self) {
        self.supervisor.stop_here();
    }

    /// What has arrived since the last time, how many answers have arrived at all, and whether no more will.
    pub fn take(&self) -> (Vec<ChunkResult>, u64, bool) {
        let mut state = self.supervisor.lock();
        let Some(job) = state.jobs.get_mut(&self.id) else { return (Vec::new(), 0, true) };
        (std::mem::take(&mut job.parts), job.arrived, job.done())
    }

    /// The reader is done with so many items: as many more may be begun.
    pub fn read(&self, items: u64) {
        if let Some(job) = self.supervisor.lock().jobs.get_mut(&self.id) {
            job.unread = job.unread.saturating_sub(items);
        }
        self.supervisor.dispatch();
    }

    /// Works until there is something, `deadline`, or `stop` says so.
    pub fn wait(&self, until: Until, deadline: Option<Instant>, stop: &mut dyn FnMut() -> bool) -> Waited {
        let mut ready = |state: &State| {
            state
                .jobs
                .get(&self.id)
                .is_none_or(|job| job.done() || matches!(until, Until::More(seen) if job.arrived > seen))
        };
        self.supervisor.wait(&mut ready, deadline, stop)
    }

    /// More items, that go before all others.
    pub fn again(&self, chunks: Vec<Chunk>, listener: Option<Listener>) {
        let before;
        {
            let mut state = self.supervisor.lock();
            let Some(job) = state.jobs.get_mut(&self.id) else { return };
            if job.cancelled {
                return;
            }
            before = std::mem::replace(&mut job.listener, listener);
            let pool = job.pool;
            for chunk in chunks.into_iter().rev() {
                job.ready.push_front(chunk);
            }
            if let Some(pool) = state.pools.get_mut(&pool)
                && !pool.jobs.contains(&self.id)
            {
                pool.jobs.push_front(self.id);
            }
        }
        drop(before);
        self.supervisor.dispatch();
    }

    /// For a thread that fills the source: waits until it had nothing when it was asked ([`NextChunk::Later`]). False: nobody
    /// will ask any more.
    pub fn wanted(&self) -> bool {
        let mut state = self.supervisor.lock();
        loop {
            if state.down {
                return false;
            }
            match state.jobs.get(&self.id).map(|job| &job.source) {
                None | Some(From::End) => return false,
                Some(From::Later(_)) => return true,
                Some(From::Source(_) | From::Busy) => {}
            }
            state = self.supervisor.asked.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The source, which had nothing, has something, or ends.
    pub fn came(&self) {
        let free = {
            let mut state = self.supervisor.lock();
            let Some(job) = state.jobs.get_mut(&self.id) else { return };
            match std::mem::replace(&mut job.source, From::Busy) {
                From::Later(source) => job.source = From::Source(source),
                From::Busy => job.came = true,
                other => job.source = other,
            }
            state.role == Role::Free
        };
        // Whoever polls asks the source, so that this thread can fill it meanwhile.
        if free {
            self.supervisor.dispatch();
            self.supervisor.notify();
        } else {
            self.supervisor.wake();
        }
    }

    /// Takes no more items; those that run go on.
    pub fn cancel(&self) {
        {
            let mut state = self.supervisor.lock();
            self.supervisor.cancel_job(&mut state, self.id);
        }
        self.supervisor.empty_trash();
    }

    /// Takes no more items and interrupts those that run; who does not end soon is ended.
    pub fn interrupt(&self) {
        self.cancel();
        let mut state = self.supervisor.lock();
        for worker in state.workers.values_mut() {
            let Some(head) = worker.flights.front() else { continue };
            if head.job == Some(self.id) && worker.memory.shared_state().begun(head.slot) {
                worker.memory.shared_state().interrupt(head.slot);
                worker.signal(Signal::INT);
                worker.kill_at = Some(Instant::now() + GRACE);
            }
        }
        drop(state);
        self.supervisor.wake();
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if !self.supervisor.is_ours() {
            return;
        }
        let mut listener = None;
        let job = {
            let mut state = self.supervisor.lock();
            let Some(job) = state.jobs.get_mut(&self.id) else { return };
            if job.done() {
                state.jobs.remove(&self.id)
            } else {
                // It runs to its end; nobody holds its items back.
                job.abandoned = true;
                job.options.ahead = None;
                listener = job.listener.take();
                None
            }
        };
        drop((job, listener));
        self.supervisor.empty_trash();
    }
}

impl Supervisor {
    /// Drops objects of the binding, without the lock.
    pub(super) fn empty_trash(&self) {
        let trash = {
            let mut state = self.lock();
            (std::mem::take(&mut state.trash), std::mem::take(&mut state.finished))
        };
        drop(trash);
    }
}
