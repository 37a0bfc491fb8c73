"""Items of an iterator that may take its time: a thread of its own asks it, and nobody else waits for it."""

from __future__ import annotations

import contextvars
import itertools
import threading
from collections import deque
from collections.abc import Iterator
from typing import Any

#: Iterators that have their items already.
EAGER_ITERATORS = frozenset(
    type(iter(items))
    for items in ([], (), range(0), range(1 << 70), {}, {}.values(), {}.items(), set(), "", b"", bytearray())
) | {itertools.count, itertools.repeat}

#: Items that cannot change after they were made.
UNCHANGING = frozenset((int, float, complex, bool, str, bytes, type(None), range))


class NotReady(Exception):
    """The next item is still being made."""


class PrefetchIterator:
    """What an iterator has made so far, as an iterator that makes nobody wait: it raises `NotReady` instead.

    Parameters
    ----------
    iterator
        Where the items come from.
    lasting : bool
        Whether items stay as they are. Else a generator may fill one array again and again: such an item is taken
        before the next is made.
    """

    def __init__(self, iterator: Iterator, lasting: bool) -> None:
        self.iterator = iterator
        self.lasting = lasting
        #: How many may wait here.
        self.most = 1
        self.items: deque = deque()
        #: What ended the iterator.
        self.end: BaseException | None = None

    def __iter__(self) -> PrefetchIterator:
        return self

    def __next__(self) -> Any:
        # First: what comes before the end is there when the end is.
        end = self.end
        if self.items:
            return self.items.popleft()
        if end is None:
            raise NotReady
        self.end = StopIteration()
        raise end

    def has(self, many: int) -> bool:
        """Whether there are so many, or all that there ever will be; else the thread makes them."""
        if len(self.items) >= many or self.end is not None:
            return True
        self.most = many
        return False

    def start(self, job: Any) -> None:
        """Start the thread."""
        # As in the thread that made the call: `decimal`'s precision, NumPy's error state.
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(self._prefetch, job), name="bakusoku-items", daemon=True).start()

    def _prefetch(self, job: Any) -> None:
        while self.end is None and job.wanted():
            while self.end is None and len(self.items) < self.most:
                if self.lasting:
                    need, got = self.most - len(self.items), []
                    try:
                        got.extend(itertools.islice(self.iterator, need))
                        end = StopIteration() if len(got) < need else None
                    except BaseException as error:
                        end = error
                    # What was prefetched before an error stays.
                    self.items.extend(got)
                    self.end = end
                    job.came()
                    break
                try:
                    item = next(self.iterator)
                except BaseException as end:
                    self.end = end
                    break
                self.items.append(item)
                job.came()
                if not self.lasting and type(item) not in UNCHANGING:
                    break
        job.came()
