"""Starting the process that workers are forked from, and what it needs to be told."""

from __future__ import annotations

import atexit
import os
import sys
from typing import Any

from .. import _core
from ._process import share_tracker
from ._worker_state import THREADS

_told: set[str] = set()
_process: int | None = None


def begin() -> None:
    """Before this process has its first workers: see to it that they end with it."""
    global _process
    from . import _worker

    process = os.getpid()
    if _process != process:
        if _process is None:
            atexit.register(_end)
            if not _worker.is_worker:
                os.register_at_fork(before=_core.before_fork, after_in_child=_core.after_fork)
        _process = process
        _told.clear()
        if _worker.forkserver_socket is not None:
            # A worker's own workers are forked from where it came from.
            _core.inherit_forkserver(os.dup(_worker.forkserver_socket))


def prepare() -> None:
    """Have a process to fork workers from, with the modules that are loaded here."""
    from . import _worker

    if _worker.forkserver_socket is not None:
        return
    if _core.forkserver() is None:
        _told.clear()
    from ._modules import to_load

    modules = "\n".join(to_load(_told)).encode()
    # Numerical libraries read these when they are loaded; in a worker the pool sets their threads.
    environment = [(name, "1") for name in THREADS]
    tracker = share_tracker(start=True)
    handed = None if tracker is None else os.dup(tracker)
    try:
        if handed is not None:
            os.set_inheritable(handed, True)
        _core.prepare_forkserver(
            sys.executable, arguments("_forkserver_main", os.getpid(), handed), environment, modules
        )
    finally:
        if handed is not None:
            os.close(handed)


def arguments(module: str, *given: Any) -> list[str]:
    """What to tell an interpreter so that it calls `main` of a module of ours."""
    from subprocess import _args_from_interpreter_flags

    values = ", ".join(map(repr, given))
    code = f"import sys; sys.path[:] = {sys.path!r}; from bakusoku.pool.{module} import main; main({values})"
    return [*_args_from_interpreter_flags(), "-c", code]


def _end() -> None:
    if os.getpid() == _process:
        _core.terminate_workers()
