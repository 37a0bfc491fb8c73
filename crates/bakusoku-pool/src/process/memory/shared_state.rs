//! Shared state of a worker and its owner: atomic words in the first pages of the worker's region.
//!
//! Both sides are bakusoku of the same version, but no value is trusted: each is checked where it is used.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::region::Region;
use super::ring::Ring;

/// Messages that may be under way to one worker.
pub(crate) const SLOTS: usize = 64;
const RING: usize = 1024;

/// The life of a message: nobody's, offered, begun by the worker, or taken back by the owner before it was begun.
const FREE: u32 = 0;
const OFFERED: u32 = 1;
const BEGUN: u32 = 2;
const WITHDRAWN: u32 = 3;

#[repr(C)]
struct ControlBlock {
    slots: [AtomicU32; SLOTS],
    /// The item that runs, counted from the message's first.
    item: AtomicU32,
    /// The slot that runs, plus one.
    running: AtomicU32,
    /// The slot that the owner wants to end early, plus one.
    interrupt: AtomicU32,
    /// Threads that the next task may use inside, and those that the running one took.
    threads: AtomicU32,
    took: AtomicU32,
    /// Threads that the running task should use from now on; 0: those that it took.
    elastic: AtomicU32,
    /// Whether that is ever said.
    follows: AtomicU32,
    /// Mebibytes of free memory that the worker keeps warm.
    keep: AtomicU32,
    /// Offsets of blocks that are no longer used.
    to_worker: Ring<RING>,
    to_owner: Ring<RING>,
}

/// The words at the beginning of a worker's region.
#[derive(Clone, Debug)]
pub(crate) struct SharedState {
    region: Arc<Region>,
}

/// Bytes of the region that the control block takes.
pub(crate) const SHARED_STATE_BYTES: u64 = (size_of::<ControlBlock>() as u64).next_multiple_of(super::free_list::PAGE);

impl SharedState {
    pub(crate) fn new(region: &Arc<Region>) -> Option<SharedState> {
        region.at(0, SHARED_STATE_BYTES)?;
        Some(SharedState { region: Arc::clone(region) })
    }

    fn control(&self) -> &ControlBlock {
        let base = self.region.at(0, 0).map_or(std::ptr::null(), |base| base.as_ptr().cast_const());
        // SAFETY: `new` checked that the region is large enough; a mapping is aligned to pages, holds zeros at first,
        // and consists of atomics, for which any content is valid.
        #[allow(unsafe_code)]
        unsafe {
            &*base.cast::<ControlBlock>()
        }
    }

    /// The worker says which item runs.
    pub(crate) fn set_item(&self, item: u32) {
        self.control().item.store(item, Ordering::Release);
    }

    pub(crate) fn item(&self) -> u32 {
        self.control().item.load(Ordering::Acquire)
    }

    // ── the owner ──────────────────────────────────────────────────────────────────────────────────────────────

    /// A slot for a new message.
    pub(crate) fn offer(&self) -> Option<usize> {
        let control = self.control();
        let slot = control.slots.iter().position(|slot| slot.load(Ordering::Acquire) == FREE)?;
        control.slots[slot].store(OFFERED, Ordering::Release);
        Some(slot)
    }

    /// Takes a message back; false when the worker has begun it.
    pub(crate) fn withdraw(&self, slot: usize) -> bool {
        self.change(slot, OFFERED, WITHDRAWN)
    }

    pub(crate) fn begun(&self, slot: usize) -> bool {
        self.control().slots.get(slot).is_some_and(|word| word.load(Ordering::Acquire) == BEGUN)
    }

    /// The message was answered.
    pub(crate) fn done(&self, slot: usize) {
        if let Some(word) = self.control().slots.get(slot) {
            word.store(FREE, Ordering::Release);
        }
    }

    pub(crate) fn interrupt(&self, slot: usize) {
        self.control().interrupt.store(slot as u32 + 1, Ordering::Release);
    }

    pub(crate) fn set_threads(&self, threads: usize) {
        self.control().threads.store(threads as u32, Ordering::Release);
    }

    pub(crate) fn set_keep(&self, bytes: u64) {
        self.control().keep.store(u32::try_from(bytes >> 20).unwrap_or(u32::MAX), Ordering::Release);
    }

    pub(crate) fn keep(&self) -> u64 {
        u64::from(self.control().keep.load(Ordering::Acquire)) << 20
    }

    /// The message that the worker runs.
    pub(crate) fn running(&self) -> Option<usize> {
        (self.control().running.load(Ordering::Acquire) as usize).checked_sub(1)
    }

    /// Threads that the running task uses, or the next one will, whichever are more.
    pub(crate) fn threads(&self) -> usize {
        self.control().took.load(Ordering::Acquire).max(self.control().threads.load(Ordering::Acquire)) as usize
    }

    pub(crate) fn set_follows(&self, follows: bool) {
        self.control().follows.store(u32::from(follows), Ordering::Release);
    }

    pub(crate) fn follows(&self) -> bool {
        self.control().follows.load(Ordering::Acquire) != 0
    }

    /// Has the running task use more or fewer threads from now on.
    pub(crate) fn set_elastic(&self, threads: usize) {
        self.control().elastic.store(threads as u32, Ordering::Release);
    }

    /// Tells the worker that a block of its region is no longer used; false when there is no room to say so.
    pub(crate) fn free_to_worker(&self, offset: u64) -> bool {
        self.control().to_worker.push(offset)
    }

    /// Blocks of the owner's region that the worker no longer uses.
    pub(crate) fn freed_by_worker(&self) -> impl Iterator<Item = u64> + '_ {
        std::iter::from_fn(|| self.control().to_owner.pop())
    }

    // ── the worker ─────────────────────────────────────────────────────────────────────────────────────────────

    /// Begins a message; false when it was taken back (its slot is free then).
    pub(crate) fn begin(&self, slot: usize) -> bool {
        if self.change(slot, OFFERED, BEGUN) {
            let control = self.control();
            control.item.store(0, Ordering::Release);
            control.interrupt.store(0, Ordering::Release);
            control.running.store(slot as u32 + 1, Ordering::Release);
            return true;
        }
        self.change(slot, WITHDRAWN, FREE);
        false
    }

    /// Nothing runs.
    pub(crate) fn rest(&self) {
        let control = self.control();
        control.running.store(0, Ordering::Release);
        control.took.store(0, Ordering::Release);
        control.elastic.store(0, Ordering::Release);
    }

    /// Whether the owner wants the running task to end.
    pub(crate) fn is_interrupted(&self) -> bool {
        let control = self.control();
        let running = control.running.load(Ordering::Acquire);
        running != 0 && control.interrupt.load(Ordering::Acquire) == running
    }

    /// Threads for the task that begins; remembered as taken.
    pub(crate) fn take_threads(&self) -> usize {
        let control = self.control();
        let threads = control.threads.load(Ordering::Acquire).clamp(1, 1 << 16);
        control.took.store(threads, Ordering::Release);
        threads as usize
    }

    /// What the running task should use from now on, when that was said.
    pub(crate) fn elastic(&self) -> Option<usize> {
        let control = self.control();
        let wanted = control.elastic.load(Ordering::Acquire);
        (wanted != 0 && control.running.load(Ordering::Acquire) != 0).then_some(wanted.min(1 << 16) as usize)
    }

    pub(crate) fn set_took(&self, threads: usize) {
        self.control().took.store(threads as u32, Ordering::Release);
    }

    pub(crate) fn free_to_owner(&self, offset: u64) -> bool {
        self.control().to_owner.push(offset)
    }

    pub(crate) fn freed_by_owner(&self) -> impl Iterator<Item = u64> + '_ {
        std::iter::from_fn(|| self.control().to_worker.pop())
    }

    fn change(&self, slot: usize, from: u32, to: u32) -> bool {
        self.control()
            .slots
            .get(slot)
            .is_some_and(|word| word.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_begun_or_withdrawn_never_both() {
        let region = Arc::new(Region::create().unwrap());
        let (owner, worker) = (SharedState::new(&region).unwrap(), SharedState::new(&region).unwrap());
        let slot = owner.offer().unwrap();
        assert!(worker.begin(slot) && owner.begun(slot) && !owner.withdraw(slot));
        owner.interrupt(slot + 1);
        assert!(!worker.is_interrupted());
        owner.interrupt(slot);
        assert!(worker.is_interrupted());
        worker.rest();
        owner.done(slot);
        assert!(!worker.is_interrupted());
        let slot = owner.offer().unwrap();
        assert!(owner.withdraw(slot) && !worker.begin(slot));
        let all: Vec<usize> = std::iter::from_fn(|| owner.offer()).collect();
        assert_eq!(all.len(), SLOTS);
        assert!(!owner.withdraw(SLOTS) && !worker.begin(usize::MAX));
    }

    #[test]
    fn rings_keep_order_and_say_when_they_are_full() {
        let region = Arc::new(Region::create().unwrap());
        let shared_state = SharedState::new(&region).unwrap();
        for round in 0..5u64 {
            for i in 0..RING as u64 {
                assert!(shared_state.free_to_worker(round * 10_000 + i));
            }
            assert!(!shared_state.free_to_worker(1));
            let read: Vec<u64> = shared_state.freed_by_owner().collect();
            assert_eq!(read, (0..RING as u64).map(|i| round * 10_000 + i).collect::<Vec<_>>());
        }
        assert!(shared_state.free_to_owner(3));
        assert_eq!(shared_state.freed_by_worker().collect::<Vec<_>>(), [3]);
    }
}
