//! Memory shared by a worker and its owner: regions, the blocks in them, and the shared state.
//!
//! There is one region for arguments (the owner's) and one per worker for results. Both sides map them once and keep the
//! mapping: copying into warm memory runs at memory speed, new pages cost several times as much.

mod arguments;
pub(crate) mod free_list;
mod mapping;
pub(crate) mod region;
mod ring;
pub(crate) mod shared_state;
mod worker_heap;

pub use arguments::{ArgumentBlock, ResultBlock};
pub(crate) use arguments::{OwnerMemory, WorkerMemory};
pub(crate) use mapping::OwnerMapping;
pub use mapping::{ArgumentLease, MappedArgument};
pub use worker_heap::{HeapBlock, WorkerHeap};

/// A block in a message: where, how long, and how the receiver sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Offset in the sender's region.
    pub offset: u64,
    /// Bytes.
    pub len: u64,
    /// Of the owner's blocks: tells one block from a later one at the same place.
    pub id: u64,
    /// Of the owner's blocks: several tasks get it, so that each sees a copy on write.
    pub shared: bool,
}
