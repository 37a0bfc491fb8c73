//! The life cycle of a worker: started, ready, replaced, ended.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::forkserver::Forkserver;
use super::state::{Phase, Reason, Stage, State, Worker};
use super::{Callbacks, Supervisor, Which, key};
use crate::process::chunk::{ChunkResult, Exit, Outcome};
use crate::process::memory::WorkerMemory;
use crate::process::message::Request;
use crate::process::message_socket::MessageSocket;
use crate::process::system::{self, Process, TreeProcess};

/// A worker that dies before it is ready is replaced; so is the replacement, and then it is enough.
const GENERATIONS: u32 = 3;
/// Processes that workers are forked from may end without having forked one, in a row.
const MAX_FORKSERVER_FAILURES: u32 = 3;
/// A pool of more workers than this does with fewer files for each: three and not five.
const MANY: usize = 64;
/// How often, and after which pauses, a worker that could not be started is tried again.
const START_ATTEMPTS: u32 = 5;
const START_PAUSE: Duration = Duration::from_millis(200);
/// How long a worker that was asked to end may take.
const GRACE: Duration = Duration::from_millis(300);

/// What a worker gets: its end of the socket, the owner's memory, its own, and where its output goes.
#[derive(Debug)]
pub struct WorkerFiles {
    /// Its end of the socket.
    pub socket: OwnedFd,
    /// The owner's memory.
    pub owner: OwnedFd,
    /// Its own memory.
    pub own: OwnedFd,
    /// Its standard output.
    pub output: OwnedFd,
    /// Its standard error.
    pub error: OwnedFd,
}

impl Supervisor {
    /// Starts a worker. Runs callbacks, without the lock.
    pub(super) fn start_worker(self: &Arc<Self>, pool: u64, callbacks: &Arc<dyn Callbacks>) {
        let Some(_inside) = self.enter() else { return };
        let started = self.try_start(pool, callbacks);
        let mut state = self.lock();
        if let Some(pool) = state.pools.get_mut(&pool) {
            pool.starting = false;
        }
        if let Err(error) = started {
            self.worker_failed_to_start(&mut state, pool, &error);
        }
    }

    /// A worker could not be started: where others run, or did, the lack of processes or memory may pass.
    pub(super) fn worker_failed_to_start(&self, state: &mut State, id: u64, error: &io::Error) {
        let Some(pool) = state.pools.get_mut(&id) else { return };
        pool.failed_starts += 1;
        let passing = matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::OutOfMemory);
        if passing && pool.failed_starts < START_ATTEMPTS {
            tracing::warn!("a worker cannot be started now: {error}");
            let missing = pool.retry.map_or(0, |(_, missing)| missing);
            pool.retry = Some((Instant::now() + START_PAUSE, missing + 1));
            return;
        }
        let why = system::limits::explain(error);
        self.break_pool(state, id, Reason::Unable(why));
    }

    /// Workers that could not be started are tried again.
    pub(super) fn retry_starts(state: &mut State, now: Instant) {
        for pool in state.pools.values_mut() {
            if let Some((_, missing)) = pool.retry.filter(|(at, _)| now >= *at) {
                pool.retry = None;
                pool.missing += missing;
            }
        }
    }

    /// The forkserver could not fork a worker.
    pub(super) fn worker_was_not_forked(&self, state: &mut State, id: u64, number: i32) {
        let Some(pool_id) = self.drop_worker(state, id) else { return };
        let pool = state.pools.get(&pool_id);
        if pool.is_some_and(|pool| pool.stage != Stage::Terminated && pool.broken.is_none()) {
            self.worker_failed_to_start(state, pool_id, &io::Error::from_raw_os_error(number));
        }
        self.changed.notify_all();
    }

    /// A worker has never run; its pool.
    pub(super) fn drop_worker(&self, state: &mut State, id: u64) -> Option<u64> {
        let worker = state.workers.remove(&id)?;
        self.forget_files(&worker);
        worker.memory.leave();
        if let Some(pool) = state.pools.get_mut(&worker.pool) {
            pool.workers.retain(|w| *w != id);
        }
        Some(worker.pool)
    }

    fn forget_files(&self, worker: &Worker) {
        self.poll.remove(worker.socket.fd());
        for file in worker.out.iter().flatten() {
            self.poll.remove(file);
        }
        if let Some(process) = &worker.process {
            process.unwatch(&self.poll);
        }
    }

    fn try_start(self: &Arc<Self>, pool: u64, callbacks: &Arc<dyn Callbacks>) -> io::Result<()> {
        let first = callbacks.first()?;
        let ours = callbacks.starts()?;
        let (socket, its) = MessageSocket::pair()?;
        let size = self.lock().pools.get(&pool).map_or(1, |pool| pool.options.size);
        let few_files = size > MANY;
        let keep = (self.warm / size.max(1) as u64).clamp(16 << 20, 1 << 30);
        let (memory, own) = WorkerMemory::create(keep, few_files)?;
        self.regions().retain(|region| region.strong_count() > 0);
        self.regions().push(Arc::downgrade(&memory));
        let (output, output_end) = system::pipe()?;
        let (error, error_end) = system::pipe()?;
        let files = WorkerFiles {
            socket: its.into_fd(),
            owner: self.memory.region().fd()?.try_clone_to_owned()?,
            own,
            output: output_end,
            error: error_end,
        };
        let (id, files) = {
            let mut state = self.lock();
            let id = state.number();
            let Some(it) = state.pools.get_mut(&pool) else { return Ok(()) };
            it.workers.push(id);
            it.from_forkserver |= !ours;
            let generation = it.generation;
            let (threads, elastic) = (it.options.share(), it.options.elastic);
            self.poll.add(socket.fd(), key(id, Which::MessageSocket))?;
            for (file, which) in [(&output, Which::Output), (&error, Which::Error)] {
                self.poll.add(file, key(id, which))?;
            }
            let mut worker = Worker {
                pool,
                phase: Phase::Starting,
                generation,
                pid: None,
                process: None,
                tree: None,
                ours,
                socket,
                socket_open: true,
                socket_closed: false,
                out: [Some(output), Some(error)],
                memory,
                flights: VecDeque::new(),
                known: HashMap::new(),
                forget: Vec::new(),
                lent: HashMap::new(),
                items: 0,
                resident: 0,
                ready: false,
                full: false,
                filling: std::cell::Cell::new(true),
                gone: None,
                exit: None,
                late: false,
                kill_at: None,
                oom_at_start: crate::budget::oom_kills(),
            };
            worker.memory.shared_state().set_threads(threads);
            worker.memory.shared_state().set_follows(elastic);
            let told = worker.send(None, first);
            state.workers.insert(id, worker);
            if told.is_err() {
                return Err(io::Error::other("a new worker cannot be told anything"));
            }
            if !ours {
                self.restart_forkserver(&mut state)?;
                let files = vec![files.socket, files.owner, files.own, files.output, files.error];
                let forkserver =
                    state.forkserver.as_mut().ok_or_else(|| io::Error::other("nothing to fork workers from"))?;
                if let Err(error) = forkserver.fork(id, files) {
                    // It has just ended: this worker is missing again, and the next try starts another one.
                    tracing::debug!("the forkserver ended: {error}");
                    self.forkserver_is_gone(&mut state);
                }
                return Ok(());
            }
            (id, files)
        };
        let started = callbacks.start(files);
        let mut state = self.lock();
        match started {
            Ok(pid) => self.worker_runs(&mut state, id, pid, None),
            Err(error) => {
                self.drop_worker(&mut state, id);
                return Err(error);
            }
        }
        Ok(())
    }

    fn restart_forkserver(&self, state: &mut State) -> io::Result<()> {
        if state.forkserver.is_some() {
            return Ok(());
        }
        let Some((command, modules)) = state.command.clone() else {
            return Err(io::Error::other("the process that workers are forked from is gone"));
        };
        let mut forkserver = Forkserver::start(&command)?;
        for modules in &modules {
            forkserver.prepare(modules)?;
        }
        self.adopt(state, forkserver)
    }

    /// A worker's process is known.
    pub(super) fn worker_runs(&self, state: &mut State, id: u64, pid: i32, pidfd: Option<OwnedFd>) {
        let Some(worker) = state.workers.get_mut(&id) else { return };
        worker.pid = Some(pid);
        worker.tree = TreeProcess::find(pid);
        // Of a child of the forkserver without a pidfd, the forkserver says when it ends.
        let many = state.pools.get(&worker.pool).is_some_and(|pool| pool.options.size > MANY);
        let process = match pidfd {
            Some(pidfd) => (!many).then(|| Process::from_fd(pidfd)),
            None if worker.ours => match Process::open(pid, !many) {
                Ok(process) => Some(process),
                Err(error) => {
                    tracing::warn!("worker {pid} cannot be followed: {error}");
                    worker.kill();
                    worker.exit = Some(Exit::default());
                    None
                }
            },
            None => None,
        };
        if worker.exit.is_some() {
            self.worker_is_gone(state, id);
            return;
        }
        if let Some(process) = &process {
            process.watch(&self.poll, key(id, Which::Process));
        }
        worker.process = process;
        if worker.phase == Phase::Leaving {
            // It was asked to end before it had begun.
            worker.kill();
        }
    }

    /// A worker has answered what it was told first.
    pub(super) fn worker_is_ready(&self, state: &mut State, id: u64, part: ChunkResult) {
        let Some(worker) = state.workers.get_mut(&id) else { return };
        let pool = worker.pool;
        if let Outcome::Replied { status: 0, .. } = part.outcome {
            worker.ready = true;
            worker.resident = part.peak;
            if worker.phase == Phase::Starting {
                worker.phase = Phase::Live;
            }
            if let Some(head) = worker.flights.front_mut() {
                head.head_since = Some(Instant::now());
            }
            if let Some(pool) = state.pools.get_mut(&pool) {
                pool.generation = 0;
                pool.failed_starts = 0;
            }
            self.close_if_done(state, pool);
        } else if let Outcome::Replied { status, body, .. } = part.outcome {
            self.break_pool(state, pool, Reason::Refused { status, body: body.to_vec() });
        }
    }

    /// Asks a worker and what it has started to end, and kills them a little later.
    pub(super) fn end_worker(&self, state: &mut State, id: u64) {
        let State { workers, ending, .. } = state;
        let Some(worker) = workers.get_mut(&id) else { return };
        let idle = worker.phase == Phase::Live && worker.ready && worker.flights.is_empty();
        if worker.kill_at.is_none() {
            let at = Instant::now() + GRACE;
            worker.kill_at = Some(at);
            for process in worker.descendants() {
                process.signal(Signal::TERM);
                ending.push((at, process));
            }
            if idle {
                // A thread of it may still write what finished items have put into a queue.
                worker.leave();
            } else {
                worker.signal_alone(Signal::TERM);
            }
        }
        worker.phase = Phase::Leaving;
    }

    /// A worker has run items.
    pub(super) fn worker_has_done(&self, state: &mut State, id: u64, wall: Duration, items: u32) {
        let Some(worker) = state.workers.get_mut(&id) else { return };
        worker.items += u64::from(items);
        let idle = worker.flights.is_empty();
        let Some(pool) = state.pools.get_mut(&worker.pool) else { return };
        let wall = wall.as_nanos() as f64;
        pool.pace = Some(pool.pace.map_or(wall, |pace| 0.8 * pace + 0.2 * wall));
        if idle
            && pool.options.max_tasks.is_some_and(|max_tasks| worker.items >= max_tasks)
            && worker.phase == Phase::Live
        {
            worker.leave();
            pool.workers.retain(|w| *w != id);
            pool.missing += 1;
        }
    }

    /// A pool has no workers any more, for a reason.
    pub(super) fn break_pool(&self, state: &mut State, id: u64, reason: Reason) {
        let Some(pool) = state.pools.get_mut(&id) else { return };
        if pool.broken.is_none() {
            pool.broken = Some(Arc::new(reason));
        }
        let (workers, jobs) = (pool.workers.clone(), pool.jobs.clone());
        for worker in workers {
            self.end_worker(state, worker);
        }
        for job in jobs {
            self.cancel_job(state, job);
        }
    }

    /// A worker's process has ended; its last words are read.
    pub(super) fn worker_is_gone(&self, state: &mut State, id: u64) {
        let Some(worker) = state.workers.get_mut(&id) else { return };
        if let Some(process) = worker.process.take() {
            process.unwatch(&self.poll);
            if worker.ours && worker.exit.is_none() {
                worker.exit = Some(process.exit());
            }
        }
        if worker.gone.is_none() {
            worker.gone = Some(Instant::now());
            self.drain_output(state, id);
            self.receive_rest(state, id);
        }
        if state.workers.get(&id).is_some_and(|worker| worker.exit.is_some()) {
            self.remove_worker(state, id);
        }
    }

    fn receive_rest(&self, state: &mut State, id: u64) {
        // As many messages as a socket may hold, and one more.
        for _ in 0..=crate::process::memory::shared_state::SLOTS {
            let open = state.workers.get(&id).is_some_and(|worker| !worker.socket_closed && !worker.flights.is_empty());
            if !open {
                return;
            }
            self.receive(state, id);
        }
    }

    /// Takes note of a worker's end: what ran in it is lost, what waited for it goes to others.
    pub(super) fn remove_worker(&self, state: &mut State, id: u64) {
        let Some(mut worker) = state.workers.remove(&id) else { return };
        self.forget_files(&worker);
        let mut exit = worker.exit.unwrap_or_default();
        exit.oom_kills = crate::budget::oom_kills().saturating_sub(worker.oom_at_start);
        let pid = worker.pid.unwrap_or(0).unsigned_abs();
        let ended = state.pools.get(&worker.pool).is_none_or(|pool| pool.stage == Stage::Terminated);
        let mut waited = Vec::new();
        for flight in std::mem::take(&mut worker.flights) {
            let begun = worker.memory.shared_state().begun(flight.slot);
            match flight.job {
                None => self.died_at_start(state, worker.pool, worker.generation, exit),
                Some(job) if begun => {
                    let item = worker.memory.shared_state().item().min(flight.chunk.items.saturating_sub(1));
                    let outcome = match ended {
                        true => Outcome::Cancelled,
                        false if worker.late => Outcome::TimedOut,
                        false => Outcome::Died { item, exit },
                    };
                    let part = ChunkResult {
                        start: flight.chunk.start,
                        items: flight.chunk.items,
                        worker: pid,
                        wall: flight.head_since.map(|at| at.elapsed()).unwrap_or_default(),
                        cpu: Duration::ZERO,
                        peak: exit.peak,
                        grown: 0,
                        outcome,
                    };
                    self.arrived(state, job, part, true);
                }
                Some(job) => waited.push((job, flight.chunk)),
            }
        }
        for (id, chunk) in waited.into_iter().rev() {
            state.outstanding = state.outstanding.saturating_sub(1);
            let Some(job) = state.jobs.get_mut(&id) else { continue };
            job.flights = job.flights.saturating_sub(1);
            job.in_flight_items = job.in_flight_items.saturating_sub(u64::from(chunk.items));
            if !job.cancelled {
                job.ready.push_front(chunk);
            } else if job.done() {
                self.finish(state, id);
            }
        }
        worker.memory.leave();
        let Some(pool) = state.pools.get_mut(&worker.pool) else { return };
        let before = pool.workers.len();
        pool.workers.retain(|w| *w != id);
        if pool.workers.len() < before && pool.stage != Stage::Terminated && pool.broken.is_none() {
            pool.missing += 1;
        }
        self.changed.notify_all();
    }

    fn died_at_start(&self, state: &mut State, id: u64, generation: u32, exit: Exit) {
        let Some(pool) = state.pools.get_mut(&id) else { return };
        // Several may have died at once, of the same cause: that counts once.
        pool.generation = pool.generation.max(generation + 1);
        if pool.stage == Stage::Open && pool.generation >= GENERATIONS {
            self.break_pool(state, id, Reason::DiedAtStart(exit));
        }
    }

    pub(super) fn forkserver_is_gone(&self, state: &mut State) {
        let Some(forkserver) = state.forkserver.take() else { return };
        self.poll.remove(forkserver.fd());
        drop(forkserver);
        state.forkserver_failures += 1;
        // Those that were never forked; the others die with it, and are seen to.
        let unborn: Vec<u64> =
            state.workers.iter().filter(|(_, w)| !w.ours && w.pid.is_none()).map(|(id, _)| *id).collect();
        for id in unborn {
            self.remove_worker(state, id);
        }
        // Of those without a file nobody says any more that they have ended.
        let now = Instant::now();
        for worker in state.workers.values_mut().filter(|worker| !worker.ours && worker.process.is_none()) {
            worker.gone.get_or_insert(now);
        }
        if state.forkserver_failures >= MAX_FORKSERVER_FAILURES {
            let pools: Vec<u64> =
                state.pools.iter().filter(|(_, pool)| pool.from_forkserver).map(|(id, _)| *id).collect();
            for id in pools {
                let why = "the process that workers are forked from ends at once".to_owned();
                self.break_pool(state, id, Reason::Unable(why));
            }
        }
    }

    /// A pool that takes no more jobs lets its workers go when there are none left.
    pub(super) fn close_if_done(&self, state: &mut State, id: u64) {
        let Some(pool) = state.pools.get(&id) else { return };
        if pool.stage != Stage::Closed || !pool.jobs.is_empty() {
            return;
        }
        for worker in pool.workers.clone() {
            if let Some(worker) = state.workers.get_mut(&worker)
                && worker.ready
            {
                worker.leave();
            }
        }
    }
}

impl Worker {
    /// Asks it to end when it has done what it was sent.
    pub(super) fn leave(&mut self) {
        if self.phase != Phase::Leaving {
            self.phase = Phase::Leaving;
            // Should the socket be full or broken, closing it says the same.
            if !matches!(self.socket.send(&Request::Stop.encode(), &[], false), Ok(true)) {
                self.kill();
            }
        }
    }

    /// Ends it now, with what it has started itself.
    pub(super) fn kill(&self) {
        let started = self.descendants();
        // First, so that it starts nothing in the place of what has just ended.
        self.signal_alone(Signal::KILL);
        started.into_iter().for_each(|process| process.signal(Signal::KILL));
    }

    /// Sends a signal to the worker and to what it has started.
    pub(super) fn signal(&self, signal: Signal) {
        self.descendants().into_iter().for_each(|process| process.signal(signal));
        self.signal_alone(signal);
    }

    fn descendants(&self) -> Vec<TreeProcess> {
        self.tree.filter(|_| self.gone.is_none()).map(system::descendants).unwrap_or_default()
    }

    fn signal_alone(&self, signal: Signal) {
        match (&self.process, self.tree) {
            _ if self.gone.is_some() => {}
            (Some(process), _) => process.signal(signal),
            (None, Some(process)) => process.signal(signal),
            (None, None) => {}
        }
    }

    /// Has it forget functions and take note of what was given back, when it has nothing else to do.
    pub(super) fn look(&mut self, keep: Option<u64>) {
        let asked = keep.is_some() || !self.forget.is_empty();
        if self.phase == Phase::Live && self.flights.is_empty() && asked {
            let request = Request::Look { keep, forget: self.forget.clone() };
            if matches!(self.socket.send(&request.encode(), &[], false), Ok(true)) {
                self.forget.clear();
            }
        }
    }

    /// Blocks that it no longer looks at are free.
    pub(super) fn take_note_of_releases(&mut self) {
        let offsets: Vec<u64> = self.memory.shared_state().freed_by_worker().collect();
        for offset in offsets {
            self.returned(offset);
        }
    }
}
