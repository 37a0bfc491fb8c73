//! The owner's side: one hub in a process has the workers of all pools, one poll over all of them, and one thread.
//!
//! Whoever waits for results does the work meanwhile: it polls, sends the next items, and takes what arrives. The hub's
//! own thread steps in when nobody waits. So a round trip needs two switches of threads, not three.
//!
//! Rules: the lock is held for a short time and never while the door (Python) is called; doors are called without the
//! lock and without the role of polling.

mod admit;
mod dispatch;
mod drive;
mod events;
mod handle;
mod share;
mod state;
mod workers;
mod zygote;

use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

pub use drive::{Until, Waited};
pub use handle::{Crew, Items, Job};
pub use state::{CrewOptions, JobOptions, Listener, Reason};
pub use workers::WorkerFiles;
pub use zygote::ZygoteCommand;

use crate::Budget;

use super::memory::{Held, OwnerMemory, WorkerMemory};
use super::parcel::{Content, Parcel};
use super::system::Poll;
use state::State;
use zygote::Zygote;

/// What the door of a pool does for its workers. Called without any lock, from any thread.
pub trait Face: Send + Sync {
    /// What a new worker is told before anything else.
    fn first(&self) -> io::Result<Parcel>;
    /// Whether it starts the next worker itself; else there is a process to fork it from.
    fn starts(&self) -> io::Result<bool>;
    /// Starts a child of this process that serves the worker's end; its process id.
    fn start(&self, files: WorkerFiles) -> io::Result<i32>;
    /// A worker wrote or said something.
    fn heard(&self, heard: Heard);
}

/// Something that a worker wrote or said.
#[derive(Debug)]
pub struct Heard {
    /// The worker's process.
    pub worker: u32,
    /// The job's tag and the item that ran, where one did.
    pub item: Option<(u64, u64)>,
    /// Where to.
    pub way: Way,
    /// What.
    pub bytes: Vec<u8>,
}

/// How a worker spoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Standard output.
    Output,
    /// Standard error.
    Error,
    /// [`End::say`](super::End::say).
    Said,
}

/// The owner of all worker processes of this process.
pub struct Hub {
    state: Mutex<State>,
    /// The role is free, or something arrived.
    changed: Condvar,
    /// The hub's own thread is wanted.
    summoned: Condvar,
    /// A source had nothing when it was asked, or will not be asked again.
    asked: Condvar,
    poll: Poll,
    memory: Arc<OwnerMemory>,
    process: u32,
    /// Regions of workers, also of those that are gone: results outlive them.
    regions: Mutex<Vec<Weak<WorkerMemory>>>,
    /// Free memory that stays warm: here, and in the workers of a pool together.
    warm: u64,
}

/// Blocks from this size on are worth waiting for.
const LARGE: u64 = 16 << 20;
/// How often, for how long after workers were told to forget something, and with what naps.
const PATIENCE: usize = 20;
const SOON: Duration = Duration::from_millis(50);
/// How long the end waits for threads that call the door.
const LAST_WORDS: Duration = Duration::from_secs(5);
const NAP: rustix::time::Timespec = rustix::time::Timespec { tv_sec: 0, tv_nsec: 100_000 };

/// Bounds of what is kept warm.
const LEAST_WARM: u64 = 64 << 20;
const MOST_WARM: u64 = 4 << 30;

const ZYGOTE: u64 = 1;

/// What a file in epoll is: a worker's number and which of its files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    Line,
    Process,
    Output,
    Error,
}

fn key(worker: u64, which: Which) -> u64 {
    worker << 2 | which as u64
}

impl Hub {
    /// A hub without workers.
    pub fn new() -> io::Result<Arc<Hub>> {
        let budget = Budget::detect().map_or(LEAST_WARM, |budget| budget.memory.0);
        let warm = (budget / 8).clamp(LEAST_WARM, MOST_WARM);
        Ok(Arc::new(Hub {
            state: Mutex::default(),
            changed: Condvar::new(),
            summoned: Condvar::new(),
            asked: Condvar::new(),
            poll: Poll::new()?,
            memory: OwnerMemory::create(warm)?,
            warm,
            process: std::process::id(),
            regions: Mutex::default(),
        }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic by intent runs under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this is the process that made the hub, and not a fork of it.
    pub fn is_ours(&self) -> bool {
        self.process == std::process::id()
    }

    /// Before this process forks: results become private memory, so that the child's copies are its own.
    pub fn before_fork(&self) {
        let regions = std::mem::take(&mut *self.regions());
        let alive: Vec<Arc<WorkerMemory>> = regions.iter().filter_map(Weak::upgrade).collect();
        for region in &alive {
            region.before_fork();
        }
        self.regions().extend(alive.iter().map(Arc::downgrade));
    }

    fn regions(&self) -> MutexGuard<'_, Vec<Weak<WorkerMemory>>> {
        self.regions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// In a fork: closes what would keep workers from seeing that their owner is gone.
    pub fn after_fork(&self) {
        // A lock that was held at the fork is never free again; then files stay open, and nothing else is lost.
        if let Ok(state) = self.state.try_lock() {
            state.close_files();
        }
    }

    /// A block with these bytes.
    pub fn place(&self, bytes: &[u8], shared: bool) -> io::Result<Arc<Held>> {
        let len = bytes.len() as u64;
        if len >= LARGE && !self.memory.is_warm(len) {
            self.wait_for_releases(len);
        }
        self.memory.place(bytes, shared)
    }

    /// Workers may be about to give back memory that was used before: new pages cost more than waiting a little.
    fn wait_for_releases(&self, len: u64) {
        for _ in 0..PATIENCE {
            let mut state = self.lock();
            self.tidy(&mut state);
            for worker in state.workers.values_mut() {
                worker.take_note_of_releases();
            }
            let soon = state.forgot.is_some_and(|at| at.elapsed() < SOON);
            drop(state);
            if !soon || self.memory.is_warm(len) {
                return;
            }
            let _ = rustix::thread::nanosleep(&NAP);
        }
    }

    /// A block for an argument, to be written in place.
    pub fn block(&self, len: u64, shared: bool) -> io::Result<Arc<Held>> {
        self.memory.take(len, shared)
    }

    /// Bytes for a message: inside of it, or in a block when they are many.
    pub fn content(&self, bytes: &[u8], shared: bool) -> io::Result<Content> {
        if bytes.len() <= super::message::INLINE {
            return Ok(Content::Inline(bytes.into()));
        }
        Ok(Content::Block(self.place(bytes, shared)?))
    }

    /// Starts the process that workers are forked from, or, when it runs, has it load more modules.
    pub fn prepare(&self, command: &ZygoteCommand, modules: &[u8]) -> io::Result<()> {
        let mut state = self.lock();
        if state.zygote.is_none() {
            let zygote = Zygote::start(command)?;
            self.adopt(&mut state, zygote)?;
            state.command = Some((command.clone(), Vec::new()));
        }
        if modules.is_empty() {
            return Ok(());
        }
        if let Some((_, told)) = &mut state.command {
            told.push(modules.to_vec());
        }
        state.zygote.as_mut().map_or(Ok(()), |zygote| zygote.prepare(modules))
    }

    /// Workers are forked from a process that somebody else started.
    pub fn inherit(&self, line: OwnedFd) -> io::Result<()> {
        let mut state = self.lock();
        self.adopt(&mut state, Zygote::inherited(line))
    }

    fn adopt(&self, state: &mut State, zygote: Zygote) -> io::Result<()> {
        self.poll.add(zygote.fd(), ZYGOTE)?;
        state.zygote = Some(zygote);
        Ok(())
    }

    /// The process that workers are forked from, when it runs.
    pub fn zygote(&self) -> Option<u32> {
        self.lock().zygote.as_ref().map(|zygote| zygote.pid)
    }

    /// Bytes of arguments in shared memory now.
    pub fn memory_in_use(&self) -> u64 {
        self.memory.in_use()
    }

    /// Ends all workers, now, and returns when no thread calls the door any more, nor ever will. For the end of the
    /// process: an interpreter that ends stops its threads wherever they are, and here they must not be.
    pub fn shut_down(&self) {
        let (zygote, jobs, crews);
        {
            let mut state = self.lock();
            state.down = true;
            state.ended_by = Some(std::thread::current().id());
            for worker in state.workers.values() {
                worker.kill();
            }
            zygote = state.zygote.take();
            jobs = std::mem::take(&mut state.jobs);
            crews = std::mem::take(&mut state.crews);
            self.summoned.notify_all();
            self.asked.notify_all();
            self.changed.notify_all();
        }
        self.kick();
        drop((zygote, jobs, crews));
        let state = self.lock();
        let _ = self.changed.wait_timeout_while(state, LAST_WORDS, |state| state.inside > 0);
    }
}
