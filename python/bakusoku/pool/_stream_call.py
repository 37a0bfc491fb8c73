"""A call with items from an iterator, and outcomes one by one."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from ._call import Call
from ._prefetch import EAGER_ITERATORS, UNCHANGING, NotReady, PrefetchIterator

if TYPE_CHECKING:
    from ._options import Options
    from ._pool import Pool


class CachedResult:
    """In the place of a result that is in the checkpoint."""

    def __init__(self, key: str) -> None:
        self.key = key


class StreamCall(Call):
    """Items from an iterator, outcomes one by one."""

    # Results of a stream are waited for one by one.
    target = 0.5e-3

    def __init__(
        self,
        pool: Pool,
        function: Callable,
        mode: int,
        items: Iterator,
        options: Options,
        name: str,
        ordered: bool,
        chunk: int | None,
    ) -> None:
        super().__init__(pool, function, mode, options, name)
        #: Whether items stay as they are until they are sent.
        self.lasting = chunk is not None
        if type(items) not in EAGER_ITERATORS:
            items = self.prefetched = PrefetchIterator(items, self.lasting)
        self.iterator = items
        self.ordered = ordered
        self.taken = 0
        self.under_way: dict[int, Any] = {}
        #: The same for messages that are as they were sent, by their first item.
        self.blocks: dict[int, list] = {}
        self.singles: deque = deque()
        #: Outcomes that wait for their reader; the results of a message together, as a list.
        self.outcomes: dict[int, tuple[bool, Any] | list] = {}
        self.queue: deque = deque()
        #: Outcomes that were read, how many of them the engine knows of, and when it is told.
        self.read = self.said = 0
        self.report_every = max(1, pool._size * (chunk or 1))
        #: What the iterator raised after items that are still to be sent.
        self.broken: BaseException | None = None
        self.end: BaseException | None = None
        self.end_at: int | None = None
        self.complete = False
        #: How many items there are, where that is known, and how many have an outcome.
        self.total: int | None = None
        self.n_settled = 0
        if self.checkpoint is not None:
            # What is in the checkpoint comes without an answer of a worker.
            self.pause = 0.05

    def supply(self, most: int) -> tuple[int, list]:
        if self.singles:
            index = self.singles.popleft()
            return index, [self.under_way[index]]
        if self.broken is not None:
            error, self.broken = self.broken, None
            raise error
        if self.lasting and self.checkpoint is None and self.end_at is None:
            items = self.whole(most)
            if items is not None:
                return self.taken - len(items), items
        # A message of so many items as were asked for is complete or fails.
        elif self.prefetched is not None and self.lasting and not self.prefetched.has(most):
            raise NotReady
        items: list = []
        start = self.taken
        if self.end_at is None:
            try:
                for item in self.iterator:
                    self.taken += 1
                    if self.checkpoint is not None and self.is_kept(self.taken - 1, item):
                        if items:
                            # The numbers in a message follow each other.
                            break
                        start = self.taken
                        continue
                    items.append(item)
                    # A generator may fill one array again and again: such an item is pickled before the next is made.
                    if len(items) >= most or (not self.lasting and type(item) not in UNCHANGING):
                        break
                else:
                    self.end_at = self.taken
            except NotReady:
                if not items:
                    self.prefetched.most = most
                    raise
            except BaseException as error:
                if not items or self.lasting:
                    self.taken = start
                    raise
                self.broken = error
        for index, item in enumerate(items, start):
            self.under_way[index] = item
        return start, items

    def whole(self, most: int) -> list | None:
        """So many items, at the cost of a list; None where it takes a closer look: at the end, or before an error."""
        if self.prefetched is None:
            before = self.taken
            # An error in here ends the call, and with it this message.
            items = list(islice(self.iterator, most))
            if len(items) < most:
                self.end_at = before + len(items)
        else:
            if not self.prefetched.has(most):
                raise NotReady
            take = self.prefetched.items.popleft
            if len(self.prefetched.items) < most:
                return None
            items = [take() for _ in range(most)]
        if items:
            self.blocks[self.taken] = items
        self.taken += len(items)
        return items

    def open_block(self, index: int) -> None:
        """Look at the items of a message one by one from now on."""
        for start, items in list(self.blocks.items()):
            if start <= index < start + len(items):
                self.under_way.update(enumerate(items, start))
                del self.blocks[start]
                return

    def is_kept(self, index: int, item: Any) -> bool:
        """Whether the item is finished; then its result is read when it is its turn."""
        key = self.checkpoint.key(index, item, self.naming(index))
        if not self.checkpoint.has(key):
            self.keys[index] = key
            return False
        with self.lock:
            self.under_way[index] = item
            self.settle(index, (True, CachedResult(key)))
        return True

    def hold_back(self, start: int, items: list) -> None:
        self.open_block(start)
        self.singles.extend(range(start, start + len(items)))

    def source_failed(self, error: BaseException) -> None:
        with self.lock:
            self.end = error
            self.end_at = self.taken

    def item(self, index: int) -> Any:
        self.open_block(index)
        return self.under_way.get(index)

    def put_values(self, start: int, values: list) -> None:
        if start in self.blocks and len(self.blocks[start]) == len(values):
            del self.blocks[start]
            self.n_settled += len(values)
            if self.ordered:
                self.outcomes[start] = values
            else:
                self.queue.append(values)
            return
        for index, value in enumerate(values, start):
            self.settle(index, (True, value))

    def settle_error(self, index: int, error: BaseException) -> None:
        self.settle(index, (False, error))

    def settle(self, index: int, outcome: tuple[bool, Any]) -> None:
        if self.blocks:
            self.open_block(index)
        if self.under_way.pop(index, self) is self:
            return
        self.n_settled += 1
        if self.ordered:
            self.outcomes[index] = outcome
        else:
            self.queue.append(outcome)

    def settled(self, index: int) -> bool:
        self.open_block(index)
        return index not in self.under_way

    def count(self) -> tuple[int, int, int | None]:
        return self.n_settled, self.failed, self.end_at if self.end_at is not None else self.total

    def is_over(self) -> bool:
        return self.complete

    def all_arrived(self) -> None:
        if not self.complete and self.checkpoint is not None and self.checkpoint.found and sys.stderr is not None:
            sys.stderr.write(self.checkpoint.said(self.end_at))
        self.complete = True

    def has_next(self) -> bool:
        """Whether the reader need not wait."""
        return self.complete or bool(self.queue) or (self.ordered and self.read in self.outcomes)

    def take_next(self) -> tuple[bool, Any] | list | None:
        """The next outcome, or a list of the next results; None at the end."""
        with self.lock:
            outcome = None
            if self.queue:
                outcome = self.queue.popleft()
            elif self.ordered:
                outcome = self.outcomes.pop(self.read, None)
            if outcome is not None:
                self.read += len(outcome) if type(outcome) is list else 1
                if self.read - self.said >= self.report_every and not self.complete:
                    self.job.read(self.read - self.said)
                    self.said = self.read
                return outcome if type(outcome) is list else self.loaded(outcome)
            if self.end is not None:
                error, self.end = self.end, None
                return False, error
            if self.end_at is None or self.under_way or self.blocks:
                # The pool ended before the items did.
                self.end_at = self.taken
                self.under_way.clear()
                self.blocks.clear()
                return False, self.pool._why()
            return None

    def loaded(self, outcome: tuple[bool, Any]) -> tuple[bool, Any]:
        """An outcome, from the checkpoint where it is there."""
        if type(outcome[1]) is not CachedResult:
            return outcome
        from ._checkpoint import MISSING

        value = self.checkpoint.load(outcome[1].key)
        if value is MISSING:
            return False, FileNotFoundError(f"a result was removed from {str(self.checkpoint.folder)!r} meanwhile")
        return True, value
