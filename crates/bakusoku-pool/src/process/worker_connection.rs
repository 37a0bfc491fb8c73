//! A worker's connection to its owner: receives requests, sends replies, and holds the memory that both share.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::memory::region::Region;
use super::memory::{ArgumentLease, Extent, HeapBlock, OwnerMapping, WorkerHeap};
use super::message::{Body, INLINE, LARGEST, Reply, Request};
use super::message_socket::{MessageSocket, Received};
use super::signals::SignalMaskGuard;
use super::threads::Threads;
use crate::memory as usage;

/// From this long on a task's memory and time of computing are looked at.
const SAMPLING_THRESHOLD: Duration = Duration::from_millis(20);

/// How to wait for the owner to read what was written, and for how long.
const BACKOFF_MIN: Duration = Duration::from_micros(20);
const BACKOFF_MAX: Duration = Duration::from_millis(2);
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// How often a worker looks for its parent.
const PARENT_POLL: Duration = Duration::from_millis(200);
const STACK: usize = 64 << 10;

/// The worker's side.
#[derive(Debug)]
pub struct WorkerConnection {
    socket: MessageSocket,
    own: Arc<WorkerHeap>,
    mapping: Arc<OwnerMapping>,
    state: Mutex<State>,
    threads: Arc<Mutex<Threads>>,
    process: u32,
    outputs: OnceLock<[OwnedFd; 2]>,
}

#[derive(Debug)]
struct State {
    buffer: Vec<u8>,
    begun: Option<Begun>,
    /// Nothing has been answered yet.
    fresh: bool,
    /// Whether a thread follows what the owner says about threads.
    follows: bool,
}

#[derive(Debug)]
struct Begun {
    slot: u16,
    at: Instant,
    cpu: Duration,
}

/// Bytes that came in a message, or lie in a block.
#[derive(Clone, Debug)]
pub enum Bytes {
    /// In the message.
    Inline(Vec<u8>),
    /// In a block of the owner.
    Block(Arc<ArgumentLease>),
}

/// A function as it was sent.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its description.
    pub body: Bytes,
    /// Large parts of it.
    pub blocks: Vec<Arc<ArgumentLease>>,
}

/// Items to run.
#[derive(Debug)]
pub struct Task {
    /// How to call.
    pub mode: u8,
    /// Number of the first item.
    pub start: u64,
    /// How many.
    pub items: u32,
    /// Which function.
    pub function: u64,
    /// What it is, where it was not sent before.
    pub definition: Option<Function>,
    /// The items.
    pub body: Bytes,
    /// Large parts of them.
    pub blocks: Vec<Arc<ArgumentLease>>,
    /// Functions that may be forgotten.
    pub forget: Vec<u64>,
}

/// What comes next.
#[derive(Debug)]
pub enum Next {
    /// Items to run; to be answered.
    Task(Task),
    /// Only a function; its task was taken back.
    Function(u64, Function),
    /// Functions that may be forgotten.
    Forget(Vec<u64>),
    /// Nothing more: end.
    End,
}

impl WorkerConnection {
    /// From the files that the owner handed over: the socket, the owner's memory, and the worker's.
    pub fn new(socket: OwnedFd, owner: OwnedFd, own: OwnedFd) -> io::Result<WorkerConnection> {
        let small = || io::Error::new(io::ErrorKind::InvalidInput, "the worker's memory is too small");
        let own = WorkerHeap::new(Arc::new(Region::open(own)?)).ok_or_else(small)?;
        let mapping = OwnerMapping::new(Region::open(owner)?, own.shared_state().clone());
        let state = State { buffer: vec![0; LARGEST], begun: None, fresh: true, follows: false };
        Ok(WorkerConnection {
            socket: MessageSocket::from_fd(socket),
            own: Arc::new(own),
            mapping: Arc::new(mapping),
            state: Mutex::new(state),
            threads: Arc::default(),
            process: std::process::id(),
            outputs: OnceLock::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The memory that results are born in.
    pub fn memory(&self) -> &Arc<WorkerHeap> {
        &self.own
    }

    /// Which item of the task runs, counted from its first.
    pub fn item(&self) -> u32 {
        self.own.shared_state().item()
    }

    /// Says which.
    pub fn set_item(&self, item: u32) {
        self.own.shared_state().set_item(item);
    }

    /// Whether the owner wants the running task to end.
    pub fn is_interrupted(&self) -> bool {
        self.own.shared_state().is_interrupted()
    }

    /// Before this process forks: what it shares with its owner becomes its own.
    pub fn before_fork(&self) {
        if self.is_ours() {
            self.own.before_fork();
            self.mapping.before_fork();
        }
    }

    /// Whether this is the worker, and not a fork that a task has made.
    pub fn is_ours(&self) -> bool {
        self.process == std::process::id()
    }

    fn check(&self) -> io::Result<()> {
        if self.is_ours() {
            return Ok(());
        }
        Err(io::Error::new(io::ErrorKind::PermissionDenied, "a fork of a worker cannot speak for it"))
    }

    /// Waits for what to do next. `Err(Interrupted)`: a signal came; ask again.
    pub fn next(&self) -> io::Result<Next> {
        self.check()?;
        let mut state = self.lock();
        loop {
            let n = match self.socket.receive(&mut state.buffer, true)? {
                Received::Message(n) => n,
                Received::WouldBlock => continue,
                Received::Closed => return Ok(Next::End),
            };
            let broken = |error| io::Error::new(io::ErrorKind::InvalidData, error);
            match Request::decode(&state.buffer[..n]).map_err(broken)? {
                Request::Stop => return Ok(Next::End),
                Request::Look { keep, forget } => {
                    self.own.trim(keep);
                    if !forget.is_empty() {
                        return Ok(Next::Forget(forget));
                    }
                }
                Request::Task { slot, mode, start, items, function, definition, body, blocks, forget } => {
                    let definition = definition
                        .map(|d| io::Result::Ok(Function { body: self.bytes(d.body)?, blocks: self.leases(d.blocks)? }))
                        .transpose()?;
                    if !self.own.shared_state().begin(usize::from(slot)) {
                        match definition {
                            Some(definition) => return Ok(Next::Function(function, definition)),
                            None => continue,
                        }
                    }
                    state.begun = Some(Begun { slot, at: Instant::now(), cpu: computed() });
                    self.take_threads(&mut state)?;
                    let (body, blocks) = (self.bytes(body)?, self.leases(blocks)?);
                    return Ok(Next::Task(Task { mode, start, items, function, definition, body, blocks, forget }));
                }
            }
        }
    }

    /// Has the libraries of this process use as many threads as the task may.
    fn take_threads(&self, state: &mut State) -> io::Result<()> {
        let shared_state = self.own.shared_state();
        let threads = shared_state.take_threads();
        self.threads.lock().unwrap_or_else(PoisonError::into_inner).set(threads);
        if !state.follows && shared_state.follows() {
            state.follows = true;
            super::threads::follow(shared_state.clone(), Arc::clone(&self.threads))?;
        }
        Ok(())
    }

    /// Puts the number of threads of the running task into the environment that libraries read; the number.
    pub fn tell_threads(&self) -> usize {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner).tell()
    }

    fn bytes(&self, body: Body<Extent>) -> io::Result<Bytes> {
        Ok(match body {
            Body::Inline(bytes) => Bytes::Inline(bytes),
            Body::Block(extent) => Bytes::Block(self.mapping.lease(extent)?),
        })
    }

    fn leases(&self, extents: Vec<Extent>) -> io::Result<Vec<Arc<ArgumentLease>>> {
        extents.into_iter().map(|extent| self.mapping.lease(extent)).collect()
    }

    /// Answers the task.
    pub fn answer(&self, status: u8, body: &[u8], blocks: Vec<HeapBlock>) -> io::Result<()> {
        self.check()?;
        let body = if body.len() <= INLINE {
            Body::Inline(body.to_vec())
        } else {
            let full = || io::Error::new(io::ErrorKind::OutOfMemory, "no shared memory for a result");
            let block = self.own.copy(body).ok_or_else(full)?;
            Body::Block((block.offset, block.len))
        };
        let begun = self.lock().begun.take();
        let begun = begun.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "there is no task to answer"))?;
        let wall = begun.at.elapsed();
        // From the first answer the owner knows how much a worker holds that has done nothing yet.
        let first = std::mem::replace(&mut self.lock().fresh, false);
        let long = first || wall >= SAMPLING_THRESHOLD;
        self.end_output(long);
        let reply = Reply::Done {
            slot: begun.slot,
            status,
            wall_ns: wall.as_nanos() as u64,
            cpu_ns: if long { computed().saturating_sub(begun.cpu).as_nanos() as u64 } else { 0 },
            peak: match (first, long) {
                (true, _) => usage::resident().map_or(0, |bytes| bytes.0),
                (_, true) => usage::peak().map_or(0, |bytes| bytes.0),
                _ => 0,
            },
            body,
            blocks: blocks.iter().map(|block| (block.offset, block.len)).collect(),
        };
        self.own.shared_state().rest();
        self.socket.send(&reply.encode(), &[], true)?;
        if long {
            usage::reset_peak();
            self.own.trim(None);
        }
        Ok(())
    }

    /// Where the standard output and error of this process go, of which an answer waits to be read.
    pub fn watch(&self, output: OwnedFd, error: OwnedFd) {
        let _ = self.outputs.set([output, error]);
    }

    /// Waits until the owner has read what was written, so that it knows who wrote it.
    fn end_output(&self, long: bool) {
        let Some(outputs) = self.outputs.get() else { return };
        if long {
            // What C code has printed waits in its own buffers.
            // SAFETY: without a stream it writes out all of them.
            #[allow(unsafe_code)]
            unsafe {
                libc::fflush(std::ptr::null_mut());
            }
        }
        let begun = Instant::now();
        let mut nap = BACKOFF_MIN;
        // Something that goes on writing in the background is not waited for.
        while begun.elapsed() < LONGEST_WAIT
            && outputs.iter().any(|pipe| rustix::io::ioctl_fionread(pipe).is_ok_and(|n| n > 0))
        {
            std::thread::sleep(nap);
            nap = (nap * 2).min(BACKOFF_MAX);
        }
    }

    /// Tells the owner something meanwhile.
    pub fn send_message(&self, body: &[u8]) -> io::Result<()> {
        self.check()?;
        let body = body[..body.len().min(INLINE)].to_vec();
        self.socket.send(&Reply::Message { body }.encode(), &[], true)?;
        Ok(())
    }
}

/// Has the system send this process a signal when the thread that started it ends: SIGKILL, or one that it can still do
/// something about. False when that one has ended already.
pub fn die_with_parent(parent: i32, gently: bool) -> io::Result<bool> {
    use rustix::process::Signal;
    let signal = if gently { Signal::TERM } else { Signal::KILL };
    if super::system::end_with_parent(signal).is_err() && !gently {
        // Where a filter refuses `prctl`, the worker looks for its parent itself.
        return end_with_parent(parent);
    }
    Ok(rustix::process::getppid().is_some_and(|pid| pid.as_raw_nonzero().get() == parent))
}

/// Has what the programs of tasks leave behind become children of this process, so that they end with it. Where the
/// system cannot do that, they are left alone.
pub fn adopt_orphans() {
    super::system::adopt_orphans();
}

/// Ends a process and what it has started.
pub fn kill_tree(pid: i32) {
    super::system::kill_tree(pid);
}

/// Ends this process and what it has started when its parent ends, whichever of the parent's threads has started it. False when
/// that one has ended already.
pub fn end_with_parent(parent: i32) -> io::Result<bool> {
    let max_tasks = move || rustix::process::getppid().is_some_and(|pid| pid.as_raw_nonzero().get() == parent);
    let builder = std::thread::Builder::new().name("bakusoku-parent".into()).stack_size(STACK);
    let blocked = SignalMaskGuard::all();
    #[allow(clippy::disallowed_methods)] // This is the place.
    builder.spawn(move || {
        while max_tasks() {
            std::thread::sleep(PARENT_POLL);
        }
        super::system::kill_tree(std::process::id() as i32);
    })?;
    drop(blocked);
    Ok(max_tasks())
}

/// Time that all threads of this process have computed.
fn computed() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}
