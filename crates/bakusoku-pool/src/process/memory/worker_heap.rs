//! The worker's heap in its own region: NumPy allocates large arrays here, so that returning one sends only its offset.
//!
//! A block is handed to the owner only when nothing in the worker refers to it any more: the array was freed between its
//! description in a message and the sending of that message. Blocks that are still referenced are copied.

use std::collections::{HashMap, HashSet};
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::free_list::FreeList;
use super::region::Region;
use super::shared_state::{SHARED_STATE_BYTES, SharedState};
use crate::process::system;

/// The memory that a worker gives results and its own large arrays from.
#[derive(Debug)]
pub struct WorkerHeap {
    region: Arc<Region>,
    shared_state: SharedState,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    blocks: FreeList,
    /// What is not mapped for good, where the address space is limited: for copies of results alone.
    unmapped: FreeList,
    /// Blocks that a message describes, and whether they were freed since.
    offered: HashMap<u64, bool>,
    /// Blocks that are the owner's.
    given: HashSet<u64>,
    /// Blocks that became private memory when this process forked.
    private: HashSet<u64>,
}

impl State {
    fn new(region: &Region) -> State {
        let blocks = FreeList::new(SHARED_STATE_BYTES, region.mapped_len());
        let unmapped = FreeList::new(region.mapped_len(), region.len());
        State { blocks, unmapped, offered: HashMap::new(), given: HashSet::new(), private: HashSet::new() }
    }
}

impl State {
    fn free(&mut self, offset: u64) {
        if self.blocks.give(offset).is_none() {
            self.unmapped.give(offset);
        }
    }
}

/// A block that a message can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeapBlock {
    /// Offset in the worker's region.
    pub offset: u64,
    /// Bytes.
    pub len: u64,
}

impl WorkerHeap {
    pub(crate) fn new(region: Arc<Region>) -> Option<WorkerHeap> {
        let shared_state = SharedState::new(&region)?;
        let state = Mutex::new(State::new(&region));
        Some(WorkerHeap { region, shared_state, state })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic runs under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn shared_state(&self) -> &SharedState {
        &self.shared_state
    }

    fn drain(&self, state: &mut State) {
        for offset in self.shared_state.freed_by_owner() {
            state.given.remove(&offset);
            state.free(offset);
        }
    }

    /// Before this process forks: arrays become private memory, so that the child's copies are its own.
    pub fn before_fork(&self) {
        let mut state = self.lock();
        let State { blocks, given, private, .. } = &mut *state;
        for (offset, len) in blocks.taken() {
            if !given.contains(&offset) && !private.contains(&offset) && self.region.make_private(offset, len).is_ok() {
                private.insert(offset);
            }
        }
    }

    /// Memory for `len` bytes, and whether all of it is zero. `None`: take it from somewhere else.
    pub fn allocate(&self, len: usize) -> Option<(NonNull<u8>, bool)> {
        let mut state = self.lock();
        self.drain(&mut state);
        let taken = state.blocks.take(len as u64)?;
        if taken.zero && self.region.reserve_if_bounded(taken.offset, taken.len).is_err() {
            state.blocks.give(taken.offset);
            return None;
        }
        Some((self.region.at(taken.offset, taken.len)?, taken.zero))
    }

    /// Frees memory of this region; false when the address is not one of its blocks.
    pub fn free(&self, address: usize) -> bool {
        let Some(offset) = self.region.offset_of(address) else { return false };
        let mut state = self.lock();
        if let Some(freed) = state.offered.get_mut(&offset) {
            *freed = true;
        } else {
            if state.private.remove(&offset)
                && let Some(len) = state.blocks.len_of(offset)
            {
                self.region.make_shared(offset, len);
            }
            state.blocks.give(offset);
        }
        true
    }

    /// Whether an address lies in this region.
    pub fn contains(&self, address: usize) -> bool {
        self.region.offset_of(address).is_some()
    }

    /// The length of the block that begins at an address.
    pub fn len_at(&self, address: usize) -> Option<u64> {
        let offset = self.region.offset_of(address)?;
        self.lock().blocks.len_of(offset)
    }

    /// A message will describe the block at this address, if it is one of this region and not described already.
    pub fn offer(&self, address: usize, len: u64) -> Option<HeapBlock> {
        let offset = self.region.offset_of(address)?;
        let mut state = self.lock();
        if state.blocks.len_of(offset)? < len || state.offered.contains_key(&offset) || state.private.contains(&offset)
        {
            return None;
        }
        state.offered.insert(offset, false);
        Some(HeapBlock { offset, len })
    }

    /// The message is about to be sent: a block that was freed meanwhile is the receiver's; for one that is still held
    /// here, a copy is.
    pub fn hand_over(&self, block: HeapBlock) -> Option<HeapBlock> {
        {
            let mut state = self.lock();
            if state.offered.remove(&block.offset)? {
                state.given.insert(block.offset);
                return Some(block);
            }
        }
        let source = self.region.at(block.offset, block.len)?;
        // SAFETY: the block is taken (its array is alive, as it was not freed) and has at least this length.
        #[allow(unsafe_code)]
        let bytes = unsafe { std::slice::from_raw_parts(source.as_ptr(), block.len as usize) };
        self.copy(bytes)
    }

    /// The message will not be sent: freed blocks are free, held ones stay with their holders.
    pub fn keep(&self, block: HeapBlock) {
        let mut state = self.lock();
        if state.offered.remove(&block.offset) == Some(true) {
            state.blocks.give(block.offset);
        }
    }

    /// A new block with these bytes, for a message.
    pub fn copy(&self, bytes: &[u8]) -> Option<HeapBlock> {
        let len = bytes.len() as u64;
        let taken = {
            let mut state = self.lock();
            self.drain(&mut state);
            state.blocks.take(len).or_else(|| state.unmapped.take(len))?
        };
        let block = HeapBlock { offset: taken.offset, len };
        if self.region.write(block.offset, bytes, taken.zero).is_err() {
            self.discard(block);
            return None;
        }
        self.lock().given.insert(block.offset);
        Some(block)
    }

    /// A block that was copied for a message that will not be sent.
    pub fn discard(&self, block: HeapBlock) {
        let mut state = self.lock();
        state.given.remove(&block.offset);
        state.free(block.offset);
    }

    /// Between tasks: gives memory back to the system, but for what is worth keeping warm.
    pub fn trim(&self, keep: Option<u64>) {
        let mut state = self.lock();
        self.drain(&mut state);
        if !system::GIVES_BACK {
            return;
        }
        let keep = keep.unwrap_or_else(|| self.shared_state.keep());
        for (offset, len) in state.blocks.trim(keep).into_iter().chain(state.unmapped.trim(0)) {
            self.region.punch(offset, len);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_at<'a>(region: &Region, block: HeapBlock) -> &'a mut [u8] {
        let at = region.at(block.offset, block.len).unwrap();
        // SAFETY: inside of the region, used by this test alone.
        #[allow(unsafe_code)]
        unsafe {
            std::slice::from_raw_parts_mut(at.as_ptr(), block.len as usize)
        }
    }

    #[test]
    fn only_what_nobody_holds_is_handed_over() {
        let region = Arc::new(Region::create().unwrap());
        let memory = WorkerHeap::new(Arc::clone(&region)).unwrap();
        let (array, zero) = memory.allocate(1 << 20).unwrap();
        assert!(zero);
        let address = array.as_ptr().addr();
        let offered = memory.offer(address, 1 << 20).unwrap();
        assert_eq!(memory.offer(address, 1 << 20), None, "described once");
        bytes_at(&region, offered)[7] = 9;
        // Somebody keeps it: the receiver gets a copy.
        let sent = memory.hand_over(offered).unwrap();
        assert_ne!(sent.offset, offered.offset);
        assert_eq!(bytes_at(&region, sent)[7], 9);
        // Freed while it was described: handed over as it is, and not given to anybody else meanwhile.
        let offered = memory.offer(address, 1 << 20).unwrap();
        assert!(memory.free(address));
        let (other, _) = memory.allocate(1 << 20).unwrap();
        assert_ne!(other.as_ptr().addr(), address);
        assert_eq!(memory.hand_over(offered), Some(offered));
        let (other, _) = memory.allocate(1 << 20).unwrap();
        assert_ne!(other.as_ptr().addr(), address);
        // The owner is done with it.
        SharedState::new(&region).unwrap().free_to_worker(offered.offset);
        let (again, zero) = memory.allocate(1 << 20).unwrap();
        assert_eq!((again.as_ptr().addr(), zero), (address, false));
        assert!(!memory.free(64));
        memory.trim(Some(0));
    }

    #[test]
    fn a_message_that_is_not_sent_keeps_nothing() {
        let region = Arc::new(Region::create().unwrap());
        let memory = WorkerHeap::new(Arc::clone(&region)).unwrap();
        let (array, _) = memory.allocate(5000).unwrap();
        let address = array.as_ptr().addr();
        let offered = memory.offer(address, 5000).unwrap();
        memory.free(address);
        memory.keep(offered);
        let copied = memory.copy(&[1, 2, 3]).unwrap();
        memory.discard(copied);
        assert_eq!(memory.lock().blocks.in_use(), 0);
        assert!(memory.offer(address, 5000).is_none());
    }
}
