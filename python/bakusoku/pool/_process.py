"""A worker as `multiprocessing` sees it: name, number, parent; and what `multiprocessing` does after a fork.

The resource tracker is the process that removes named semaphores and shared memory whose makers are gone. Workers share
their owner's, so that what the owner has made lives until the owner removes it.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
from collections.abc import Iterator
from multiprocessing import process
from typing import Any, NamedTuple

#: As in `multiprocessing.Pool`: ForkPoolWorker-1, ….
_NAMES = {"fork": "ForkPoolWorker", "spawn": "SpawnPoolWorker", "forkserver": "ForkServerPoolWorker"}


class Identity(NamedTuple):
    """Which worker of which process this is."""

    name: str
    number: tuple[int, ...]
    parent: int
    parent_name: str
    config: dict[str, Any]


def next_identity(method: str) -> Identity:
    """In the owner: the next worker's."""
    current = process.current_process()
    number = (*current._identity, next(process._process_counter))
    config = {**current._config, "authkey": bytes(current.authkey)}
    name = f"{_NAMES[method]}-{':'.join(map(str, number))}"
    return Identity(name, number, os.getpid(), current.name, config)


class PoolWorkerProcess(process.BaseProcess):
    """What `multiprocessing.current_process` returns in a worker.

    It is a daemon, for those who ask; unlike those of `multiprocessing.Pool` it may have children.
    """

    def __init__(self, identity: Identity) -> None:
        self._identity = identity.number
        self._name = identity.name
        self._config = {**identity.config, "authkey": process.AuthenticationString(identity.config["authkey"])}
        self._config.pop("daemon", None)
        self._parent_pid, self._parent_name = identity.parent, identity.parent_name
        self._popen: Any = None
        self._closed = False
        self._daemon = True

    @property
    def daemon(self) -> bool:
        return self._daemon

    @daemon.setter
    def daemon(self, value: bool) -> None:
        self._daemon = value


class _Parent(process._ParentProcess):
    """The owner; its file is opened only when somebody waits for it."""

    @property
    def _sentinel(self) -> int:
        if self._file is None:
            self._file = os.pidfd_open(self._pid)
        return self._file

    @_sentinel.setter
    def _sentinel(self, file: int | None) -> None:
        self._file = file


def begin(identity: Identity, forked: bool) -> None:
    """In a worker; `forked`: of its owner."""
    process._process_counter = itertools.count(1)
    process._children = set()
    # Its finalizers run after those of forks, as in `multiprocessing`.
    before, process._current_process = process._current_process, PoolWorkerProcess(identity)
    process._parent_process = _Parent(identity.parent_name, identity.parent, None)
    util = sys.modules.get("multiprocessing.util")
    if forked and util is not None:
        util._finalizer_registry.clear()
        util._run_after_forkers()
    del before


def release_imports(threads: set[int]) -> None:
    """In a fork: nobody goes on with what other threads were importing, so what they hold is let go.

    `threads`: whose pool and whose fork it is; the imports that they were in the middle of are this thread's now.
    """
    import threading
    from importlib import _bootstrap

    here = threading.get_ident()
    for name, reference in list(_bootstrap._module_locks.items()):
        lock = reference()
        owner = getattr(lock, "owner", None)
        if owner is None:
            continue
        if owner == here or owner in threads:
            lock.owner = here
            continue
        _bootstrap._module_locks.pop(name, None)
        # Half of it is there; who needs it imports it anew.
        module = sys.modules.get(name)
        if getattr(getattr(module, "__spec__", None), "_initializing", False):
            del sys.modules[name]
    blocking: Any = _bootstrap._blocking_on
    blocking.clear()


def share_tracker(start: bool) -> int | None:
    """In the owner, before it has workers: the file of the resource tracker; `start` it where there is none."""
    if not start and not sys.modules.keys() & {"multiprocessing.resource_tracker", "multiprocessing.shared_memory"}:
        return None
    from multiprocessing import resource_tracker

    try:
        resource_tracker.ensure_running()
    except OSError:  # without it, names are removed by their makers alone
        return None
    return resource_tracker._resource_tracker._fd


def use_tracker(file: int | None) -> None:
    """In a worker that is no fork of its owner, or where those are forked from."""
    if file is None:
        return
    from multiprocessing import resource_tracker

    resource_tracker._resource_tracker._fd = file


class _Spawning:
    """What `multiprocessing` asks of the start of a process when it writes locks, queues and arrays for it."""

    @staticmethod
    def duplicate_for_child(file: int) -> int:
        return file

    @staticmethod
    def DupFd(file: int) -> Any:  # noqa: N802  its name in `multiprocessing`
        from multiprocessing import resource_sharer

        shared = resource_sharer.DupFd(file)
        cache, key = resource_sharer._resource_sharer._cache, shared._id[1]
        send = cache[key][0]

        def again() -> None:
            # Several workers may ask for it.
            cache[key] = send, again

        cache[key] = send, again
        return shared


@contextlib.contextmanager
def spawning() -> Iterator[None]:
    """Within it, what is shared through inheritance can be pickled for a worker that is no fork."""
    context = sys.modules.get("multiprocessing.context")
    if context is None or context.get_spawning_popen() is not None:
        yield
        return
    context.set_spawning_popen(_Spawning)
    try:
        yield
    finally:
        context.set_spawning_popen(None)
