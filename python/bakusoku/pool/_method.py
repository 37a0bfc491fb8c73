"""How workers are made: forks of this process where that is safe, else of one that is there for that, or by spawn."""

from __future__ import annotations

import os
import sys
from typing import Any

from .. import _core
from .._exceptions import ParameterError

#: As `multiprocessing` names them; `AUTO` is one of them at a time.
METHODS = ("fork", "spawn", "forkserver")
AUTO = "auto"

#: Above this, workers would keep too much alive that their owner lets go of (bytes of private memory).
MOST = 1 << 30


def method(context: Any) -> str:
    """How the workers of a pool are to be made."""
    if context is None:
        context = os.environ.get("BAKUSOKU_START_METHOD") or None
        if context is None:
            return AUTO if _core.HAS_FORKSERVER else "spawn"
    name = context if isinstance(context, str) else getattr(context, "get_start_method", lambda: None)()
    if name not in METHODS:
        raise ParameterError(f"`context` must be 'fork', 'spawn', 'forkserver' or a context, got {context!r}")
    return "spawn" if name == "forkserver" and not _core.HAS_FORKSERVER else name


#: The part of Python's stack that workers may find in use: where forks fork, it grows.
DEEP = 0.2


def fork_is_safe() -> bool:
    """Whether a fork of this process finds nothing locked, and takes little along."""
    threading = sys.modules.get("threading")
    if threading is not None:
        if threading.active_count() > 1 or threading.get_ident() != threading.main_thread().ident:
            return False
    return _depth() < DEEP * sys.getrecursionlimit() and _private_bytes() < MOST and _core.fork_is_safe()


def _depth() -> int:
    depth, frame = 0, sys._getframe()
    while frame is not None:
        depth, frame = depth + 1, frame.f_back
    return depth


def _private_bytes() -> int:
    with open("/proc/self/statm") as file:
        _, resident, shared, *_ = map(int, file.read().split())
    return (resident - shared) * os.sysconf("SC_PAGESIZE")
