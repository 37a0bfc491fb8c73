//! How a worker sees the owner's blocks: a block for one task is used in place; a block for several tasks is mapped privately,
//! and pages are copied when a task writes to them.

use std::collections::HashMap;
use std::io;
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Extent;
use super::free_list::PAGE;
use super::region::{Mapping, Region};
use super::shared_state::SharedState;
use crate::process::system;

/// Private mappings that wait for the next task with the same block.
const CACHED: usize = 64;

/// The owner's region in a worker.
#[derive(Debug)]
pub(crate) struct OwnerMapping {
    region: Region,
    shared_state: SharedState,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Private mappings that no task uses, by offset.
    cached: HashMap<u64, Private>,
    /// Releases that the control block had no room for.
    unsaid: Vec<u64>,
    /// Blocks that one task has for itself: their lengths, and whether they became private memory at a fork.
    own: HashMap<u64, (u64, bool)>,
}

#[derive(Debug)]
struct Private {
    mapping: Mapping,
    id: u64,
}

impl OwnerMapping {
    pub(crate) fn new(region: Region, shared_state: SharedState) -> OwnerMapping {
        OwnerMapping { region, shared_state, state: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic runs under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The right to look at a block; the owner may have it back when this and all views are dropped.
    pub(crate) fn lease(self: &Arc<Self>, extent: Extent) -> io::Result<Arc<ArgumentLease>> {
        let outside = || io::Error::new(io::ErrorKind::InvalidData, "a block outside of the owner's memory");
        let whole = extent.len.next_multiple_of(PAGE);
        if !self.region.contains(extent.offset, whole) {
            return Err(outside());
        }
        // Where addresses are few it is mapped when a task looks at it.
        let base = self.region.at(extent.offset, whole);
        if !extent.shared {
            self.lock().own.insert(extent.offset, (extent.len.next_multiple_of(PAGE), false));
        }
        Ok(Arc::new(ArgumentLease { mapping: Arc::clone(self), extent, base, process: std::process::id() }))
    }

    /// Before this process forks: what one task has for itself becomes private memory.
    pub(crate) fn before_fork(&self) {
        for (offset, (len, private)) in &mut self.lock().own {
            if !*private {
                *private = self.region.make_private(*offset, *len).is_ok();
            }
        }
    }

    fn map(&self, extent: Extent) -> io::Result<Private> {
        Ok(Private { mapping: self.region.map(extent.offset, extent.len)?, id: extent.id })
    }

    fn cache(&self, offset: u64, private: Private) {
        if !private.forget_writes() {
            return;
        }
        let mut state = self.lock();
        if state.cached.len() >= CACHED {
            state.cached.clear();
        }
        // Another task may have used the same block at the same time; one mapping is enough.
        state.cached.insert(offset, private);
    }

    fn release(&self, offset: u64) {
        let mut state = self.lock();
        if let Some((len, true)) = state.own.remove(&offset) {
            self.region.make_shared(offset, len);
        }
        state.unsaid.push(offset);
        while let Some(&offset) = state.unsaid.last() {
            if !self.shared_state.free_to_owner(offset) {
                break;
            }
            state.unsaid.pop();
        }
    }
}

/// The right to look at a block of the owner.
#[derive(Debug)]
pub struct ArgumentLease {
    mapping: Arc<OwnerMapping>,
    extent: Extent,
    base: Option<NonNull<u8>>,
    process: u32,
}

// SAFETY: an address in a mapping that `views` keeps.
#[allow(unsafe_code)]
unsafe impl Send for ArgumentLease {}
// SAFETY: as above.
#[allow(unsafe_code)]
unsafe impl Sync for ArgumentLease {}

impl ArgumentLease {
    /// The block as a task sees it: in place when it is the only one, a copy on write when there are several.
    pub fn view(self: &Arc<Self>) -> io::Result<MappedArgument> {
        let extent = self.extent;
        if let Some(base) = self.base.filter(|_| !extent.shared) {
            return Ok(MappedArgument { lease: Arc::clone(self), base, private: None });
        }
        let cached = self.mapping.lock().cached.remove(&extent.offset);
        let private = match cached.filter(|private| private.id == extent.id && private.mapping.len() == extent.len) {
            Some(private) => private,
            None => self.mapping.map(extent)?,
        };
        Ok(MappedArgument { lease: Arc::clone(self), base: private.mapping.base(), private: Some(private) })
    }
}

impl Drop for ArgumentLease {
    fn drop(&mut self) {
        // A fork of the worker holds nothing.
        if self.process == std::process::id() {
            self.mapping.release(self.extent.offset);
        }
    }
}

impl Private {
    /// Drops the pages that a task wrote, so that the next one sees the block as it was sent; false where it cannot.
    fn forget_writes(&self) -> bool {
        // SAFETY: a mapping of this value, which nobody uses now.
        #[allow(unsafe_code)]
        unsafe {
            system::forget_writes(self.mapping.base(), self.mapping.len())
        }
    }
}

/// A block as a task sees it.
#[derive(Debug)]
pub struct MappedArgument {
    lease: Arc<ArgumentLease>,
    base: NonNull<u8>,
    private: Option<Private>,
}

// SAFETY: memory that this value alone may use, as the owner promised.
#[allow(unsafe_code)]
unsafe impl Send for MappedArgument {}
// SAFETY: as above.
#[allow(unsafe_code)]
unsafe impl Sync for MappedArgument {}

impl MappedArgument {
    /// Its address in this process.
    pub fn address(&self) -> NonNull<u8> {
        self.base
    }

    /// Bytes.
    #[allow(clippy::len_without_is_empty)] // A block is never empty.
    pub fn len(&self) -> u64 {
        self.lease.extent.len
    }
}

impl Drop for MappedArgument {
    fn drop(&mut self) {
        if let Some(private) = self.private.take()
            && self.lease.process == std::process::id()
            && self.lease.extent.shared
        {
            self.lease.mapping.cache(self.lease.extent.offset, private);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::arguments::OwnerMemory;
    use super::*;

    fn read(at: NonNull<u8>, i: usize) -> u8 {
        // SAFETY: inside of the block under test.
        #[allow(unsafe_code)]
        unsafe {
            at.add(i).read_volatile()
        }
    }

    fn write(at: NonNull<u8>, i: usize, value: u8) {
        // SAFETY: as above.
        #[allow(unsafe_code)]
        unsafe {
            at.add(i).write_volatile(value);
        }
    }

    #[test]
    fn tasks_write_into_copies_and_each_sees_the_block_as_it_was_sent() {
        let owner = OwnerMemory::create(0).unwrap();
        let shared_state = SharedState::new(owner.region()).unwrap();
        // the control block's words are the worker's region in earnest; here a part of the owner's that no block uses.
        let _board_pages = owner.take(super::super::shared_state::SHARED_STATE_BYTES, false).unwrap();
        let other = Region::open(owner.region().fd().unwrap().try_clone_to_owned().unwrap()).unwrap();
        let views = Arc::new(OwnerMapping::new(other, shared_state.clone()));
        let held = owner.take(10 * PAGE, true).unwrap();
        write(held.address().unwrap(), 5, 1);
        for _ in 0..3 {
            let view = views.lease(held.extent()).unwrap().view().unwrap();
            assert_eq!(read(view.address(), 5), 1);
            assert_eq!(read(view.address(), 7 * PAGE as usize), 0);
            write(view.address(), 5, 2);
            write(view.address(), 7 * PAGE as usize, 3);
            assert_eq!(read(view.address(), 5), 2);
        }
        assert_eq!(read(held.address().unwrap(), 5), 1);
        assert_eq!(shared_state.freed_by_worker().count(), 3);
        // A later block at the same place is not mistaken for this one.
        let offset = held.extent().offset;
        drop(held);
        let held = owner.take(10 * PAGE, true).unwrap();
        assert_eq!(held.extent().offset, offset);
        write(held.address().unwrap(), 5, 4);
        let view = views.lease(held.extent()).unwrap().view().unwrap();
        assert_eq!(read(view.address(), 5), 4);
        // What one task gets is written in place.
        let held = owner.take(PAGE, false).unwrap();
        let view = views.lease(held.extent()).unwrap().view().unwrap();
        write(view.address(), 0, 8);
        assert_eq!(read(held.address().unwrap(), 0), 8);
        assert!(views.lease(Extent { offset: u64::MAX - 5, len: 9, id: 0, shared: false }).is_err());
    }
}
