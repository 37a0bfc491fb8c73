//! The helpers of a parallel region: how many are wanted, and how many the caller has to wait for.

use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::thread::{self, Thread};

pub(super) struct Helpers {
    /// Who waits for them.
    caller: Thread,
    /// Still useful; changed under the engine's lock only.
    wanted: AtomicUsize,
    at_work: AtomicUsize,
}

impl Helpers {
    /// Of a region of the current thread's.
    pub(super) fn new(wanted: usize) -> Helpers {
        Helpers { caller: thread::current(), wanted: AtomicUsize::new(wanted), at_work: AtomicUsize::new(0) }
    }

    pub(super) fn wanted(&self) -> usize {
        self.wanted.load(Ordering::Relaxed)
    }

    pub(super) fn want_one_more(&self) {
        self.wanted.fetch_add(1, Ordering::Relaxed);
    }

    /// A helper joins. Under the engine's lock, while the region is listed.
    pub(super) fn join(&self) {
        self.wanted.fetch_sub(1, Ordering::Relaxed);
        self.at_work.fetch_add(1, Ordering::AcqRel);
    }

    /// A helper that has joined will not touch the caller's stack any more.
    pub(super) fn leave(&self) {
        let caller = self.caller.clone();
        if self.at_work.fetch_sub(1, Ordering::AcqRel) == 1 {
            caller.unpark();
        }
    }

    pub(super) fn have_left(&self) -> bool {
        self.at_work.load(Ordering::Acquire) == 0
    }

    /// The caller, when nobody can join any more, waits for those that have.
    pub(super) fn wait(&self) {
        while !self.have_left() {
            thread::park();
        }
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use loom::cell::UnsafeCell;
    use loom::sync::{Arc, Mutex};

    use super::*;

    /// What the caller and its helpers do in `Engine::region`, with the caller's stack as a cell.
    #[test]
    fn no_helper_touches_the_stack_of_a_caller_that_has_returned() {
        loom::model(|| {
            let stack = Arc::new(UnsafeCell::new(1));
            let region = Arc::new(Helpers::new(2));
            let is_listed = Arc::new(Mutex::new(true));
            let helpers: Vec<_> = (0..2)
                .map(|_| {
                    let (stack, region, is_listed) = (Arc::clone(&stack), Arc::clone(&region), Arc::clone(&is_listed));
                    thread::spawn(move || {
                        // Who does not get the lock at once comes later, which is another interleaving.
                        let joins = is_listed.try_lock().is_ok_and(|is_listed| {
                            let joins = *is_listed && region.wanted() > 0;
                            if joins {
                                region.join();
                            }
                            joins
                        });
                        if joins {
                            assert_eq!(read(&stack), 1);
                            region.leave();
                        }
                    })
                })
                .collect();
            assert_eq!(read(&stack), 1);
            // loom takes an `unpark` for the end of a wait for a lock.
            loop {
                if let Ok(mut is_listed) = is_listed.try_lock() {
                    *is_listed = false;
                    break;
                }
                thread::yield_now();
            }
            region.wait();
            // The caller returns, and others use its stack.
            write(&stack, 2);
            for helper in helpers {
                helper.join().unwrap();
            }
        });
    }

    fn write(cell: &UnsafeCell<usize>, value: usize) {
        // SAFETY: loom fails the test if another thread has access at the same time.
        #[allow(unsafe_code)]
        cell.with_mut(|cell| unsafe { *cell = value });
    }

    fn read(cell: &UnsafeCell<usize>) -> usize {
        // SAFETY: as above.
        #[allow(unsafe_code)]
        cell.with(|cell| unsafe { *cell })
    }
}
