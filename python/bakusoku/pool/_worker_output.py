"""What a worker writes, logs and warns, on its way to the owner.

Standard output and error are pipes, so that what C code and child processes write arrives too, in order. Log records
and warnings travel as such, so that the owner's handlers and filters see them.
"""

from __future__ import annotations

import io
import pickle
import sys
import warnings
from typing import Any

from . import _log_records

#: A line that says to which item what follows belongs, where a message has several items; without a number where it has
#: one again.
MARK = b"\x1e\x1e"
#: What is told beside the pipes.
RECORD, WARNING = "record", "warning"
#: The longest text of a warning; what is longer is cut.
LONGEST = 6000

#: Whether something was written since the last answer.
_written = False


class _Bytes(io.BufferedWriter):
    def write(self, data: Any) -> int:
        global _written
        _written = True
        return super().write(data)


class Stream(io.TextIOWrapper):
    """Standard output or error of a worker."""

    def __init__(self, fd: int) -> None:
        raw = io.FileIO(fd, "w", closefd=False)
        super().__init__(_Bytes(raw), encoding="utf-8", errors="backslashreplace", line_buffering=True)
        self._item: int | None = None
        self._in_line = False

    def write(self, text: str) -> int:
        """Write, under the item that runs."""
        from . import _worker

        global _written
        _written = True
        item = _worker.shared_item()
        if item != self._item:
            self._item = item
            end = "\n" if self._in_line else ""
            super().write(f"{end}{MARK.decode()}{'' if item is None else item}\n")
            self._in_line = False
        if text:
            self._in_line = text[-1] != "\n"
        return super().write(text)


def end_item() -> None:
    """See to it that what was written is in the pipes."""
    global _written
    if not _written:
        return
    _written = False
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # a stream of the user's
            pass


def begin(say: Any) -> None:
    """In a worker that begins: have records and warnings told to the owner through `say`."""
    sys.stdout, sys.stderr = Stream(1), Stream(2)
    sys.__stdout__, sys.__stderr__ = sys.stdout, sys.stderr

    def tell(kind: str, *what: Any) -> None:
        from . import _worker

        say(pickle.dumps((kind, _worker.running_item(), *what), 5))

    def showwarning(
        message: Any, category: type[Warning], filename: str, lineno: int, file: Any = None, line: str | None = None
    ) -> None:
        if file is None:
            try:
                tell(WARNING, str(message)[:LONGEST], category, filename, lineno)
                return
            except Exception:  # a category that is not known there, or a fork that has no owner
                pass
        text = warnings.formatwarning(message, category, filename, lineno, line)
        (sys.stderr if file is None else file).write(text)

    warnings.showwarning = showwarning
    _log_records.begin(lambda record: tell(RECORD, record))
