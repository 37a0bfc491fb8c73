//! [`Tasks`]: items with labels, needs and observers, ready to be mapped in any of the ways that
//! Python's `multiprocessing.Pool` knows.

use std::error::Error;
use std::sync::Arc;

use crate::asynchronous::AsyncResult;
use crate::batch::{self, Batch, Outcome, Results, Returned, Task};
use crate::engine::{Engine, Runnable};
use crate::event::{Event, Observer};
use crate::imap::Imap;
use crate::{Cancel, Need, TaskContext, TaskError};

/// Items on the way into the pool: made by [`Pool::tasks`](crate::Pool::tasks) or [`TaskContext::tasks`].
///
/// ```
/// # use bakusoku_pool::{Budget, Bytes, Need, Pool, PoolError, TaskContext};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pool = Pool::new(Budget::new(2, Bytes(1_000_000_000)))?;
/// let lengths = pool
///     .tasks(["sub-01", "sub-02"])
///     .label(|subject| subject.to_string())
///     .need(|_| Need::memory(Bytes(100_000_000)))
///     .map(|cx: &TaskContext, subject| {
///         cx.progress(0.5, "counting");
///         cx.par().map(subject.len(), |i| subject.as_bytes()[i]).len()
///     })?;
/// assert_eq!(lengths, [6, 6]);
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing runs before `map`, `outcomes`, `map_async` or `imap`"]
pub struct Tasks<'a, I: IntoIterator> {
    engine: Arc<Engine>,
    parent: Cancel,
    observer: Option<Observer>,
    items: I,
    label: Option<Box<dyn Fn(&I::Item) -> String + Send + 'a>>,
    need: Option<Box<dyn Fn(&I::Item) -> Need + Send + 'a>>,
    cancel: Option<Cancel>,
}

/// Names and needs of items, as they are taken from their source.
pub(crate) struct Naming<'a, T> {
    label: Option<Box<dyn Fn(&T) -> String + Send + 'a>>,
    need: Option<Box<dyn Fn(&T) -> Need + Send + 'a>>,
}

impl<T> Naming<'_, T> {
    pub(crate) fn need(&self, item: &T) -> Need {
        self.need.as_ref().map(|need| need(item)).unwrap_or_default()
    }

    pub(crate) fn task<B, R>(
        &self,
        batch: B,
        results: &Arc<Results<R>>,
        index: usize,
        need: Need,
        item: T,
    ) -> Task<B, T, R> {
        let label = self.label.as_ref().map(|label| label(&item).into());
        Task { batch, results: Arc::clone(results), index, label, need, item }
    }
}

impl<'a, I: IntoIterator> Tasks<'a, I> {
    pub(crate) fn new(engine: Arc<Engine>, parent: Cancel, observer: Option<Observer>, items: I) -> Self {
        Tasks { engine, parent, observer, items, label: None, need: None, cancel: None }
    }

    /// Names items in events and errors.
    pub fn label(mut self, label: impl Fn(&I::Item) -> String + Send + 'a) -> Self {
        self.label = Some(Box::new(label));
        self
    }

    /// Says what an item needs at its peak; without it tasks are bounded by cores alone.
    pub fn need(mut self, need: impl Fn(&I::Item) -> Need + Send + 'a) -> Self {
        self.need = Some(Box::new(need));
        self
    }

    /// Is told what happens to each task, instead of the pool's observer.
    pub fn observe(mut self, observer: impl Fn(&Event<'_>) + Send + Sync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Also ends when `cancel` says so.
    pub fn cancel(mut self, cancel: &Cancel) -> Self {
        self.cancel = Some(cancel.clone());
        self
    }

    fn cancel_flag(&self) -> Cancel {
        match &self.cancel {
            Some(cancel) => Cancel::child_of(&self.parent, cancel),
            None => self.parent.child(),
        }
    }

    fn run<R: Send>(self, f: impl Fn(&TaskContext, I::Item) -> Returned<R> + Sync, fail_fast: bool) -> Vec<Outcome<R>>
    where
        I::Item: Send,
    {
        let batch = Batch::new(f, self.cancel_flag(), self.observer, fail_fast);
        let naming = Naming { label: self.label, need: self.need };
        let results = Results::new();
        // The caller's code (the items' iterator, labels, needs, observers) ends before anything is borrowed.
        let tasks: Vec<_> = self
            .items
            .into_iter()
            .enumerate()
            .map(|(index, item)| naming.task(&batch, &results, index, naming.need(&item), item))
            .inspect(|task| task.tell_queued())
            .collect();
        let n = tasks.len();
        let tasks = tasks.into_iter().map(|task| (task.need, Box::new(task) as Box<dyn Runnable + '_>)).collect();
        // SAFETY: nothing between here and the end of the wait can unwind, and the wait ends when all have put their
        // results (those that never run are dropped by the engine and put one too).
        #[allow(unsafe_code)]
        unsafe {
            batch::submit(&self.engine, batch.number, tasks);
        }
        results.wait(&self.engine, n, None);
        results.take_all()
    }

    /// Runnable `f` on every item; the results in the items' order. When a task panics the others are cancelled, and the
    /// error says which it was.
    pub fn map<R: Send>(self, f: impl Fn(&TaskContext, I::Item) -> R + Sync) -> Result<Vec<R>, TaskError>
    where
        I::Item: Send,
    {
        batch::all(self.run(|cx, item| Ok(f(cx, item)), true))
    }

    /// Runnable `f` on every item until one fails; all results in the items' order, or the first error.
    pub fn try_map<R: Send, E>(
        self,
        f: impl Fn(&TaskContext, I::Item) -> Result<R, E> + Sync,
    ) -> Result<Vec<R>, TaskError>
    where
        I::Item: Send,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        batch::all(self.run(|cx, item| f(cx, item).map_err(Into::into), true))
    }

    /// Runnable `f` on every item, to the end: one that panics leaves the others alone.
    pub fn outcomes<R: Send>(self, f: impl Fn(&TaskContext, I::Item) -> R + Sync) -> Vec<Result<R, TaskError>>
    where
        I::Item: Send,
    {
        self.run(|cx, item| Ok(f(cx, item)), false)
    }

    /// Runnable `f` on every item, to the end: one that fails or panics leaves the others alone.
    pub fn try_outcomes<R: Send, E>(
        self,
        f: impl Fn(&TaskContext, I::Item) -> Result<R, E> + Sync,
    ) -> Vec<Result<R, TaskError>>
    where
        I::Item: Send,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        self.run(|cx, item| f(cx, item).map_err(Into::into), false)
    }
}

impl<I: IntoIterator> Tasks<'static, I>
where
    I::Item: Send + 'static,
{
    fn start<R: Send + 'static>(
        self,
        f: impl Fn(&TaskContext, I::Item) -> Returned<R> + Send + Sync + 'static,
    ) -> (Arc<Engine>, Arc<Results<R>>, usize, u64, Cancel) {
        let batch = Arc::new(Batch::new(f, self.cancel_flag(), self.observer, true));
        let naming = Naming { label: self.label, need: self.need };
        let results = Results::new();
        let tasks: Vec<(Need, Box<dyn Runnable>)> = self
            .items
            .into_iter()
            .enumerate()
            .map(|(index, item)| naming.task(Arc::clone(&batch), &results, index, naming.need(&item), item))
            .inspect(|task| task.tell_queued())
            .map(|task| (task.need, Box::new(task) as Box<dyn Runnable>))
            .collect();
        let n = tasks.len();
        self.engine.submit(batch.number, tasks);
        (self.engine, results, n, batch.number, batch.cancel.clone())
    }

    /// [`map`](Tasks::map) that does not wait.
    pub fn map_async<R: Send + 'static>(
        self,
        f: impl Fn(&TaskContext, I::Item) -> R + Send + Sync + 'static,
    ) -> AsyncResult<Vec<R>> {
        self.try_map_async(move |cx, item| Ok::<R, TaskError>(f(cx, item)))
    }

    /// [`try_map`](Tasks::try_map) that does not wait.
    pub fn try_map_async<R: Send + 'static, E>(
        self,
        f: impl Fn(&TaskContext, I::Item) -> Result<R, E> + Send + Sync + 'static,
    ) -> AsyncResult<Vec<R>>
    where
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let (engine, results, n, number, cancel) = self.start(move |cx, item| f(cx, item).map_err(Into::into));
        AsyncResult::new(engine, results, n, number, cancel, batch::all)
    }

    /// The result of a single item.
    pub(crate) fn one_async<R: Send + 'static>(
        self,
        f: impl Fn(&TaskContext, I::Item) -> R + Send + Sync + 'static,
    ) -> AsyncResult<R> {
        let (engine, results, n, number, cancel) = self.start(move |cx, item| Ok(f(cx, item)));
        AsyncResult::new(engine, results, n, number, cancel, |outcomes| {
            outcomes.into_iter().next().expect("one item was submitted and its task is done")
        })
    }

    /// Results one by one, in the items' order. Items are taken from their source, and tasks begun, only as far ahead
    /// of the reader as the budget allows.
    pub fn imap<R: Send + 'static>(self, f: impl Fn(&TaskContext, I::Item) -> R + Send + Sync + 'static) -> Imap<R>
    where
        I::IntoIter: Send + 'static,
    {
        self.begin(move |cx, item| Ok(f(cx, item)), true)
    }

    /// [`imap`](Tasks::imap) in the order in which tasks end.
    pub fn imap_unordered<R: Send + 'static>(
        self,
        f: impl Fn(&TaskContext, I::Item) -> R + Send + Sync + 'static,
    ) -> Imap<R>
    where
        I::IntoIter: Send + 'static,
    {
        self.begin(move |cx, item| Ok(f(cx, item)), false)
    }

    fn begin<R: Send + 'static>(
        self,
        f: impl Fn(&TaskContext, I::Item) -> Returned<R> + Send + Sync + 'static,
        ordered: bool,
    ) -> Imap<R>
    where
        I::IntoIter: Send + 'static,
    {
        let batch = Arc::new(Batch::new(f, self.cancel_flag(), self.observer, false));
        let naming = Naming { label: self.label, need: self.need };
        let (number, cancel) = (batch.number, batch.cancel.clone());
        let results = Results::new();
        let mut items = self.items.into_iter();
        let theirs = Arc::clone(&results);
        let source = move |index| {
            let item = items.next()?;
            let task = naming.task(Arc::clone(&batch), &theirs, index, naming.need(&item), item);
            task.tell_queued();
            Some((batch.corrected(task.need), Box::new(task) as Box<dyn Runnable>))
        };
        Imap::new(self.engine, results, Box::new(source), ordered, number, cancel)
    }
}
