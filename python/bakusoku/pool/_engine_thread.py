"""The engine's own thread, when Python code runs in it: callbacks, handlers of log records, items' `__reduce__`.

`threading` knows of a thread that it has not started as soon as somebody in it asks who it is (every log record does),
and counts it from then on: `threading.active_count()` would say for ever that the script has a thread.
"""

from __future__ import annotations

import threading
from typing import Any


class no_dummy_thread:  # noqa: N801  a context manager, named as those of `contextlib` are
    """What runs within leaves no thread in `threading` that was not there before."""

    __slots__ = ("new",)

    def __enter__(self) -> None:
        self.new = threading.get_ident() not in threading._active

    def __exit__(self, *_: Any) -> None:
        number = threading.get_ident()
        if self.new and type(threading._active.get(number)) is threading._DummyThread:
            with threading._active_limbo_lock:
                threading._active.pop(number, None)
