//! [`Par`]: how a kernel spreads its inner work (channels, windows, head positions). An argument, never a global.
//!
//! Jobs are numbered `0..n` and taken one by one, so unequal jobs balance. The caller works too; free cores join in
//! and leave when another task needs them. What a job computes must depend on its number alone, and sums over jobs
//! are taken in index order from [`Par::map`]: then results do not depend on the number of threads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::Need;
use crate::engine::panics::{self, Caught};
use crate::engine::parallel_region::Role;
use crate::engine::{Engine, Priority};
use crate::pool::Owner;

/// A share in the engine's cores. Cheap to clone.
///
/// ```
/// # use bakusoku_pool::Par;
/// let squares = Par::serial().map(4, |i| i * i);
/// assert_eq!(squares, [0, 1, 4, 9]);
/// ```
#[derive(Clone, Default)]
pub struct Par(Option<Shared>);

#[derive(Clone)]
struct Shared {
    engine: Arc<Engine>,
    priority: Priority,
    /// No more threads than this, the caller among them.
    limit: usize,
    /// Keeps the worker threads alive while a `Par` from outside of a task lives.
    _owner: Option<Arc<Owner>>,
}

impl std::fmt::Debug for Par {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Par({})", self.threads())
    }
}

impl Par {
    /// Everything in the caller, in index order.
    pub fn serial() -> Par {
        Par(None)
    }

    /// An engine of its own with this many threads: for tests, and for programs that have no [`Pool`](crate::Pool).
    pub fn new(threads: usize) -> Par {
        if threads <= 1 { Par::serial() } else { Par::of_pool(&Owner::new(threads, Need::MAX, threads)) }
    }

    pub(crate) fn of_task(engine: &Arc<Engine>, priority: Priority) -> Par {
        Par(Some(Shared { engine: Arc::clone(engine), priority, limit: engine.cores, _owner: None }))
    }

    pub(crate) fn of_pool(owner: &Arc<Owner>) -> Par {
        let engine = Arc::clone(owner.engine());
        Par(Some(Shared { limit: engine.cores, engine, priority: Priority::EXTERNAL, _owner: Some(Arc::clone(owner)) }))
    }

    /// The most threads that may work at once: what per-thread memory must be planned for.
    pub fn threads(&self) -> usize {
        self.0.as_ref().map_or(1, |shared| shared.limit)
    }

    /// The same share, of which a call uses no more than `threads` at once (`n_jobs=` of a Python caller).
    pub fn at_most(&self, threads: usize) -> Par {
        let limit = |shared: &Shared| Shared { limit: shared.limit.min(threads.max(1)), ..shared.clone() };
        Par(self.0.as_ref().map(limit))
    }

    /// Runnable `f(0)`, …, `f(n - 1)`.
    pub fn for_each(&self, n: usize, f: impl Fn(usize) + Sync) {
        self.for_each_init(n, || (), |(), i| f(i));
    }

    /// [`for_each`](Par::for_each) with a state (scratch memory, an FFT plan) made once per participating thread.
    pub fn for_each_init<S>(&self, n: usize, init: impl Fn() -> S + Sync, f: impl Fn(&mut S, usize) + Sync) {
        let Some(Shared { engine, priority, limit, .. }) = self.0.as_ref().filter(|_| n > 0) else {
            let mut state = None;
            (0..n).for_each(|i| f(state.get_or_insert_with(&init), i));
            return;
        };
        let next = AtomicUsize::new(0);
        let first_panic: Mutex<Option<(usize, Caught)>> = Mutex::new(None);
        let share = |role: Role| {
            let mut at = n;
            let shared = panics::catch(|| {
                let mut state = None;
                loop {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    if i >= n {
                        return true;
                    }
                    at = i;
                    f(state.get_or_insert_with(&init), i);
                    if role == Role::Helper && engine.urgent() {
                        return false;
                    }
                }
            });
            shared.unwrap_or_else(|caught| {
                next.store(n, Ordering::Relaxed);
                let mut first = first_panic.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                if first.as_ref().is_none_or(|(i, _)| at < *i) {
                    *first = Some((at, caught));
                }
                true
            })
        };
        engine.region(*priority, (n - 1).min(limit - 1), &share);
        let panicked = first_panic.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some((_, caught)) = panicked {
            caught.resume();
        }
    }

    /// Runnable `f` for `0..n` until one fails; the error of the lowest failing index, whatever the number of threads.
    pub fn try_for_each<E: Send>(&self, n: usize, f: impl Fn(usize) -> Result<(), E> + Sync) -> Result<(), E> {
        self.try_for_each_init(n, || (), |(), i| f(i))
    }

    /// [`try_for_each`](Par::try_for_each) with a state per participating thread.
    pub fn try_for_each_init<S, E: Send>(
        &self,
        n: usize,
        init: impl Fn() -> S + Sync,
        f: impl Fn(&mut S, usize) -> Result<(), E> + Sync,
    ) -> Result<(), E> {
        // Jobs are taken in index order: when `i` fails, everything below it has been taken, and runs.
        let lowest = AtomicUsize::new(usize::MAX);
        let error = Mutex::new(None);
        self.for_each_init(n, init, |state, i| {
            if i > lowest.load(Ordering::Relaxed) {
                return;
            }
            if let Err(e) = f(state, i) {
                let mut error = error.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                if i < lowest.load(Ordering::Relaxed) {
                    lowest.store(i, Ordering::Relaxed);
                    *error = Some(e);
                }
            }
        });
        error.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()).map_or(Ok(()), Err)
    }

    /// Runnable both, at the same time where a core is free (reading ahead while computing), else one after the other.
    pub fn join<A: Send, B: Send>(&self, a: impl FnOnce() -> A + Send, b: impl FnOnce() -> B + Send) -> (A, B) {
        let (todo_a, todo_b) = (Mutex::new(Some(a)), Mutex::new(Some(b)));
        let (done_a, done_b) = (Mutex::new(None), Mutex::new(None));
        fn once<R>(todo: &Mutex<Option<impl FnOnce() -> R>>, done: &Mutex<Option<R>>) {
            // Taken out first: neither lock is held while it runs.
            let f = todo.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
            let result = f.map(|f| f());
            *done.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = result;
        }
        self.for_each(2, |i| if i == 0 { once(&todo_a, &done_a) } else { once(&todo_b, &done_b) });
        let (a, b) = (done_a.into_inner(), done_b.into_inner());
        match (a.unwrap_or_else(|p| p.into_inner()), b.unwrap_or_else(|p| p.into_inner())) {
            (Some(a), Some(b)) => (a, b),
            _ => unreachable!("both jobs were run, or a panic has left this function"),
        }
    }

    /// The results of `f` for `0..n`, in index order.
    pub fn map<T: Send>(&self, n: usize, f: impl Fn(usize) -> T + Sync) -> Vec<T> {
        let mut results: Vec<Option<T>> = Vec::new();
        results.resize_with(n, || None);
        self.for_each_chunk_mut(&mut results, 1, |i, slot| slot[0] = Some(f(i)));
        results.into_iter().map(|slot| slot.expect("every index was run, or a panic has left this function")).collect()
    }

    /// The results of `f` for `0..n` in index order, or the error of the lowest failing index.
    pub fn try_map<T: Send, E: Send>(&self, n: usize, f: impl Fn(usize) -> Result<T, E> + Sync) -> Result<Vec<T>, E> {
        let mut results: Vec<Option<T>> = Vec::new();
        results.resize_with(n, || None);
        let slots = Pieces::new(&mut results, 1);
        self.try_for_each(n, |i| {
            // SAFETY: every index is taken once.
            #[allow(unsafe_code)]
            let slot = unsafe { slots.get(i) };
            slot[0] = Some(f(i)?);
            Ok(())
        })?;
        Ok(results.into_iter().map(|slot| slot.expect("every index succeeded")).collect())
    }

    /// Runnable `f(k, piece)` for the pieces of `chunk` values (the last may be shorter) of `data`.
    ///
    /// # Panics
    /// When `chunk` is 0.
    pub fn for_each_chunk_mut<T: Send>(&self, data: &mut [T], chunk: usize, f: impl Fn(usize, &mut [T]) + Sync) {
        self.for_each_chunk_mut_init(data, chunk, || (), |(), i, piece| f(i, piece));
    }

    /// [`for_each_chunk_mut`](Par::for_each_chunk_mut) with a state per participating thread.
    ///
    /// # Panics
    /// When `chunk` is 0.
    pub fn for_each_chunk_mut_init<T: Send, S>(
        &self,
        data: &mut [T],
        chunk: usize,
        init: impl Fn() -> S + Sync,
        f: impl Fn(&mut S, usize, &mut [T]) + Sync,
    ) {
        assert!(chunk > 0, "`chunk` must be at least 1");
        let pieces = Pieces::new(data, chunk);
        self.for_each_init(pieces.count(), init, |state, i| {
            // SAFETY: every index is taken once.
            #[allow(unsafe_code)]
            let piece = unsafe { pieces.get(i) };
            f(state, i, piece);
        });
    }
}

/// A slice in disjoint pieces, each for the thread that takes its index.
struct Pieces<'a, T> {
    start: *mut T,
    len: usize,
    chunk: usize,
    _data: std::marker::PhantomData<&'a mut [T]>,
}

// SAFETY: it hands out disjoint `&mut [T]`, as `chunks_mut` would, which may go to other threads when `T: Send`.
#[allow(unsafe_code)]
unsafe impl<T: Send> Sync for Pieces<'_, T> {}

impl<'a, T> Pieces<'a, T> {
    fn new(data: &'a mut [T], chunk: usize) -> Self {
        Pieces { start: data.as_mut_ptr(), len: data.len(), chunk, _data: std::marker::PhantomData }
    }

    fn count(&self) -> usize {
        self.len.div_ceil(self.chunk)
    }

    /// Piece `i`.
    ///
    /// # Safety
    /// No index may be asked for twice.
    #[allow(unsafe_code, clippy::mut_from_ref)]
    unsafe fn get(&self, i: usize) -> &mut [T] {
        let from = i * self.chunk;
        assert!(from < self.len, "piece {i} of {}", self.count());
        // SAFETY: inside the slice by the line above, and disjoint from every other piece.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(from), self.chunk.min(self.len - from)) }
    }
}
