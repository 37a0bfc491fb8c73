"""bakusoku: M/EEG analysis with MNE-Python's numbers, at the speed of the machine.

The modules and functions have MNE's names, order of parameters and defaults; ``n_jobs=None`` means *the budget*:
the cores that this process may use (CPU affinity, cgroup, Slurm, ``BAKUSOKU_NUM_THREADS``), never
``OMP_NUM_THREADS``. Results depend on no number of threads, not even in the last bit.
"""

import sys as _sys
from importlib import import_module as _import_module
from typing import TYPE_CHECKING

if _sys.platform == "win32":
    raise ImportError("bakusoku does not run on Windows; it does in WSL 2 (https://learn.microsoft.com/windows/wsl)")

if TYPE_CHECKING:
    from . import (
        channels,
        chpi,
        cov,
        epochs,
        event,
        filter,
        io,
        maxwell,
        pool,
        preprocessing,
        proj,
        reference,
        time_frequency,
    )
    from ._core import __version__, n_threads
    from ._exceptions import BakusokuError, DataError, ParameterError, UnsupportedError
    from .channels import interpolate_bads
    from .event import find_events
    from .pool import AsyncResult, Executor, Pool, PoolError, RemoteError, TaskTimeout, WorkerDied, default_rng

_MODULES = (
    "channels", "chpi", "cov", "epochs", "event", "filter", "io", "joblib", "maxwell", "pool", "preprocessing", "proj",
    "reference", "time_frequency",
)  # fmt: skip
_NAMES = {
    "BakusokuError": "_exceptions",
    "DataError": "_exceptions",
    "ParameterError": "_exceptions",
    "UnsupportedError": "_exceptions",
    "find_events": "event",
    "interpolate_bads": "channels",
    "n_threads": "_core",
    "AsyncResult": "pool",
    "Executor": "pool",
    "Pool": "pool",
    "PoolError": "pool",
    "RemoteError": "pool",
    "TaskTimeout": "pool",
    "WorkerDied": "pool",
    "default_rng": "pool",
    "__version__": "_core",
}

__all__ = [
    "AsyncResult",
    "BakusokuError",
    "DataError",
    "Executor",
    "ParameterError",
    "Pool",
    "PoolError",
    "RemoteError",
    "TaskTimeout",
    "UnsupportedError",
    "WorkerDied",
    "__version__",
    "channels",
    "chpi",
    "cov",
    "default_rng",
    "epochs",
    "event",
    "filter",
    "find_events",
    "interpolate_bads",
    "io",
    "maxwell",
    "n_threads",
    "pool",
    "preprocessing",
    "proj",
    "reference",
    "time_frequency",
]


def __getattr__(name: str):
    # Nothing is imported before it is used: `import bakusoku` costs a millisecond, NumPy included.
    if name in _MODULES:
        return _import_module(f".{name}", __name__)
    if name in _NAMES:
        value = getattr(_import_module(f".{_NAMES[name]}", __name__), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
