//! The state of the supervisor: worker pools, workers, and jobs (the items of one call).

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::{Arc, Weak};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use super::admission::Needs;
use super::forkserver::{Forkserver, ForkserverCommand};
use crate::process::chunk::{Chunk, ChunkResult, Exit, Function, Source};
use crate::process::memory::{ArgumentBlock, WorkerMemory};
use crate::process::message_socket::MessageSocket;
use crate::process::system::{Process, TreeProcess};

use super::Callbacks;

/// How the workers of a pool are.
#[derive(Clone, Debug)]
pub struct WorkerPoolOptions {
    /// How many.
    pub size: usize,
    /// Items after which a worker is replaced.
    pub max_tasks: Option<u64>,
    /// Cores that its tasks may keep busy together.
    pub cores: usize,
    /// Threads inside of a task; `None`: what the cores allow.
    pub threads: Option<usize>,
    /// But never more than these.
    pub most_threads: usize,
    /// Bytes that the tasks that run at once may need together.
    pub memory: u64,
    /// Whether the threads of a task may change while it runs.
    pub elastic: bool,
}

impl WorkerPoolOptions {
    /// Threads inside of a task when all workers are busy.
    pub(super) fn share(&self) -> usize {
        let share = (self.cores / self.size.max(1)).max(1);
        self.threads.unwrap_or(share.min(self.most_threads.max(1)))
    }
}

/// How the items of a call are run.
#[derive(Clone, Debug, Default)]
pub struct JobOptions {
    /// By which [`WorkerOutput::item`](super::WorkerOutput::item) names it.
    pub tag: u64,
    /// Items in one message; `None`: as many as make it worth while.
    pub chunksize: Option<usize>,
    /// How long a message's items should take together, when their number is ours to choose.
    pub target: Duration,
    /// How many items there are, when that is known.
    pub total: Option<u64>,
    /// Whether other jobs may come while it runs: nobody then gets more than his share of the cores.
    pub others: bool,
    /// How many items may be begun and not yet read; sixteen times as many when they are quick.
    pub ahead: Option<u64>,
    /// How long an item may take.
    pub timeout: Option<Duration>,
}

/// Somebody who wants to know at once when something arrived.
pub type Listener = Arc<dyn Fn() + Send + Sync>;

#[derive(Default)]
pub(super) struct State {
    pub(super) next: u64,
    pub(super) pools: BTreeMap<u64, WorkerPool>,
    pub(super) workers: HashMap<u64, Worker>,
    pub(super) jobs: HashMap<u64, Job>,
    pub(super) forkserver: Option<Forkserver>,
    /// Forkservers that ended without ever having forked a worker.
    pub(super) forkserver_failures: u32,
    /// Chunks that are with workers.
    pub(super) outstanding: usize,
    /// Who polls.
    pub(super) role: Role,
    /// Threads that want the role.
    pub(super) waiting: usize,
    /// How often was polled.
    pub(super) turns: u64,
    pub(super) io_thread: bool,
    /// To be told, without the lock.
    pub(super) told: Vec<Listener>,
    pub(super) heard: Vec<(Arc<dyn Callbacks>, super::WorkerOutput)>,
    /// Threads that are delivering output of workers.
    pub(super) hearing: usize,
    /// Objects of the binding, to be dropped without the lock.
    pub(super) trash: Vec<Box<dyn Source>>,
    pub(super) finished: Vec<Job>,
    pub(super) buffer: Vec<u8>,
    /// How to start a forkserver, and what the one that runs was told to load.
    pub(super) command: Option<(ForkserverCommand, Vec<Vec<u8>>)>,
    /// What workers had started that were asked to end, and when it is killed if it has not ended by then.
    pub(super) ending: Vec<(Instant, TreeProcess)>,
    /// Functions that were dropped when workers were last told to forget, and when that was.
    pub(super) dropped: u64,
    pub(super) forgot: Option<Instant>,
    /// Since when nothing is with workers, and whether memory was given back since.
    pub(super) idle: Option<Instant>,
    pub(super) trimmed: bool,
    /// The end: no callback runs any more; and the thread that makes it.
    pub(super) down: bool,
    pub(super) ended_by: Option<ThreadId>,
    /// Threads that are inside a callback.
    pub(super) inside: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Role {
    #[default]
    Free,
    /// The supervisor's own thread polls.
    Supervisor,
    /// A thread that waits for results polls.
    Waiter,
}

impl State {
    /// The next chunk of a job.
    pub(super) fn front_of(&self, job: u64) -> Option<&Chunk> {
        self.jobs.get(&job)?.ready.front()
    }

    /// In a fork of the owner: workers' sockets close with their owner.
    pub(super) fn close_files(&self) {
        let forkserver = self.forkserver.iter().map(|forkserver| forkserver.fd().as_raw_fd());
        let lines = self.workers.values().map(|worker| worker.socket.fd().as_raw_fd());
        let null = rustix::fs::open("/dev/null", rustix::fs::OFlags::RDONLY, rustix::fs::Mode::empty());
        let Ok(null) = null else { return };
        for file in forkserver.chain(lines) {
            crate::process::system::put_in_place(null.as_fd(), file);
        }
    }

    pub(super) fn number(&mut self) -> u64 {
        self.next += 1;
        // Small numbers mark the supervisor's own files in epoll.
        self.next + 15
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Open,
    /// No new jobs; ends when those that there are end.
    Closed,
    /// Ends now.
    Terminated,
}

pub(super) struct WorkerPool {
    pub(super) options: WorkerPoolOptions,
    pub(super) callbacks: Arc<dyn Callbacks>,
    pub(super) stage: Stage,
    pub(super) workers: Vec<u64>,
    /// Workers that are to be started, and whether a thread is at it: one after the other.
    pub(super) missing: usize,
    pub(super) starting: bool,
    /// Whether the forkserver was asked for one.
    pub(super) from_forkserver: bool,
    /// How often workers in the place of others that died before they were ready did so too, since one was ready.
    pub(super) generation: u32,
    pub(super) broken: Option<Arc<Reason>>,
    /// Workers could not be started, so often in a row; and when to try again, with how many.
    pub(super) failed_starts: u32,
    pub(super) retry: Option<(Instant, usize)>,
    /// Nanoseconds for a message, of late.
    pub(super) pace: Option<f64>,
    /// What items need.
    pub(super) needs: Needs,
    /// In order of arrival.
    pub(super) jobs: VecDeque<u64>,
}

/// Why a pool has no workers.
#[derive(Debug)]
pub enum Reason {
    /// What a worker is told first failed; what it reported.
    Refused {
        /// The language binding decides.
        status: u8,
        /// The language binding decides.
        body: Vec<u8>,
    },
    /// Workers die before they are ready.
    DiedAtStart(Exit),
    /// Workers cannot be started.
    Unable(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Asked for.
    Starting,
    Live,
    /// Was told to end when it is done.
    Leaving,
}

pub(super) struct Worker {
    pub(super) pool: u64,
    pub(super) phase: Phase,
    /// Of its pool, when it was started.
    pub(super) generation: u32,
    pub(super) pid: Option<i32>,
    pub(super) process: Option<Process>,
    /// What it has started is found from here.
    pub(super) tree: Option<TreeProcess>,
    /// Whether it is a child of this process, not of the forkserver.
    pub(super) ours: bool,
    pub(super) socket: MessageSocket,
    pub(super) socket_open: bool,
    pub(super) socket_closed: bool,
    pub(super) out: [Option<OwnedFd>; 2],
    pub(super) memory: Arc<WorkerMemory>,
    pub(super) flights: VecDeque<Flight>,
    /// Functions that it knows, and those that it may forget.
    pub(super) known: HashMap<u64, Weak<Function>>,
    pub(super) forget: Vec<u64>,
    /// Blocks that it may look at.
    pub(super) lent: HashMap<u64, (u32, Arc<ArgumentBlock>)>,
    pub(super) items: u64,
    /// Resident memory when it was ready.
    pub(super) resident: u64,
    pub(super) ready: bool,
    /// Its socket is full.
    pub(super) full: bool,
    /// It is gone; its status may still be on the way.
    pub(super) gone: Option<Instant>,
    pub(super) exit: Option<Exit>,
    /// Whether it gets messages until it has as many as it may.
    pub(super) filling: std::cell::Cell<bool>,
    /// It was killed for having no more time.
    pub(super) late: bool,
    /// When it is killed, if what it was asked to end has not ended by then.
    pub(super) kill_at: Option<Instant>,
    pub(super) oom_at_start: u64,
}

impl Worker {
    /// The tag of the job and the number of the item that runs.
    pub(super) fn running(&self, jobs: &HashMap<u64, Job>) -> Option<(u64, u64)> {
        let shared_state = self.memory.shared_state();
        let slot = shared_state.running()?;
        let flight = self.flights.iter().find(|flight| flight.slot == slot)?;
        let item = u64::from(shared_state.item().min(flight.chunk.items.saturating_sub(1)));
        Some((jobs.get(&flight.job?)?.options.tag, flight.chunk.start + item))
    }

    /// Whether nothing tells when it has ended: it has to be looked at.
    pub(super) fn is_unwatched(&self) -> bool {
        self.gone.is_none() && self.process.as_ref().is_some_and(|process| !process.is_watched())
    }

    /// Whether it has items.
    pub(super) fn is_busy(&self) -> bool {
        self.flights.back().is_some_and(|flight| flight.job.is_some())
    }
}

/// A chunk that is with a worker.
pub(super) struct Flight {
    pub(super) slot: usize,
    /// `None`: what a worker is told first.
    pub(super) job: Option<u64>,
    pub(super) chunk: Chunk,
    /// Since when it is the worker's first.
    pub(super) head_since: Option<Instant>,
}

pub(super) struct Job {
    pub(super) pool: u64,
    pub(super) options: JobOptions,
    /// Chunks that are ready to go.
    pub(super) ready: VecDeque<Chunk>,
    pub(super) source: From,
    pub(super) supplied: u64,
    /// Chunks and items that are with workers.
    pub(super) flights: usize,
    /// Answers that nobody has taken yet, and their items.
    pub(super) parts: Vec<ChunkResult>,
    pub(super) unread: u64,
    /// How many answers have arrived.
    pub(super) arrived: u64,
    /// Nanoseconds for an item, and the largest message so far.
    pub(super) per_item: Option<f64>,
    pub(super) most: usize,
    /// Bytes in the blocks of its last chunk.
    pub(super) weight: u64,
    pub(super) weight_of_item: u64,
    /// Bytes in the blocks of an item's result, of late.
    pub(super) result_weight: u64,
    pub(super) cancelled: bool,
    pub(super) listener: Option<Listener>,
    /// Nobody will take what arrives.
    pub(super) abandoned: bool,
    pub(super) in_flight_items: u64,
    /// The source has said that it has something, while it was being asked.
    pub(super) came: bool,
}

pub(super) enum From {
    Source(Box<dyn Source>),
    /// It had nothing when it was asked; it will say when it has.
    Later(Box<dyn Source>),
    /// Items are being made.
    Busy,
    End,
}

/// Of results from this size on, fewer may wait for their reader.
const HEAVY: u64 = 1 << 20;

impl Job {
    pub(super) fn done(&self) -> bool {
        matches!(self.source, From::End) && self.ready.is_empty() && self.flights == 0
    }

    /// Whether more items may be begun.
    pub(super) fn has_room(&self) -> bool {
        self.room() > 0
    }

    /// How many more items may be begun now.
    pub(super) fn room(&self) -> u64 {
        let Some(ahead) = self.options.ahead else { return u64::MAX };
        let ahead = match self.per_item {
            // Results are large, or nobody knows yet: one for each worker.
            None => ahead.div_ceil(4),
            _ if self.result_weight >= HEAVY => ahead.div_ceil(4),
            // Items that are done at once: there can be more of them, so that nobody waits for anybody.
            Some(ns) if ns < 1e6 => ahead.saturating_mul(16),
            _ => ahead,
        };
        ahead.saturating_sub(self.in_flight_items + self.unread)
    }
}
