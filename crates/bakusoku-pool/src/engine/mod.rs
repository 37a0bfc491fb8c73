//! The one place that owns threads. Its words:
//!
//! - a **permit** is the right to compute; there are `cores` of them, and whoever computes holds one;
//! - a **hand** is a thread of the engine; it takes a permit and then either runs a task or helps in a region;
//! - a **region** is one call of [`Par`](crate::Par): the caller works through its jobs with the permit it has, and
//!   hands that are free join in until the jobs run out;
//! - a **task** is admitted from the [`queue`] when its need fits, and holds its memory until it ends.
//!
//! Who gets a permit that becomes free: a task that comes back from a wait, else a new task (while fewer than
//! `at_once` are running), else help for the oldest open region. So two subjects on two cores run side by side and
//! undivided, and the last one gets every core.
//!
//! Whoever waits (for a disk, for the end of a region, for tasks of its own) gives its permit back first: a permit
//! is never held while waiting for another, hence no deadlock. A caller that waits for its region runs nothing
//! else meanwhile: no foreign task ever appears on top of its stack.

mod hand;
pub(crate) mod panics;
pub(crate) mod queue;
pub(crate) mod region;

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::Thread;

use crate::Need;
use queue::{Order, Queue};
use region::Region;

/// Work that the queue holds: runs task number `index` of its batch.
pub(crate) trait Runs: Send {
    /// Runs the task on the calling hand, which holds a permit. Never unwinds.
    fn run(self: Box<Self>, engine: &Arc<Engine>, who: Who);
    /// The task was taken out of the queue and will not run.
    fn dropped(self: Box<Self>);
}

/// For whom a thread computes: decides who goes first, and what a nested task inherits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Who {
    pub(crate) order: Order,
    /// Whether it is a task (false: a thread from outside of the engine).
    pub(crate) task: bool,
}

impl Who {
    /// A thread that is not the engine's.
    pub(crate) const OUTSIDE: Who = Who { order: Order { root: 0, ticket: 0 }, task: false };
}

pub(crate) struct Engine {
    pub(crate) cores: usize,
    pub(crate) capacity: Need,
    at_once: usize,
    state: Mutex<State>,
    roused: Condvar,
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
    regions: BTreeMap<(Order, u64), Arc<Region>>,
    queue: Queue<Box<dyn Runs>>,
    running: usize,
    /// Tasks that wait for tasks of their own: ticket → how many of its threads.
    waiting_for_own: HashMap<u64, usize>,
    used: Need,
    most_used: Need,
    /// Root of a task that is larger than the budget and runs alone.
    alone: Option<u64>,
    /// Hands that sleep and have not been signalled.
    idle: usize,
    /// Signals to sleeping hands that none has taken yet.
    signals: usize,
    /// Hands on their way to look for work.
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
    static HOLDS: Cell<Option<(usize, Who)>> = const { Cell::new(None) };
}

impl Engine {
    pub(crate) fn new(cores: usize, capacity: Need, at_once: usize) -> Arc<Engine> {
        Arc::new(Engine {
            cores,
            capacity,
            at_once,
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
            roused: Condvar::new(),
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
    pub(crate) fn holder(&self) -> Option<Who> {
        HOLDS.get().filter(|(engine, _)| *engine == self.address()).map(|(_, who)| who)
    }

    /// Whether a helper should leave its region.
    pub(crate) fn urgent(&self) -> bool {
        self.urgent.load(Ordering::Relaxed)
    }

    /// The most permits and the most need that were ever held at once.
    pub(crate) fn most(&self) -> (usize, Need) {
        (self.most_computing.load(Ordering::Acquire), self.lock().most_used)
    }

    // ── permits ────────────────────────────────────────────────────────────────────────────────────────────────

    fn took(&self) {
        let now = self.computing.fetch_add(1, Ordering::AcqRel) + 1;
        self.most_computing.fetch_max(now, Ordering::AcqRel);
    }

    fn gave(&self) {
        self.computing.fetch_sub(1, Ordering::AcqRel);
    }

    /// Waits for a permit.
    fn acquire(self: &Arc<Self>, who: Who) {
        let mut state = self.lock();
        if state.free > 0 && state.returning.is_empty() {
            state.free -= 1;
        } else {
            let me = Arc::new(Returning { granted: AtomicBool::new(false), thread: std::thread::current() });
            let ticket = state.next_ticket();
            state.returning.insert((who.order, ticket), Arc::clone(&me));
            self.urgent.store(true, Ordering::Relaxed);
            drop(state);
            while !me.granted.load(Ordering::Acquire) {
                std::thread::park();
            }
        }
        self.took();
    }

    /// Gives a permit to who waits longest in order, else to the hands.
    fn release(self: &Arc<Self>, state: &mut State) {
        self.gave();
        state.free += 1;
        self.settle(state);
    }

    /// After any change: permits go to those who return, hands are roused for what else there is.
    fn settle(self: &Arc<Self>, state: &mut State) {
        while state.free > 0 {
            let Some((_, next)) = state.returning.pop_first() else { break };
            state.free -= 1;
            next.granted.store(true, Ordering::Release);
            next.thread.unpark();
        }
        let admissible = self.admissible(state);
        self.urgent.store(!state.returning.is_empty() || (admissible && state.free == 0), Ordering::Relaxed);
        // One hand is roused at a time; each rouses the next when it has taken its work.
        if state.free > state.signals + state.coming
            && !state.shutdown
            && (admissible || state.regions.values().any(|region| region.wanted() > 0))
        {
            if state.idle > 0 {
                state.idle -= 1;
                state.signals += 1;
                self.roused.notify_one();
            } else if let Err(error) = hand::spawn(self) {
                // What there is goes on with the threads there are; a region never depends on helpers.
                tracing::warn!("cannot start another thread: {error}");
            } else {
                state.coming += 1;
            }
        }
    }

    /// Runs `f` with a permit of this engine: the one the thread has, or one that it waits for.
    pub(crate) fn with_permit<R>(self: &Arc<Self>, who: Who, f: impl FnOnce() -> R) -> R {
        if self.holder().is_some() {
            return f();
        }
        struct Held<'a>(&'a Arc<Engine>, Option<(usize, Who)>);
        impl Drop for Held<'_> {
            fn drop(&mut self) {
                HOLDS.set(self.1);
                self.0.release(&mut self.0.lock());
            }
        }
        self.acquire(who);
        let _held = Held(self, HOLDS.replace(Some((self.address(), who))));
        f()
    }

    /// Runs `f`, which waits for something, without the permit that the thread may hold.
    pub(crate) fn without_permit<R>(self: &Arc<Self>, f: impl FnOnce() -> R) -> R {
        let Some(who) = self.holder() else { return f() };
        struct Lent<'a>(&'a Arc<Engine>, Who);
        impl Drop for Lent<'_> {
            fn drop(&mut self) {
                self.0.acquire(self.1);
                HOLDS.set(Some((self.0.address(), self.1)));
            }
        }
        HOLDS.set(None);
        self.release(&mut self.lock());
        let _lent = Lent(self, who);
        f()
    }

    // ── tasks ──────────────────────────────────────────────────────────────────────────────────────────────────

    /// Puts tasks into the queue, behind those of `parent`'s elders.
    pub(crate) fn submit(self: &Arc<Self>, batch: u64, tasks: Vec<(Need, Box<dyn Runs>)>) {
        let parent = self.holder().filter(|who| who.task);
        let mut state = self.lock();
        for (need, task) in tasks {
            let ticket = state.next_ticket();
            let root = parent.map_or(ticket, |who| who.order.root);
            state.queue.push(Order { root, ticket }, batch, need, task);
        }
        self.settle(&mut state);
    }

    /// Takes the tasks of `batch` (of all batches: `None`) that have not started out of the queue.
    pub(crate) fn withdraw(self: &Arc<Self>, batch: Option<u64>) {
        let withdrawn = {
            let mut state = self.lock();
            let withdrawn = state.queue.withdraw(batch);
            self.settle(&mut state);
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
        let Some(who) = self.holder().filter(|who| who.task) else { return self.without_permit(f) };
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
        let ticket = who.order.ticket;
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
        active < self.at_once && state.queue.choose(state.used, self.capacity, active, state.alone).is_some()
    }

    /// How many tasks run at once at most.
    pub(crate) fn at_once(&self) -> usize {
        self.at_once
    }

    /// Takes every task out of the queue and waits until those that run have ended (not from inside of a task).
    pub(crate) fn drain(self: &Arc<Self>) {
        self.withdraw(None);
        if self.holder().is_some_and(|who| who.task) {
            return;
        }
        self.without_permit(|| {
            let state = self.lock();
            let busy = |state: &mut State| state.running > 0 || !state.queue.is_empty();
            drop(self.quiet.wait_while(state, busy).unwrap_or_else(|poisoned| poisoned.into_inner()));
        });
    }

    /// No more tasks; hands go home when they have nothing to do.
    pub(crate) fn shut_down(self: &Arc<Self>) {
        let mut state = self.lock();
        state.shutdown = true;
        self.roused.notify_all();
    }
}

impl State {
    fn next_ticket(&mut self) -> u64 {
        self.ticket += 1;
        self.ticket
    }
}
