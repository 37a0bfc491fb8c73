//! The owner's side: starts workers, sends items, waits for answers.

use super::block::{ArgumentBlock, Block};
use bakusoku_pool::process::{
    self, Callbacks, Chunk, ChunkResult, Content, ForkserverCommand, Items, JobOptions, NextChunk, Outcome,
    OutputStream, Payload, Reason, Source, Supervisor, Until, Waited, WorkerFiles, WorkerOutput, WorkerPoolOptions,
};
use pyo3::Borrowed;
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::{PyKeyboardInterrupt, PyOSError, PyOverflowError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};
use std::ffi::OsString;
use std::io;
use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// From here on a copy is worth giving up the interpreter lock.
const LONG_COPY: usize = 1 << 20;

/// The supervisor of this process. A child made by `fork` gets one of its own and leaves its parent's alone.
static SUPERVISOR: Mutex<Option<Arc<Supervisor>>> = Mutex::new(None);

fn supervisor() -> PyResult<Arc<Supervisor>> {
    let mut supervisor = SUPERVISOR.lock().unwrap_or_else(PoisonError::into_inner);
    match &*supervisor {
        Some(supervisor) if supervisor.is_ours() => Ok(Arc::clone(supervisor)),
        _ => {
            let new = Supervisor::new().map_err(os)?;
            // The parent's, if there was one, is never dropped here: its lock may be held by a thread that is no more.
            if let Some(old) = supervisor.replace(Arc::clone(&new)) {
                std::mem::forget(old);
            }
            Ok(new)
        }
    }
}

fn os(error: io::Error) -> PyErr {
    match error.raw_os_error() {
        Some(number) => PyOSError::new_err((number, error.to_string())),
        None => PyOSError::new_err(error.to_string()),
    }
}

/// Copies a buffer into shared memory. `shared`: several tasks get it.
#[pyfunction]
pub(crate) fn place(py: Python<'_>, buffer: &Bound<'_, PyAny>, shared: bool) -> PyResult<ArgumentBlock> {
    let buffer = PyBuffer::<u8>::get(buffer)?;
    let held = copied(py, &buffer, shared)?;
    Ok(ArgumentBlock(held))
}

fn copied(py: Python<'_>, buffer: &PyBuffer<u8>, shared: bool) -> PyResult<Arc<process::ArgumentBlock>> {
    if !buffer.is_c_contiguous() {
        return Err(PyValueError::new_err("the buffer is not contiguous"));
    }
    let len = buffer.len_bytes();
    let supervisor = supervisor()?;
    let (from, copy) = (buffer.buf_ptr().expose_provenance(), len >= LONG_COPY);
    let work = move || -> io::Result<Arc<process::ArgumentBlock>> {
        // SAFETY: a contiguous buffer that Python keeps for us.
        #[allow(unsafe_code)]
        let bytes = unsafe { std::slice::from_raw_parts(std::ptr::with_exposed_provenance::<u8>(from), len) };
        supervisor.place(bytes, shared)
    };
    if copy { py.detach(work) } else { work() }.map_err(os)
}

fn content(body: &[u8], shared: bool) -> PyResult<Content> {
    supervisor()?.content(body, shared).map_err(os)
}

/// Starts the process that workers are forked from, or has it load more modules.
#[pyfunction]
pub(crate) fn prepare_forkserver(
    program: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, Option<OsString>)>,
    modules: &[u8],
) -> PyResult<()> {
    supervisor()?.prepare(&ForkserverCommand { program, arguments, environment }, modules).map_err(os)
}

/// Workers are forked from the process at the other end of this socket.
#[pyfunction]
pub(crate) fn inherit_forkserver(socket: i32) -> PyResult<()> {
    supervisor()?.inherit(owned(socket)).map_err(os)
}

/// Ends all workers of this process.
#[pyfunction]
pub(crate) fn terminate_workers(py: Python<'_>) {
    let supervisor = SUPERVISOR.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some(supervisor) = supervisor.filter(|supervisor| supervisor.is_ours()) {
        py.detach(|| supervisor.shut_down());
    }
}

/// Before this process forks.
#[pyfunction]
pub(crate) fn before_fork(py: Python<'_>) {
    super::worker::before_fork();
    let supervisor = SUPERVISOR.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some(supervisor) = supervisor.filter(|supervisor| supervisor.is_ours()) {
        py.detach(|| supervisor.before_fork());
        // What other threads received meanwhile; nobody receives anything now.
        supervisor.before_fork();
    }
}

/// Whether a fork of this process leaves no thread behind that might have locked something.
#[pyfunction]
pub(crate) fn fork_is_safe() -> bool {
    bakusoku_pool::process::fork_is_safe()
}

/// In the child, after this process forked.
#[pyfunction]
pub(crate) fn after_fork() {
    super::allocator::switch_off();
    let supervisor = SUPERVISOR.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(supervisor) = supervisor {
        supervisor.after_fork();
        // Its locks may be held by threads that are no more.
        std::mem::forget(supervisor);
    }
}

/// The process that workers are forked from, when it runs.
#[pyfunction]
pub(crate) fn forkserver() -> PyResult<Option<u32>> {
    Ok(supervisor()?.forkserver())
}

pub(super) fn owned(file: i32) -> OwnedFd {
    // SAFETY: Python hands over a file that it does not use any more.
    #[allow(unsafe_code)]
    unsafe {
        OwnedFd::from_raw_fd(file)
    }
}

/// A function in the form in which workers get it.
#[pyclass(frozen, module = "bakusoku._core")]
pub(crate) struct Function(Arc<process::Function>);

#[pymethods]
impl Function {
    #[new]
    fn new(body: &[u8], blocks: Vec<PyRef<'_, ArgumentBlock>>) -> PyResult<Function> {
        let blocks = blocks.iter().map(|held| Arc::clone(&held.0)).collect();
        Ok(Function(process::Function::new(content(body, true)?, blocks)))
    }
}

type PyChunk<'py> =
    (u8, u64, u32, PyRef<'py, Function>, Bound<'py, PyBytes>, Vec<PyRef<'py, ArgumentBlock>>, Saturating);

/// A number of Python's, however large.
#[derive(Clone, Copy)]
pub(crate) struct Saturating(u64);

impl<'a, 'py> FromPyObject<'a, 'py> for Saturating {
    type Error = PyErr;

    fn extract(given: Borrowed<'a, 'py, PyAny>) -> PyResult<Saturating> {
        match given.extract() {
            Ok(number) => Ok(Saturating(number)),
            Err(error) if error.is_instance_of::<PyOverflowError>(given.py()) => {
                Ok(Saturating(if given.lt(0)? { 0 } else { u64::MAX }))
            }
            Err(error) => Err(error),
        }
    }
}

fn chunk(given: &Bound<'_, PyAny>) -> PyResult<Chunk> {
    let (mode, start, items, function, body, blocks, need): PyChunk<'_> = given.extract()?;
    Ok(Chunk {
        mode,
        start,
        items,
        function: Arc::clone(&function.0),
        body: content(body.as_bytes(), false)?,
        blocks: blocks.iter().map(|held| Arc::clone(&held.0)).collect(),
        need: need.0,
    })
}

/// An error in a callback that cannot be raised to anybody: shown, but Ctrl-C comes back to the main thread.
fn unraisable(py: Python<'_>, error: PyErr, of: &Py<PyAny>) {
    if error.is_instance_of::<PyKeyboardInterrupt>(py) {
        // SAFETY: simulates the arrival of the signal; needs nothing.
        #[allow(unsafe_code)]
        unsafe {
            pyo3::ffi::PyErr_SetInterrupt();
        }
    } else {
        error.write_unraisable(py, Some(of.bind(py)));
    }
}

fn listening(listener: Py<PyAny>) -> process::Listener {
    Arc::new(move || {
        Python::attach(|py| {
            if let Err(error) = listener.bind(py).call0() {
                unraisable(py, error, &listener);
            }
        });
    })
}

/// Python's error; one of the system keeps its number, by which passing ones are told.
fn io_error(py: Python<'_>, error: &PyErr) -> io::Error {
    let number = error.value(py).getattr("errno").and_then(|number| number.extract::<i32>());
    match number {
        Ok(number) if error.is_instance_of::<PyOSError>(py) => io::Error::from_raw_os_error(number),
        _ => io::Error::other(error.to_string()),
    }
}

struct PyCallbacks(Py<PyAny>);

impl Callbacks for PyCallbacks {
    fn first(&self) -> io::Result<Chunk> {
        Python::attach(|py| {
            let first = self.0.bind(py).call_method0("first").and_then(|given| chunk(&given));
            first.map_err(|error| io_error(py, &error))
        })
    }

    fn starts(&self) -> io::Result<bool> {
        Python::attach(|py| {
            let starts = self.0.bind(py).call_method0("starts").and_then(|starts| starts.extract());
            starts.map_err(|error: PyErr| io_error(py, &error))
        })
    }

    fn start(&self, files: WorkerFiles) -> io::Result<i32> {
        Python::attach(|py| {
            let files = [files.socket, files.owner, files.own, files.output, files.error].map(IntoRawFd::into_raw_fd);
            let pid = self.0.bind(py).call_method1("start", (files.to_vec(),)).and_then(|pid| pid.extract());
            pid.map_err(|error: PyErr| io_error(py, &error))
        })
    }

    fn on_output(&self, output: WorkerOutput) {
        Python::attach(|py| {
            let way = match output.way {
                OutputStream::Stdout => 1,
                OutputStream::Stderr => 2,
                OutputStream::Message => 0,
            };
            let (job, item) = output.item.unzip();
            let bytes = PyBytes::new(py, &output.bytes);
            if let Err(error) = self.0.bind(py).call_method1("on_output", (output.worker, job, item, way, bytes)) {
                unraisable(py, error, &self.0);
            }
        });
    }
}

struct PySource(Py<PyAny>);

impl Source for PySource {
    fn next(&mut self, most: usize) -> NextChunk {
        Python::attach(|py| {
            let given = self.0.bind(py).call_method1("next", (most,));
            let next = given.and_then(|given| match () {
                () if given.is_none() => Ok(NextChunk::End),
                () if given.is(py.Ellipsis()) => Ok(NextChunk::Later),
                () => chunk(&given).map(NextChunk::Chunk),
            });
            match next {
                Ok(next) => next,
                Err(error) => {
                    unraisable(py, error, &self.0);
                    NextChunk::End
                }
            }
        })
    }
}

/// The workers of a pool.
#[pyclass(frozen, module = "bakusoku._core")]
pub(crate) struct WorkerPool(process::WorkerPool);

#[pymethods]
impl WorkerPool {
    #[new]
    #[pyo3(signature = (callbacks, size, max_tasks, cores, memory, threads, most_threads, elastic))]
    fn new(
        py: Python<'_>,
        callbacks: Py<PyAny>,
        size: usize,
        max_tasks: Option<Saturating>,
        cores: usize,
        memory: Saturating,
        threads: Option<usize>,
        most_threads: Option<usize>,
        elastic: bool,
    ) -> PyResult<WorkerPool> {
        let most_threads = most_threads.unwrap_or(usize::MAX);
        let memory = memory.0;
        let max_tasks = max_tasks.map(|n| n.0);
        let options = WorkerPoolOptions { size, max_tasks, cores, memory, threads, most_threads, elastic };
        let supervisor = supervisor()?;
        py.detach(|| supervisor.pool(options, Arc::new(PyCallbacks(callbacks)))).map(WorkerPool).map_err(os)
    }

    /// Starts a job.
    #[pyo3(signature = (tag, chunks, source, listener, chunksize, target, total, others, ahead, timeout))]
    fn job(
        &self,
        py: Python<'_>,
        tag: u64,
        chunks: Vec<Bound<'_, PyAny>>,
        source: Option<Py<PyAny>>,
        listener: Option<Py<PyAny>>,
        chunksize: Option<usize>,
        target: f64,
        total: Option<u64>,
        others: bool,
        ahead: Option<u64>,
        timeout: Option<f64>,
    ) -> PyResult<Job> {
        self.ours()?;
        let chunks = chunks.iter().map(chunk).collect::<PyResult<Vec<_>>>()?;
        let source = match source {
            Some(source) => Items::Source(Box::new(PySource(source))),
            None => Items::These,
        };
        let listener = listener.map(listening);
        let seconds = |s: f64| Duration::try_from_secs_f64(s).unwrap_or(Duration::MAX);
        let (target, timeout) = (seconds(target), timeout.map(seconds));
        let options = JobOptions { tag, chunksize, target, total, others, ahead, timeout };
        Ok(Job(py.detach(|| self.0.job(options, chunks, source, listener))))
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.ours()?;
        py.detach(|| self.0.close());
        Ok(())
    }

    fn terminate(&self, py: Python<'_>) -> PyResult<()> {
        self.ours()?;
        py.detach(|| self.0.terminate());
        Ok(())
    }

    /// Waits for the workers to end; whether they did in time.
    fn join(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        self.ours()?;
        waiting(py, timeout, |deadline, stop| self.0.join(deadline, stop))
    }

    /// Processes of the workers.
    fn processes(&self) -> Vec<u32> {
        if self.0.supervisor().is_ours() { self.0.processes() } else { Vec::new() }
    }

    /// The items that run now: tags of jobs and numbers.
    fn running(&self) -> Vec<(u64, u64)> {
        if self.0.supervisor().is_ours() { self.0.running() } else { Vec::new() }
    }

    /// Why there are no workers: `("refused", status, body)`, `("died", code, signal)`, `("unable", text)` or None.
    fn broken<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyTuple>>> {
        let Some(reason) = self.0.broken() else { return Ok(None) };
        Ok(Some(match &*reason {
            Reason::Refused { status, body } => ("refused", *status, PyBytes::new(py, body)).into_pyobject(py)?,
            Reason::DiedAtStart(exit) => ("died", exit.code, exit.signal).into_pyobject(py)?,
            Reason::Unable(text) => ("unable", text.as_str()).into_pyobject(py)?,
        }))
    }
}

impl WorkerPool {
    fn ours(&self) -> PyResult<()> {
        if self.0.supervisor().is_ours() {
            return Ok(());
        }
        Err(PyRuntimeError::new_err("this pool belongs to the process that made it; make a new one after a fork"))
    }
}

fn waiting(
    py: Python<'_>,
    timeout: Option<f64>,
    wait: impl FnOnce(Option<Instant>, &mut dyn FnMut() -> bool) -> Waited + Send,
) -> PyResult<bool> {
    let deadline = timeout.and_then(|s| Instant::now().checked_add(Duration::try_from_secs_f64(s.max(0.0)).ok()?));
    let mut raised = None;
    let waited = py.detach(|| {
        wait(deadline, &mut || match Python::attach(|py| py.check_signals()) {
            Ok(()) => false,
            Err(error) => {
                raised = Some(error);
                true
            }
        })
    });
    match raised {
        Some(error) => Err(error),
        None => Ok(waited == Waited::Ready),
    }
}

/// The items of one call.
#[pyclass(frozen, module = "bakusoku._core")]
pub(crate) struct Job(process::Job);

#[pymethods]
impl Job {
    /// Waits until more than `seen` answers have arrived, or all have; whether they did in time.
    fn wait(&self, py: Python<'_>, seen: u64, timeout: Option<f64>) -> PyResult<bool> {
        waiting(py, timeout, |deadline, stop| self.0.wait(Until::More(seen), deadline, stop))
    }

    /// What has arrived, how many answers have at all, and whether no more will: `(start, items, worker, wall, cpu, peak,
    /// kind, …)`, with `status, body, blocks, growth of memory` for an answer (kind 0), `item, code, signal, peak, oom kills` for a death (1); late 2, cancelled 3.
    fn take<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyList>, u64, bool)> {
        let (parts, arrived, done) = self.0.take();
        if done && self.0.has_stopped() {
            py.detach(|| self.0.stop());
        }
        let list = PyList::empty(py);
        for part in parts {
            list.append(part_to_python(py, part)?)?;
        }
        Ok((list, arrived, done))
    }

    /// The reader is done with so many items: as many more may be begun.
    fn read(&self, py: Python<'_>, items: u64) {
        py.detach(|| self.0.read(items));
    }

    /// For the thread that fills a source: waits until it had nothing when it was asked; False: it will not be asked again.
    fn wanted(&self, py: Python<'_>) -> bool {
        py.detach(|| self.0.wanted())
    }

    /// The source has something again, or ends.
    fn came(&self, py: Python<'_>) {
        py.detach(|| self.0.came());
    }

    /// More items, before all others.
    fn again(&self, py: Python<'_>, chunks: Vec<Bound<'_, PyAny>>, listener: Option<Py<PyAny>>) -> PyResult<()> {
        let chunks = chunks.iter().map(chunk).collect::<PyResult<Vec<_>>>()?;
        py.detach(|| self.0.again(chunks, listener.map(listening)));
        Ok(())
    }

    fn cancel(&self, py: Python<'_>) {
        py.detach(|| self.0.cancel());
    }

    fn interrupt(&self, py: Python<'_>) {
        py.detach(|| self.0.interrupt());
    }
}

fn part_to_python(py: Python<'_>, part: ChunkResult) -> PyResult<Bound<'_, PyTuple>> {
    let ChunkResult { start, items, worker, wall, cpu, peak, grown, outcome } = part;
    let (wall, cpu) = (wall.as_secs_f64(), cpu.as_secs_f64());
    match outcome {
        Outcome::Replied { status, body, blocks } => {
            let body = match body {
                Payload::Inline(bytes) => PyBytes::new(py, &bytes).into_any(),
                Payload::Block(block) => Bound::new(py, Block::result(block))?.into_any(),
            };
            let blocks = blocks.into_iter().map(|block| Bound::new(py, Block::result(block)));
            let blocks = PyList::new(py, blocks.collect::<PyResult<Vec<_>>>()?)?;
            (start, items, worker, wall, cpu, peak, 0u8, status, body, blocks, grown).into_pyobject(py)
        }
        Outcome::Died { item, exit } => {
            (start, items, worker, wall, cpu, peak, 1u8, item, exit.code, exit.signal, exit.peak, exit.oom_kills)
                .into_pyobject(py)
        }
        Outcome::TimedOut => (start, items, worker, wall, cpu, peak, 2u8).into_pyobject(py),
        Outcome::Cancelled => (start, items, worker, wall, cpu, peak, 3u8).into_pyobject(py),
    }
}
