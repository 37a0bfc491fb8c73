"""`Pool`: worker processes for Python functions."""

from __future__ import annotations

import itertools
import operator
import os
import signal
import warnings
from collections.abc import Callable, Iterable, Mapping, Sized
from typing import Any

from .. import _core
from .._exceptions import ParameterError
from . import _forkserver, _start_method, _worker_state
from ._engine_callbacks import EngineCallbacks
from ._list_call import ListCall
from ._options import NO_LIMIT, Options, whole
from ._results import AsyncResult, ResultIterator, ResultList
from ._stream_call import StreamCall
from ._worker import APPLY, MAP, STAR

_OPEN, _CLOSED, _TERMINATED = "RUN", "CLOSE", "TERMINATE"

_NO_KEYWORDS: dict[str, Any] = {}


class Pool:
    """A pool of worker processes, in the place of `multiprocessing.Pool`.

    Parameters
    ----------
    processes : int | None
        How many workers; as many as the cores of the budget by default.
    initializer : callable | None
        Called in each worker when it starts.
    initargs : tuple
        Its arguments.
    maxtasksperchild : int | None
        Items after which a worker is replaced by a fresh one; never by default.
    context : str | object | None
        How workers are made; a context of `multiprocessing` stands for its name. ``"fork"``: by forking this process.
        ``"forkserver"``: forked from a process of their own that loads the same modules. ``"spawn"``: each a new
        interpreter, which loads what its tasks need. By default it is the method that
        `multiprocessing.set_start_method` was given, and without that, as in `multiprocessing`, ``"fork"`` on Linux up
        to Python 3.13, ``"forkserver"`` from 3.14 on, and ``"spawn"`` on macOS. It hangs on nothing else, so that the
        same script does the same with any number of threads and any libraries. ``BAKUSOKU_START_METHOD`` changes
        the default.
    threads : int | "elastic" | None
        Threads that numerical libraries (OpenBLAS, MKL, OpenMP) may use inside of a task. By default tasks times
        threads is the number of cores: a task that begins when fewer tasks than cores are left gets more of them, and
        keeps that number to its end. ``OMP_NUM_THREADS`` and its kin lower it. ``"elastic"`` changes the number also
        while a task runs, in OpenBLAS and MKL; then the last digits of its results may depend on what else ran.
    on_error : "raise" | "return"
        What happens when an item fails: raise its exception, or put the exception in the place of the result. Either
        way the other items are done first: `map` raises when all are through, and what they have written is whole.
        Of several exceptions it raises that of the item that comes first. `imap` raises an exception in its turn.
    labels : list of str | callable | None
        Names of the items, or a function that names an item; shown in errors, in output, and by the progress bar.
    timeout : float | None
        Seconds that an item may take. Then its worker is ended, and only this item fails, with `TaskTimeout`.
    retries : int
        How many more times an item that failed is tried.
    seed : int | numpy.random.SeedSequence | None
        Where random numbers begin: with it, every item draws numbers of its own, the same ones for any number of
        workers, order and `chunksize`, from `numpy.random`, from `random`, and from `bakusoku.default_rng`. Given
        here, the calls of the pool differ from each other; given to a call, the same call draws the same numbers
        again. Without it, workers draw numbers that nobody can foresee.
    progress : bool | callable | None
        Show on standard error how far a call is: a line with the count, the time that is left, and the items that run;
        in plain lines, and few, where that is no terminal or notebook. By default (None) only on a terminal or in a
        notebook, when a call of `map` or `starmap` takes longer than a second, and not beside a bar of tqdm: who
        iterates over `imap` may draw one. A function is called instead, with an object that has `done`, `failed`,
        `total`, `running`, `elapsed` and `left`.
    resume : path-like | None
        A folder in which the results of finished items are kept. An item whose result is there is not computed again,
        when function and item are the same. A function is its code, its defaults, what it encloses, the globals and
        settings of modules that it reads, your own files that it imports (inside of it too, and what they import), the
        version of each installed package, and the environment variables that it names. Where it or its item names a
        relative path, the working folder counts as well. Not seen: what is *in* a file, modules whose names are
        computed, and settings of installed packages. Errors are not kept; files that are damaged are computed again;
        and a process may be killed at any moment.
    memory : int | str | callable | None
        Memory that an item needs: bytes, a text such as ``"8GB"``, or a function of the item. Items run at once only as
        far as there is memory for them (80 % of what the system, a control group or Slurm leave; ``BAKUSOKU_MEMORY``
        says it otherwise); one always runs. Where nothing is said it is learned from the items that are done.

    See Also
    --------
    multiprocessing.pool.Pool

    Notes
    -----
    `on_error`, `labels`, `timeout`, `retries`, `seed`, `progress`, `resume` and `memory` may also be given to `map` and
    the other methods.

    What a worker prints, logs and warns appears here, under the label of its item (``[sub-03] reading …``): lines of
    standard output and error, those of C code and child processes included, through `sys.stdout` and `sys.stderr`; log
    records through the loggers of the same names; warnings as warnings. The last of it goes with the item's error, as
    a note.

    Examples
    --------
    >>> from bakusoku import Pool
    >>> with Pool(2) as pool:
    ...     pool.map(lambda x: x * x, [1, 2, 3])
    [1, 4, 9]
    """

    def __init__(
        self,
        processes: int | None = None,
        initializer: Callable | None = None,
        initargs: Iterable[Any] = (),
        maxtasksperchild: int | None = None,
        *,
        context: Any = None,
        threads: int | str | None = None,
        on_error: str = "raise",
        labels: Any = None,
        timeout: float | None = None,
        retries: int = 0,
        seed: Any = None,
        progress: bool | Callable | None = None,
        resume: Any = None,
        memory: int | str | Callable | None = None,
    ) -> None:
        self._state = _TERMINATED
        cores, self._memory = _core.budget()
        size = cores if processes is None else processes
        size = whole(size, "processes", 1, "a number from 1 upwards (Number of processes must be at least 1) or None")
        if initializer is not None and not callable(initializer):
            raise TypeError("initializer must be a callable")
        lives = maxtasksperchild
        if lives is not None:
            try:
                lives = whole(lives, "maxtasksperchild", 1, "a positive int or None")
            except TypeError as error:  # as `multiprocessing` has it
                raise ParameterError(str(error)) from None
            lives = lives if lives < NO_LIMIT else None
        elastic = isinstance(threads, str) and threads == "elastic"
        if threads is not None and not elastic:
            threads = min(whole(threads, "threads", 1, "a number from 1 upwards, 'elastic' or None"), NO_LIMIT)
        self._options = Options(on_error, labels, timeout, retries, seed, progress, resume, memory)
        self._calls = itertools.count()
        self._size = self._processes = size
        method = _start_method.method(context)
        self._callbacks = EngineCallbacks(method, initializer, tuple(initargs))
        _forkserver.begin()
        if method == "forkserver":
            _forkserver.prepare()
        said, most = None if elastic else threads, _worker_state.thread_cap()
        self._crew = _core.WorkerPool(self._callbacks, size, lives, cores, self._memory, said, most, elastic)
        self._state = _OPEN

    # ── calls ──────────────────────────────────────────────────────────────────────────────────────────────────

    def apply(self, func: Callable, args: Iterable = (), kwds: Mapping[str, Any] = {}) -> Any:  # noqa: B006
        """Call ``func(*args, **kwds)`` in a worker and return what it returns."""
        # Nothing else comes while it runs, as far as this thread can tell.
        return self._one(func, args, kwds, None, None, {}, False).get()

    def apply_async(
        self,
        func: Callable,
        args: Iterable = (),
        kwds: Mapping[str, Any] = {},  # noqa: B006
        callback: Callable | None = None,
        error_callback: Callable | None = None,
        **options: Any,
    ) -> AsyncResult:
        """Like `apply`, but return at once; the result is got from what is returned."""
        return self._one(func, args, kwds, callback, error_callback, options, True)

    def _one(
        self,
        func: Callable,
        args: Iterable,
        kwds: Mapping[str, Any],
        callback: Callable | None,
        error_callback: Callable | None,
        options: dict,
        others: bool,
    ) -> AsyncResult:
        self._check()
        options = self._options.of_call(next(self._calls), options)
        items = [(tuple(args), dict(kwds) if kwds else _NO_KEYWORDS)]
        call = ListCall(self, func, APPLY, items, options, "apply_async", callback, error_callback)
        call.others = others
        call.start(1, 1, None, bool(call.callbacks) or (others and options.progress not in (None, False)))
        return AsyncResult(call)

    def map(self, func: Callable, iterable: Iterable, chunksize: int | None = None, **options: Any) -> ResultList:
        """Call `func` on each item; return a list of the results, in the items' order."""
        return self._list(func, iterable, MAP, chunksize, "map", None, None, options).get()

    def map_async(
        self,
        func: Callable,
        iterable: Iterable,
        chunksize: int | None = None,
        callback: Callable | None = None,
        error_callback: Callable | None = None,
        **options: Any,
    ) -> AsyncResult:
        """Like `map`, but return at once; the list is got from what is returned."""
        return self._list(func, iterable, MAP, chunksize, "map_async", callback, error_callback, options)

    def starmap(self, func: Callable, iterable: Iterable, chunksize: int | None = None, **options: Any) -> ResultList:
        """Like `map`, but items are tuples of arguments: ``func(*item)``."""
        return self._list(func, iterable, STAR, chunksize, "starmap", None, None, options).get()

    def starmap_async(
        self,
        func: Callable,
        iterable: Iterable,
        chunksize: int | None = None,
        callback: Callable | None = None,
        error_callback: Callable | None = None,
        **options: Any,
    ) -> AsyncResult:
        """Like `starmap`, but return at once; the list is got from what is returned."""
        return self._list(func, iterable, STAR, chunksize, "starmap_async", callback, error_callback, options)

    def _list(
        self,
        func: Callable,
        iterable: Iterable,
        mode: int,
        chunksize: int | None,
        name: str,
        callback: Callable | None,
        error_callback: Callable | None,
        options: dict,
    ) -> AsyncResult:
        self._check()
        options = self._options.of_call(next(self._calls), options)
        items = iterable if isinstance(iterable, list) else list(iterable)
        options.check_labels(len(items))
        call = ListCall(self, func, mode, items, options, name, callback, error_callback)
        # Who waits takes what arrives; else the engine's thread does, for callbacks and progress.
        asked = options.progress not in (None, False) and name in ("map_async", "starmap_async")
        call.start(_chunk(chunksize, True), call.missing, None, bool(call.callbacks) or asked)
        if call.finished:
            call.arrived()
        return AsyncResult(call)

    def imap(self, func: Callable, iterable: Iterable, chunksize: int | None = None, **options: Any) -> ResultIterator:
        """Iterate over the results of `func` on each item, in the items' order, as they arrive.

        Items are taken from `iterable` only as far ahead as keeps the workers busy.
        """
        return self._stream(func, iterable, chunksize, "imap", True, options)

    def imap_unordered(
        self, func: Callable, iterable: Iterable, chunksize: int | None = None, **options: Any
    ) -> ResultIterator:
        """Like `imap`, but in the order in which results arrive."""
        return self._stream(func, iterable, chunksize, "imap_unordered", False, options)

    def _stream(
        self, func: Callable, iterable: Iterable, chunksize: int | None, name: str, ordered: bool, options: dict
    ) -> ResultIterator:
        self._check()
        options = self._options.of_call(next(self._calls), options)
        chunk = _chunk(chunksize, False)
        call = StreamCall(self, func, MAP, iter(iterable), options, name, ordered, chunk)
        call.total = len(iterable) if isinstance(iterable, Sized) else None
        ahead = 4 * self._size * (chunk or 1)
        call.start(chunk, None, ahead, options.progress not in (None, False))
        return ResultIterator(call)

    # ── life ───────────────────────────────────────────────────────────────────────────────────────────────────

    def close(self) -> None:
        """Take no more calls; workers end when those that were made are done."""
        if self._state == _OPEN:
            self._state = _CLOSED
            self._crew.close()

    def terminate(self) -> None:
        """End the workers at once; what has not arrived is lost."""
        self._state = _TERMINATED
        self._crew.terminate()

    def join(self) -> None:
        """Wait for the workers to end; `close` or `terminate` comes before."""
        if self._state == _OPEN:
            raise ValueError("Pool is still running")
        self._crew.join(None)

    def __enter__(self) -> Pool:
        self._check()
        return self

    def __exit__(self, *_: Any) -> None:
        self.terminate()

    def __reduce__(self) -> Any:
        raise NotImplementedError("pool objects cannot be passed between processes or pickled")

    # What programs read of `multiprocessing.Pool` to show its workers, and how many calls it still has.

    @property
    def _pool(self) -> list[PoolWorker]:
        return [PoolWorker(pid) for pid in self._crew.processes()]

    @property
    def _cache(self) -> dict[int, Any]:
        return {tag: call for tag, call in list(self._callbacks.calls.items()) if not call.is_over()}

    def __repr__(self) -> str:
        return f"<{type(self).__module__}.{type(self).__qualname__} state={self._state} pool_size={self._size}>"

    def __del__(self, _open: str = _OPEN, _warn: Any = warnings.warn) -> None:
        if self._state == _open:
            _warn(f"unclosed running multiprocessing pool {self!r}", ResourceWarning, source=self)

    def _check(self) -> None:
        if self._state != _OPEN:
            raise ValueError("Pool not running")

    def _why(self) -> BaseException:
        """Why there are no results."""
        from ._errors import PoolError, WorkerDied

        broken = self._crew.broken()
        if broken is None:
            return PoolError("the pool was ended before the result arrived")
        if broken[0] == "refused":
            import pickle

            from ._exceptions import unseal

            error = unseal(pickle.loads(broken[2]))
            error.add_note("raised by a worker when it started: by the pool's `initializer`, or while it was set up")
            return error
        if broken[0] == "died":
            how = f"signal {broken[2]}" if broken[2] is not None else f"exit status {broken[1]}"
            text = f"a worker died while it started ({how}): in the pool's `initializer`, or before it"
            return WorkerDied(text, 0, "", broken[2], broken[1])
        return PoolError(f"workers cannot be started: {broken[1]}")


class PoolWorker:
    """A worker, for programs that look into `multiprocessing.Pool._pool`."""

    daemon, exitcode = True, None

    def __init__(self, pid: int) -> None:
        self.pid = self.ident = pid

    def is_alive(self) -> bool:
        """Whether it is there."""
        try:
            os.kill(self.pid, 0)
        except OSError:
            return False
        return True

    def terminate(self) -> None:
        """End it, as `kill` does; its item fails with `WorkerDied`, and another worker takes its place."""
        os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        os.kill(self.pid, signal.SIGKILL)

    def __repr__(self) -> str:
        return f"<PoolWorker pid={self.pid}>"


def _chunk(chunksize: int | None, all_there: bool) -> int | None:
    if chunksize is None:
        return None
    try:
        size = operator.index(chunksize)
    except TypeError:
        raise TypeError(f"`chunksize` must be a number or None, got {chunksize!r}") from None
    if size < 1:
        if all_there:
            return None
        raise ParameterError(f"Chunksize must be 1+, not {size:n}")
    return min(size, NO_LIMIT)
