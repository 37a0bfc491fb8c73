//! One pass of the poll: messages, output, ended processes, deadlines.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::Timespec;

use super::forkserver::News;
use super::state::{Phase, State, Worker};
use super::{FORKSERVER, OutputStream, Supervisor, Which, WorkerOutput};
use crate::process::chunk::{ChunkResult, Exit, Function, Outcome, Payload};
use crate::process::memory::ResultBlock;
use crate::process::message::{Body, LARGEST, Reply};
use crate::process::message_socket::Received;
use crate::process::system::{EVENTS, Process};

/// How often workers are looked at that no file stands for, and those of them that are about to end.
const CHECK: Duration = Duration::from_millis(50);
const SOON: Duration = Duration::from_millis(2);
/// A poll that ends so much too late: the process was suspended.
const SUSPENDED: Duration = Duration::from_secs(1);
/// Output that is read at once.
const OUTPUT: usize = 64 << 10;
/// After this long without anything to do, memory goes back to the system, but for a little.
const REST: Duration = Duration::from_secs(1);
const WARM: u64 = 32 << 20;
/// How long to wait for the status of a worker that is gone.
const STATUS: Duration = Duration::from_millis(400);

impl Supervisor {
    /// Waits for something to happen, at most for `longest`, and takes note of it. True when a signal came.
    pub(super) fn poll_once(&self, longest: Duration) -> bool {
        let timeout = {
            let state = self.lock();
            self.next_deadline(&state).map_or(longest, |due| due.saturating_duration_since(Instant::now()).min(longest))
        };
        // Rounded up, so that a deadline has passed when the poll ends.
        let timeout = timeout + Duration::from_micros(50);
        let mut ready = [0; EVENTS];
        let begun = Instant::now();
        let (n, signal) = self.poll.wait(&mut ready, timeout);
        let mut state = self.lock();
        let state = &mut *state;
        let stopped = begun.elapsed().saturating_sub(timeout);
        if stopped > SUSPENDED {
            // Ctrl-Z stops the workers too: that is no time that they had.
            for head in state.workers.values_mut().filter_map(|worker| worker.flights.front_mut()) {
                head.head_since = head.head_since.map(|since| since + stopped);
            }
        }
        state.turns += 1;
        self.forget_dropped_functions(state);
        // What a worker wrote comes before what it said afterwards.
        for pass in [true, false] {
            for &data in &ready[..n] {
                let written = data > 63 && matches!(data & 3, 2 | 3);
                if written == pass {
                    self.happened(state, data);
                }
            }
        }
        self.check_deadlines(state);
        self.trim_when_idle(state);
        signal
    }

    fn happened(&self, state: &mut State, data: u64) {
        match data {
            FORKSERVER => self.read_forkserver(state),
            _ => {
                let worker = data >> 2;
                match data & 3 {
                    0 => self.receive(state, worker),
                    1 => self.worker_is_gone(state, worker),
                    2 => self.read_output(state, worker, Which::Output),
                    _ => self.read_output(state, worker, Which::Error),
                }
            }
        }
    }

    fn read_forkserver(&self, state: &mut State) {
        let mut buffer = [0u8; 256];
        loop {
            let Some(forkserver) = &mut state.forkserver else { return };
            match forkserver.listen(&mut buffer) {
                Ok(None) => return,
                Ok(Some((News::Forked { worker, pid }, files))) => {
                    state.forkserver_failures = 0;
                    self.worker_runs(state, worker, pid, files.into_iter().next());
                }
                Ok(Some((News::NotForked { worker, error }, _))) => self.worker_was_not_forked(state, worker, error),
                Ok(Some((News::Exited { worker, status, peak }, _))) => {
                    if let Some(it) = state.workers.get_mut(&worker) {
                        it.exit = Some(Exit::from_status(status, peak));
                        self.worker_is_gone(state, worker);
                    }
                }
                Err(error) => {
                    tracing::debug!("the process that workers are forked from ended: {error}");
                    self.forkserver_is_gone(state);
                    return;
                }
            }
        }
    }

    /// Takes the messages of a worker.
    pub(super) fn receive(&self, state: &mut State, id: u64) {
        let mut buffer = std::mem::take(&mut state.buffer);
        buffer.resize(LARGEST, 0);
        while let Some(worker) = state.workers.get_mut(&id) {
            match worker.socket.receive(&mut buffer, false) {
                Ok(Received::Message(n)) => {
                    worker.full = false;
                    match Reply::decode(&buffer[..n]) {
                        Ok(reply) => self.reported(state, id, reply),
                        Err(error) => {
                            tracing::warn!("worker {:?}: {error}; it is ended", worker.pid);
                            worker.kill();
                        }
                    }
                    // Without anything to answer there is nothing more to read, and the poll would tell.
                    if state.workers.get(&id).is_none_or(|worker| worker.flights.is_empty()) {
                        break;
                    }
                }
                Ok(Received::WouldBlock) => break,
                Ok(Received::Closed) | Err(_) => {
                    if worker.socket_open || !worker.socket_closed {
                        worker.socket_open = false;
                        worker.socket_closed = true;
                        self.poll.remove(worker.socket.fd());
                    }
                    break;
                }
            }
        }
        state.buffer = buffer;
    }

    fn reported(&self, state: &mut State, id: u64, reply: Reply) {
        match reply {
            Reply::Message { body } => {
                self.drain_output(state, id);
                // It came before the answer, on the same socket: of the first that is not answered.
                let item = state.workers.get(&id).and_then(|worker| {
                    let head = worker.flights.front()?;
                    Some((state.jobs.get(&head.job?)?.options.tag, head.chunk.start))
                });
                self.hear(state, id, item, OutputStream::Message, body);
            }
            Reply::Done { slot, status, wall_ns, cpu_ns, peak, body, blocks } => {
                let Some(worker) = state.workers.get_mut(&id) else { return };
                let Some(at) = worker.flights.iter().position(|flight| flight.slot == usize::from(slot)) else {
                    return;
                };
                let Some(flight) = worker.flights.remove(at) else { return };
                if worker.phase != Phase::Leaving {
                    worker.kill_at = None;
                }
                worker.memory.shared_state().done(flight.slot);
                worker.take_note_of_releases();
                let memory = Arc::clone(&worker.memory);
                let blocks: Option<Vec<_>> =
                    blocks.into_iter().map(|(offset, len)| memory.accept(offset, len)).collect();
                let body = match body {
                    Body::Inline(bytes) => Some(Payload::Inline(bytes)),
                    Body::Block((offset, len)) => memory.accept(offset, len).map(Payload::Block),
                };
                let (Some(body), Some(blocks)) = (body, blocks) else {
                    tracing::warn!("worker {:?} sent what is not its own; it is ended", worker.pid);
                    worker.kill();
                    return;
                };
                if let Some(next) = worker.flights.front_mut() {
                    next.head_since = Some(Instant::now());
                }
                let pid = worker.pid.unwrap_or(0).unsigned_abs();
                let known = flight.job.is_some() && peak > 0 && worker.resident > 0;
                let grown = if known { peak.saturating_sub(worker.resident) } else { 0 };
                let pool = worker.pool;
                if known && let Some(pool) = state.pools.get_mut(&pool) {
                    pool.needs.learn(&flight.chunk, grown);
                }
                let weight: u64 = blocks.iter().map(ResultBlock::len).sum();
                if let Some(job) = flight.job.and_then(|job| state.jobs.get_mut(&job)) {
                    job.result_weight = weight / u64::from(flight.chunk.items.max(1));
                }
                let outcome = Outcome::Replied { status, body, blocks };
                let wall = Duration::from_nanos(wall_ns);
                let part = ChunkResult {
                    start: flight.chunk.start,
                    items: flight.chunk.items,
                    worker: pid,
                    wall,
                    cpu: Duration::from_nanos(cpu_ns),
                    peak,
                    grown,
                    outcome,
                };
                match flight.job {
                    None => self.worker_is_ready(state, id, part),
                    Some(job) => {
                        self.worker_has_done(state, id, wall, part.items);
                        self.arrived(state, job, part, true);
                    }
                }
            }
        }
    }

    /// An answer for a job, or what stands for one.
    pub(super) fn arrived(&self, state: &mut State, id: u64, part: ChunkResult, was_out: bool) {
        if was_out {
            state.outstanding = state.outstanding.saturating_sub(1);
        }
        let Some(job) = state.jobs.get_mut(&id) else { return };
        if was_out {
            job.flights = job.flights.saturating_sub(1);
            job.in_flight_items = job.in_flight_items.saturating_sub(u64::from(part.items));
        }
        if matches!(part.outcome, Outcome::Replied { .. }) {
            job.learn(part.wall, part.items);
        }
        if !job.abandoned {
            job.unread += u64::from(part.items);
            job.arrived += 1;
            job.parts.push(part);
            if let Some(listener) = &job.listener {
                state.told.push(Arc::clone(listener));
            }
        }
        if job.done() {
            self.finish(state, id);
        }
    }

    fn read_output(&self, state: &mut State, id: u64, which: Which) {
        let Some(worker) = state.workers.get_mut(&id) else { return };
        let index = usize::from(which == Which::Error);
        let mut bytes = vec![0u8; OUTPUT];
        let Some(file) = &worker.out[index] else { return };
        // Asked first: a task ends when all that it wrote has been read.
        let item = worker.running(&state.jobs);
        match rustix::io::read(file, &mut bytes) {
            Ok(0) | Err(rustix::io::Errno::IO) => {
                self.poll.remove(file);
                worker.out[index] = None;
            }
            Ok(n) => {
                bytes.truncate(n);
                let way = if which == Which::Error { OutputStream::Stderr } else { OutputStream::Stdout };
                self.hear(state, id, item, way, bytes);
            }
            Err(_) => {}
        }
    }

    /// Reads what a worker that is gone has left in its pipes.
    pub(super) fn drain_output(&self, state: &mut State, id: u64) {
        for which in [Which::Output, Which::Error] {
            for _ in 0..64 {
                let index = usize::from(which == Which::Error);
                let Some(file) = state.workers.get(&id).and_then(|worker| worker.out[index].as_ref()) else { break };
                let mut poll = [rustix::event::PollFd::new(file, rustix::event::PollFlags::IN)];
                let now = Timespec { tv_sec: 0, tv_nsec: 0 };
                if rustix::event::poll(&mut poll, Some(&now)).unwrap_or(0) == 0 {
                    break;
                }
                self.read_output(state, id, which);
            }
        }
    }

    fn hear(&self, state: &mut State, id: u64, item: Option<(u64, u64)>, way: OutputStream, bytes: Vec<u8>) {
        let State { workers, pools, heard, .. } = state;
        let Some(worker) = workers.get(&id) else { return };
        let Some(pool) = pools.get(&worker.pool) else { return };
        let worker = worker.pid.unwrap_or(0).unsigned_abs();
        heard.push((Arc::clone(&pool.callbacks), WorkerOutput { worker, item, way, bytes }));
    }

    /// Functions that nobody holds any more are forgotten by the workers, and their large parts freed.
    pub(super) fn forget_dropped_functions(&self, state: &mut State) {
        let dropped = Function::dropped();
        if dropped == state.dropped {
            return;
        }
        state.dropped = dropped;
        state.forgot = Some(Instant::now());
        for worker in state.workers.values_mut() {
            let Worker { known, forget, .. } = worker;
            known.retain(|number, function| {
                let alive = function.strong_count() > 0;
                if !alive {
                    forget.push(*number);
                }
                alive
            });
            worker.look(None);
        }
    }

    /// Nothing to do for a while: memory goes back to the system.
    fn trim_when_idle(&self, state: &mut State) {
        if state.outstanding > 0 {
            state.idle = None;
            state.trimmed = false;
            return;
        }
        let since = *state.idle.get_or_insert_with(Instant::now);
        if !state.trimmed && since.elapsed() >= REST {
            state.trimmed = true;
            for worker in state.workers.values_mut() {
                worker.take_note_of_releases();
                worker.look(Some(WARM));
            }
            self.memory.trim(WARM);
        }
    }

    // ── the clock ──────────────────────────────────────────────────────────────────────────────────────────────

    fn next_deadline(&self, state: &State) -> Option<Instant> {
        let mut due: Option<Instant> = None;
        let mut at = |time: Instant| due = Some(due.map_or(time, |d| d.min(time)));
        let mut waits = None;
        let mut idle = false;
        for worker in state.workers.values() {
            if let Some(kill_at) = worker.kill_at.filter(|_| worker.pid.is_some()) {
                at(kill_at);
            }
            if let Some(gone) = worker.gone {
                at(gone + STATUS);
            }
            if let Some(head) = worker.flights.front() {
                let timeout = head.head_since.zip(state.timeout_of(head.job));
                // A time too far away to be told is no limit.
                if let Some(due) = timeout.and_then(|(since, timeout)| since.checked_add(timeout)) {
                    at(due);
                }
                if worker.flights.len() > 1 {
                    waits = head.head_since.or(waits);
                }
            } else if worker.phase == Phase::Live {
                idle = true;
            }
        }
        for worker in state.workers.values().filter(|worker| worker.is_unwatched()) {
            at(Instant::now() + if worker.socket_closed { SOON } else { CHECK });
        }
        state.ending.iter().for_each(|(kill_at, _)| at(*kill_at));
        state.pools.values().filter_map(|pool| pool.retry).for_each(|(retry_at, _)| at(retry_at));
        if let Some(since) = waits.filter(|_| idle) {
            // Somebody has nothing to do while a message waits elsewhere: look again when that one has waited enough.
            at((since + super::dispatch::STEAL_DELAY).max(Instant::now() + super::dispatch::STEAL_DELAY));
        }
        if state.forkserver.as_ref().is_some_and(super::Forkserver::is_behind)
            || state.workers.values().any(|worker| worker.socket.is_behind())
        {
            at(Instant::now() + Duration::from_millis(5));
        }
        due
    }

    fn check_deadlines(&self, state: &mut State) {
        let now = Instant::now();
        if let Some(forkserver) = &mut state.forkserver
            && forkserver.is_behind()
            && forkserver.flush().is_err()
        {
            self.forkserver_is_gone(state);
        }
        for worker in state.workers.values().filter(|worker| worker.socket.is_behind()) {
            // A broken socket is closed, and the poll reports that.
            let _ = worker.socket.flush();
        }
        state.ending.retain(|(kill_at, process)| {
            let waits = now < *kill_at;
            if !waits {
                process.signal(rustix::process::Signal::KILL);
            }
            waits
        });
        Supervisor::retry_starts(state, now);
        let unwatched = state.workers.iter().filter(|(_, worker)| worker.is_unwatched());
        let ended = unwatched.filter(|(_, worker)| worker.process.as_ref().is_some_and(Process::has_ended));
        for id in ended.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.worker_is_gone(state, id);
        }
        let mut lost = Vec::new();
        let timeouts: Vec<(u64, Duration)> = state
            .workers
            .iter()
            .filter_map(|(id, worker)| {
                let head = worker.flights.front()?;
                Some((*id, state.timeout_of(head.job)?))
            })
            .collect();
        for (id, timeout) in timeouts {
            let Some(worker) = state.workers.get_mut(&id) else { continue };
            let Some(head) = worker.flights.front_mut() else { continue };
            let Some(since) = head.head_since else { continue };
            if now.saturating_duration_since(since) >= timeout && !worker.late {
                if worker.memory.shared_state().begun(head.slot) {
                    worker.late = true;
                    worker.kill();
                } else {
                    head.head_since = Some(now);
                }
            }
        }
        for (id, worker) in &mut state.workers {
            if worker.pid.is_some() && worker.kill_at.is_some_and(|at| now >= at) {
                worker.kill_at = None;
                worker.kill();
            }
            if worker.gone.is_some_and(|gone| now >= gone + STATUS) {
                lost.push(*id);
            }
        }
        for id in lost {
            self.remove_worker(state, id);
        }
    }
}

impl State {
    fn timeout_of(&self, job: Option<u64>) -> Option<Duration> {
        self.jobs.get(&job?)?.options.timeout
    }
}
