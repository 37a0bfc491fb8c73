"""What the engine asks of a pool: what a new worker is told first, forks, and what workers write."""

from __future__ import annotations

import _thread
import contextlib
import contextvars
import gc
import os
import pickle
import sys
import threading
import warnings
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from .. import _core
from . import (
    _forkserver,
    _globals,
    _library_settings,
    _log_filters,
    _process,
    _script_names,
    _spawn,
    _start_method,
    _worker,
    _worker_state,
)
from ._output import Output
from ._pickle import Placed, dumps
from ._worker import FIRST


class EngineCallbacks:
    """A pool as the engine sees it. Holds no reference to the pool, so that a forgotten pool ends."""

    def __init__(self, method: str, initializer: Callable | None, arguments: tuple) -> None:
        self.method = method
        #: Who makes the pool: a module that makes one while it is imported is not imported again by its workers.
        self.thread = threading.get_ident()
        self.calls: weakref.WeakValueDictionary = weakref.WeakValueDictionary()
        self.output = Output()
        self.nothing = _core.Function(b"", [])
        #: A fork has the initializer and its arguments as they are, locks and open files among them.
        self.inherited = (initializer, arguments) if method == "fork" else (None, ())
        self.initializer = None
        self.has_initializer = initializer is not None
        #: The version of the script's globals from which on its workers, where they are forks, have to be told.
        self.known: int | None = None
        if initializer is not None and method != "fork":
            self.initializer = initializer, arguments
            # What cannot travel is said at once, and not when the first worker starts.
            self.initialization(Placed())

    def initialization(self, placed: Placed) -> tuple | None:
        """What a worker that is no fork needs to start.

        Globals of the script, the initializer and its arguments, filters of log records.
        """
        if self.method == "fork":
            return None
        initializer, arguments = self.initializer or (None, ())
        names: set = set()
        with _process.spawning():
            filters = _log_filters.capture(names)
            if self.initializer is None and not any(filters):
                return None
            both = (
                dumps(initializer, None, "the initializer", names),
                dumps(arguments, None, "the initializer's arguments", names),
            )
            update = _script_names.describe(_script_names.needed(names, False), placed, initializer)
        return (update and tuple(update), *both, filters)

    def first(self) -> tuple:
        """What a new worker is told first."""
        state = _worker_state.capture()
        state["method"] = self.method
        if self.method != "fork":
            state["settings"] = _library_settings.capture()
            state["identity"] = _process.next_identity(self.method)
        placed = Placed()
        body = pickle.dumps((state, self.initialization(placed)), 5)
        return FIRST, 0, 1, self.nothing, body, placed.blocks, 0

    def starts(self) -> bool:
        """Whether the next worker is to be a child of this process."""
        if self.method == "forkserver":
            _forkserver.prepare()
            return False
        return True

    def start(self, files: list[int]) -> int:
        """Start a child of this process that serves these files; its number."""
        try:
            return _spawn.start(files) if self.method == "spawn" else self.fork(files)
        finally:
            for fd in files:
                os.close(fd)

    def fork(self, files: list[int]) -> int:
        """Fork this process; the child never returns."""
        _process.share_tracker(start=False)
        _script_names.before_fork(self)
        identity, parent, modules = _process.next_identity("fork"), os.getpid(), _globals.modules_of_user()
        for stream in (sys.stdout, sys.stderr):
            # What waits there would be written once more by the child.
            try:
                stream.flush()
            except Exception:  # a stream of the user's, or none
                pass
        given = files, identity, parent, modules, {self.thread, threading.get_ident()}
        if _start_method.is_openmp_running():
            return _in_new_thread(lambda: self._fork(*given))
        return self._fork(*given)

    def _fork(
        self, files: list[int], identity: _process.Identity, parent: int, modules: list[str], threads: set[int]
    ) -> int:
        with warnings.catch_warnings():
            # Python counts threads that do not mind.
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if pid == 0:
            try:
                # A collection would touch, and so copy, all that came along.
                gc.freeze()
                _process.release_imports(threads)
                _globals.remember(modules)
                _worker.begin(files, parent, None, identity, self.inherited)
            finally:
                os._exit(1)
        return pid

    def on_output(self, worker: int, job: int | None, item: int | None, way: int, text: bytes) -> None:
        """A worker wrote (`way` 1 and 2) or said (0) something."""
        call: Any = self.calls.get(job) if job is not None else None
        with _unseen_thread():
            if way == 0:
                self.output.said(call, text)
            else:
                self.output.written(worker, way, call, item, text)


@contextlib.contextmanager
def _unseen_thread() -> Iterator[None]:
    """Leave no trace of the engine's thread in `threading`, where whatever asks for the current thread puts one."""
    ident = threading.get_ident()
    known = ident in threading._active
    try:
        yield
    finally:
        if not known and isinstance(threading._active.get(ident), threading._DummyThread):
            del threading._active[ident]


def _in_new_thread(fork: Callable[[], int]) -> int:
    """Fork in a thread of its own: OpenMP's threads belong to the one that has used it, and a fork has none of them."""
    done = _thread.allocate_lock()
    done.acquire()
    result: list = []
    context = contextvars.copy_context()
    # `threading.local` of this thread: scikit-learn keeps its configuration there.
    locals_ = [(one, dict(one.__dict__)) for one in gc.get_objects() if isinstance(one, _thread._local)]

    def run() -> None:
        try:
            for one, held in locals_:
                one.__dict__.update(held)
            result.append(context.run(fork))
        except BaseException as error:  # raised where it was called from
            result.append(error)
        finally:
            done.release()

    _thread.start_new_thread(run, ())
    done.acquire()
    if isinstance(result[0], BaseException):
        raise result[0]
    return result[0]
