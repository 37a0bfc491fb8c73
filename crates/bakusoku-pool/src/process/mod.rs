//! The process pool: worker processes for functions that cannot run in parallel within one process, such as Python's.
//!
//! The owner has one [`Supervisor`](supervisor::Supervisor) for all its workers. A [`WorkerPool`](supervisor::WorkerPool) is the
//! set of workers of one pool, a [`Job`](supervisor::Job) the items of one call. Each worker owns a [`WorkerConnection`]. The
//! language binding decides what is called and how arguments and results are serialised; large arrays do not travel in
//! messages but in memory that both sides map.

mod chunk;
mod memory;
mod message;
mod message_socket;
mod signals;
mod supervisor;
mod system;
mod threads;
mod worker_connection;

pub use memory::{ArgumentBlock, ArgumentLease, Extent, HeapBlock, MappedArgument, ResultBlock, WorkerHeap};
pub use message::{INLINE, MOST_BLOCKS};
pub use supervisor::{
    Callbacks, ForkserverCommand, Items, Job, JobOptions, Listener, OutputStream, Reason, Supervisor, Until, Waited,
    WorkerFiles, WorkerOutput, WorkerPool, WorkerPoolOptions,
};
pub use worker_connection::{Bytes as TaskBytes, Function as TaskFunction, Next, Task, WorkerConnection};
pub use worker_connection::{adopt_orphans, die_with_parent, end_with_parent, kill_tree};
/// Whether workers can be forked from a process of their own.
pub const HAS_FORKSERVER: bool = system::HAS_FORKSERVER;

pub use chunk::{Chunk, ChunkResult, Content, Exit, Function, NextChunk, Outcome, Payload, Source};

/// Whether a fork of this process is as safe as that of a process with one thread: all other threads are known not to mind.
pub fn fork_is_safe() -> bool {
    system::fork_is_safe()
}
