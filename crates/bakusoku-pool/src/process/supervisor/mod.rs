//! The owner's side: one supervisor per process runs an event loop over the workers of all pools.
//!
//! A thread that waits for results runs the loop itself: it polls, sends the next chunks, and takes results. The
//! supervisor's own thread takes over when nobody waits. So a round trip needs two thread switches, not three.
//!
//! Rules: the lock is held briefly and never during a callback (Python); callbacks run without the lock and outside of the
//! poll.

mod admission;
mod dispatch;
mod events;
mod forkserver;
mod handle;
mod poll_loop;
mod state;
mod threads;
mod workers;

use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

pub use forkserver::ForkserverCommand;
pub use handle::{Items, Job, WorkerPool};
pub use poll_loop::{Until, Waited};
pub use state::{JobOptions, Listener, Reason, WorkerPoolOptions};
pub use workers::WorkerFiles;

use crate::Budget;

use super::chunk::{Chunk, Content};
use super::memory::{ArgumentBlock, OwnerMemory, WorkerMemory};
use super::system::Poll;
use forkserver::Forkserver;
use state::State;

/// What the language binding (Python) does for a pool's workers. Called without any lock, from any thread.
pub trait Callbacks: Send + Sync {
    /// What a new worker is told before anything else.
    fn first(&self) -> io::Result<Chunk>;
    /// Whether [`start`](Callbacks::start) starts the next worker; otherwise the forkserver forks it.
    fn starts(&self) -> io::Result<bool>;
    /// Starts a child of this process that serves these files; its process id.
    fn start(&self, files: WorkerFiles) -> io::Result<i32>;
    /// A worker wrote or said something.
    fn on_output(&self, output: WorkerOutput);
}

/// Something that a worker wrote or said.
#[derive(Debug)]
pub struct WorkerOutput {
    /// The worker's process.
    pub worker: u32,
    /// The job's tag and the item that ran, where one did.
    pub item: Option<(u64, u64)>,
    /// Where to.
    pub way: OutputStream,
    /// What.
    pub bytes: Vec<u8>,
}

/// How a worker spoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// [`WorkerConnection::send_message`](super::WorkerConnection::send_message).
    Message,
}

/// The owner of all worker processes of this process.
pub struct Supervisor {
    state: Mutex<State>,
    /// The role is free, or something arrived.
    changed: Condvar,
    /// The supervisor's own thread is wanted.
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
const RELEASE_CHECKS: usize = 20;
const SOON: Duration = Duration::from_millis(50);
/// How long the end waits for threads inside a callback.
const LAST_WORDS: Duration = Duration::from_secs(5);
const NAP: rustix::time::Timespec = rustix::time::Timespec { tv_sec: 0, tv_nsec: 100_000 };

/// Bounds of what is kept warm.
const LEAST_WARM: u64 = 64 << 20;
const MOST_WARM: u64 = 4 << 30;

const FORKSERVER: u64 = 1;

/// What a file in epoll is: a worker's number and which of its files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    MessageSocket,
    Process,
    Output,
    Error,
}

fn key(worker: u64, which: Which) -> u64 {
    worker << 2 | which as u64
}

impl Supervisor {
    /// A supervisor without workers.
    pub fn new() -> io::Result<Arc<Supervisor>> {
        let budget = Budget::detect().map_or(LEAST_WARM, |budget| budget.memory.0);
        let warm = (budget / 8).clamp(LEAST_WARM, MOST_WARM);
        Ok(Arc::new(Supervisor {
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

    /// Whether this is the process that made the supervisor, and not a fork of it.
    pub fn is_ours(&self) -> bool {
        self.process == std::process::id()
    }

    /// Before this process forks: results become private memory, so that the child's copies are its own. Another thread that
    /// forks meanwhile waits: of what has not become private so far, its child would see the file, which is emptied.
    pub fn before_fork(&self) {
        let mut regions = self.regions();
        let alive: Vec<Arc<WorkerMemory>> = regions.iter().filter_map(Weak::upgrade).collect();
        for region in &alive {
            region.before_fork();
        }
        *regions = alive.iter().map(Arc::downgrade).collect();
        // What is dropped here for the last time is dropped without the lock.
        drop(regions);
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
    pub fn place(&self, bytes: &[u8], shared: bool) -> io::Result<Arc<ArgumentBlock>> {
        let len = bytes.len() as u64;
        if len >= LARGE && !self.memory.is_warm(len) {
            self.wait_for_releases(len);
        }
        self.memory.place(bytes, shared)
    }

    /// Workers may be about to give back memory that was used before: new pages cost more than waiting a little.
    fn wait_for_releases(&self, len: u64) {
        for _ in 0..RELEASE_CHECKS {
            let mut state = self.lock();
            self.forget_dropped_functions(&mut state);
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
    pub fn block(&self, len: u64, shared: bool) -> io::Result<Arc<ArgumentBlock>> {
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
    pub fn prepare(&self, command: &ForkserverCommand, modules: &[u8]) -> io::Result<()> {
        let mut state = self.lock();
        if state.forkserver.is_none() {
            let forkserver = Forkserver::start(command)?;
            self.adopt(&mut state, forkserver)?;
            state.command = Some((command.clone(), Vec::new()));
        }
        if modules.is_empty() {
            return Ok(());
        }
        if let Some((_, told)) = &mut state.command {
            told.push(modules.to_vec());
        }
        let told = state.forkserver.as_mut().map_or(Ok(()), |forkserver| forkserver.prepare(modules));
        if told.is_err() {
            // It has just ended: the next worker starts another one, which is told all.
            self.forkserver_is_gone(&mut state);
        }
        Ok(())
    }

    /// Workers are forked from a process that somebody else started.
    pub fn inherit(&self, socket: OwnedFd) -> io::Result<()> {
        let mut state = self.lock();
        self.adopt(&mut state, Forkserver::inherited(socket))
    }

    fn adopt(&self, state: &mut State, forkserver: Forkserver) -> io::Result<()> {
        self.poll.add(forkserver.fd(), FORKSERVER)?;
        state.forkserver = Some(forkserver);
        Ok(())
    }

    /// The process that workers are forked from, when it runs.
    pub fn forkserver(&self) -> Option<u32> {
        self.lock().forkserver.as_ref().map(|forkserver| forkserver.pid)
    }

    /// Bytes of arguments in shared memory now.
    pub fn memory_in_use(&self) -> u64 {
        self.memory.in_use()
    }

    /// Ends all workers, now, and returns when no callback runs any more, nor ever will. For the end of the
    /// process: an interpreter that ends stops its threads wherever they are, and here they must not be.
    pub fn shut_down(&self) {
        let (forkserver, jobs, pools);
        {
            let mut state = self.lock();
            state.down = true;
            state.ended_by = Some(std::thread::current().id());
            for worker in state.workers.values() {
                worker.kill();
            }
            for (_, process) in std::mem::take(&mut state.ending) {
                process.signal(rustix::process::Signal::KILL);
            }
            forkserver = state.forkserver.take();
            jobs = std::mem::take(&mut state.jobs);
            pools = std::mem::take(&mut state.pools);
            self.summoned.notify_all();
            self.asked.notify_all();
            self.changed.notify_all();
        }
        self.wake();
        drop((forkserver, jobs, pools));
        let state = self.lock();
        let _ = self.changed.wait_timeout_while(state, LAST_WORDS, |state| state.inside > 0);
    }
}
