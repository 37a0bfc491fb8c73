//! The one place that owns threads. Terms:
//!
//! - a **permit** is the right to compute; there are `cores` of them, and each computing thread holds one;
//! - a **worker thread** takes a permit and then runs a task or helps in a parallel region;
//! - a **parallel region** is one call of [`Par`](crate::Par): the caller runs its jobs with its own permit, and idle worker
//!   threads help until there are no jobs left;
//! - a **task** is admitted from the [`queue`] when its need fits, and holds its memory until it ends.
//!
//! A free permit goes to a task that returns from a wait, else to a new task (while fewer than `max_concurrent_tasks` run), else
//! to a helper of the oldest region. So two subjects on two cores run side by side, and the last one gets both cores.
//!
//! A thread that waits (for a disk, for the end of a region, for its own tasks) first returns its permit: no thread holds a
//! permit while it waits for another, hence no deadlock. A caller that waits for its region runs nothing else meanwhile: no
//! foreign task ever appears on its stack.

mod helpers;
pub(crate) mod panics;
pub(crate) mod parallel_region;
pub(crate) mod queue;
mod worker;

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::Thread;

use crate::Need;
use parallel_region::ParallelRegion;
use queue::{Order, Queue};

/// Work that the queue holds: runs task number `index` of its batch.
pub(crate) trait Runnable: Send {
    /// Runs the task on the calling worker thread, which holds a permit. Never unwinds.
    fn run(self: Box<Self>, engine: &Arc<Engine>, priority: Priority);
    /// The task was taken out of the queue and will not run.
    fn dropped(self: Box<Self>);
}

/// For whom a thread computes: decides who goes first, and what a nested task inherits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Priority {
    pub(crate) order: Order,
    /// Whether it is a task (false: a thread from outside of the engine).
    pub(crate) task: bool,
}

impl Priority {
    /// A thread that is not the engine's.
    pub(crate) const EXTERNAL: Priority = Priority { order: Order { root: 0, ticket: 0 }, task: false };
}

pub(crate) struct Engine {
    pub(crate) cores: usize,
    pub(crate) capacity: Need,
    max_concurrent_tasks: usize,
    state: Mutex<State>,
    wakeup: Condvar,
    /// No task runs.
    quiet: Condvar,
    /// Somebody with a better claim waits for a permit: helpers leave at their next job.
    urgent: AtomicBool,
    /// Permits in use and the most there ever were: the law that tests look at.
    computing: AtomicUsize,
    most_computing: AtomicUsize,
}

struct State {
    free: usize,
    ticket: u64,
    returning: BTreeMap<(Order, u64), Arc<Returning>>,
    regions: BTreeMap<(Order, u64), Arc<ParallelRegion>>,
    queue: Queue<Box<dyn Runnable>>,
    running: usize,
    /// Tasks that wait for tasks of their own: ticket → how many of its threads.
    waiting_for_own: HashMap<u64, usize>,
    used: Need,
    most_used: Need,
    /// Root of a task that is larger than the budget and runs alone.
    alone: Option<u64>,
    /// Worker threads that sleep and have not been signalled.
    idle: usize,
    /// Signals to sleeping worker threads that none has taken yet.
    signals: usize,
    /// Worker threads on their way to look for work.
    coming: usize,
    shutdown: bool,
}

/// A thread that waits for a permit.
struct Returning {
    granted: AtomicBool,
    thread: Thread,
}

thread_local! {
    /// The engine whose permit this thread holds (by address), and for whom.
    static HOLDS: Cell<Option<(usize, Priority)>> = const { Cell::new(None) };
}

impl Engine {
    pub(crate) fn new(cores: usize, capacity: Need, max_concurrent_tasks: usize) -> Arc<Engine> {
        Arc::new(Engine {
            cores,
            capacity,
            max_concurrent_tasks,
            state: Mutex::new(State {
                free: cores,
                ticket: 0,
                returning: BTreeMap::new(),
                regions: BTreeMap::new(),
                queue: Queue::default(),
                running: 0,
                waiting_for_own: HashMap::new(),
                used: Need::default(),
                most_used: Need::default(),
                alone: None,
                idle: 0,
                signals: 0,
                coming: 0,
                shutdown: false,
            }),
            wakeup: Condvar::new(),
            quiet: Condvar::new(),
            urgent: AtomicBool::new(false),
            computing: AtomicUsize::new(0),
            most_computing: AtomicUsize::new(0),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic runs under the lock; a poisoned one is still consistent.
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// For whom the calling thread computes with a permit of this engine, if it does.
    pub(crate) fn holder(&self) -> Option<Priority> {
        HOLDS.get().filter(|(engine, _)| *engine == self.address()).map(|(_, priority)| priority)
    }

    /// Whether a helper should leave its region.
    pub(crate) fn urgent(&self) -> bool {
        self.urgent.load(Ordering::Relaxed)
    }

    /// The most permits and the most need that were ever held at once.
    pub(crate) fn peak(&self) -> (usize, Need) {
        (self.most_computing.load(Ordering::Acquire), self.lock().most_used)
    }

    // ── permits ────────────────────────────────────────────────────────────────────────────────────────────────

    fn acquired(&self) {
        let now = self.computing.fetch_add(1, Ordering::AcqRel) + 1;
        self.most_computing.fetch_max(now, Ordering::AcqRel);
    }

    fn released(&self) {
        self.computing.fetch_sub(1, Ordering::AcqRel);
    }

    /// Waits for a permit.
    fn acquire(self: &Arc<Self>, priority: Priority) {
        let mut state = self.lock();
        if state.free > 0 && state.returning.is_empty() {
            state.free -= 1;
        } else {
            let me = Arc::new(Returning { granted: AtomicBool::new(false), thread: std::thread::current() });
            let ticket = state.next_ticket();
            state.returning.insert((priority.order, ticket), Arc::clone(&me));
            self.urgent.store(true, Ordering::Relaxed);
            drop(state);
            while !me.granted.load(Ordering::Acquire) {
                std::thread::park();
            }
        }
        self.acquired();
    }

    /// Gives a permit to who waits longest in order, else to the worker threads.
    fn release(self: &Arc<Self>, state: &mut State) {
        self.released();
        state.free += 1;
        self.dispatch(state);
    }

    /// After any change: permits go to those who return, worker threads are woken for what else there is.
    fn dispatch(self: &Arc<Self>, state: &mut State) {
        while state.free > 0 {
            let Some((_, next)) = state.returning.pop_first() else { break };
            state.free -= 1;
            next.granted.store(true, Ordering::Release);
            next.thread.unpark();
        }
        let admissible = self.admissible(state);
        self.urgent.store(!state.returning.is_empty() || (admissible && state.free == 0), Ordering::Relaxed);
        // One worker thread is woken at a time; each wakes the next when it has taken its work.
        if state.free > state.signals + state.coming
            && !state.shutdown
            && (admissible || state.regions.values().any(|region| region.helpers().wanted() > 0))
        {
            if state.idle > 0 {
                state.idle -= 1;
                state.signals += 1;
                self.wakeup.notify_one();
            } else if let Err(error) = worker::spawn(self) {
                // What there is goes on with the threads there are; a region never depends on helpers.
                tracing::warn!("cannot start another thread: {error}");
            } else {
                state.coming += 1;
            }
        }
    }

    /// Runnable `f` with a permit of this engine: the one the thread has, or one that it waits for.
    pub(crate) fn with_permit<R>(self: &Arc<Self>, priority: Priority, f: impl FnOnce() -> R) -> R {
        if self.holder().is_some() {
            return f();
        }
        struct Held<'a>(&'a Arc<Engine>, Option<(usize, Priority)>);
        impl Drop for Held<'_> {
            fn drop(&mut self) {
                HOLDS.set(self.1);
                self.0.release(&mut self.0.lock());
            }
        }
        self.acquire(priority);
        let _held = Held(self, HOLDS.replace(Some((self.address(), priority))));
        f()
    }

    /// Runnable `f`, which waits for something, without the permit that the thread may hold.
    pub(crate) fn without_permit<R>(self: &Arc<Self>, f: impl FnOnce() -> R) -> R {
        let Some(priority) = self.holder() else { return f() };
        struct Lent<'a>(&'a Arc<Engine>, Priority);
        impl Drop for Lent<'_> {
            fn drop(&mut self) {
                self.0.acquire(self.1);
                HOLDS.set(Some((self.0.address(), self.1)));
            }
        }
        HOLDS.set(None);
        self.release(&mut self.lock());
        let _lent = Lent(self, priority);
        f()
    }

    // ── tasks ──────────────────────────────────────────────────────────────────────────────────────────────────

    /// Puts tasks into the queue, behind those of `parent`'s elders.
    pub(crate) fn submit(self: &Arc<Self>, batch: u64, tasks: Vec<(Need, Box<dyn Runnable>)>) {
        let parent = self.holder().filter(|priority| priority.task);
        let mut state = self.lock();
        for (need, task) in tasks {
            let ticket = state.next_ticket();
            let root = parent.map_or(ticket, |priority| priority.order.root);
            state.queue.push(Order { root, ticket }, batch, need, task);
        }
        self.dispatch(&mut state);
    }

    /// Takes the tasks of `batch` (of all batches: `None`) that have not started out of the queue.
    pub(crate) fn withdraw(self: &Arc<Self>, batch: Option<u64>) {
        let withdrawn = {
            let mut state = self.lock();
            let withdrawn = state.queue.withdraw(batch);
            self.dispatch(&mut state);
            withdrawn
        };
        for task in withdrawn {
            task.dropped();
        }
    }

    /// Raises the need of the queued tasks of `batch` to what `need` makes of it.
    pub(crate) fn correct(self: &Arc<Self>, batch: u64, need: impl Fn(Need) -> Need) {
        self.lock().queue.correct(batch, need);
    }

    /// Waits by `f` for tasks of one's own: a task that does so gives back its permit and its place among the running.
    pub(crate) fn wait_for_own<R>(self: &Arc<Self>, f: impl FnOnce() -> R) -> R {
        let Some(priority) = self.holder().filter(|priority| priority.task) else { return self.without_permit(f) };
        struct Back<'a>(&'a Arc<Engine>, u64);
        impl Drop for Back<'_> {
            fn drop(&mut self) {
                let mut state = self.0.lock();
                if let Some(threads) = state.waiting_for_own.get_mut(&self.1) {
                    *threads -= 1;
                    if *threads == 0 {
                        state.waiting_for_own.remove(&self.1);
                    }
                }
            }
        }
        let ticket = priority.order.ticket;
        *self.lock().waiting_for_own.entry(ticket).or_default() += 1;
        let back = Back(self, ticket);
        self.without_permit(move || {
            let result = f();
            drop(back);
            result
        })
    }

    fn active(&self, state: &State) -> usize {
        state.running.saturating_sub(state.waiting_for_own.len())
    }

    fn admissible(&self, state: &State) -> bool {
        let active = self.active(state);
        active < self.max_concurrent_tasks
            && state.queue.choose(state.used, self.capacity, active, state.alone).is_some()
    }

    /// How many tasks run at once at most.
    pub(crate) fn max_concurrent_tasks(&self) -> usize {
        self.max_concurrent_tasks
    }

    /// Takes every task out of the queue and waits until those that run have ended (not from inside of a task).
    pub(crate) fn drain(self: &Arc<Self>) {
        self.withdraw(None);
        if self.holder().is_some_and(|priority| priority.task) {
            return;
        }
        self.without_permit(|| {
            let state = self.lock();
            let busy = |state: &mut State| state.running > 0 || !state.queue.is_empty();
            drop(self.quiet.wait_while(state, busy).unwrap_or_else(|poisoned| poisoned.into_inner()));
        });
    }

    /// No more tasks; worker threads end when they have nothing to do.
    pub(crate) fn shut_down(self: &Arc<Self>) {
        let mut state = self.lock();
        state.shutdown = true;
        self.wakeup.notify_all();
    }
}

impl State {
    fn next_ticket(&mut self) -> u64 {
        self.ticket += 1;
        self.ticket
    }
}
