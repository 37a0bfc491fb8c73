//! blocks and who holds them: the owner's arguments ([`ArgumentBlock`]) and the workers' results ([`ResultBlock`]).

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::Extent;
use super::free_list::FreeList;
use super::region::{Mapping, Region};
use super::shared_state::{SHARED_STATE_BYTES, SharedState};
use crate::process::system;

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
    blocks: Mutex<FreeList>,
    ids: AtomicU64,
    /// Free memory that stays warm.
    keep: u64,
    process: u32,
}

impl OwnerMemory {
    pub(crate) fn create(keep: u64) -> io::Result<Arc<OwnerMemory>> {
        let region = Region::create()?;
        let blocks = Mutex::new(FreeList::new(0, region.len()));
        Ok(Arc::new(OwnerMemory {
            region: Arc::new(region),
            blocks,
            ids: AtomicU64::new(1),
            keep,
            process: std::process::id(),
        }))
    }

    pub(crate) fn region(&self) -> &Arc<Region> {
        &self.region
    }

    /// A block with these bytes.
    pub(crate) fn place(self: &Arc<Self>, bytes: &[u8], shared: bool) -> io::Result<Arc<ArgumentBlock>> {
        let (held, zero) = self.taken(bytes.len() as u64, shared)?;
        self.region.write(held.extent.offset, bytes, zero)?;
        Ok(Arc::new(held))
    }

    /// A block of `len` bytes, not written yet.
    pub(crate) fn take(self: &Arc<Self>, len: u64, shared: bool) -> io::Result<Arc<ArgumentBlock>> {
        let (held, zero) = self.taken(len, shared)?;
        if zero && len >= RESERVED {
            self.region.reserve(held.extent.offset, len)?;
        }
        Ok(Arc::new(held))
    }

    fn taken(self: &Arc<Self>, len: u64, shared: bool) -> io::Result<(ArgumentBlock, bool)> {
        let full = || io::Error::new(io::ErrorKind::OutOfMemory, format!("no room for {len} bytes in shared memory"));
        let taken = lock(&self.blocks).take(len).ok_or_else(full)?;
        let held = ArgumentBlock {
            memory: Arc::clone(self),
            extent: Extent { offset: taken.offset, len, id: self.ids.fetch_add(1, Ordering::Relaxed), shared },
        };
        Ok((held, taken.zero))
    }

    /// Whether there is a free range of this length that holds pages.
    pub(crate) fn is_warm(&self, len: u64) -> bool {
        lock(&self.blocks).is_warm(len)
    }

    /// Bytes in blocks that are taken.
    pub(crate) fn in_use(&self) -> u64 {
        lock(&self.blocks).in_use()
    }

    /// Gives free memory back to the system, but for `keep` bytes.
    pub(crate) fn trim(&self, keep: u64) {
        let mut blocks = lock(&self.blocks);
        if system::GIVES_BACK && blocks.warm() > keep {
            for (offset, len) in blocks.trim(keep) {
                self.region.punch(offset, len);
            }
        }
    }
}

/// A block of the owner's region. It is free again when the last clone is dropped.
#[derive(Debug)]
pub struct ArgumentBlock {
    memory: Arc<OwnerMemory>,
    extent: Extent,
}

impl ArgumentBlock {
    /// Where it is, for a message.
    pub fn extent(&self) -> Extent {
        self.extent
    }

    /// Its address in the owner.
    pub fn address(&self) -> Option<NonNull<u8>> {
        self.memory.region.at(self.extent.offset, self.extent.len)
    }
}

impl Drop for ArgumentBlock {
    fn drop(&mut self) {
        if self.memory.process != std::process::id() {
            return;
        }
        lock(&self.memory.blocks).give(self.extent.offset);
        self.memory.trim(self.memory.keep);
    }
}

/// A worker's region as its owner sees it.
#[derive(Debug)]
pub(crate) struct WorkerMemory {
    region: Arc<Region>,
    shared_state: SharedState,
    /// Set when the worker is gone: what is dropped from then on goes back to the system by itself.
    gone: AtomicBool,
    /// Blocks that the control block had no room for; and the order of pushes to it.
    unsaid: Mutex<Vec<u64>>,
    /// The blocks that are still in use here: their lengths, and whether they became private memory at a fork.
    held: Mutex<HashMap<u64, (u64, bool)>>,
    process: u32,
}

impl WorkerMemory {
    /// A worker's memory, and the file that it gets of it; `few_files`: there is none here.
    pub(crate) fn create(keep: u64, few_files: bool) -> io::Result<(Arc<WorkerMemory>, OwnedFd)> {
        let mut region = Region::create()?;
        let file = region.file_for_other(few_files)?;
        let region = Arc::new(region);
        let shared_state = SharedState::new(&region).ok_or_else(|| io::Error::from(io::ErrorKind::OutOfMemory))?;
        shared_state.set_keep(keep);
        let memory = Arc::new(WorkerMemory {
            region,
            shared_state,
            gone: AtomicBool::new(false),
            unsaid: Mutex::default(),
            held: Mutex::default(),
            process: std::process::id(),
        });
        Ok((memory, file))
    }

    pub(crate) fn shared_state(&self) -> &SharedState {
        &self.shared_state
    }

    /// A block that the worker handed over; `None` when it lies outside of its region.
    pub(crate) fn accept(self: &Arc<Self>, offset: u64, len: u64) -> Option<ResultBlock> {
        if offset < SHARED_STATE_BYTES {
            return None;
        }
        if !self.region.contains(offset, len) {
            return None;
        }
        lock(&self.held).insert(offset, (len, false));
        Some(ResultBlock { memory: Arc::clone(self), offset, len, mapping: OnceLock::new() })
    }

    /// The worker is gone: free memory goes back to the system at once.
    pub(crate) fn leave(&self) {
        let held = lock(&self.held);
        self.gone.store(true, Ordering::Release);
        // Everything but what is still looked at.
        let mut ranges: Vec<(u64, u64)> = held.iter().map(|(offset, (len, _))| (*offset, *len)).collect();
        ranges.sort_unstable();
        let mut at = 0;
        for (offset, len) in ranges {
            let offset = offset / super::free_list::PAGE * super::free_list::PAGE;
            if offset > at {
                self.region.punch(at, offset - at);
            }
            at = at.max((offset + len).next_multiple_of(super::free_list::PAGE));
        }
        if self.region.len() > at {
            self.region.punch(at, self.region.len() - at);
        }
    }

    /// Before this process forks: results become private memory, so that the child's copies are its own.
    pub(crate) fn before_fork(&self) {
        for (offset, (len, private)) in lock(&self.held).iter_mut() {
            if !*private {
                *private = self.region.make_private(*offset, len.next_multiple_of(super::free_list::PAGE)).is_ok();
            }
        }
    }

    fn give(&self, offset: u64, len: u64) {
        // A fork of the owner holds nothing, and its locks may be held by threads that it does not have.
        if self.process != std::process::id() {
            return;
        }
        {
            let mut held = lock(&self.held);
            let whole = len.next_multiple_of(super::free_list::PAGE);
            if let Some((_, true)) = held.remove(&offset) {
                self.region.make_shared(offset, whole);
            }
            if self.gone.load(Ordering::Acquire) {
                self.region.punch(offset, whole);
                return;
            }
        }
        let mut unsaid = lock(&self.unsaid);
        unsaid.push(offset);
        while let Some(&offset) = unsaid.last() {
            if !self.shared_state.free_to_worker(offset) {
                break;
            }
            unsaid.pop();
        }
    }
}

/// A result in the worker's region, held by the owner until it is dropped. Outlives the worker.
#[derive(Debug)]
pub struct ResultBlock {
    memory: Arc<WorkerMemory>,
    offset: u64,
    len: u64,
    /// Where it is seen, if its region is not mapped so far.
    mapping: OnceLock<Mapping>,
}

impl ResultBlock {
    /// Its address in this process. Fails where the address space has no room for it.
    pub fn address(&self) -> io::Result<NonNull<u8>> {
        if let Some(address) = self.memory.region.at(self.offset, self.len) {
            return Ok(address);
        }
        if let Some(mapping) = self.mapping.get() {
            return Ok(mapping.base());
        }
        let mapping = self.memory.region.map(self.offset, self.len)?;
        Ok(self.mapping.get_or_init(|| mapping).base())
    }

    /// Bytes.
    #[allow(clippy::len_without_is_empty)] // A block is never empty.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// A copy of the bytes.
    pub fn to_vec(&self) -> Vec<u8> {
        let Ok(address) = self.address() else { return Vec::new() };
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
