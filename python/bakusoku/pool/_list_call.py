"""A call with items that are all there from the start, and outcomes in a list."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence, Set
from typing import TYPE_CHECKING, Any

from ._call import Call, call_users
from ._pickle import Placed, repeated_arrays
from ._prefetch import UNCHANGING
from ._worker import APPLY

if TYPE_CHECKING:
    from ._options import Options
    from ._pool import Pool

_NOTHING: frozenset[int] = frozenset()


class ListCall(Call):
    """Items that are all there from the start; outcomes in a list."""

    position = 0
    singles_until = 0
    #: What `get` raises when all items are through, and whose it is.
    error: BaseException | None = None
    error_at = 0
    callbacks: Sequence[tuple[Callable | None, Callable | None]] = ()
    #: Arrays that several items hold, and where they were placed.
    repeated: Set[int] | None = None
    known: dict | None = None
    #: Whether no two items share anything that a task can change.
    plain: bool | None = None

    def __init__(
        self,
        pool: Pool,
        function: Callable,
        mode: int,
        items: list,
        options: Options,
        name: str,
        callback: Callable | None = None,
        error_callback: Callable | None = None,
    ) -> None:
        super().__init__(pool, function, mode, options, name)
        self.bar = mode != APPLY
        self.items = items
        self.values: list = [None] * len(items)
        self.has = bytearray(len(items))
        self.missing = len(items)
        self.finished = not items
        if callback or error_callback:
            self.callbacks = [(callback, error_callback)]
        if self.checkpoint is not None:
            self.look_up()

    def look_up(self) -> None:
        """Take what is finished from the checkpoint."""
        from ._checkpoint import MISSING

        for index, item in enumerate(self.items):
            key = self.checkpoint.key(index, item, self.naming(index))
            value = self.checkpoint.load(key)
            if value is MISSING:
                self.keys[index] = key
            else:
                self.checkpoint.found += 1
                self.put_values(index, [value])
        self.finished = not self.missing
        if self.checkpoint.found and self.mode != APPLY and sys.stderr is not None:
            sys.stderr.write(self.checkpoint.said(len(self.items)))

    def supply(self, most: int) -> tuple[int, list]:
        start, has = self.position, self.has
        while start < len(has) and has[start]:
            start += 1
        if start < self.singles_until:
            most = 1
        end = min(start + most, len(has))
        if self.missing < len(has):
            known = has.find(1, start, end)
            end = end if known < 0 else known
        self.position = end
        return start, self.items[start:end]

    def apart(self, items: list) -> bool:
        if self.mode == APPLY:
            return UNCHANGING.issuperset(map(type, items))
        if self.plain is None:
            self.plain = super().apart(self.items)
        return self.plain or super().apart(items)

    def hold_back(self, start: int, items: list) -> None:
        self.position = start
        self.singles_until = start + len(items)

    def placed(self) -> Placed:
        if self.repeated is None:
            # Looked at once, before anything large is placed.
            several = self.mode != APPLY and len(self.items) > 1 and not self.apart(self.items)
            self.repeated, self.known = (repeated_arrays(self.items), {}) if several else (_NOTHING, None)
        return Placed(repeated=self.repeated, known=self.known)

    def source_failed(self, error: BaseException) -> None:
        with self.lock:
            self.settle_error(self.position, error)
            told = self.to_tell()
        for tell in told:
            call_users(tell)

    def item(self, index: int) -> Any:
        return self.items[index]

    def put_values(self, start: int, values: list) -> None:
        end = start + len(values)
        if self.error is None:
            self.values[start:end] = values
        # Else nobody will see them: what was written or kept by then is what the others were done for.
        self.missing -= len(values) - self.has.count(1, start, end)
        self.has[start:end] = b"\x01" * len(values)

    def settle_error(self, index: int, error: BaseException) -> None:
        if index < len(self.has) and not self.has[index]:
            self.has[index] = 1
            self.missing -= 1
        if self.options.on_error == "return":
            if index < len(self.values):
                self.values[index] = error
        elif self.error is None or index < self.error_at:
            self.error, self.error_at = error, index
            self.values.clear()

    def settled(self, index: int) -> bool:
        return bool(self.has[index])

    def count(self) -> tuple[int, int, int | None]:
        return len(self.has) - self.missing, self.failed, len(self.has)

    def is_over(self) -> bool:
        return self.finished

    def all_arrived(self) -> None:
        if self.missing and self.error is None:
            self.error = self.pool._why()
        self.finish()

    def finish(self) -> None:
        self.finished = True
        self.known = None

    def to_tell(self) -> list[Callable[[], None]]:
        if not self.missing:
            self.finished = True
        if not self.finished or not self.callbacks:
            return []
        callbacks, self.callbacks = self.callbacks, ()
        told: list = []
        for callback, error_callback in callbacks:
            if self.error is not None:
                if error_callback is not None:
                    told.append(lambda call=error_callback: call(self.error))
            elif callback is not None:
                told.append(lambda call=callback: call(self.value()))
        return told

    def value(self) -> Any:
        """What `get` returns."""
        if self.mode == APPLY:
            return self.values[0]
        from ._results import ResultList

        if type(self.values) is list:
            self.values = ResultList(self.values)
        return self.values
