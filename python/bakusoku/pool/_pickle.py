"""How functions, arguments and results are written as bytes, and what of them travels in shared memory.

The standard pickler writes what can be imported on the other side. What cannot (lambdas, closures, everything of
``__main__``, a notebook or the prompt) is written by value with cloudpickle. Buffers from 64 KiB on, such as NumPy
arrays at any depth, are left out of the bytes and copied once into shared memory (pickle protocol 5).
"""

from __future__ import annotations

import pickle
from collections.abc import Set
from typing import Any

from .. import _core
from ._pickling_errors import explain_pickling_error
from ._value_pickling import LARGE, plain

#: Blocks in one message; further buffers stay in the bytes.
MOST_BLOCKS = 1000

#: The first byte of a function's description: whether it is loaded once, or afresh for every message; or that globals
#: stand before it.
ONCE, AFRESH, GLOBALS = b"R", b"V", b"G"


class Placed:
    """Buffers of one message, copied into shared memory while it is written."""

    __slots__ = ("blocks", "known", "names", "repeated", "shared")

    def __init__(self, shared: bool = False, repeated: Set[int] | None = None, known: dict | None = None) -> None:
        self.blocks: list = []
        #: Globals of the script that the message refers to.
        self.names: set = set()
        self.shared = shared
        self.repeated = repeated
        self.known = known

    def __call__(self, buffer: pickle.PickleBuffer) -> bool:
        """Take a buffer, or leave it (True) in the bytes."""
        raw = buffer.raw()
        if raw.nbytes < LARGE or len(self.blocks) >= MOST_BLOCKS:
            return True
        if not self.repeated or id(raw.obj) not in self.repeated or self.known is None:
            self.blocks.append(_core.place(raw, self.shared))
            return False
        # An array that several items of a call hold is placed once, and each task sees a copy on write.
        block = self.known.get(id(raw.obj))
        if block is None:
            block = self.known[id(raw.obj)] = _core.place(raw, True)
        self.blocks.append(block)
        return False


_PRIMITIVE = (int, float, complex, str, bytes, bool, type(None))


def repeated_arrays(items: list) -> set[int]:
    """Arrays (by identity) that several of these items hold; the items must outlive the use of it."""
    count: dict[int, int] = {}
    objects: dict[int, Any] = {}
    for item in items:
        inner = item.values() if isinstance(item, dict) else item if isinstance(item, (tuple, list)) else ()
        for part in {id(p): p for p in (item, *inner) if not isinstance(p, _PRIMITIVE)}.values():
            count[id(part)] = count.get(id(part), 0) + 1
            objects[id(part)] = part
    found: set[int] = set()
    for key, times in count.items():
        if times > 1:
            _collect(objects[key], found, 3)
    return found


def _collect(value: Any, found: set[int], depth: int) -> None:
    if hasattr(value, "__array_interface__"):
        found.add(id(value))
    elif depth and isinstance(value, (tuple, list)):
        for part in value[:1000]:
            _collect(part, found, depth - 1)
    elif depth:
        held = value if isinstance(value, dict) else getattr(value, "__dict__", {})
        for part in list(held.values())[:1000]:
            _collect(part, found, depth - 1)


def dumps(value: Any, placed: Any, name: str = "", names: set | None = None) -> bytes:
    """Write arguments; by reference where the other side can import it, or has it in its `__main__`, else by value.

    `names` of the script that they refer to are added to those of `placed`.
    """
    count = 0 if placed is None else len(placed.blocks)
    try:
        body = plain(value, placed)
        if b"__main__" not in body:
            return body
    except Exception:  # whatever a `__reduce__` may raise; the second attempt shows it
        pass
    if placed is not None:
        del placed.blocks[count:]
    try:
        from ._script_pickler import write

        return write(value, placed, placed.names if names is None and placed is not None else names)
    except Exception as error:
        if not name:
            raise
        raise explain_pickling_error(value, error, name) from error


def by_value(value: Any, placed: Any, module: Any = None, names: set | None = None, forked: bool = False) -> bytes:
    """Write with cloudpickle; `module`: its functions and classes by value too."""
    import cloudpickle

    from ._script_pickler import write

    if module is not None:
        cloudpickle.register_pickle_by_value(module)
    try:
        return write(value, placed, names, forked)
    finally:
        if module is not None:
            cloudpickle.unregister_pickle_by_value(module)


#: Functions and classes that have a name.
PLAIN = (type(repeated_arrays), type(len), type)
