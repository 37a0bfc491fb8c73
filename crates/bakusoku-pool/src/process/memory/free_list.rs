//! Which parts of a region are taken: blocks of whole pages, best fit, the most recently touched memory first.
//!
//! Memory that was touched before ("warm") is several times faster than new pages, so a free warm range that fits is
//! always preferred to the untouched end of the region. Pure bookkeeping: nothing here touches the memory.

use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Blocks are whole pages. Those of Apple's processors have 16 KiB.
pub(crate) const PAGE: u64 = if cfg!(target_vendor = "apple") { 16 << 10 } else { 4096 };

/// Blocks below this size leave larger ranges whole.
const SMALL: u64 = 16 << 20;

/// A block that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Where it begins.
    pub(crate) offset: u64,
    /// Its length, at least what was asked for.
    pub(crate) len: u64,
    /// Whether all of it reads as zeros, because it was never touched or was given back to the system.
    pub(crate) zero: bool,
}

/// The free and the taken parts of `start..end`.
#[derive(Debug)]
pub(crate) struct FreeList {
    end: u64,
    /// Everything from here on was never taken.
    top: u64,
    /// Free ranges below `top`, by offset: length, and whether it holds pages.
    free: BTreeMap<u64, (u64, bool)>,
    by_len: BTreeSet<(bool, u64, u64)>,
    taken: HashMap<u64, u64>,
    /// Bytes in free ranges that hold pages.
    warm: u64,
    in_use: u64,
}

impl FreeList {
    /// All of `start..end` is free and untouched.
    pub(crate) fn new(start: u64, end: u64) -> FreeList {
        FreeList {
            end,
            top: start.next_multiple_of(PAGE),
            free: BTreeMap::new(),
            by_len: BTreeSet::new(),
            taken: HashMap::new(),
            warm: 0,
            in_use: 0,
        }
    }

    /// Rounded so that blocks of nearly one size fit into each other's place: to a sixteenth of the power of two.
    fn rounded(len: u64) -> Option<u64> {
        let len = len.max(1);
        let step = (len.checked_next_power_of_two()? / 32).max(PAGE);
        len.checked_next_multiple_of(step)
    }

    /// Takes a block of at least `len` bytes; `None` when nothing is large enough.
    pub(crate) fn take(&mut self, len: u64) -> Option<Taken> {
        let len = Self::rounded(len)?;
        // A range with pages first, then one without, then the untouched end.
        for warm in [true, false] {
            let found = self.by_len.range((warm, len, 0)..=(warm, u64::MAX, u64::MAX)).next().copied();
            // A small block does not break up a large range when there is untouched memory left.
            let found = found.filter(|(_, have, _)| *have <= len * 4 || len >= SMALL || self.end - self.top < len);
            if let Some((_, have, offset)) = found {
                self.remove(offset, have, warm);
                if have > len {
                    self.insert(offset + len, have - len, warm);
                }
                return Some(self.took(offset, len, !warm));
            }
        }
        if self.end - self.top >= len {
            let offset = self.top;
            self.top += len;
            return Some(self.took(offset, len, true));
        }
        None
    }

    fn took(&mut self, offset: u64, len: u64, zero: bool) -> Taken {
        self.taken.insert(offset, len);
        self.in_use += len;
        Taken { offset, len, zero }
    }

    /// Gives a block back; its length, or `None` when there is no such block.
    pub(crate) fn give(&mut self, offset: u64) -> Option<u64> {
        let len = self.taken.remove(&offset)?;
        self.in_use -= len;
        self.free_range(offset, len, true);
        Some(len)
    }

    /// A range becomes free and grows together with its neighbours of the same warmth.
    fn free_range(&mut self, mut offset: u64, mut len: u64, warm: bool) {
        if let Some((&before, &(its_len, its_warm))) = self.free.range(..offset).next_back()
            && before + its_len == offset
            && its_warm == warm
        {
            self.remove(before, its_len, its_warm);
            offset = before;
            len += its_len;
        }
        if let Some(&(its_len, its_warm)) = self.free.get(&(offset + len))
            && its_warm == warm
        {
            self.remove(offset + len, its_len, its_warm);
            len += its_len;
        }
        if !warm && offset + len == self.top {
            // Without pages it is like the untouched end.
            self.top = offset;
        } else {
            self.insert(offset, len, warm);
        }
    }

    fn insert(&mut self, offset: u64, len: u64, warm: bool) {
        self.free.insert(offset, (len, warm));
        self.by_len.insert((warm, len, offset));
        if warm {
            self.warm += len;
        }
    }

    fn remove(&mut self, offset: u64, len: u64, warm: bool) {
        self.free.remove(&offset);
        self.by_len.remove(&(warm, len, offset));
        if warm {
            self.warm -= len;
        }
    }

    /// The length of a taken block.
    pub(crate) fn len_of(&self, offset: u64) -> Option<u64> {
        self.taken.get(&offset).copied()
    }

    /// Free ranges whose pages may go back to the system, so that at most `keep` bytes of free memory stay warm.
    pub(crate) fn trim(&mut self, keep: u64) -> Vec<(u64, u64)> {
        let mut gone = Vec::new();
        while self.warm > keep {
            // The largest first: fewest calls.
            let Some(&(true, len, offset)) = self.by_len.iter().next_back() else { break };
            self.remove(offset, len, true);
            self.free_range(offset, len, false);
            gone.push((offset, len));
        }
        gone
    }

    /// Whether a free range that holds pages is as long as this.
    pub(crate) fn is_warm(&self, len: u64) -> bool {
        Self::rounded(len).is_some_and(|len| self.by_len.range((true, len, 0)..).next().is_some())
    }

    /// Bytes in free ranges that hold pages.
    pub(crate) fn warm(&self) -> u64 {
        self.warm
    }

    /// Bytes in taken blocks.
    pub(crate) fn in_use(&self) -> u64 {
        self.in_use
    }

    /// Taken blocks: offset and length.
    pub(crate) fn taken(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.taken.iter().map(|(offset, len)| (*offset, *len))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    /// A small generator, so that failures can be repeated.
    struct Dice(u64);

    impl Dice {
        fn roll(&mut self, n: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) % n
        }
    }

    fn check(blocks: &FreeList, start: u64) {
        let mut ranges: Vec<(u64, u64)> = blocks.taken().collect();
        ranges.extend(blocks.free.iter().map(|(offset, (len, _))| (*offset, *len)));
        ranges.sort_unstable();
        let mut at = start;
        for (offset, len) in ranges {
            assert_eq!(offset, at, "no hole and no overlap");
            at = offset + len;
        }
        assert_eq!(at, blocks.top);
        assert_eq!(blocks.by_len.len(), blocks.free.len());
        assert_eq!(blocks.warm, blocks.free.values().filter(|v| v.1).map(|v| v.0).sum::<u64>());
    }

    #[test]
    fn blocks_never_overlap_and_nothing_is_lost() {
        for seed in 0..30 {
            let mut dice = Dice(seed);
            let mut blocks = FreeList::new(PAGE, 256 * MIB);
            let mut held: Vec<Taken> = Vec::new();
            for _ in 0..400 {
                match dice.roll(10) {
                    0..=4 => {
                        let size = 1 << dice.roll(25);
                        let wanted = 1 + dice.roll(size);
                        if let Some(taken) = blocks.take(wanted) {
                            assert!(taken.len >= wanted && taken.offset.is_multiple_of(PAGE));
                            held.push(taken);
                        }
                    }
                    5..=8 if !held.is_empty() => {
                        let taken = held.swap_remove(dice.roll(held.len() as u64) as usize);
                        assert_eq!(blocks.give(taken.offset), Some(taken.len));
                        assert_eq!(blocks.give(taken.offset), None, "given once");
                    }
                    _ => {
                        let keep = dice.roll(32 * MIB);
                        blocks.trim(keep);
                        assert!(blocks.warm() <= keep);
                    }
                }
                check(&blocks, PAGE);
                assert_eq!(blocks.in_use(), held.iter().map(|t| t.len).sum::<u64>());
            }
            for taken in held {
                blocks.give(taken.offset);
            }
            blocks.trim(0);
            assert!(blocks.take(240 * MIB).is_some(), "all of it is one range again");
        }
    }

    #[test]
    fn what_was_touched_last_is_taken_first() {
        let mut blocks = FreeList::new(0, 1 << 40);
        let first = blocks.take(32 * MIB).unwrap();
        let second = blocks.take(32 * MIB).unwrap();
        assert!(first.zero && second.zero);
        blocks.give(first.offset);
        let again = blocks.take(32 * MIB - 100).unwrap();
        assert_eq!((again.offset, again.zero), (first.offset, false));
        blocks.give(again.offset);
        assert_eq!(blocks.trim(0), [(first.offset, first.len)]);
        assert!(blocks.take(32 * MIB).unwrap().zero, "it was given back to the system meanwhile");
    }

    #[test]
    fn a_small_block_leaves_a_large_range_whole() {
        let mut blocks = FreeList::new(0, 1 << 40);
        let large = blocks.take(64 * MIB).unwrap();
        blocks.give(large.offset);
        assert_ne!(blocks.take(MIB).unwrap().offset, large.offset);
        assert_eq!(blocks.take(64 * MIB).unwrap().offset, large.offset);
        let mut small = FreeList::new(0, 8 * MIB);
        let all = small.take(8 * MIB).unwrap();
        small.give(all.offset);
        assert!(small.take(MIB).is_some(), "but it does when nothing else is left");
        assert!(small.take(u64::MAX - 5).is_none());
    }
}
