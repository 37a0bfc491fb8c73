"""`Executor`: the pool as a `concurrent.futures.Executor`."""

from __future__ import annotations

import atexit
import concurrent.futures
import itertools
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ._future import Future, FutureCall
from ._options import NO_LIMIT, whole
from ._pool import Pool
from ._results import ResultIterator
from ._stream_call import StreamCall
from ._worker import STAR

#: Futures without an outcome, of all executors of this process; its exit waits for them.
_pending: set[Future] = set()
#: The process whose exit waits, and whether it has begun.
_process: int | None = None
_exiting = False


class Executor(concurrent.futures.Executor):
    """Worker processes behind the interface of `concurrent.futures`.

    What can be done with a `concurrent.futures.ProcessPoolExecutor` can be done with it: `concurrent.futures.wait` and
    `as_completed`, `asyncio`'s ``run_in_executor``, and libraries that take an executor. Lambdas, closures and
    functions of a notebook work, arrays travel through shared memory, and a worker that dies fails its own future
    only, with `WorkerDied`, which is a `concurrent.futures.BrokenExecutor`; the executor lives on.

    Parameters
    ----------
    max_workers : int | None
        How many workers; as many as the cores of the budget by default.
    initializer : callable | None
        Called in each worker when it starts.
    initargs : tuple
        Its arguments.
    max_tasks_per_child : int | None
        Calls after which a worker is replaced by a fresh one; never by default.
    mp_context : object | None
        A context of `multiprocessing`, whose start method is taken; the same as `context`.
    **options
        As for `Pool`: `context`, `threads`, `timeout`, `retries`, `seed`, `labels` (a function of a call's arguments).

    See Also
    --------
    Pool
    concurrent.futures.ProcessPoolExecutor

    Examples
    --------
    >>> from bakusoku import Executor
    >>> with Executor(2) as executor:
    ...     future = executor.submit(pow, 2, 5)
    ...     squares = list(executor.map(lambda x: x * x, [1, 2, 3]))
    >>> future.result(), squares
    (32, [1, 4, 9])
    """

    def __init__(
        self,
        max_workers: int | None = None,
        initializer: Callable | None = None,
        initargs: Iterable[Any] = (),
        *,
        max_tasks_per_child: int | None = None,
        mp_context: Any = None,
        **options: Any,
    ) -> None:
        self._shut = True
        if max_workers is not None:
            max_workers = whole(max_workers, "max_workers", 1, "a number (max_workers must be greater than 0) or None")
        if isinstance(options.get("labels"), (list, tuple)):
            raise TypeError("`labels` of an executor must be a function of the call's arguments, got a list")
        if mp_context is not None:
            options.setdefault("context", mp_context)
        self._pool = Pool(max_workers, initializer, initargs, max_tasks_per_child, **options)
        self._futures: set[Future] = set()
        self._streams: list[StreamCall] = []
        self._numbers = itertools.count()
        self._shut = False
        _wait_at_exit()

    def submit(self, fn: Callable, /, *args: Any, **kwargs: Any) -> Future:
        """Have ``fn(*args, **kwargs)`` called in a worker.

        Parameters
        ----------
        fn : callable
            The function.
        *args, **kwargs
            Its arguments.

        Returns
        -------
        future : concurrent.futures.Future
            It will hold what the function returns or raises.
        """
        self._check()
        future = Future()
        for futures in (self._futures, _pending):
            futures.add(future)
            future.add_done_callback(futures.discard)
        number = next(self._numbers)
        try:
            FutureCall(self._pool, fn, (args, kwargs), number, future).start(1, None, None, True)
        except Exception as error:  # a function that cannot travel
            future.set_running_or_notify_cancel()
            future.set_exception(error)
        return future

    def map(
        self,
        fn: Callable,
        *iterables: Iterable,
        timeout: float | None = None,
        chunksize: int | None = None,
        buffersize: int | None = None,
    ) -> Iterator:
        """Iterate over ``fn(*args)`` for the items of the iterables, in their order.

        Parameters
        ----------
        fn : callable
            The function; it takes as many arguments as there are iterables.
        *iterables : iterable
            Its arguments.
        timeout : float | None
            Seconds from now on within which a result must be there when it is asked for; else `TimeoutError`.
        chunksize : int | None
            Items in one message to a worker; chosen by how long they take, by default. One with `buffersize`.
        buffersize : int | None
            How many items may be under way or wait for the iterator. By default all are begun at once.

        Returns
        -------
        results : iterator
            The results. An exception of `fn` is raised in its place, and ends the iteration.
        """
        self._check()
        if chunksize is not None:
            chunksize = min(whole(chunksize, "chunksize", 1, "a number from 1 upwards or None"), NO_LIMIT)
        if buffersize is not None:
            # CPython's tests look for its words.
            expected = "an integer or None" if not hasattr(buffersize, "__index__") else "None or > 0"
            buffersize = min(whole(buffersize, "buffersize", 1, expected), NO_LIMIT)
        end = None if timeout is None else time.monotonic() + timeout
        items = zip(*iterables, strict=False)
        if buffersize is not None:
            first = deque(self.submit(fn, *args) for args in itertools.islice(items, buffersize))
            return self._buffered(fn, items, first, end)
        options = self._pool._options.of_call(next(self._pool._calls), {"on_error": "raise"})
        call = StreamCall(self._pool, fn, STAR, iter(list(items)), options, "map", True, chunksize)
        call.lasting = True
        call.start(chunksize, None, None, False)
        self._streams = [stream for stream in self._streams if not stream.complete]
        self._streams.append(call)
        return _results(call, end)

    def _buffered(self, fn: Callable, items: Iterator[tuple], futures: deque[Future], end: float | None) -> Iterator:
        try:
            while futures:
                # Nothing here holds a result that the caller has let go of.
                taken = [futures[0].result(None if end is None else max(0.0, end - time.monotonic()))]
                futures.popleft()
                for args in itertools.islice(items, 1):
                    futures.append(self.submit(fn, *args))
                yield taken.pop()
        finally:
            for future in futures:
                future.cancel()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls, and let the workers end when those that were made are done.

        Parameters
        ----------
        wait : bool
            Return when they are done. Else return at once; the futures get their outcomes all the same.
        cancel_futures : bool
            Cancel the calls that have not begun.
        """
        self._shut = True
        futures = list(self._futures)
        if cancel_futures:
            for future in futures:
                future.cancel()
            for stream in self._streams:
                stream.job.cancel()
        self._pool.close()
        if wait:
            self._pool.join()
            concurrent.futures.wait(futures)

    def terminate_workers(self) -> None:
        """End the workers at once, and what they run; futures without an outcome get an error."""
        self._shut = True
        self._pool.terminate()

    def kill_workers(self) -> None:
        """Do the same as `terminate_workers`."""
        self.terminate_workers()

    def _check(self) -> None:
        if self._shut:
            raise RuntimeError("cannot schedule new futures after shutdown")
        if _exiting:
            raise RuntimeError("cannot schedule new futures after interpreter shutdown")

    def __repr__(self) -> str:
        return f"<{type(self).__module__}.{type(self).__qualname__} max_workers={self._pool._size}>"

    def __del__(self) -> None:
        # What was submitted is done all the same: the calls hold the pool.
        if not self._shut:
            self._pool.close()


def _results(call: StreamCall, end: float | None) -> Iterator:
    results: ResultIterator = ResultIterator(call)
    import multiprocessing

    try:
        while True:
            try:
                taken = [results.next(None if end is None else max(0.0, end - time.monotonic()))]
            except StopIteration:
                return
            except multiprocessing.TimeoutError:
                if call.has_next():
                    raise  # the function's own
                raise TimeoutError("the results of `map` have not arrived within its `timeout`") from None
            yield taken.pop()
    finally:
        call.job.cancel()


def _wait_at_exit() -> None:
    global _process, _exiting
    if _process == os.getpid():
        return
    if _process is None:
        os.register_at_fork(after_in_child=_pending.clear)
    # After the pool's own exit was registered, so that it runs before.
    _process, _exiting = os.getpid(), False
    atexit.register(_exit)


def _exit() -> None:
    global _exiting
    if _process == os.getpid():
        _exiting = True
        concurrent.futures.wait(list(_pending))
