//! Blocks and who holds them: the owner's arguments ([`Held`]) and the workers' results ([`ResultBlock`]).

use std::collections::HashMap;
use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Extent;
use super::blocks::Blocks;
use super::board::{BOARD, Board};
use super::region::Region;

/// Free memory that stays warm in the owner's region.
const KEEP: u64 = 256 << 20;
/// Blocks from here on are reserved before they are written.
const RESERVED: u64 = 1 << 20;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that can panic runs under these locks.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The owner's region: arguments on their way to workers.
#[derive(Debug)]
pub(crate) struct OwnerMemory {
    region: Arc<Region>,
    blocks: Mutex<Blocks>,
    ids: AtomicU64,
}

impl OwnerMemory {
    pub(crate) fn create() -> io::Result<Arc<OwnerMemory>> {
        let region = Region::create()?;
        let blocks = Mutex::new(Blocks::new(0, region.len()));
        Ok(Arc::new(OwnerMemory { region: Arc::new(region), blocks, ids: AtomicU64::new(1) }))
    }

    pub(crate) fn region(&self) -> &Arc<Region> {
        &self.region
    }

    /// A block of `len` bytes, not written yet.
    pub(crate) fn take(self: &Arc<Self>, len: u64, shared: bool) -> io::Result<Arc<Held>> {
        let full = || io::Error::new(io::ErrorKind::OutOfMemory, format!("no room for {len} bytes in shared memory"));
        let taken = lock(&self.blocks).take(len).ok_or_else(full)?;
        let held = Held {
            memory: Arc::clone(self),
            extent: Extent { offset: taken.offset, len, id: self.ids.fetch_add(1, Ordering::Relaxed), shared },
        };
        if taken.zero && taken.len >= RESERVED {
            self.region.reserve(taken.offset, taken.len)?;
        }
        Ok(Arc::new(held))
    }

    /// Bytes in blocks that are taken.
    pub(crate) fn in_use(&self) -> u64 {
        lock(&self.blocks).in_use()
    }

    /// Gives free memory back to the system, but for `keep` bytes.
    pub(crate) fn trim(&self, keep: u64) {
        let mut blocks = lock(&self.blocks);
        if blocks.warm() > keep {
            for (offset, len) in blocks.trim(keep) {
                self.region.punch(offset, len);
            }
        }
    }
}

/// A block of the owner's region. It is free again when the last clone is dropped.
#[derive(Debug)]
pub struct Held {
    memory: Arc<OwnerMemory>,
    extent: Extent,
}

impl Held {
    /// Where it is, for a message.
    pub fn extent(&self) -> Extent {
        self.extent
    }

    /// Its address in the owner.
    pub fn address(&self) -> Option<NonNull<u8>> {
        self.memory.region.at(self.extent.offset, self.extent.len)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        lock(&self.memory.blocks).give(self.extent.offset);
        self.memory.trim(KEEP);
    }
}

/// A worker's region as its owner sees it.
#[derive(Debug)]
pub(crate) struct WorkerMemory {
    region: Arc<Region>,
    board: Board,
    /// Set when the worker is gone: what is dropped from then on goes back to the system by itself.
    gone: AtomicBool,
    /// Blocks that the board had no room for; and the order of pushes to it.
    unsaid: Mutex<Vec<u64>>,
    /// Blocks that were dropped since the worker was last told to look.
    pub(crate) dropped: AtomicU64,
    /// The blocks that are still in use here.
    lengths: Mutex<HashMap<u64, u64>>,
}

impl WorkerMemory {
    pub(crate) fn create() -> io::Result<Arc<WorkerMemory>> {
        let region = Arc::new(Region::create()?);
        let board = Board::new(&region).ok_or_else(|| io::Error::from(io::ErrorKind::OutOfMemory))?;
        Ok(Arc::new(WorkerMemory {
            region,
            board,
            gone: AtomicBool::new(false),
            unsaid: Mutex::default(),
            dropped: AtomicU64::new(0),
            lengths: Mutex::default(),
        }))
    }

    pub(crate) fn region(&self) -> &Arc<Region> {
        &self.region
    }

    pub(crate) fn board(&self) -> &Board {
        &self.board
    }

    /// A block that the worker handed over; `None` when it lies outside of its region.
    pub(crate) fn accept(self: &Arc<Self>, offset: u64, len: u64) -> Option<ResultBlock> {
        if offset < BOARD {
            return None;
        }
        self.region.at(offset, len)?;
        lock(&self.lengths).insert(offset, len);
        Some(ResultBlock { memory: Arc::clone(self), offset, len })
    }

    /// The worker is gone: free memory goes back to the system at once.
    pub(crate) fn leave(&self) {
        let mut held = lock(&self.lengths);
        self.gone.store(true, Ordering::Release);
        // Everything but what is still looked at.
        let mut ranges: Vec<(u64, u64)> = held.drain().collect();
        ranges.sort_unstable();
        let mut at = 0;
        for (offset, len) in ranges {
            let offset = offset / super::blocks::PAGE * super::blocks::PAGE;
            if offset > at {
                self.region.punch(at, offset - at);
            }
            at = at.max((offset + len).next_multiple_of(super::blocks::PAGE));
        }
        if self.region.len() > at {
            self.region.punch(at, self.region.len() - at);
        }
    }

    fn give(&self, offset: u64, len: u64) {
        {
            let mut held = lock(&self.lengths);
            if self.gone.load(Ordering::Acquire) {
                self.region.punch(offset, len.next_multiple_of(super::blocks::PAGE));
                return;
            }
            held.remove(&offset);
        }
        let mut unsaid = lock(&self.unsaid);
        unsaid.push(offset);
        while let Some(&offset) = unsaid.last() {
            if !self.board.free_to_worker(offset) {
                break;
            }
            unsaid.pop();
        }
        self.dropped.fetch_add(len, Ordering::Relaxed);
    }
}

/// A result in the worker's region, held by the owner until it is dropped. Outlives the worker.
#[derive(Debug)]
pub struct ResultBlock {
    memory: Arc<WorkerMemory>,
    offset: u64,
    len: u64,
}

impl ResultBlock {
    /// Its address in this process.
    pub fn address(&self) -> Option<NonNull<u8>> {
        self.memory.region.at(self.offset, self.len)
    }

    /// Bytes.
    #[allow(clippy::len_without_is_empty)] // A block is never empty.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// A copy of the bytes.
    pub fn to_vec(&self) -> Vec<u8> {
        let Some(address) = self.address() else { return Vec::new() };
        // SAFETY: a block that its writer has handed over; nobody else writes it.
        #[allow(unsafe_code)]
        unsafe {
            std::slice::from_raw_parts(address.as_ptr(), self.len as usize).to_vec()
        }
    }
}

impl Drop for ResultBlock {
    fn drop(&mut self) {
        self.memory.give(self.offset, self.len);
    }
}
