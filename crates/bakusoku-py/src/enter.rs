//! From Python into the engine and back: threads, the interpreter lock, Ctrl-C.
//!
//! The interpreter lock is given up while a kernel works. The thread that Python called works too; between two rows it
//! asks Python for signals, so Ctrl-C ends a call within a row.

use crate::error::to_python;
use bakusoku_core::{Error, Result, Scratch};
use bakusoku_pool::{Budget, Cancel, Par};
use pyo3::prelude::*;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Engines by number of threads and by process: a child made by `fork` has none of its parent's threads, so it gets
/// engines of its own and never touches, nor drops, those of its parent.
static ENGINES: Mutex<Option<HashMap<(u32, usize), Par>>> = Mutex::new(None);

/// How often Python is asked for signals.
const SIGNALS_EVERY: Duration = Duration::from_millis(25);

/// The budget of this process.
pub(crate) fn detect() -> PyResult<Budget> {
    Budget::detect().map_err(|error| to_python(error.into()))
}

/// Cores of the budget of this process.
pub(crate) fn budget() -> PyResult<usize> {
    Ok(detect()?.cores.max(1))
}

/// The engine for `n_jobs` threads; 0 is the budget.
///
/// Only called with the interpreter lock held, under which Python also forks: nobody forks while the lock is taken.
fn par(n_jobs: usize) -> PyResult<Par> {
    let threads = if n_jobs == 0 { budget()? } else { n_jobs };
    let mut engines = ENGINES.lock().unwrap_or_else(PoisonError::into_inner);
    let engines = engines.get_or_insert_with(HashMap::new);
    Ok(engines.entry((std::process::id(), threads)).or_insert_with(|| Par::new(threads)).clone())
}

/// Runs `work` without the interpreter lock.
pub(crate) fn enter<T: Send>(
    py: Python<'_>,
    n_jobs: usize,
    work: impl FnOnce(&Par) -> Result<T> + Send,
) -> PyResult<T> {
    let par = par(n_jobs)?;
    let result = py.detach(|| work(&par));
    py.check_signals()?;
    result.map_err(to_python)
}

/// Runs `row` for `0..n` without the interpreter lock, until one fails or Ctrl-C is pressed.
pub(crate) fn enter_rows(
    py: Python<'_>,
    n_jobs: usize,
    n: usize,
    row: impl Fn(&mut Scratch, usize) -> Result<()> + Sync,
) -> PyResult<()> {
    let par = par(n_jobs)?;
    let cancel = Cancel::new();
    let caller = std::thread::current().id();
    let interrupted: Mutex<Option<PyErr>> = Mutex::new(None);
    let asked = Mutex::new(Instant::now());
    let result = py.detach(|| {
        par.try_for_each_init(n, Scratch::default, |scratch, i| -> Result<(), Error> {
            if std::thread::current().id() == caller {
                let due = {
                    let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
                    let due = asked.elapsed() >= SIGNALS_EVERY;
                    if due {
                        *asked = Instant::now();
                    }
                    due
                };
                if due && let Err(error) = Python::attach(|py| py.check_signals()) {
                    *interrupted.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    cancel.cancel();
                }
            }
            cancel.check()?;
            row(scratch, i)
        })
    });
    if let Some(error) = interrupted.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    py.check_signals()?;
    result.map_err(to_python)
}
