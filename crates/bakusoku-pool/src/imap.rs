//! [`Imap`]: results one by one, with a short look ahead.

use std::collections::HashMap;
use std::sync::Arc;

use crate::batch::Results;
use crate::engine::{Engine, Runnable};
use crate::{Cancel, Need, TaskError};

/// The next item of the source as a task, with its number.
pub(crate) type Source = Box<dyn FnMut(usize) -> Option<(Need, Box<dyn Runnable>)> + Send>;

/// An iterator over results. Items are begun while those begun and not yet taken are fewer than twice the tasks that
/// run at once, and need no more than the budget together (one is always allowed). Dropping it cancels the rest.
pub struct Imap<R> {
    engine: Arc<Engine>,
    results: Arc<Results<R>>,
    source: Source,
    ordered: bool,
    batch: u64,
    cancel: Cancel,
    /// Taken from the source, and not begun for want of room.
    next: Option<(Need, Box<dyn Runnable>)>,
    exhausted: bool,
    numbered: usize,
    begun: usize,
    taken: usize,
    needs: HashMap<usize, Need>,
    held: Need,
}

impl<R> Imap<R> {
    pub(crate) fn new(
        engine: Arc<Engine>,
        results: Arc<Results<R>>,
        source: Source,
        ordered: bool,
        batch: u64,
        cancel: Cancel,
    ) -> Self {
        Imap {
            engine,
            results,
            source,
            ordered,
            batch,
            cancel,
            next: None,
            exhausted: false,
            numbered: 0,
            begun: 0,
            taken: 0,
            needs: HashMap::new(),
            held: Need::default(),
        }
    }

    fn look_ahead(&mut self) {
        let ahead = 2 * self.engine.max_concurrent_tasks();
        while !self.exhausted && self.begun - self.taken < ahead {
            if self.next.is_none() {
                self.next = (self.source)(self.numbered);
                self.numbered += 1;
            }
            let Some((need, task)) = self.next.take() else {
                self.exhausted = true;
                return;
            };
            let total = self.held + need;
            if self.begun > self.taken && !total.fits(self.engine.capacity) {
                self.next = Some((need, task));
                return;
            }
            self.needs.insert(self.begun, need);
            self.held = total;
            self.begun += 1;
            self.engine.submit(self.batch, vec![(need, task)]);
        }
    }
}

impl<R> Iterator for Imap<R> {
    type Item = Result<R, TaskError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.look_ahead();
        if self.begun == self.taken {
            return None;
        }
        let (index, outcome) = if self.ordered {
            let index = self.taken;
            (index, self.results.take(&self.engine, index)?)
        } else {
            self.results.take_any(&self.engine)?
        };
        self.taken += 1;
        if let Some(need) = self.needs.remove(&index) {
            self.held = self.held - need;
        }
        // The cores go on while the reader works with this result.
        self.look_ahead();
        Some(outcome)
    }
}

impl<R> Drop for Imap<R> {
    fn drop(&mut self) {
        self.cancel.cancel();
        self.engine.withdraw(Some(self.batch));
    }
}
