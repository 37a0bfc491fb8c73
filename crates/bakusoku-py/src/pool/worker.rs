//! The worker's side: takes tasks, answers them.

use super::block::Block;
use super::owner::owned;
use bakusoku_pool::process::{self, ArgumentLease, HeapBlock, Next, TaskBytes, TaskFunction};
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// Ends this process when the one that started it ends (`gently`: by SIGTERM); whether that one still lives.
#[pyfunction]
#[pyo3(signature = (parent, gently = false))]
pub(crate) fn die_with_parent(parent: i32, gently: bool) -> PyResult<bool> {
    bakusoku_pool::process::die_with_parent(parent, gently).map_err(PyErr::from)
}

/// Ends this process and its group when its parent ends; whether that one still lives.
#[pyfunction]
pub(crate) fn end_with_parent(parent: i32) -> PyResult<bool> {
    bakusoku_pool::process::end_with_parent(parent).map_err(PyErr::from)
}

/// Has what the programs of tasks leave behind become children of this process, so that they end with it.
#[pyfunction]
pub(crate) fn adopt_orphans() {
    bakusoku_pool::process::adopt_orphans();
}

/// Ends a process and what it has started.
#[pyfunction]
pub(crate) fn kill_tree(pid: i32) {
    bakusoku_pool::process::kill_tree(pid);
}

/// A worker's connection to its owner.
#[pyclass(frozen, module = "bakusoku._core")]
pub(crate) struct WorkerConnection {
    connection: Arc<process::WorkerConnection>,
    laid: Mutex<Vec<Laid>>,
}

/// A large part of a result that an answer will carry.
enum Laid {
    /// Born in shared memory; handed over if nobody holds it by then.
    Offered(HeapBlock),
    Copied(HeapBlock),
}

/// A mode with this bit: items are pickled one by one, and each makes views of blocks when it is its turn.
const SEPARATE: u8 = 64;
/// What a worker is told first.
const FIRST: u8 = 255;

/// The connection of this process, if it is a worker.
static CONNECTION: OnceLock<Arc<process::WorkerConnection>> = OnceLock::new();

/// Before a worker forks.
pub(super) fn before_fork() {
    if let Some(connection) = CONNECTION.get() {
        connection.before_fork();
    }
}

impl WorkerConnection {
    fn lock(&self) -> MutexGuard<'_, Vec<Laid>> {
        self.laid.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl WorkerConnection {
    #[new]
    fn new(socket: i32, owner: i32, own: i32) -> PyResult<WorkerConnection> {
        let connection = process::WorkerConnection::new(owned(socket), owned(owner), owned(own))?;
        let connection = Arc::new(connection);
        // A process is one worker; of a second one, forks would not know.
        let _ = CONNECTION.set(Arc::clone(&connection));
        Ok(WorkerConnection { connection, laid: Mutex::default() })
    }

    /// Waits for what comes next: `(mode, start, items, function, definition, body, blocks, forget)` for a
    /// task, `(function, definition)`, a list of functions to forget, or None at the end.
    fn next<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let next = loop {
            match py.detach(|| self.connection.next()) {
                Ok(next) => break next,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => py.check_signals()?,
                Err(error) => return Err(error.into()),
            }
        };
        Ok(match next {
            Next::End => py.None().into_bound(py),
            Next::Forget(numbers) => numbers.into_pyobject(py)?.into_any(),
            Next::Function(number, function) => (number, definition(py, function)?).into_pyobject(py)?.into_any(),
            Next::Task(task) => {
                let function = task.definition.map(|function| definition(py, function)).transpose()?;
                let body = bytes(py, task.body)?;
                let blocks = leases(py, task.blocks, task.mode & SEPARATE == 0 || task.mode == FIRST)?;
                let (mode, start, items) = (task.mode, task.start, task.items);
                (mode, start, items, task.function, function, body, blocks, task.forget).into_pyobject(py)?.into_any()
            }
        })
    }

    /// Whether this is the worker, and not a fork that a task has made.
    fn is_ours(&self) -> bool {
        self.connection.is_ours()
    }

    /// Has NumPy make large arrays where results lie.
    fn allocate(&self, py: Python<'_>) -> PyResult<()> {
        super::allocator::install(py, self.connection.memory())
    }

    /// Lays a large part of a result into shared memory.
    fn lay(&self, py: Python<'_>, buffer: &Bound<'_, PyAny>) -> PyResult<()> {
        let buffer = PyBuffer::<u8>::get(buffer)?;
        if !buffer.is_c_contiguous() {
            return Err(PyValueError::new_err("the buffer is not contiguous"));
        }
        let (address, len) = (buffer.buf_ptr().addr(), buffer.len_bytes());
        let memory = self.connection.memory();
        let laid = match memory.offer(address, len as u64) {
            Some(block) => Laid::Offered(block),
            None => {
                // SAFETY: a contiguous buffer that Python keeps for us.
                #[allow(unsafe_code)]
                let from = unsafe { std::slice::from_raw_parts(buffer.buf_ptr().cast::<u8>(), len) };
                let copied = py.detach(|| memory.copy(from));
                Laid::Copied(copied.ok_or_else(|| PyOSError::new_err("no shared memory for a result"))?)
            }
        };
        self.lock().push(laid);
        Ok(())
    }

    /// How many parts are laid out.
    fn laid(&self) -> usize {
        self.lock().len()
    }

    /// Takes back the parts that were laid out, but for the first `keep`.
    fn take_back(&self, keep: usize) {
        let mut laid = self.lock();
        let at = keep.min(laid.len());
        let rest = laid.split_off(at);
        drop(laid);
        for part in rest {
            match part {
                Laid::Offered(block) => self.connection.memory().keep(block),
                Laid::Copied(block) => self.connection.memory().discard(block),
            }
        }
    }

    /// Answers the task, with the parts that were laid out.
    fn answer(&self, py: Python<'_>, status: u8, body: &[u8]) -> PyResult<()> {
        let laid = std::mem::take(&mut *self.lock());
        let memory = self.connection.memory();
        py.detach(|| {
            let blocks: Option<Vec<HeapBlock>> = laid
                .into_iter()
                .map(|part| match part {
                    Laid::Copied(block) => Some(block),
                    Laid::Offered(block) => memory.hand_over(block),
                })
                .collect();
            let blocks = blocks.ok_or_else(|| std::io::Error::other("no shared memory for a result"))?;
            self.connection.answer(status, body, blocks)
        })
        .map_err(PyErr::from)
    }

    /// Takes the files where standard output and error go: an answer waits until they are read.
    fn watch(&self, output: i32, error: i32) {
        self.connection.watch(owned(output), owned(error));
    }

    /// Tells the owner something meanwhile.
    fn send_message(&self, body: &[u8]) -> PyResult<()> {
        self.connection.send_message(body).map_err(PyErr::from)
    }

    /// Calls `function` with the items from the `at`-th on, `most` at the most, and appends what it returns to `values`,
    /// until it raises. `star`: items hold several arguments; `load` makes an item of what travelled.
    ///
    /// Each item leaves the list, so that its memory is free when it is done, and its number is written where the owner
    /// finds it should this process die.
    #[pyo3(signature = (function, items, at, most, star, load, values))]
    fn run(
        &self,
        function: &Bound<'_, PyAny>,
        items: &Bound<'_, PyList>,
        at: usize,
        most: usize,
        star: bool,
        load: Option<&Bound<'_, PyAny>>,
        values: &Bound<'_, PyList>,
    ) -> PyResult<()> {
        let py = function.py();
        for index in at..items.len().min(at.saturating_add(most)) {
            self.connection.set_item(index as u32);
            let mut item = items.get_item(index)?;
            items.set_item(index, py.None())?;
            if let Some(load) = load {
                item = load.call1((item,))?;
            }
            let value = if !star {
                function.call1((item,))?
            } else if let Ok(arguments) = item.cast_exact::<PyTuple>() {
                function.call1(arguments)?
            } else {
                let arguments = item.try_iter()?.collect::<PyResult<Vec<_>>>()?;
                drop(item);
                function.call1(PyTuple::new(py, arguments)?)?
            };
            values.append(value)?;
        }
        Ok(())
    }

    /// Number of the item that runs, counted from the message's first.
    fn item(&self) -> u32 {
        self.connection.item()
    }

    /// Puts the number of threads of a task into the environment that libraries read, whatever `os.environ` shows; the
    /// number.
    fn tell_threads(&self) -> usize {
        self.connection.tell_threads()
    }

    /// Whether the owner wants the running task to end.
    fn is_interrupted(&self) -> bool {
        self.connection.is_interrupted()
    }
}

fn definition(py: Python<'_>, function: TaskFunction) -> PyResult<Bound<'_, PyTuple>> {
    (bytes(py, function.body)?, leases(py, function.blocks, false)?).into_pyobject(py)
}

fn bytes(py: Python<'_>, bytes: TaskBytes) -> PyResult<Bound<'_, PyAny>> {
    Ok(match bytes {
        TaskBytes::Inline(bytes) => PyBytes::new(py, &bytes).into_any(),
        TaskBytes::Block(lease) => Bound::new(py, Block::view(lease.view()?))?.into_any(),
    })
}

/// OwnerMapping of blocks, or what views are made from, once for each use.
fn leases(py: Python<'_>, leases: Vec<Arc<ArgumentLease>>, views: bool) -> PyResult<Bound<'_, PyList>> {
    let list = PyList::empty(py);
    for lease in leases {
        if views {
            list.append(Bound::new(py, Block::view(lease.view()?))?)?;
        } else {
            list.append(Bound::new(py, Loan(lease))?)?;
        }
    }
    Ok(list)
}

/// A large part of a function, from which every task gets a view of its own.
#[pyclass(frozen, module = "bakusoku._core")]
pub(crate) struct Loan(Arc<ArgumentLease>);

#[pymethods]
impl Loan {
    fn view(&self) -> PyResult<Block> {
        Ok(Block::view(self.0.view()?))
    }
}
