"""Items of an iterator that may take its time: a thread of its own asks it, and results do not wait for it."""

from __future__ import annotations

import contextvars
import itertools
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._call import Call

#: Iterators that have their items already.
PROMPT = frozenset(
    type(iter(items))
    for items in ([], (), range(0), range(1 << 70), {}, {}.values(), {}.items(), set(), "", b"", bytearray())
) | {itertools.count, itertools.repeat}


def bring_items(call: Call) -> None:
    """Start the thread."""
    # As in the thread that made the call: `decimal`'s precision, NumPy's error state.
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(_bring, call), name="bakusoku-items", daemon=True).start()


def _bring(call: Call) -> None:
    job = call.job
    while (most := job.wanted()) is not None:
        job.bring(call.next(most))
