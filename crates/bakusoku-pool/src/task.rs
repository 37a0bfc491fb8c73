//! What a task is given ([`TaskContext`]), and what is said when it fails ([`TaskError`]).

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::engine::panics::Caught;
use crate::engine::{Engine, Priority};
use crate::event::{Event, EventKind, Observer};
use crate::tasks::Tasks;
use crate::{Bytes, Cancel, Cancelled, Par};

/// A task's view of the engine: its share of the cores, whether it should stop, and whom it tells how far it is.
pub struct TaskContext {
    pub(crate) engine: Arc<Engine>,
    pub(crate) par: Par,
    pub(crate) cancel: Cancel,
    pub(crate) batch: u64,
    pub(crate) index: usize,
    pub(crate) label: Arc<str>,
    pub(crate) observer: Option<Observer>,
    used: AtomicU64,
}

impl TaskContext {
    pub(crate) fn new(
        engine: &Arc<Engine>,
        priority: Priority,
        cancel: Cancel,
        batch: u64,
        index: usize,
        label: Arc<str>,
        observer: Option<Observer>,
    ) -> TaskContext {
        let par = Par::of_task(engine, priority);
        TaskContext { engine: Arc::clone(engine), par, cancel, batch, index, label, observer, used: AtomicU64::new(0) }
    }

    /// The engine's cores for inner work: all of them when no other task wants them.
    pub fn par(&self) -> &Par {
        &self.par
    }

    /// Whether to stop: look at it once per block.
    pub fn cancel(&self) -> &Cancel {
        &self.cancel
    }

    /// The item's number, counted from 0.
    pub fn index(&self) -> usize {
        self.index
    }

    /// The item's label.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Tells observers how far the task is (`done` from 0 to 1) and what it does.
    pub fn progress(&self, done: f64, what: &str) {
        // NaN, from 0 of 0, is no progress.
        let fraction = if done.is_nan() { 0.0 } else { done.clamp(0.0, 1.0) };
        self.tell(EventKind::Progress { fraction, what });
    }

    /// Runnable `f`, which waits (for a disk, a network, another program), and lends the core to others meanwhile.
    pub fn waiting<R>(&self, f: impl FnOnce() -> R) -> R {
        self.engine.without_permit(f)
    }

    /// Reports the most memory that the task held, where it knows better than its need said: the needs of those of
    /// its batch that still wait are raised in proportion, never lowered.
    pub fn used(&self, memory: Bytes) {
        self.used.fetch_max(memory.0, Ordering::AcqRel);
    }

    pub(crate) fn most_used(&self) -> Option<Bytes> {
        match self.used.load(Ordering::Acquire) {
            0 => None,
            n => Some(Bytes(n)),
        }
    }

    /// Tasks of this task, under the same budget: they go before the tasks that were queued later than this one, and
    /// end when it is cancelled. While it waits for them it holds its memory, but neither a core nor a place.
    pub fn tasks<'a, I: IntoIterator>(&self, items: I) -> Tasks<'a, I> {
        Tasks::new(Arc::clone(&self.engine), self.cancel.clone(), self.observer.clone(), items)
    }

    pub(crate) fn tell(&self, kind: EventKind<'_>) {
        if let Some(observer) = &self.observer {
            observer(&Event { batch: self.batch, index: self.index, label: &self.label, kind });
        }
    }
}

/// A task failed: which one, and why.
#[derive(Debug)]
pub struct TaskError {
    /// The item's label; `item 3` where none was given.
    pub label: Arc<str>,
    /// The item's number, counted from 0.
    pub index: usize,
    /// Why.
    pub cause: Cause,
}

/// Why a task failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Cause {
    /// It panicked.
    Panicked {
        /// The message of `panic!`.
        message: String,
        /// `file:line:column`, where it is known.
        place: Option<String>,
    },
    /// It returned this error.
    Failed(Box<dyn Error + Send + Sync>),
    /// It was cancelled.
    Cancelled,
}

impl TaskError {
    pub(crate) fn panicked(label: Arc<str>, index: usize, caught: &Caught) -> TaskError {
        let message = caught.message().unwrap_or("a value that is no text").to_owned();
        TaskError { label, index, cause: Cause::Panicked { message, place: caught.place.clone() } }
    }

    pub(crate) fn failed(label: Arc<str>, index: usize, error: Box<dyn Error + Send + Sync>) -> TaskError {
        let mut link: Option<&(dyn Error + 'static)> = Some(&*error);
        while let Some(e) = link {
            if e.is::<Cancelled>() {
                return TaskError { label, index, cause: Cause::Cancelled };
            }
            link = e.source();
        }
        TaskError { label, index, cause: Cause::Failed(error) }
    }

    /// Whether it did not fail by itself.
    pub fn is_cancelled(&self) -> bool {
        matches!(self.cause, Cause::Cancelled)
    }
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::Panicked { message, place: Some(place) } => {
                write!(f, "{}: panicked at {place}: {message}", self.label)
            }
            Cause::Panicked { message, place: None } => write!(f, "{}: panicked: {message}", self.label),
            Cause::Failed(_) => write!(f, "{} failed", self.label),
            Cause::Cancelled => write!(f, "{}: cancelled", self.label),
        }
    }
}

impl Error for TaskError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.cause {
            Cause::Failed(error) => Some(&**error),
            _ => None,
        }
    }
}
