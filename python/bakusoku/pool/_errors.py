"""What a pool raises by itself."""

from __future__ import annotations

import multiprocessing
import signal
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from .._exceptions import BakusokuError


class PoolError(BakusokuError, RuntimeError):
    """A pool that cannot do what it was asked for: closed, ended, or without workers."""


class BrokenPool(PoolError, BrokenProcessPool):
    """An executor whose workers cannot be started; its cause says why."""


class RemoteError(BakusokuError, RuntimeError):
    """An exception of a worker that cannot be made again in this process; its text and traceback are kept.

    Attributes
    ----------
    kind : str
        The exception's type, such as ``"mypackage.errors.BadSubject"``.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(kind, message)
        self.kind = kind

    def __str__(self) -> str:
        return f"{self.args[0]}: {self.args[1]}"


class WorkerDied(BakusokuError, BrokenProcessPool):
    """The worker process died while it ran an item; other items are not touched by it.

    Attributes
    ----------
    index : int
        The item's number.
    label : str
        The item's label.
    signal : int or None
        The signal that ended the worker.
    exitcode : int or None
        What the worker returned, when it ended by itself.
    peak_memory : int
        The most memory (bytes) that the worker held; 0 where that is not known.
    """

    def __init__(
        self,
        text: str,
        index: int = 0,
        label: str = "",
        signal: int | None = None,
        exitcode: int | None = None,
        peak: int = 0,
    ) -> None:
        super().__init__(text)
        self.index, self.label, self.signal, self.exitcode, self.peak_memory = index, label, signal, exitcode, peak

    def __reduce__(self) -> tuple:
        return type(self), (self.args[0], self.index, self.label, self.signal, self.exitcode, self.peak_memory)


class TaskTimeout(BakusokuError, multiprocessing.TimeoutError, TimeoutError):
    """An item took longer than `timeout`; its worker was ended, other items are not touched by it.

    Attributes
    ----------
    index : int
        The item's number.
    label : str
        The item's label.
    """

    def __init__(self, text: str, index: int = 0, label: str = "") -> None:
        super().__init__(text)
        self.index, self.label = index, label

    def __reduce__(self) -> tuple:
        return type(self), (self.args[0], self.index, self.label)


def broken(why: BaseException) -> BaseException:
    """Why an executor has no results, as `concurrent.futures` has it."""
    if isinstance(why, BrokenProcessPool):
        return why
    error = BrokenPool(f"the executor's workers cannot be started, or were ended: {type(why).__name__}: {why}")
    error.__cause__ = why
    return error


def size(n: float) -> str:
    """Bytes as people read them."""
    for unit in ("B", "kB", "MB", "GB"):
        if n < 999.5:
            return f"{n:.0f} {unit}" if unit in ("B", "kB") else f"{n:.3g} {unit}"
        n /= 1000
    return f"{n:.3g} TB"


def short(value: Any, most: int = 80) -> str:
    """What an item looks like, in a line."""
    try:
        text = repr(value)
    except Exception:  # the user's `__repr__`
        text = f"<{type(value).__name__}>"
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1] + "…"


def died(index: int, label: str, item: str, code: int | None, number: int | None, peak: int, oom: int) -> WorkerDied:
    """The error for a worker that is gone."""
    if number is not None:
        try:
            name = signal.Signals(number).name
        except ValueError:
            name = f"signal {number}"
        how = f"was killed by {name}"
        if name in ("SIGSEGV", "SIGBUS", "SIGABRT", "SIGFPE", "SIGILL"):
            how = f"crashed ({name})"
    elif code is not None:
        how = f"ended by itself with exit status {code}"
    else:
        how = "ended"
    text = f"the worker that ran {label} ({item}) {how}" if item else f"the worker that ran {label} {how}"
    if peak:
        text += f"; it held up to {size(peak)} of memory"
    if number == signal.SIGKILL:
        if oom:
            text += "; the system killed it because memory ran out: run fewer at once (`processes=`), or say what an"
            text += " item needs (`memory='4GB'`)"
        else:
            text += "; if nobody killed it by hand, memory may have run out (`memory='4GB'` says what an item needs)"
    return WorkerDied(text, index, label, number, code, peak)
