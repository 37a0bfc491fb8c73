"""Your Python function over all subjects: `Pool`, in the place of `multiprocessing.Pool`.

``from bakusoku import Pool`` is all that has to change. Lambdas, closures and functions of a notebook work, without
``if __name__ == "__main__"``; arrays travel through shared memory; workers share the cores and the memory of the
machine; a worker that dies is an error that names the item, and never a hang.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._errors import PoolError, RemoteError, TaskTimeout, WorkerDied
    from ._executor import Executor
    from ._pool import Pool
    from ._results import AsyncResult
    from ._seed import default_rng

_NAMES = {
    "AsyncResult": "_results",
    "Executor": "_executor",
    "Pool": "_pool",
    "PoolError": "_errors",
    "RemoteError": "_errors",
    "TaskTimeout": "_errors",
    "WorkerDied": "_errors",
    "default_rng": "_seed",
}

__all__ = ["AsyncResult", "Executor", "Pool", "PoolError", "RemoteError", "TaskTimeout", "WorkerDied", "default_rng"]


def __getattr__(name: str):
    if name in _NAMES:
        value = getattr(_import_module(f".{_NAMES[name]}", __name__), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
