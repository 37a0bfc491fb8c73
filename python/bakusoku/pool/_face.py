"""What the engine asks of a pool: what a new worker is told first, forks, and what workers write."""

from __future__ import annotations

import gc
import os
import pickle
import warnings
import weakref
from collections.abc import Callable
from typing import Any

from .. import _core
from . import _carry, _globals, _method, _spawn, _start, _worker
from ._output import Output
from ._pickle import INITIALIZER, Placed, dumps
from ._worker import FIRST


class Face:
    """A pool as the engine sees it. Holds no reference to the pool, so that a forgotten pool ends."""

    def __init__(self, method: str, initializer: Callable | None, arguments: tuple) -> None:
        self.method = method
        self.calls: weakref.WeakValueDictionary = weakref.WeakValueDictionary()
        self.output = Output()
        self.nothing = _core.Function(b"", [])
        self.initializer = self.arguments = None
        if initializer is not None:
            self.initializer = dumps(initializer, INITIALIZER, "the initializer")
            self.arguments = dumps(arguments, INITIALIZER, "the initializer's arguments")

    def first(self) -> tuple:
        """What a new worker is told first."""
        state = _carry.gather()
        placed = Placed()
        body = pickle.dumps((state, self.initializer, self.arguments), 5, buffer_callback=placed)
        return FIRST, 0, 1, self.nothing, body, placed.blocks, 0

    def starts(self) -> bool:
        """Whether the next worker is to be a child of this process."""
        if self.method == _method.AUTO and _worker.zygote_line is None and _method.fork_is_safe():
            return True
        if self.method in (_method.AUTO, "forkserver"):
            _start.zygote()
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
        parent, modules = os.getpid(), _globals.modules_of_user()
        with warnings.catch_warnings():
            # Python counts threads that do not mind.
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if pid == 0:
            try:
                # A collection would touch, and so copy, all that came along.
                gc.freeze()
                _globals.remember(modules)
                _worker.begin(files, parent, None)
            finally:
                os._exit(1)
        return pid

    def on_output(self, worker: int, job: int | None, item: int | None, way: int, text: bytes) -> None:
        """A worker wrote (`way` 1 and 2) or said (0) something."""
        call: Any = self.calls.get(job) if job is not None else None
        if way == 0:
            self.output.said(call, text)
        else:
            self.output.written(worker, way, call, item, text)
