"""Which way workers are made: the method that is asked for, else the one that `multiprocessing` would take."""

from __future__ import annotations

import os
import sys
from typing import Any

from .. import _core
from .._exceptions import ParameterError

#: As `multiprocessing` names them.
METHODS = ("fork", "spawn", "forkserver")


def method(context: Any) -> str:
    """How the workers of a pool are to be made."""
    if context is None:
        context = os.environ.get("BAKUSOKU_START_METHOD") or _default()
    name = context if isinstance(context, str) else getattr(context, "get_start_method", lambda: None)()
    if name not in METHODS:
        raise ParameterError(f"`context` must be 'fork', 'spawn', 'forkserver' or a context, got {context!r}")
    return "spawn" if name == "forkserver" and not _core.HAS_FORKSERVER else name


def _default() -> str:
    """The same for all pools of a process, whatever else it does: results do not hang on threads, imports or memory."""
    from . import _worker

    if _worker.method is not None:
        # A worker's own pools are made as it was.
        return _worker.method
    context = sys.modules.get("multiprocessing.context")
    if context is not None:
        chosen = context._default_context.get_start_method(allow_none=True)
        if chosen in METHODS:
            return chosen
    if sys.platform != "linux":
        return "spawn"
    return "fork" if sys.version_info < (3, 14) else "forkserver"


def is_openmp_running() -> bool:
    """Whether there are threads of GNU's OpenMP, without which its functions wait for ever in a fork."""
    if _core.fork_is_safe():
        return False
    try:
        with open("/proc/self/maps") as maps:
            return "libgomp" in maps.read()
    except OSError:  # no Linux
        return False
