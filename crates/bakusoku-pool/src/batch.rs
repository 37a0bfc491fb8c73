//! The tasks of one call: the closure they share, where their results go, and what one of them does when it runs.

use std::collections::BTreeMap;
use std::error::Error;
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::engine::{Engine, Priority, Runnable, panics};
use crate::event::{Event, EventKind, Observer};
use crate::{Bytes, Cancel, Need, TaskContext, TaskError};

pub(crate) type Outcome<R> = Result<R, TaskError>;

/// What a closure returned: a value, or an error that makes the task a failed one.
pub(crate) type Returned<R> = Result<R, Box<dyn Error + Send + Sync>>;

/// Shared by the tasks of a call; `f` may borrow from the caller.
pub(crate) struct Batch<F> {
    pub(crate) number: u64,
    pub(crate) f: F,
    pub(crate) cancel: Cancel,
    pub(crate) observer: Option<Observer>,
    /// Whether the first failure cancels the others.
    pub(crate) fail_fast: bool,
    /// How much more memory than they said the tasks needed, at worst.
    correction: Mutex<f64>,
}

impl<F> Batch<F> {
    pub(crate) fn new(f: F, cancel: Cancel, observer: Option<Observer>, fail_fast: bool) -> Batch<F> {
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Batch { number, f, cancel, observer, fail_fast, correction: Mutex::new(1.0) }
    }

    pub(crate) fn corrected(&self, need: Need) -> Need {
        let factor = *self.correction.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if factor == 1.0 { need } else { Need { memory: need.memory.scale(factor), ..need } }
    }

    /// A task needed `said` by its word and `used` in truth.
    fn learn(&self, engine: &Arc<Engine>, said: Bytes, used: Bytes) {
        let factor = used.0 as f64 / said.0.max(1) as f64;
        let mut known = self.correction.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if said > Bytes::ZERO && factor > *known {
            let rise = factor / *known;
            *known = factor;
            tracing::debug!("tasks need {factor:.2} times the memory they said");
            engine.correct(self.number, |need| Need { memory: need.memory.scale(rise), ..need });
        }
    }
}

/// Where results wait for whoever asked for them.
pub(crate) struct Results<R> {
    inner: Mutex<Inner<R>>,
    changed: Condvar,
}

struct Inner<R> {
    outcomes: BTreeMap<usize, Outcome<R>>,
    /// The order in which they came, for those who take them as they come.
    came: std::collections::VecDeque<usize>,
    done: usize,
    /// Nobody needs to be woken before this many are done.
    wake_at: usize,
    failed: bool,
}

impl<R> Results<R> {
    pub(crate) fn new() -> Arc<Results<R>> {
        let inner = Inner { outcomes: BTreeMap::new(), came: Default::default(), done: 0, wake_at: 0, failed: false };
        Arc::new(Results { inner: Mutex::new(inner), changed: Condvar::new() })
    }

    fn lock(&self) -> MutexGuard<'_, Inner<R>> {
        self.inner.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn put(&self, index: usize, outcome: Outcome<R>) {
        let mut inner = self.lock();
        inner.failed |= outcome.is_err();
        inner.outcomes.insert(index, outcome);
        inner.came.push_back(index);
        inner.done += 1;
        if inner.done >= inner.wake_at {
            self.changed.notify_all();
        }
    }

    fn wait_while(
        &self,
        engine: &Arc<Engine>,
        timeout: Option<Duration>,
        mut busy: impl FnMut(&Inner<R>) -> bool,
    ) -> bool {
        if !busy(&self.lock()) {
            return true;
        }
        engine.wait_for_own(|| match timeout {
            None => {
                drop(self.changed.wait_while(self.lock(), |inner| busy(inner)).unwrap_or_else(|p| p.into_inner()));
                true
            }
            Some(timeout) => {
                let waited = self.changed.wait_timeout_while(self.lock(), timeout, |inner| busy(inner));
                !waited.unwrap_or_else(|p| p.into_inner()).1.timed_out()
            }
        })
    }

    /// Waits until `n` tasks are done; false when the time is over before.
    pub(crate) fn wait(&self, engine: &Arc<Engine>, n: usize, timeout: Option<Duration>) -> bool {
        // Who waits for all of a call's tasks is the only kind of waiter that the call has.
        self.lock().wake_at = n;
        self.wait_while(engine, timeout, |inner| inner.done < n)
    }

    pub(crate) fn done(&self) -> usize {
        self.lock().done
    }

    pub(crate) fn failed(&self) -> bool {
        self.lock().failed
    }

    /// All results so far in order of index.
    pub(crate) fn take_all(&self) -> Vec<Outcome<R>> {
        let mut inner = self.lock();
        inner.came.clear();
        std::mem::take(&mut inner.outcomes).into_values().collect()
    }

    /// Waits for the result of item `index`.
    pub(crate) fn take(&self, engine: &Arc<Engine>, index: usize) -> Option<Outcome<R>> {
        self.wait_while(engine, None, |inner| !inner.outcomes.contains_key(&index));
        self.lock().outcomes.remove(&index)
    }

    /// Waits for the next result to come.
    pub(crate) fn take_any(&self, engine: &Arc<Engine>) -> Option<(usize, Outcome<R>)> {
        self.wait_while(engine, None, |inner| inner.came.is_empty());
        let mut inner = self.lock();
        let index = inner.came.pop_front()?;
        inner.outcomes.remove(&index).map(|outcome| (index, outcome))
    }
}

/// All values, or the error of the lowest index; one that failed by itself before one that was only cancelled.
pub(crate) fn all<R>(outcomes: Vec<Outcome<R>>) -> Outcome<Vec<R>> {
    let mut values = Vec::with_capacity(outcomes.len());
    let mut first: Option<TaskError> = None;
    for outcome in outcomes {
        match outcome {
            Ok(value) => values.push(value),
            Err(error) => match &first {
                Some(kept) if !kept.is_cancelled() || error.is_cancelled() => {}
                _ => first = Some(error),
            },
        }
    }
    first.map_or(Ok(values), Err)
}

/// One item on its way. `B` is a reference or an `Arc`.
pub(crate) struct Task<B, T, R> {
    pub(crate) batch: B,
    pub(crate) results: Arc<Results<R>>,
    pub(crate) index: usize,
    pub(crate) label: Option<Arc<str>>,
    pub(crate) need: Need,
    pub(crate) item: T,
}

impl<B, T, R> Task<B, T, R> {
    fn label(label: Option<Arc<str>>, index: usize) -> Arc<str> {
        label.unwrap_or_else(|| format!("item {index}").into())
    }

    /// Tells that the task waits.
    pub(crate) fn tell_queued<F>(&self)
    where
        B: Deref<Target = Batch<F>>,
    {
        if let Some(observer) = &self.batch.observer {
            let label = Self::label(self.label.clone(), self.index);
            let kind = EventKind::Queued { need: self.need };
            observer(&Event { batch: self.batch.number, index: self.index, label: &label, kind });
        }
    }
}

impl<B, T, R, F> Runnable for Task<B, T, R>
where
    B: Deref<Target = Batch<F>> + Send,
    F: Fn(&TaskContext, T) -> Returned<R> + Sync,
    T: Send,
    R: Send,
{
    fn run(self: Box<Self>, engine: &Arc<Engine>, priority: Priority) {
        let Task { batch, results, index, label, need, item } = *self;
        let (label, observer) = (Self::label(label, index), batch.observer.clone());
        let outcome = {
            let cx = TaskContext::new(
                engine,
                priority,
                batch.cancel.clone(),
                batch.number,
                index,
                Arc::clone(&label),
                observer,
            );
            if cx.cancel.is_cancelled() {
                drop(panics::catch(|| (drop(item), cx.tell(EventKind::Cancelled))));
                Err(TaskError { label, index, cause: crate::Cause::Cancelled })
            } else {
                let began = Instant::now();
                let returned = panics::catch(|| {
                    cx.tell(EventKind::Started { alone: !need.fits(engine.capacity) });
                    (batch.f)(&cx, item)
                });
                let outcome = match returned {
                    Ok(Ok(value)) => Ok(value),
                    Ok(Err(error)) => Err(TaskError::failed(Arc::clone(&label), index, error)),
                    Err(caught) => Err(TaskError::panicked(Arc::clone(&label), index, &caught)),
                };
                if let Some(used) = cx.most_used() {
                    batch.learn(engine, need.memory, used);
                }
                // An observer that panics must not take the result with it.
                let told = panics::catch(|| {
                    let wall = began.elapsed();
                    cx.tell(match &outcome {
                        Ok(_) => EventKind::Finished { wall, used: cx.most_used() },
                        Err(error) if error.is_cancelled() => EventKind::Cancelled,
                        Err(error) => EventKind::Failed { wall, error },
                    });
                });
                if let Err(caught) = told {
                    tracing::error!("an observer panicked: {}", caught.message().unwrap_or("no message"));
                }
                outcome
            }
        };
        if outcome.is_err() && batch.fail_fast {
            batch.cancel.cancel();
        }
        // A borrowed batch may be gone as soon as the last result is there.
        drop(batch);
        results.put(index, outcome);
    }

    fn dropped(self: Box<Self>) {
        let Task { batch, results, index, label, item, .. } = *self;
        let label = Self::label(label, index);
        drop(panics::catch(|| {
            drop(item);
            if let Some(observer) = &batch.observer {
                observer(&Event { batch: batch.number, index, label: &label, kind: EventKind::Cancelled });
            }
        }));
        drop(batch);
        results.put(index, Err(TaskError { label, index, cause: crate::Cause::Cancelled }));
    }
}

/// Puts tasks that may borrow from the caller into the engine's queue.
///
/// # Safety
/// The caller must not return, nor unwind, before every task has put its result.
#[allow(unsafe_code)]
pub(crate) unsafe fn submit<'a>(engine: &Arc<Engine>, number: u64, tasks: Vec<(Need, Box<dyn Runnable + 'a>)>) {
    // SAFETY: only the lifetime changes, and the caller keeps what is borrowed until the task has put its result,
    // which is the last thing that it does with anything borrowed.
    let tasks =
        unsafe { std::mem::transmute::<Vec<(Need, Box<dyn Runnable + 'a>)>, Vec<(Need, Box<dyn Runnable>)>>(tasks) };
    engine.submit(number, tasks);
}
