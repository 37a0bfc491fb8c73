//! A queue of numbers in shared memory, without locks: one writer, one reader.

use crate::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// All zeros is an empty ring. `N` is a power of two, so that the counters may wrap.
#[repr(C)]
pub(super) struct Ring<const N: usize> {
    head: AtomicU32,
    tail: AtomicU32,
    cells: [AtomicU64; N],
}

impl<const N: usize> Ring<N> {
    /// False when the ring is full.
    pub(super) fn push(&self, value: u64) -> bool {
        const { assert!(N.is_power_of_two()) }
        let tail = self.tail.load(Ordering::Relaxed);
        if tail.wrapping_sub(self.head.load(Ordering::Acquire)) as usize >= N {
            return false;
        }
        self.cells[tail as usize % N].store(value, Ordering::Relaxed);
        self.tail.store(tail.wrapping_add(1), Ordering::Release);
        true
    }

    pub(super) fn pop(&self) -> Option<u64> {
        let head = self.head.load(Ordering::Relaxed);
        if head == self.tail.load(Ordering::Acquire) {
            return None;
        }
        let value = self.cells[head as usize % N].load(Ordering::Relaxed);
        self.head.store(head.wrapping_add(1), Ordering::Release);
        Some(value)
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use loom::cell::UnsafeCell;
    use loom::sync::Arc;
    use loom::thread;

    use super::*;

    /// A block is written before its offset is pushed. Whoever pops the offset sees the block, in order, also when a full
    /// ring wraps.
    #[test]
    fn what_was_written_before_a_push_is_seen_after_the_pop() {
        loom::model(|| {
            let ring = Arc::new(Ring::<2> {
                head: AtomicU32::new(u32::MAX), // the counter wraps, too
                tail: AtomicU32::new(u32::MAX),
                cells: [AtomicU64::new(0), AtomicU64::new(0)],
            });
            let blocks = Arc::new([UnsafeCell::new(0), UnsafeCell::new(0), UnsafeCell::new(0)]);
            let writer = thread::spawn({
                let (ring, blocks) = (Arc::clone(&ring), Arc::clone(&blocks));
                move || {
                    (0..3)
                        .take_while(|&i| {
                            write(&blocks[i], 10 + i);
                            ring.push(i as u64)
                        })
                        .count()
                }
            });
            // Else loom lets the reader look only before the writer has begun.
            let pop = |_| {
                thread::yield_now();
                ring.pop()
            };
            let mut popped: Vec<u64> = (0..2).filter_map(pop).collect();
            popped.iter().for_each(|&i| assert_eq!(read(&blocks[i as usize]), 10 + i as usize));
            let pushed = writer.join().unwrap();
            popped.extend(std::iter::from_fn(|| ring.pop()));
            assert!(pushed >= 2 && popped == (0..pushed as u64).collect::<Vec<_>>(), "{pushed} {popped:?}");
        });
    }

    fn write(block: &UnsafeCell<usize>, value: usize) {
        // SAFETY: loom fails the test if another thread has access at the same time.
        #[allow(unsafe_code)]
        block.with_mut(|block| unsafe { *block = value });
    }

    fn read(block: &UnsafeCell<usize>) -> usize {
        // SAFETY: as above.
        #[allow(unsafe_code)]
        block.with(|block| unsafe { *block })
    }
}
