//! Dispatch: which items go to which worker, and how many at a time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::admission::fits;
use super::state::{Flight, From, Job, Phase, Stage, State, Worker, WorkerPool};
use super::{Callbacks, Supervisor};
use crate::process::chunk::{Chunk, Content, Function, NextChunk, Source};
use crate::process::memory::shared_state::SLOTS;
use crate::process::message::{Body, Definition, Request};

/// Messages grow at most by this factor from one to the next.
const GROWTH: usize = 8;
/// However few items are left, a message is worth this long.
const LEAST: f64 = 100e3;
/// Arguments that may wait in shared memory for their turn.
const WAITING: u64 = 136 << 20;
/// Bytes in the blocks of a message whose number of items is ours to choose.
const MESSAGE: u64 = 16 << 20;
/// A message that waits behind one that has run for this long goes to a worker that has nothing to do.
pub(super) const STEAL_DELAY: Duration = Duration::from_millis(1);

/// Where so many may be with a worker, they are sent many at a time: a worker that sleeps costs more to wake than they do.
const MANY: usize = 16;

/// Objects of the binding that are no longer needed: dropped without the lock.
type LeftOver = (Option<Box<dyn Source>>, Option<NextChunk>);

enum Step {
    Nothing,
    /// Something was sent; look again.
    Again,
    Ask {
        job: u64,
        source: Box<dyn Source>,
        most: usize,
    },
    Start {
        pool: u64,
        callbacks: Arc<dyn Callbacks>,
    },
}

impl Supervisor {
    /// Starts the workers that are missing and sends items while workers have room. Runs callbacks, without the lock.
    pub(super) fn dispatch(self: &Arc<Self>) {
        loop {
            let step = self.step(&mut self.lock());
            match step {
                Step::Nothing => return,
                Step::Again => {}
                Step::Start { pool, callbacks } => self.start_worker(pool, &callbacks),
                Step::Ask { job, mut source, most } => {
                    let Some(_inside) = self.enter() else { return };
                    let next = source.next(most);
                    let left_over = self.supplied(job, source, next);
                    // Objects of the binding are dropped without the lock.
                    drop(left_over);
                }
            }
        }
    }

    /// Takes what a source has given; returns what is to be dropped.
    fn supplied(&self, id: u64, source: Box<dyn Source>, next: NextChunk) -> LeftOver {
        let mut state = self.lock();
        let state = &mut *state;
        let Some(job) = state.jobs.get_mut(&id) else { return (Some(source), Some(next)) };
        let came = std::mem::take(&mut job.came);
        let mut rest = (None, None);
        match next {
            NextChunk::Chunk(chunk) if !job.cancelled => {
                job.supplied += u64::from(chunk.items);
                job.ready.push_back(chunk);
                if job.options.total.is_some_and(|total| job.supplied >= total) {
                    job.source = From::End;
                    rest.0 = Some(source);
                } else {
                    job.source = From::Source(source);
                }
            }
            NextChunk::Later if !job.cancelled => {
                job.source = if came { From::Source(source) } else { From::Later(source) };
            }
            next => {
                job.source = From::End;
                job.options.total = Some(job.supplied);
                rest = (Some(source), Some(next));
            }
        }
        if !matches!(job.source, From::Source(_)) {
            self.asked.notify_all();
        }
        if job.done() {
            self.finish(state, id);
        }
        rest
    }

    fn step(&self, state: &mut State) -> Step {
        let pools: Vec<u64> = state.pools.keys().copied().collect();
        for id in pools {
            let Some(pool) = state.pools.get_mut(&id) else { continue };
            if pool.stage == Stage::Terminated || pool.broken.is_some() {
                continue;
            }
            if pool.missing > 0 && !pool.starting && (pool.stage == Stage::Open || !pool.jobs.is_empty()) {
                pool.missing -= 1;
                pool.starting = true;
                return Step::Start { pool: id, callbacks: Arc::clone(&pool.callbacks) };
            }
            if pool.jobs.is_empty() {
                continue;
            }
            match self.step_of(state, id) {
                Step::Nothing => {}
                step => return step,
            }
        }
        Step::Nothing
    }

    fn step_of(&self, state: &mut State, id: u64) -> Step {
        let State { pools, workers, jobs, .. } = state;
        let Some(pool) = pools.get_mut(&id) else { return Step::Nothing };
        // The worker with the least to do.
        let depth = pool.depth();
        let free = pool.workers.iter().filter_map(|w| workers.get(w).map(|worker| (*w, worker)));
        let free = free.filter(|(_, worker)| worker.has_room(depth, pool.options.max_tasks));
        let Some((least, worker_id)) = free.map(|(w, worker)| (worker.flights.len(), w)).min() else {
            return Step::Nothing;
        };
        let ahead = least > 0;
        for &job_id in &pool.jobs {
            let Some(job) = jobs.get_mut(&job_id) else { continue };
            if let Some(chunk) = job.ready.front() {
                if ahead && self.memory.in_use() > WAITING && chunk.weight() > 0 {
                    continue;
                }
                let mut worker_id = worker_id;
                if pool.needs.of(chunk) > 0 {
                    // Nobody passes an item that waits for memory: it would wait for ever.
                    let Some((pool, chunk)) = state.pools.get(&id).zip(state.front_of(job_id)) else { break };
                    let Some(allowed) = self.worker_for(state, pool, chunk, depth) else { break };
                    worker_id = allowed;
                }
                let chunk = state.jobs.get_mut(&job_id).and_then(|job| job.ready.pop_front());
                let Some(chunk) = chunk else { return Step::Nothing };
                return self.send(state, worker_id, job_id, chunk);
            }
            if !matches!(job.source, From::Source(_)) || !job.has_room() {
                continue;
            }
            if ahead && self.memory.in_use() + job.weight > WAITING {
                continue;
            }
            let most = job.size(pool.options.size, pool.options.max_tasks);
            if let From::Source(source) = std::mem::replace(&mut job.source, From::Busy) {
                return Step::Ask { job: job_id, source, most };
            }
        }
        if !ahead && self.steal(state, id, worker_id) {
            return Step::Again;
        }
        if !ahead {
            self.share_free_cores(state, id);
        }
        Step::Nothing
    }

    /// Takes back a message that waits behind a long one, for a worker that has nothing to do.
    fn steal(&self, state: &mut State, id: u64, idle: u64) -> bool {
        let now = Instant::now();
        let Some(pool) = state.pools.get(&id) else { return false };
        for worker_id in &pool.workers {
            let Some(worker) = state.workers.get(worker_id) else { continue };
            let waits = worker.flights.len() > 1
                && worker.flights.front().and_then(|head| head.head_since).is_some_and(|at| now - at >= STEAL_DELAY);
            if !waits {
                continue;
            }
            let Some(last) = worker.flights.back() else { continue };
            let (slot, Some(job_id)) = (last.slot, last.job) else { continue };
            if !fits(state, pool, idle, pool.needs.of(&last.chunk)) {
                continue;
            }
            let Some(worker) = state.workers.get_mut(worker_id) else { continue };
            if !worker.memory.shared_state().withdraw(slot) {
                continue;
            }
            let Some(flight) = worker.flights.pop_back() else { continue };
            worker.take_back(&flight.chunk);
            state.outstanding -= 1;
            if let Some(job) = state.jobs.get_mut(&job_id) {
                job.flights -= 1;
                job.in_flight_items -= u64::from(flight.chunk.items);
                job.ready.push_front(flight.chunk);
                return true;
            }
        }
        false
    }

    /// Sends a chunk, or puts it back.
    fn send(&self, state: &mut State, worker_id: u64, job_id: u64, chunk: Chunk) -> Step {
        self.assign_threads(state, worker_id);
        let State { workers, jobs, .. } = state;
        let (Some(worker), Some(job)) = (workers.get_mut(&worker_id), jobs.get_mut(&job_id)) else {
            return Step::Nothing;
        };
        match worker.send(Some(job_id), chunk) {
            Ok(chunk) => {
                job.flights += 1;
                job.in_flight_items += u64::from(chunk.items);
                job.weight = chunk.weight;
                job.weight_of_item = chunk.weight / u64::from(chunk.items.max(1));
                job.most = job.most.max(chunk.items as usize);
                state.outstanding += 1;
            }
            Err(chunk) => job.ready.push_front(chunk),
        }
        let pool = worker.pool;
        self.rebalance_threads(state, pool);
        Step::Again
    }
}

/// What was sent.
pub(super) struct Sent {
    items: u32,
    weight: u64,
}

impl Worker {
    pub(super) fn has_room(&self, depth: usize, max_tasks: Option<u64>) -> bool {
        let items: u64 = self.flights.iter().filter(|f| f.job.is_some()).map(|f| u64::from(f.chunk.items)).sum();
        let flights = self.flights.iter().filter(|f| f.job.is_some()).count();
        if flights <= depth / 2 || depth < MANY {
            self.filling.set(true);
        } else if flights >= depth {
            self.filling.set(false);
        }
        !matches!(self.phase, Phase::Leaving)
            && self.gone.is_none()
            && self.socket_open
            && !self.full
            && flights < depth
            && self.filling.get()
            && max_tasks.is_none_or(|max_tasks| self.items + items < max_tasks)
    }

    /// Sends a chunk; gives it back when there is no room.
    pub(super) fn send(&mut self, job: Option<u64>, chunk: Chunk) -> Result<Sent, Chunk> {
        let shared_state = self.memory.shared_state();
        let Some(slot) = shared_state.offer() else { return Err(chunk) };
        let function = &chunk.function;
        let definition = (!self.known.contains_key(&function.number)).then(|| Definition {
            body: extent(&function.body),
            blocks: function.blocks.iter().map(|block| block.extent()).collect(),
        });
        let defines = definition.is_some();
        let request = Request::Task {
            slot: slot as u16,
            mode: chunk.mode,
            start: chunk.start,
            items: chunk.items,
            function: function.number,
            definition,
            body: extent(&chunk.body),
            blocks: chunk.blocks.iter().map(|block| block.extent()).collect(),
            forget: self.forget.clone(),
        };
        match self.socket.send(&request.encode(), &[], false) {
            Ok(true) => {}
            Ok(false) => {
                shared_state.done(slot);
                self.full = true;
                return Err(chunk);
            }
            Err(_) => {
                // It is dying; the poll will say so.
                shared_state.done(slot);
                self.socket_open = false;
                return Err(chunk);
            }
        }
        self.forget.clear();
        if defines {
            self.lend_function(&Arc::clone(function));
        }
        self.lend(&chunk);
        let head_since = (self.ready && self.flights.is_empty()).then(Instant::now);
        let sent = Sent { items: chunk.items, weight: chunk.weight() };
        self.flights.push_back(Flight { slot, job, chunk, head_since });
        Ok(sent)
    }

    fn lend_function(&mut self, function: &Arc<Function>) {
        self.known.insert(function.number, Arc::downgrade(function));
        for block in blocks(&function.body, &function.blocks) {
            let entry = self.lent.entry(block.extent().offset).or_insert_with(|| (0, Arc::clone(block)));
            entry.0 += 1;
        }
    }

    fn lend(&mut self, chunk: &Chunk) {
        for block in blocks(&chunk.body, &chunk.blocks) {
            let entry = self.lent.entry(block.extent().offset).or_insert_with(|| (0, Arc::clone(block)));
            entry.0 += 1;
        }
    }

    /// A chunk was withdrawn: the worker will not look at its blocks.
    pub(super) fn take_back(&mut self, chunk: &Chunk) {
        let offsets: Vec<u64> = blocks(&chunk.body, &chunk.blocks).map(|block| block.extent().offset).collect();
        for offset in offsets {
            self.returned(offset);
        }
    }

    /// The worker no longer looks at a block.
    pub(super) fn returned(&mut self, offset: u64) {
        if let Some((count, _)) = self.lent.get_mut(&offset) {
            *count -= 1;
            if *count == 0 {
                self.lent.remove(&offset);
            }
        }
    }
}

fn blocks<'a>(
    body: &'a Content,
    rest: &'a [Arc<crate::process::memory::ArgumentBlock>],
) -> impl Iterator<Item = &'a Arc<crate::process::memory::ArgumentBlock>> {
    let first = match body {
        Content::Block(block) => Some(block),
        Content::Inline(_) => None,
    };
    first.into_iter().chain(rest)
}

fn extent(content: &Content) -> Body<crate::process::memory::Extent> {
    match content {
        Content::Inline(bytes) => Body::Inline(bytes.to_vec()),
        Content::Block(block) => Body::Block(block.extent()),
    }
}

impl State {
    /// Whether all workers have so many messages that they do not need more for a while.
    pub(super) fn is_supplied(&self) -> bool {
        self.outstanding > 0
            && self.told.is_empty()
            && self.pools.values().all(|pool| {
                let enough = pool.depth() / 2;
                enough >= MANY / 2
                    && pool.workers.iter().all(|id| self.workers.get(id).is_none_or(|w| w.flights.len() > enough))
            })
    }
}

impl WorkerPool {
    /// Messages that may be with one worker: enough that it never waits for the next.
    fn depth(&self) -> usize {
        match self.pace {
            Some(ns) if ns < 20e3 => SLOTS / 2,
            Some(ns) if ns < 100e3 => 16,
            Some(ns) if ns < 1e6 => 4,
            _ => 2,
        }
    }
}

impl Job {
    /// How many items to ask for.
    fn size(&self, workers: usize, max_tasks: Option<u64>) -> usize {
        let most = self.room().min(max_tasks.unwrap_or(u64::MAX)).clamp(1, 1 << 20) as usize;
        if let Some(chunk) = self.options.chunksize {
            return chunk.max(1);
        }
        let Some(per_item) = self.per_item else { return 1 };
        if self.options.timeout.is_some() {
            return 1;
        }
        let by_time = |ns: f64| (ns / per_item.max(1.0)) as usize;
        let mut n = by_time(self.options.target.as_nanos() as f64).min(self.most.saturating_mul(GROWTH));
        if let Some(total) = self.options.total {
            let left = total.saturating_sub(self.supplied) as usize;
            n = n.min((left / (2 * workers.max(1))).max(by_time(LEAST)));
        }
        if let Some(items) = MESSAGE.checked_div(self.weight_of_item) {
            n = n.min(items as usize);
        }
        n.clamp(1, most)
    }

    /// An item took this long.
    pub(super) fn learn(&mut self, wall: Duration, items: u32) {
        let now = wall.as_nanos() as f64 / f64::from(items.max(1));
        self.per_item = Some(match self.per_item {
            // The first items of a job load modules and files that later ones find loaded.
            Some(before) if now > before => (before + now) / 2.0,
            _ => now,
        });
    }
}
