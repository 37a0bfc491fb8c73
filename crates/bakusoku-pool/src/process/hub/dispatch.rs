//! Which items go to which worker, and how many at a time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::admit::fits;
use super::state::{Crew, Flight, From, Job, Phase, Stage, State, Worker};
use super::{Face, Hub};
use crate::process::memory::board::SLOTS;
use crate::process::message::{Body, Definition, Order};
use crate::process::parcel::{Content, Function, Parcel, Source, Supply};

/// Messages grow at most by this factor from one to the next.
const GROWTH: usize = 8;
/// However few items are left, a message is worth this long.
const LEAST: f64 = 100e3;
/// Arguments that may wait in shared memory for their turn.
const WAITING: u64 = 136 << 20;
/// Bytes in the blocks of a message whose number of items is ours to choose.
const MESSAGE: u64 = 16 << 20;
/// A message that waits behind one that has run for this long goes to a worker that has nothing to do.
pub(super) const PATIENCE: Duration = Duration::from_millis(1);

/// Where so many may be with a worker, they are sent many at a time: a worker that sleeps costs more to wake than they do.
const MANY: usize = 16;

/// What the door gave and nobody needs: it is dropped without the lock.
type LeftOver = (Option<Box<dyn Source>>, Option<Supply>);

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
        crew: u64,
        face: Arc<dyn Face>,
    },
}

impl Hub {
    /// Starts the workers that are missing and sends items while workers have room. Calls the door, without the lock.
    pub(super) fn feed(self: &Arc<Self>) {
        loop {
            let step = self.step(&mut self.lock());
            match step {
                Step::Nothing => return,
                Step::Again => {}
                Step::Start { crew, face } => self.start_worker(crew, &face),
                Step::Ask { job, mut source, most } => {
                    let Some(_inside) = self.enter() else { return };
                    let supply = source.next(most);
                    let left_over = self.supplied(job, source, supply);
                    // What the door gave is dropped without the lock.
                    drop(left_over);
                }
            }
        }
    }

    /// Takes what a source has given; returns what is to be dropped.
    fn supplied(&self, id: u64, source: Box<dyn Source>, supply: Supply) -> LeftOver {
        let mut state = self.lock();
        let state = &mut *state;
        let Some(job) = state.jobs.get_mut(&id) else { return (Some(source), Some(supply)) };
        let came = std::mem::take(&mut job.came);
        let mut rest = (None, None);
        match supply {
            Supply::Parcel(parcel) if !job.cancelled => {
                job.supplied += u64::from(parcel.items);
                job.ready.push_back(parcel);
                if job.options.total.is_some_and(|total| job.supplied >= total) {
                    job.source = From::End;
                    rest.0 = Some(source);
                } else {
                    job.source = From::Source(source);
                }
            }
            Supply::Later if !job.cancelled => {
                job.source = if came { From::Source(source) } else { From::Later(source) };
            }
            supply => {
                job.source = From::End;
                job.options.total = Some(job.supplied);
                rest = (Some(source), Some(supply));
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
        let crews: Vec<u64> = state.crews.keys().copied().collect();
        for id in crews {
            let Some(crew) = state.crews.get_mut(&id) else { continue };
            if crew.stage == Stage::Terminated || crew.broken.is_some() {
                continue;
            }
            if crew.missing > 0 && !crew.starting && (crew.stage == Stage::Open || !crew.jobs.is_empty()) {
                crew.missing -= 1;
                crew.starting = true;
                return Step::Start { crew: id, face: Arc::clone(&crew.face) };
            }
            if crew.jobs.is_empty() {
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
        let State { crews, workers, jobs, .. } = state;
        let Some(crew) = crews.get_mut(&id) else { return Step::Nothing };
        // The worker with the least to do.
        let depth = crew.depth();
        let free = crew.workers.iter().filter_map(|w| workers.get(w).map(|worker| (*w, worker)));
        let free = free.filter(|(_, worker)| worker.has_room(depth, crew.options.lives));
        let Some((least, worker_id)) = free.map(|(w, worker)| (worker.flights.len(), w)).min() else {
            return Step::Nothing;
        };
        let ahead = least > 0;
        for &job_id in &crew.jobs {
            let Some(job) = jobs.get_mut(&job_id) else { continue };
            if let Some(parcel) = job.ready.front() {
                if ahead && self.memory.in_use() > WAITING && parcel.weight() > 0 {
                    continue;
                }
                let mut worker_id = worker_id;
                if crew.needs.of(parcel) > 0 {
                    // Nobody passes an item that waits for memory: it would wait for ever.
                    let Some((crew, parcel)) = state.crews.get(&id).zip(state.front_of(job_id)) else { break };
                    let Some(allowed) = self.worker_for(state, crew, parcel, depth) else { break };
                    worker_id = allowed;
                }
                let parcel = state.jobs.get_mut(&job_id).and_then(|job| job.ready.pop_front());
                let Some(parcel) = parcel else { return Step::Nothing };
                return self.send(state, worker_id, job_id, parcel);
            }
            if !matches!(job.source, From::Source(_)) || !job.has_room() {
                continue;
            }
            if ahead && self.memory.in_use() + job.weight > WAITING {
                continue;
            }
            let most = job.size(crew.options.size, crew.options.lives);
            if let From::Source(source) = std::mem::replace(&mut job.source, From::Busy) {
                return Step::Ask { job: job_id, source, most };
            }
        }
        if !ahead && self.steal(state, id, worker_id) {
            return Step::Again;
        }
        if !ahead {
            self.share_what_is_free(state, id);
        }
        Step::Nothing
    }

    /// Takes back a message that waits behind a long one, for a worker that has nothing to do.
    fn steal(&self, state: &mut State, id: u64, idle: u64) -> bool {
        let now = Instant::now();
        let Some(crew) = state.crews.get(&id) else { return false };
        for worker_id in &crew.workers {
            let Some(worker) = state.workers.get(worker_id) else { continue };
            let waits = worker.flights.len() > 1
                && worker.flights.front().and_then(|head| head.head_since).is_some_and(|at| now - at >= PATIENCE);
            if !waits {
                continue;
            }
            let Some(last) = worker.flights.back() else { continue };
            let (slot, Some(job_id)) = (last.slot, last.job) else { continue };
            if !fits(state, crew, idle, crew.needs.of(&last.parcel)) {
                continue;
            }
            let Some(worker) = state.workers.get_mut(worker_id) else { continue };
            if !worker.memory.board().withdraw(slot) {
                continue;
            }
            let Some(flight) = worker.flights.pop_back() else { continue };
            worker.take_back(&flight.parcel);
            state.outstanding -= 1;
            if let Some(job) = state.jobs.get_mut(&job_id) {
                job.flights -= 1;
                job.in_flight_items -= u64::from(flight.parcel.items);
                job.ready.push_front(flight.parcel);
                return true;
            }
        }
        false
    }

    /// Sends a parcel, or puts it back.
    fn send(&self, state: &mut State, worker_id: u64, job_id: u64, parcel: Parcel) -> Step {
        self.allot(state, worker_id);
        let State { workers, jobs, .. } = state;
        let (Some(worker), Some(job)) = (workers.get_mut(&worker_id), jobs.get_mut(&job_id)) else {
            return Step::Nothing;
        };
        match worker.send(Some(job_id), parcel) {
            Ok(parcel) => {
                job.flights += 1;
                job.in_flight_items += u64::from(parcel.items);
                job.weight = parcel.weight;
                job.weight_of_item = parcel.weight / u64::from(parcel.items.max(1));
                job.most = job.most.max(parcel.items as usize);
                state.outstanding += 1;
            }
            Err(parcel) => job.ready.push_front(parcel),
        }
        let crew = worker.crew;
        self.stretch(state, crew);
        Step::Again
    }
}

/// What was sent.
pub(super) struct Sent {
    items: u32,
    weight: u64,
}

impl Worker {
    pub(super) fn has_room(&self, depth: usize, lives: Option<u64>) -> bool {
        let items: u64 = self.flights.iter().filter(|f| f.job.is_some()).map(|f| u64::from(f.parcel.items)).sum();
        let flights = self.flights.iter().filter(|f| f.job.is_some()).count();
        if flights <= depth / 2 || depth < MANY {
            self.filling.set(true);
        } else if flights >= depth {
            self.filling.set(false);
        }
        !matches!(self.phase, Phase::Leaving)
            && self.gone.is_none()
            && self.line_open
            && !self.full
            && flights < depth
            && self.filling.get()
            && lives.is_none_or(|lives| self.items + items < lives)
    }

    /// Sends a parcel; gives it back when there is no room.
    pub(super) fn send(&mut self, job: Option<u64>, parcel: Parcel) -> Result<Sent, Parcel> {
        let board = self.memory.board();
        let Some(slot) = board.offer() else { return Err(parcel) };
        let function = &parcel.function;
        let definition = (!self.known.contains_key(&function.number)).then(|| Definition {
            body: extent(&function.body),
            blocks: function.blocks.iter().map(|block| block.extent()).collect(),
        });
        let defines = definition.is_some();
        let order = Order::Task {
            slot: slot as u16,
            mode: parcel.mode,
            start: parcel.start,
            items: parcel.items,
            function: function.number,
            definition,
            body: extent(&parcel.body),
            blocks: parcel.blocks.iter().map(|block| block.extent()).collect(),
            forget: self.forget.clone(),
        };
        match self.line.send(&order.encode(), &[], false) {
            Ok(true) => {}
            Ok(false) => {
                board.done(slot);
                self.full = true;
                return Err(parcel);
            }
            Err(_) => {
                // It is dying; the poll will say so.
                board.done(slot);
                self.line_open = false;
                return Err(parcel);
            }
        }
        self.forget.clear();
        if defines {
            self.lend_function(&Arc::clone(function));
        }
        self.lend(&parcel);
        let head_since = (self.ready && self.flights.is_empty()).then(Instant::now);
        let sent = Sent { items: parcel.items, weight: parcel.weight() };
        self.flights.push_back(Flight { slot, job, parcel, head_since });
        Ok(sent)
    }

    fn lend_function(&mut self, function: &Arc<Function>) {
        self.known.insert(function.number, Arc::downgrade(function));
        for block in blocks(&function.body, &function.blocks) {
            let entry = self.lent.entry(block.extent().offset).or_insert_with(|| (0, Arc::clone(block)));
            entry.0 += 1;
        }
    }

    fn lend(&mut self, parcel: &Parcel) {
        for block in blocks(&parcel.body, &parcel.blocks) {
            let entry = self.lent.entry(block.extent().offset).or_insert_with(|| (0, Arc::clone(block)));
            entry.0 += 1;
        }
    }

    /// A parcel was withdrawn: the worker will not look at its blocks.
    pub(super) fn take_back(&mut self, parcel: &Parcel) {
        let offsets: Vec<u64> = blocks(&parcel.body, &parcel.blocks).map(|block| block.extent().offset).collect();
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
    rest: &'a [Arc<crate::process::memory::Held>],
) -> impl Iterator<Item = &'a Arc<crate::process::memory::Held>> {
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
            && self.crews.values().all(|crew| {
                let enough = crew.depth() / 2;
                enough >= MANY / 2
                    && crew.workers.iter().all(|id| self.workers.get(id).is_none_or(|w| w.flights.len() > enough))
            })
    }
}

impl Crew {
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
    fn size(&self, workers: usize, lives: Option<u64>) -> usize {
        let most = self.room().min(lives.unwrap_or(u64::MAX)).clamp(1, 1 << 20) as usize;
        if let Some(chunk) = self.options.chunk {
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
