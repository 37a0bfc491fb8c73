"""How functions, arguments and results are written as bytes, and what of them travels in shared memory.

The standard pickler writes what can be imported on the other side. What cannot (lambdas, closures, everything of
``__main__``, a notebook or the prompt) is written by value with cloudpickle. Buffers from 64 KiB on, such as NumPy
arrays at any depth, are left out of the bytes and copied once into shared memory (pickle protocol 5).
"""

from __future__ import annotations

import io
import pickle
import sys
from collections.abc import Callable, Set
from typing import Any

from .. import _core
from ._blame import blame

#: Buffers from this size on travel in shared memory.
LARGE = 64 << 10
#: Blocks in one message; further buffers stay in the bytes.
MOST_BLOCKS = 1000

#: In the place of `Placed`: buffers stay in the bytes.
INITIALIZER = None

#: The first byte of a function's description: whether it is loaded once, or afresh for every message; or that changed
#: globals stand before it.
ONCE, AFRESH, CHANGES = b"R", b"V", b"G"


class Placed:
    """Buffers of one message, copied into shared memory while it is written."""

    __slots__ = ("blocks", "known", "repeated", "shared")

    def __init__(self, shared: bool = False, repeated: Set[int] | None = None, known: dict | None = None) -> None:
        self.blocks: list = []
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


def dumps(value: Any, placed: Any, name: str = "") -> bytes:
    """Write arguments; by reference where the other side can import it, else by value."""
    count = 0 if placed is None else len(placed.blocks)
    try:
        body = pickle.dumps(value, 5, buffer_callback=placed)
        if b"__main__" not in body:
            return body
    except Exception:  # whatever a `__reduce__` may raise; the second attempt shows it
        pass
    if placed is not None:
        del placed.blocks[count:]
    try:
        return by_value(value, placed)
    except Exception as error:
        if not name:
            raise
        raise blame(value, error, name) from error


def by_value(value: Any, placed: Any, module: Any = None) -> bytes:
    """Write with cloudpickle; `module`: its functions and classes by value too."""
    import cloudpickle

    from ._code import Pickler

    file = io.BytesIO()
    if module is not None:
        cloudpickle.register_pickle_by_value(module)
    try:
        Pickler(file, 5, buffer_callback=placed).dump(value)
    finally:
        if module is not None:
            cloudpickle.unregister_pickle_by_value(module)
    return file.getvalue()


def encode_function(function: Callable, changed: list | None = None) -> _core.Function:
    """Describe a function for workers, and globals that were changed here."""
    placed = Placed(shared=True)
    try:
        body = pickle.dumps(function, 5, buffer_callback=placed)
        if b"__main__" not in body:
            # A plain function of a module is the same object every time; what carries data is loaded afresh, so that
            # no task sees what another one did to it.
            plain = not placed.blocks and isinstance(function, PLAIN)
            return _described((ONCE if plain else AFRESH) + body, placed, changed)
    except Exception:  # the second attempt shows it
        pass
    return encode_by_value(function, changed)


def _described(body: bytes, placed: Placed, changed: list | None) -> _core.Function:
    if changed:
        body = CHANGES + pickle.dumps((changed, body), 5)
    return _core.Function(body, placed.blocks)


#: Functions and classes that have a name.
PLAIN = (type(encode_function), type(len), type)


def encode_by_value(function: Callable, changed: list | None = None, once: bool = False) -> _core.Function:
    """Describe a function by its code and what the code refers to; `once`: no task can change any of that."""
    placed = Placed(shared=True)
    name = getattr(function, "__module__", None)
    module = sys.modules.get(name) if isinstance(name, str) and name != "__main__" else None
    try:
        # A module that the other side cannot import travels with the function.
        body = by_value(function, placed, module if module is not None and _is_local(module) else None)
    except Exception as error:
        raise blame(function, error, "the function") from error
    kind = ONCE if once and not placed.blocks else AFRESH
    return _described(kind + body, placed, changed)


def _is_local(module: Any) -> bool:
    """Whether a module is the user's own and not an installed one."""
    from ._modules import is_installed

    return not is_installed(module)
