"""What calls return: results that may not have arrived yet."""

from __future__ import annotations

import sys
import warnings
from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from ._list_call import ListCall
    from ._stream_call import StreamCall

T = TypeVar("T")


class ResultList(list):
    """What `map` returns: a list of results. It also has `get`, for who expects what `map_async` returns."""

    _said = False

    def get(self, timeout: float | None = None) -> list:
        """Return the list itself; only `map_async` and its kin need `get`."""
        if not ResultList._said:
            ResultList._said = True
            warnings.warn(
                "`map` has returned the results already; only `map_async` needs `.get()`", UserWarning, stacklevel=2
            )
        return self

    def __reduce_ex__(self, protocol: Any) -> tuple:
        return list, (list(self),)


class AsyncResult(Generic[T]):
    """The result of `apply_async`, `map_async` or `starmap_async`: here now or later."""

    __slots__ = ("_call", "__weakref__")

    def __init__(self, call: ListCall) -> None:
        self._call = call

    def get(self, timeout: float | None = None) -> T:
        """Return the result when it arrives.

        Parameters
        ----------
        timeout : float | None
            Seconds to wait at most; then `multiprocessing.TimeoutError` is raised.

        Returns
        -------
        result : object
            What the function returned, or a list of it. If it raised, the exception is raised here.
        """
        if not self._wait(timeout):
            from multiprocessing import TimeoutError

            raise TimeoutError(f"the result has not arrived within {timeout:g} s")
        if self._call.error is not None:
            raise _as_expected(self._call.error)
        return self._call.value()

    def wait(self, timeout: float | None = None) -> None:
        """Wait until the result is here, or until `timeout` seconds have passed."""
        self._wait(timeout)

    def _wait(self, timeout: float | None) -> bool:
        call = self._call
        try:
            return call.finished or call.wait(lambda: call.finished, timeout)
        except KeyboardInterrupt:
            call.interrupt()
            raise

    def ready(self) -> bool:
        """Whether the result is here."""
        if not self._call.finished:
            self._call.arrived()
        return self._call.finished

    def successful(self) -> bool:
        """Whether the function returned without raising; ValueError when the result is not here yet."""
        if not self.ready():
            raise ValueError(f"{self!r} not ready")
        return self._call.error is None

    @property
    def _number_left(self) -> int:
        """Items without an outcome: programs that show how far a call is read it, times `_chunksize`."""
        if not self._call.finished:
            self._call.arrived()
        return self._call.missing

    _chunksize = 1

    def __repr__(self) -> str:
        call = self._call
        state = "pending" if not call.finished else "ready" if call.error is None else "failed"
        return f"<{type(self).__name__} of {call.name}: {state}>"


class ResultIterator(Generic[T]):
    """The results of `imap` or `imap_unordered`, one by one."""

    def __init__(self, call: StreamCall) -> None:
        self._call = call
        #: Results that have arrived with one that was asked for.
        self._ready: deque[T] = deque()

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        try:
            return self._ready.popleft()
        except IndexError:
            return self.next()

    def next(self, timeout: float | None = None) -> T:
        """Return the next result; `multiprocessing.TimeoutError` when it does not arrive in time."""
        call = self._call
        try:
            return self._ready.popleft()
        except IndexError:
            pass
        if not call.has_next():
            try:
                arrived = call.wait(call.has_next, timeout)
            except KeyboardInterrupt:
                call.interrupt()
                raise
            if not arrived:
                from multiprocessing import TimeoutError

                raise TimeoutError(f"the next result has not arrived within {timeout:g} s")
        outcome = call.take_next()
        if outcome is None:
            raise StopIteration
        if type(outcome) is list:
            first = outcome[0]
            self._ready.extend(islice(outcome, 1, None))
            return first
        good, value = outcome
        if good or call.options.on_error == "return":
            return value
        raise _as_expected(value)


def _as_expected(error: BaseException) -> BaseException:
    """The error; without its notes in a doctest, which compares the last line of what Python shows of an error."""
    if "doctest" in sys.modules and getattr(error, "__notes__", None):
        frame: Any = sys._getframe(1)
        while frame is not None and not frame.f_code.co_filename.startswith("<doctest "):
            frame = frame.f_back
        if frame is not None:
            del error.__notes__
    return error
