"""The pool as a backend of joblib: `joblib.parallel_config(backend="bakusoku")`.

MNE-Python, scikit-learn and whatever else has an ``n_jobs=`` that goes through joblib then runs on workers of ours:
arrays travel through shared memory, at any size and without settings, and arrive writable; workers times threads is the
number of cores; an error names the call, and a worker that dies is an error of its own call.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from typing import Any

try:
    from joblib import register_parallel_backend
    from joblib._parallel_backends import (
        AutoBatchingMixin,
        FallbackToBackend,
        ParallelBackendBase,
        SequentialBackend,
    )
except ImportError as error:
    raise ImportError("`bakusoku.joblib` needs joblib: pip install joblib") from error

from ._core import n_threads
from ._exceptions import ParameterError
from .pool import Executor

__all__ = ["BakusokuBackend", "register"]

NAME = "bakusoku"

#: What `Parallel` hands to every backend, and which ours has no use for: its arrays need no files, nor limits.
_UNUSED = {
    "context_id", "idle_worker_timeout", "max_nbytes", "mmap_mode", "prefer", "require", "temp_folder", "verbose",
}  # fmt: skip

#: The workers of the last call, for the next one of its kind.
_kept: tuple[Any, Executor] | None = None
_lock = threading.Lock()


def register() -> str:
    """Make the backend known to joblib.

    Returns
    -------
    name : str
        ``"bakusoku"``, for `joblib.parallel_config` and `joblib.Parallel`.

    Examples
    --------
    >>> import joblib
    >>> import bakusoku.joblib
    >>> with joblib.parallel_config(backend=bakusoku.joblib.register(), n_jobs=2):
    ...     joblib.Parallel()(joblib.delayed(pow)(i, 2) for i in range(4))
    [0, 1, 4, 9]
    """
    register_parallel_backend(NAME, BakusokuBackend)
    return NAME


def _run(batch: Callable) -> Any:
    """In a worker, where a task may ask for the backend by its name, too."""
    register()
    return batch()


class BakusokuBackend(AutoBatchingMixin, ParallelBackendBase):
    """Runs joblib's batches on workers of ours, which stay for the next call.

    Options of `bakusoku.Executor` may be given to `joblib.parallel_config` beside the backend, such as ``timeout=60``.
    """

    supports_retrieve_callback = True
    supports_inner_max_num_threads = True

    _executor: Executor | None = None

    def effective_n_jobs(self, n_jobs: int | None) -> int:
        """How many workers `n_jobs` means; -1 is all cores of the budget."""
        if n_jobs == 0:
            said = "n_jobs == 0 in Parallel has no meaning"
            raise ParameterError(f"`n_jobs` must be a number of workers, or -1 for all cores: {said}")
        if n_jobs is None:
            return 1
        return max(n_threads() + 1 + n_jobs, 1) if n_jobs < 0 else n_jobs

    def configure(
        self, n_jobs: int = 1, parallel: Any = None, prefer: Any = None, require: Any = None, **options: Any
    ) -> int:
        """Have workers ready."""
        global _kept
        n_jobs = self.effective_n_jobs(n_jobs)
        if n_jobs == 1:
            raise FallbackToBackend(SequentialBackend(nesting_level=self.nesting_level))
        options = {k: v for k, v in {**self.backend_kwargs, **options}.items() if k not in _UNUSED}
        if not isinstance(options.get("context", ""), str):
            # joblib's own.
            del options["context"]
        if self.inner_max_num_threads is not None:
            options["threads"] = self.inner_max_num_threads
        # Workers know what the process was like when they were started.
        key = os.getpid(), n_jobs, sorted(options.items(), key=str), os.getcwd(), dict(os.environ), list(sys.path)
        with _lock:
            kept, _kept = _kept, None
        if kept is not None and kept[0] == key:
            self._executor = kept[1]
        else:
            if kept is not None and kept[0][0] == os.getpid():
                kept[1].shutdown(wait=False)
            self._executor = Executor(n_jobs, **options)
        self._key = key
        self.parallel = parallel
        return n_jobs

    def submit(self, func: Callable, callback: Callable | None = None) -> Any:
        """Have a batch run."""
        if self._executor is None:
            raise RuntimeError("these workers were ended: the generator of an earlier call was left before its end")
        future = self._executor.submit(_run, func)
        if callback is not None:
            future.add_done_callback(callback)
        return future

    def retrieve_result_callback(self, out: Any) -> Any:
        """What a batch has returned."""
        return out.result()

    def terminate(self) -> None:
        """Leave the workers to the next call."""
        global _kept
        executor, self._executor = self._executor, None
        if executor is not None:
            with _lock:
                before, _kept = _kept, (self._key, executor)
            if before is not None and before[0][0] == os.getpid():
                before[1].shutdown(wait=False)
        self.reset_batch_stats()

    def abort_everything(self, ensure_ready: bool = True) -> None:
        """End what runs; with `ensure_ready` have new workers."""
        executor, self._executor = self._executor, None
        if executor is not None:
            executor.terminate_workers()
        if ensure_ready:
            self.configure(self.parallel.n_jobs, self.parallel, **self.parallel._backend_kwargs)
