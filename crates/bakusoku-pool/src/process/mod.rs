//! The process door: worker processes for functions that one process cannot run at once, such as Python's.
//!
//! An owner has a [`Hub`](hub::Hub); a pool's workers are a [`Crew`](hub::Crew), the items of a call a
//! [`Job`](hub::Job). A worker serves its [`End`]. What is called, and how arguments and results are written as bytes,
//! is the door's affair; large arrays travel beside the bytes, in memory that both sides have mapped.

mod end;
mod hub;
mod line;
mod memory;
mod message;
mod parcel;
mod signals;
mod system;
mod threads;

pub use end::{Bytes as TaskBytes, End, Function as TaskFunction, Next, Task};
pub use end::{die_with_parent, end_with};
pub use hub::{
    Crew, CrewOptions, Face, Heard, Hub, Items, Job, JobOptions, Listener, Reason, Until, Waited, Way, WorkerFiles,
    ZygoteCommand,
};
pub use memory::{Extent, Held, Lease, OwnBlock, OwnMemory, ResultBlock, View};
pub use message::{INLINE, MOST_BLOCKS};
/// Whether workers can be forked from a process of their own.
pub const ZYGOTE: bool = system::ZYGOTE;

pub use parcel::{Answer, Content, Exit, Function, Outcome, Parcel, Part, Source, Supply};

/// Whether a fork of this process is as safe as that of a process with one thread: all other threads are known not to mind.
pub fn is_alone() -> bool {
    system::is_alone()
}
