//! What goes to workers and what comes back, as the language binding sees it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::memory::{ArgumentBlock, ResultBlock};

static NUMBERS: AtomicU64 = AtomicU64::new(1);

/// Bytes inside of a message, or in a block of the owner.
#[derive(Clone, Debug)]
pub enum Content {
    /// Few bytes.
    Inline(Arc<[u8]>),
    /// Many.
    Block(Arc<ArgumentBlock>),
}

/// A function, sent once to each worker that needs it.
#[derive(Debug)]
pub struct Function {
    pub(crate) number: u64,
    pub(crate) body: Content,
    pub(crate) blocks: Vec<Arc<ArgumentBlock>>,
}

/// How many functions were dropped in this process so far.
static DROPPED: AtomicU64 = AtomicU64::new(0);

impl Drop for Function {
    fn drop(&mut self) {
        DROPPED.fetch_add(1, Ordering::Release);
    }
}

impl Function {
    pub(crate) fn dropped() -> u64 {
        DROPPED.load(Ordering::Acquire)
    }

    /// A function, by its description and the large parts of it.
    pub fn new(body: Content, blocks: Vec<Arc<ArgumentBlock>>) -> Arc<Function> {
        Arc::new(Function { number: NUMBERS.fetch_add(1, Ordering::Relaxed), body, blocks })
    }

    /// Its number, under which workers know it.
    pub fn number(&self) -> u64 {
        self.number
    }
}

/// One message's worth of items.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// How the worker calls; the language binding decides.
    pub mode: u8,
    /// Number of the first item.
    pub start: u64,
    /// How many items.
    pub items: u32,
    /// What to call.
    pub function: Arc<Function>,
    /// The items.
    pub body: Content,
    /// Large parts of them.
    pub blocks: Vec<Arc<ArgumentBlock>>,
    /// Bytes of memory that the most demanding of them needs; 0: nobody has said it.
    pub need: u64,
}

impl Chunk {
    /// Bytes in blocks of its own.
    pub(crate) fn weight(&self) -> u64 {
        let body = match &self.body {
            Content::Block(block) => block.extent().len,
            Content::Inline(_) => 0,
        };
        body + self.blocks.iter().map(|block| block.extent()).filter(|e| !e.shared).map(|e| e.len).sum::<u64>()
    }
}

/// What a source has next.
#[derive(Debug)]
pub enum NextChunk {
    /// Items.
    Chunk(Chunk),
    /// Nothing yet: see [`Job::came`](super::supervisor::Job::came).
    Later,
    /// Nothing any more.
    End,
}

/// Where a job's items come from. Asked by one thread at a time, from any, and only when a worker has room.
pub trait Source: Send {
    /// Up to `most` items.
    fn next(&mut self, most: usize) -> NextChunk;
}

/// What came of a chunk.
#[derive(Debug)]
pub struct ChunkResult {
    /// Number of its first item.
    pub start: u64,
    /// How many items.
    pub items: u32,
    /// The worker's process.
    pub worker: u32,
    /// From the start of the first item to the end of the last.
    pub wall: Duration,
    /// Time that all threads of the worker computed; zero where it was too short to look.
    pub cpu: Duration,
    /// Largest resident memory of the worker meanwhile, in bytes; zero where it was too short to look.
    pub peak: u64,
    /// How far that was beyond what the worker held when it was new.
    pub grown: u64,
    /// What came.
    pub outcome: Outcome,
}

/// What came of a chunk's items.
#[derive(Debug)]
pub enum Outcome {
    /// The worker's answer.
    Replied {
        /// The language binding decides.
        status: u8,
        /// The answer.
        body: Payload,
        /// Large parts of it.
        blocks: Vec<ResultBlock>,
    },
    /// The worker died.
    Died {
        /// The item that ran, counted from the chunk's first.
        item: u32,
        /// How it ended.
        exit: Exit,
    },
    /// The item was given too little time, and its worker was ended.
    TimedOut,
    /// It was taken back before it began, or ended because somebody asked for it.
    Cancelled,
}

/// Bytes that came in a message, or lie in a block of the worker.
#[derive(Debug)]
pub enum Payload {
    /// Few.
    Inline(Vec<u8>),
    /// Many.
    Block(ResultBlock),
}

impl Payload {
    /// A copy of the bytes.
    pub fn to_vec(&self) -> Vec<u8> {
        match self {
            Payload::Inline(bytes) => bytes.clone(),
            Payload::Block(block) => block.to_vec(),
        }
    }
}

/// How a worker ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exit {
    /// The number that it returned, when it did.
    pub code: Option<i32>,
    /// The signal that ended it, when one did.
    pub signal: Option<i32>,
    /// Its largest resident memory ever, in bytes; zero where it is not known.
    pub peak: u64,
    /// Processes of our cgroup that the kernel killed for lack of memory while it lived.
    pub oom_kills: u64,
}

impl Exit {
    /// From the status word of `wait(2)`.
    pub(crate) fn from_status(status: i32, peak: u64) -> Exit {
        let signal = status & 0x7f;
        Exit {
            code: (signal == 0).then_some(status >> 8 & 0xff),
            signal: (signal != 0).then_some(signal),
            peak,
            oom_kills: 0,
        }
    }
}
