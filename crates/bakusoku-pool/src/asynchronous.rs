//! [`AsyncResult`]: what the `_async` calls return at once.

use std::sync::Arc;
use std::time::Duration;

use crate::batch::{Outcome, Results};
use crate::engine::Engine;
use crate::{Cancel, TaskError};

/// Results that are on their way. Dropping it lets the tasks run on; dropping the pool cancels them.
pub struct AsyncResult<V>(Box<dyn Pending<V> + Send + Sync>);

trait Pending<V> {
    fn wait(&self, timeout: Option<Duration>) -> bool;
    fn failed(&self) -> bool;
    fn cancel(&self);
    fn take(&self) -> Result<V, TaskError>;
}

struct Of<R, V> {
    engine: Arc<Engine>,
    results: Arc<Results<R>>,
    n: usize,
    batch: u64,
    cancel: Cancel,
    finish: fn(Vec<Outcome<R>>) -> Result<V, TaskError>,
}

impl<R: Send, V> Pending<V> for Of<R, V> {
    fn wait(&self, timeout: Option<Duration>) -> bool {
        if timeout == Some(Duration::ZERO) {
            self.results.done() >= self.n
        } else {
            self.results.wait(&self.engine, self.n, timeout)
        }
    }

    fn failed(&self) -> bool {
        self.results.failed()
    }

    fn cancel(&self) {
        self.cancel.cancel();
        self.engine.withdraw(Some(self.batch));
    }

    fn take(&self) -> Result<V, TaskError> {
        (self.finish)(self.results.take_all())
    }
}

impl<V> AsyncResult<V> {
    pub(crate) fn new<R: Send + 'static>(
        engine: Arc<Engine>,
        results: Arc<Results<R>>,
        n: usize,
        batch: u64,
        cancel: Cancel,
        finish: fn(Vec<Outcome<R>>) -> Result<V, TaskError>,
    ) -> AsyncResult<V>
    where
        V: 'static,
    {
        AsyncResult(Box::new(Of { engine, results, n, batch, cancel, finish }))
    }

    /// Waits for the end and returns all results in order, or the first error.
    pub fn get(self) -> Result<V, TaskError> {
        self.0.wait(None);
        self.0.take()
    }

    /// [`get`](AsyncResult::get) that waits no longer than `timeout`, and then gives itself back.
    pub fn get_timeout(self, timeout: Duration) -> Result<Result<V, TaskError>, AsyncResult<V>> {
        if self.0.wait(Some(timeout)) { Ok(self.0.take()) } else { Err(self) }
    }

    /// Waits for the end, for `timeout` at most; whether it has come.
    pub fn wait(&self, timeout: Option<Duration>) -> bool {
        self.0.wait(timeout)
    }

    /// Whether all tasks have ended.
    pub fn ready(&self) -> bool {
        self.0.wait(Some(Duration::ZERO))
    }

    /// Whether all tasks succeeded; `None` while some have not ended.
    pub fn successful(&self) -> Option<bool> {
        self.ready().then(|| !self.0.failed())
    }

    /// Asks the tasks to stop; those that have not begun never do.
    pub fn cancel(&self) {
        self.0.cancel();
    }
}

impl<V> std::fmt::Debug for AsyncResult<V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AsyncResult").field("successful", &self.successful()).finish()
    }
}
