//! Memory that a worker and its owner share: regions, the blocks in them, and the words of the board.
//!
//! One region belongs to the owner (arguments), one to each worker (results), mapped once by both and kept mapped: a
//! copy into warm memory runs at the speed of memory, while new pages cost several times as much.

pub(crate) mod blocks;
pub(crate) mod board;
mod lent;
mod own;
pub(crate) mod region;
mod views;

pub use lent::{Held, ResultBlock};
pub(crate) use lent::{OwnerMemory, WorkerMemory};
pub use own::{OwnBlock, OwnMemory};
pub(crate) use views::Views;
pub use views::{Lease, View};

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
