//! Asking work to end early: a flag that is set once, looked at often, and handed down from a pool to its tasks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A request to stop. Clones share the flag; a [`child`](Cancel::child) also sees its parent's.
///
/// Nothing is interrupted: long loops look at [`is_cancelled`](Cancel::is_cancelled) (a relaxed load, about a
/// nanosecond) or use [`check`](Cancel::check) with `?` once per block, channel or window.
#[derive(Clone, Default, Debug)]
pub struct Cancel(Arc<Flag>);

#[derive(Default, Debug)]
struct Flag {
    set: AtomicBool,
    parents: [Option<Arc<Flag>>; 2],
}

/// The work was asked to stop, by [`Cancel::cancel`] or because its pool was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cancelled")]
pub struct Cancelled;

impl Flag {
    fn is_set(&self) -> bool {
        self.set.load(Ordering::Acquire) || self.parents.iter().flatten().any(|parent| parent.is_set())
    }
}

impl Cancel {
    /// A flag that is not set.
    pub fn new() -> Cancel {
        Cancel::default()
    }

    /// A flag of its own that is also set when `self` is.
    pub fn child(&self) -> Cancel {
        Cancel(Arc::new(Flag { set: AtomicBool::new(false), parents: [Some(Arc::clone(&self.0)), None] }))
    }

    /// A flag of its own that is also set when one of two is.
    pub fn child_of(one: &Cancel, other: &Cancel) -> Cancel {
        let parents = [Some(Arc::clone(&one.0)), Some(Arc::clone(&other.0))];
        Cancel(Arc::new(Flag { set: AtomicBool::new(false), parents }))
    }

    /// Asks for the end. It cannot be taken back.
    pub fn cancel(&self) {
        self.0.set.store(true, Ordering::Release);
    }

    /// Whether the end was asked for, here or at a parent.
    pub fn is_cancelled(&self) -> bool {
        self.0.is_set()
    }

    /// `Err(Cancelled)` once the end was asked for.
    pub fn check(&self) -> Result<(), Cancelled> {
        if self.is_cancelled() { Err(Cancelled) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_sees_its_parent_and_not_the_other_way_round() {
        let parent = Cancel::new();
        let (first, second) = (parent.child(), parent.child());
        first.cancel();
        assert_eq!(first.check(), Err(Cancelled));
        assert!(!second.is_cancelled() && !parent.is_cancelled());
        parent.cancel();
        assert!(second.is_cancelled() && second.clone().is_cancelled());
        let other = Cancel::new();
        let both = Cancel::child_of(&Cancel::new(), &other);
        assert!(!both.is_cancelled());
        other.cancel();
        assert!(both.is_cancelled());
    }
}
