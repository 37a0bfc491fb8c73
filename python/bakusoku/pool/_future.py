"""A call whose outcome goes to a future."""

from __future__ import annotations

import concurrent.futures
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ._list_call import ListCall
from ._worker import APPLY

if TYPE_CHECKING:
    from ._pool import Pool


class Future(concurrent.futures.Future):
    """What `Executor.submit` returns. Who waits for it does the pool's work meanwhile."""

    _call: FutureCall | None = None

    def cancel(self) -> bool:
        """Cancel the call, unless a worker has it already; whether it is cancelled."""
        call = self._call
        if call is None:
            return super().cancel()
        if not call.withdraw():
            return self.cancelled()
        super().cancel()
        self.set_running_or_notify_cancel()
        call.job.cancel()
        return True

    def result(self, timeout: float | None = None) -> Any:
        """Return what the function returned, or raise what it raised; wait for it at most `timeout` seconds."""
        return super().result(self._work(timeout))

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Return what the function raised, or None; wait for it at most `timeout` seconds."""
        return super().exception(self._work(timeout))

    def _work(self, timeout: float | None) -> float | None:
        """Work until there is an outcome; what is left of the time."""
        call = self._call
        if call is None or self.done():
            return timeout
        end = None if timeout is None else time.monotonic() + timeout
        call.wait(lambda: call.finished, timeout)
        return None if end is None else max(0.0, end - time.monotonic())


class FutureCall(ListCall):
    """A call of a function that was submitted."""

    #: It can be cancelled until then.
    early = False

    def __init__(self, pool: Pool, function: Callable, arguments: tuple, number: int, future: Future) -> None:
        options = pool._options.of_call(next(pool._calls), {"on_error": "raise", "progress": False})
        super().__init__(pool, function, APPLY, [arguments], options, "submit")
        self.number = number
        self.future = future
        #: Whether a worker has it, or will; whether it was cancelled before that.
        self.supplied = self.withdrawn = False
        future._call = self

    def supply(self, most: int) -> tuple[int, list]:
        with self.lock:
            if self.withdrawn or self.supplied:
                return 0, []
            self.supplied = True
        self.future.set_running_or_notify_cancel()
        return super().supply(most)

    def withdraw(self) -> bool:
        """Cancel; whether that is news."""
        with self.lock:
            if self.supplied or self.withdrawn or self.job is None:
                return False
            self.withdrawn = self.finished = True
            return True

    def all_arrived(self) -> None:
        if self.missing and self.error is None and not self.withdrawn:
            from ._errors import broken

            self.error = broken(self.pool._why())
        self.finish()

    def to_tell(self) -> list[Callable[[], None]]:
        if not self.missing:
            self.finished = True
        future = self.future
        if not self.finished or self.withdrawn or future._call is None:
            return []
        # Once; and the future outlives the call.
        future._call = None
        if not self.supplied:
            future.set_running_or_notify_cancel()
        # The engine may hold the call for a while; what it was made of is not for it to keep.
        self.callable = self.sent = None
        self.items = [((), {})]
        if self.error is not None:
            error = _as_of_executor(self.error)
            return [lambda: future.set_exception(error)]
        values, self.values = self.values, []
        return [lambda: future.set_result(values.pop())]

    def label(self, index: int) -> str:
        labels = self.options.labels
        if labels is not None:
            args, kwargs = self.items[0]
            try:
                return str(labels(*args, **kwargs))
            except Exception:  # the user's function
                pass
        return f"call {self.number}"


def _as_of_executor(error: BaseException) -> BaseException:
    """The error, with its worker's traceback as `concurrent.futures` has it."""
    from concurrent.futures.process import _RemoteTraceback

    if type(error.__cause__).__name__ == "RemoteTraceback":
        error.__cause__ = _RemoteTraceback(error.__cause__.tb)
    return error
