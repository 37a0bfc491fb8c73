"""What workers write, log and warn, shown by their owner under the items' labels."""

from __future__ import annotations

import pickle
import sys
import threading
from collections import deque
from typing import Any

from . import _log_records
from ._engine_thread import no_dummy_thread
from ._progress import Above
from ._worker_output import MARK, RECORD

#: The last lines of an item that go with its error, and how much of each.
LAST, LONG = 20, 400
#: A line without an end is shown in pieces from this length on.
PIECE = 1 << 20


class _Stream:
    """One of a worker's two."""

    __slots__ = ("call", "hint", "item", "marked", "rest")

    def __init__(self) -> None:
        self.rest = b""
        #: The call and the item that ran, as far as the engine knows; the item that the worker said.
        self.call: Any = None
        self.hint: Any = None
        self.item: int | None = None
        #: Whether the worker says to which item what follows belongs.
        self.marked = False


class Output:
    """All that the workers of a pool write."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        #: By worker and stream.
        self.streams: dict[tuple[int, int], _Stream] = {}
        #: Workers with a line that has not ended.
        self.unended: set[int] = set()

    def written(self, worker: int, way: int, call: Any, item: int | None, data: bytes) -> None:
        """A worker wrote to its standard output (1) or error (2), while `item` of `call` ran."""
        with no_dummy_thread(), self.lock:
            stream = self.streams.setdefault((worker, way), _Stream())
            hint = (id(call), item)
            if hint != stream.hint:
                # Which item ran when this was read says little where the worker says to which one it belongs.
                stays = stream.marked and call is stream.call
                if not stays:
                    self.end_line(stream, way)
                    stream.item = item
                stream.hint, stream.call = hint, call
            *lines, rest = (stream.rest + data).split(b"\n")
            stream.rest = rest
            if len(rest) > PIECE:
                lines.append(rest)
                stream.rest = b""
            shown: list[bytes] = []
            for line in lines:
                number = line[len(MARK) :]
                if line.startswith(MARK) and (number.isdigit() or not number):
                    self.show(stream, way, shown)
                    shown = []
                    stream.marked = number.isdigit()
                    stream.item = int(number) if stream.marked else item
                else:
                    shown.append(line)
            self.show(stream, way, shown)
            if stream.rest:
                self.unended.add(worker)

    def show(self, stream: _Stream, way: int, lines: list[bytes]) -> None:
        """Show whole lines of one item."""
        if not lines:
            return
        # Of a line that was written over and over, such as a progress bar, the last state.
        text = [line.decode("utf-8", "backslashreplace").rstrip("\r").rpartition("\r")[2] for line in lines]
        call, item = stream.call, stream.item
        label = ""
        if call is not None and item is not None:
            label = f"[{call.label(item)}] "
            keep(call, item, text)
        target = sys.stderr if way == 2 else sys.stdout
        if target is not None:
            with Above():
                _write(target, "".join(f"{label}{line}\n" for line in text))

    def end_line(self, stream: _Stream, way: int) -> None:
        """Show what is left of a line that nobody will end."""
        rest, stream.rest = stream.rest, b""
        if rest:
            self.show(stream, way, [rest])

    def ended(self, worker: int) -> None:
        """What the worker ran is done."""
        with self.lock:
            self.unended.discard(worker)
            for way in (1, 2):
                stream = self.streams.get((worker, way))
                if stream is not None:
                    self.end_line(stream, way)
                    stream.hint = None

    def said(self, call: Any, message: bytes) -> None:
        """A worker logged or warned."""
        with no_dummy_thread(), Above():
            kind, item, *what = pickle.loads(message)
            label = "" if call is None else f"[{call.label(item)}] "
            if kind == RECORD:
                filtered, decided, fields = _log_records.unpacked(*what)
                if call is not None:
                    keep(call, item, [f"{fields['levelname']}: {fields['msg']}"])
                _log_records.handle(label, filtered, decided, fields)
            else:
                text, category, filename, lineno = what
                if call is not None:
                    keep(call, item, [f"{category.__name__}: {text}"])
                _warn(label, text, category, filename, lineno)


def _write(target: Any, text: str) -> None:
    """Write on a stream; what its encoding does not have, as Python writes it in a string."""
    try:
        target.write(text)
    except UnicodeEncodeError:
        encoding = getattr(target, "encoding", None) or "ascii"
        target.write(text.encode(encoding, "backslashreplace").decode(encoding))
    target.flush()


def keep(call: Any, item: int, lines: list[str]) -> None:
    """Keep an item's last lines, for its error."""
    if call.words is None:
        call.words = {}
    last = call.words.get(item)
    if last is None:
        last = call.words[item] = deque(maxlen=LAST)
    last.extend(line if len(line) <= LONG else line[: LONG - 1] + "…" for line in lines[-LAST:])


def _warn(label: str, text: str, category: type[Warning], filename: str, lineno: int) -> None:
    import warnings

    main = getattr(sys.modules.get("__main__"), "__file__", None)
    where = {"module": "__main__"} if filename == main else {}
    try:
        # Whether it is shown once or each time was decided where it was raised.
        warnings.warn_explicit(f"{label}{text}", category, filename, lineno, registry={}, **where)
    except Exception:  # a category that takes something else, or a filter that makes it an error: too late for that
        if sys.stderr is not None:
            sys.stderr.write(warnings.formatwarning(f"{label}{text}", category, filename, lineno))
