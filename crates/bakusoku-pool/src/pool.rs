//! [`Pool`], the thread pool: a closure over all subjects.

use std::sync::Arc;

use crate::asynchronous::AsyncResult;
use crate::engine::Engine;
use crate::event::{Event, Observer};
use crate::imap::Imap;
use crate::star_fn::StarFn;
use crate::tasks::Tasks;
use crate::{Budget, Cancel, Need, Par, PoolError, TaskError};

/// Keeps the engine's worker threads alive; they end with the last owner.
pub(crate) struct Owner(Arc<Engine>);

impl Owner {
    pub(crate) fn new(cores: usize, capacity: Need, max_concurrent_tasks: usize) -> Arc<Owner> {
        Arc::new(Owner(Engine::new(cores, capacity, max_concurrent_tasks)))
    }

    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.0
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.shut_down();
    }
}

/// Runnable closures over items under one [`Budget`].
///
/// The names are those of Python's `multiprocessing.Pool`. Each takes a closure of the item; where more is wanted
/// (labels, needs, progress, inner parallelism, errors one by one), [`tasks`](Pool::tasks) is the long form, whose
/// closures get a [`TaskContext`](crate::TaskContext) too. Closures of the calls that wait may borrow from the caller.
///
/// Dropping the pool cancels what runs, and waits for it.
///
/// ```
/// # use bakusoku_pool::{Budget, Bytes, Pool};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pool = Pool::new(Budget::detect()?)?;
/// let offset = 10;
/// assert_eq!(pool.map(0..4, |i| i + offset)?, [10, 11, 12, 13]);
/// assert_eq!(pool.starmap([(1, 2), (4, 6)], |a, b| a * b)?, [2, 24]);
/// assert_eq!(pool.map_async(0..3, |i| i * i).get()?, [0, 1, 4]);
/// assert_eq!(pool.apply(|| 6 * 7)?, 42);
/// # Ok(())
/// # }
/// ```
pub struct Pool {
    owner: Arc<Owner>,
    budget: Budget,
    cancel: Cancel,
    observer: Option<Observer>,
}

/// The most that was ever in use at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeakUsage {
    /// Threads that computed.
    pub computing: usize,
    /// What the admitted tasks needed together, by their word.
    pub need: Need,
}

impl Pool {
    /// A pool with this budget. Threads are started when there is work.
    pub fn new(budget: Budget) -> Result<Pool, PoolError> {
        if budget.cores == 0 {
            return Err(PoolError::NotCores { name: "`cores`".to_owned(), given: "0".to_owned() });
        }
        let max_concurrent_tasks = budget.max_concurrent_tasks.unwrap_or(budget.cores).max(1);
        tracing::debug!("pool with {budget}, {max_concurrent_tasks} tasks at once");
        let owner = Owner::new(budget.cores, budget.capacity(), max_concurrent_tasks);
        Ok(Pool { owner, budget, cancel: Cancel::new(), observer: None })
    }

    /// Tells `observer` what happens to each task. It is called on the tasks' threads: it should be quick.
    pub fn observe(mut self, observer: impl Fn(&Event<'_>) + Send + Sync + 'static) -> Pool {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// What the pool may use.
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Ends everything in the pool when it is set.
    pub fn cancel(&self) -> &Cancel {
        &self.cancel
    }

    /// The pool's cores for work outside of tasks: a kernel called on an array.
    pub fn par(&self) -> Par {
        Par::of_pool(&self.owner)
    }

    /// What was used at most.
    pub fn peak_usage(&self) -> PeakUsage {
        let (computing, need) = self.owner.engine().peak();
        PeakUsage { computing, need }
    }

    /// The long form: items with labels, needs, observers.
    pub fn tasks<'a, I: IntoIterator>(&self, items: I) -> Tasks<'a, I> {
        Tasks::new(Arc::clone(self.owner.engine()), self.cancel.clone(), self.observer.clone(), items)
    }

    /// `f` of every item, in the items' order. A panic cancels the rest and becomes an error that names the item.
    pub fn map<I, R>(&self, items: I, f: impl Fn(I::Item) -> R + Sync) -> Result<Vec<R>, TaskError>
    where
        I: IntoIterator<Item: Send>,
        R: Send,
    {
        self.tasks(items).map(|_, item| f(item))
    }

    /// [`map`](Pool::map) for functions that can fail: the first error ends it.
    pub fn try_map<I, R, E>(&self, items: I, f: impl Fn(I::Item) -> Result<R, E> + Sync) -> Result<Vec<R>, TaskError>
    where
        I: IntoIterator<Item: Send>,
        R: Send,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.tasks(items).try_map(|_, item| f(item))
    }

    /// [`map`](Pool::map) that does not wait.
    pub fn map_async<I, R>(&self, items: I, f: impl Fn(I::Item) -> R + Send + Sync + 'static) -> AsyncResult<Vec<R>>
    where
        I: IntoIterator<Item: Send + 'static>,
        R: Send + 'static,
    {
        self.tasks(items).map_async(move |_, item| f(item))
    }

    /// [`map`](Pool::map) for functions of several arguments, which come as tuples. Made for functions that have a
    /// name; a closure must say the types of arguments whose methods it calls (or be `map(items, |(a, b)| …)`).
    pub fn starmap<I, F>(&self, items: I, f: F) -> Result<Vec<F::Output>, TaskError>
    where
        I: IntoIterator<Item: Send>,
        F: StarFn<I::Item, Output: Send> + Sync,
    {
        self.tasks(items).map(|_, item| f.call(item))
    }

    /// [`starmap`](Pool::starmap) that does not wait.
    pub fn starmap_async<I, F>(&self, items: I, f: F) -> AsyncResult<Vec<F::Output>>
    where
        I: IntoIterator<Item: Send + 'static>,
        F: StarFn<I::Item, Output: Send + 'static> + Send + Sync + 'static,
    {
        self.tasks(items).map_async(move |_, item| f.call(item))
    }

    /// Results one by one in the items' order; items are taken only as far ahead as the budget allows.
    pub fn imap<I, R>(&self, items: I, f: impl Fn(I::Item) -> R + Send + Sync + 'static) -> Imap<R>
    where
        I: IntoIterator<Item: Send + 'static, IntoIter: Send + 'static>,
        R: Send + 'static,
    {
        self.tasks(items).imap(move |_, item| f(item))
    }

    /// [`imap`](Pool::imap) in the order in which the tasks end.
    pub fn imap_unordered<I, R>(&self, items: I, f: impl Fn(I::Item) -> R + Send + Sync + 'static) -> Imap<R>
    where
        I: IntoIterator<Item: Send + 'static, IntoIter: Send + 'static>,
        R: Send + 'static,
    {
        self.tasks(items).imap_unordered(move |_, item| f(item))
    }

    /// Runnable `f` as a task and waits.
    pub fn apply<R: Send>(&self, f: impl FnOnce() -> R + Send) -> Result<R, TaskError> {
        let results = self.tasks([f]).map(|_, f| f())?;
        Ok(results.into_iter().next().expect("one item gives one result"))
    }

    /// [`apply`](Pool::apply) that does not wait.
    pub fn apply_async<R: Send + 'static>(&self, f: impl FnOnce() -> R + Send + 'static) -> AsyncResult<R> {
        self.tasks([f]).one_async(|_, f| f())
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.cancel.cancel();
        self.owner.engine().drain();
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pool({})", self.budget)
    }
}
