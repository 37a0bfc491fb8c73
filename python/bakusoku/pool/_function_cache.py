"""Descriptions of functions for workers, kept from one call to the next.

A description is what a worker needs of a function: its name, or its code; the globals of the script that it refers to
and that the worker does not have; and what was changed in modules of the user's. A function that has a name is loaded
once by each worker, and so is one that travels by value, unless it carries something that a task can change: then every
message gets it as it was.
"""

from __future__ import annotations

import pickle
import sys
import types
import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

from .. import _core
from ._globals import Change, Global, changes, read_by
from ._pickle import AFRESH, GLOBALS, ONCE, PLAIN, Placed, by_value
from ._pickling_errors import explain_pickling_error
from ._process import spawning
from ._script_names import describe, is_fixed, needed
from ._script_namespace import key_of
from ._script_pickler import Name, name_of
from ._value_pickling import plain

#: Functions by value that are kept.
_MOST = 64


class Described(NamedTuple):
    """A function for workers, and the globals of the script that they have with it."""

    function: _core.Function
    names: frozenset[Name]


class _Known:
    """What is kept of a function."""

    __slots__ = ("body", "changed", "described", "kind", "names", "needs", "read")

    def __init__(self, kind: bytes, body: bytes, names: set[Name], read: list[Global]) -> None:
        self.kind, self.body, self.names, self.read = kind, body, names, read
        #: For which globals in which versions, and changes in modules, the description is.
        self.needs: Any = None
        self.changed: list[Change] = []
        self.described: Described | None = None


#: By identity: functions that have a name.
_named: dict[int, tuple[Any, _Known]] = {}
#: By identity of the code and kind of pool: the code, what the function carries, what is kept.
_values: OrderedDict[tuple[int, bool], tuple[types.CodeType, list, _Known]] = OrderedDict()


def function_of(function: Callable, callbacks: Any, names: frozenset[Name] = frozenset()) -> Described:
    """Describe a function for the workers of a pool, or give its description of before.

    `names`: globals of the script that its items refer to.
    """
    forked = callbacks.method == "fork"
    known, blocks = _known_of(function, forked)
    needs = needed(known.names | names, forked)
    told = {name: entry for name, entry in needs.items() if entry.version > (callbacks.known or 0) or not forked}
    versions = [(name, entry.version) for name, entry in told.items()], callbacks.method
    # A fork has what was changed before it; what was set by an initializer counts more.
    changed = changes(known.read, forked or callbacks.has_initializer) if known.read else []
    if known.described is not None and known.needs == versions and known.changed == changed:
        return known.described if names <= known.described.names else known.described._replace(names=frozenset(needs))
    placed = Placed(shared=True)
    placed.blocks += blocks
    with spawning():
        update = describe(told, placed, function)
    body = known.kind + known.body
    if update is not None or changed:
        body = GLOBALS + pickle.dumps((changed, update and tuple(update), len(blocks), body), 5)
    described = Described(_core.Function(body, placed.blocks), frozenset(needs) | names)
    if not blocks:
        known.needs, known.changed, known.described = versions, changed, described
    return described


def by_value_of(function: Callable, callbacks: Any, names: frozenset[Name]) -> Described:
    """Describe a function by its code, and that of its module, for workers that cannot import it."""
    name = getattr(function, "__module__", None)
    module = sys.modules.get(name) if isinstance(name, str) and name != "__main__" else None
    from ._modules import is_installed

    if module is not None and is_installed(module):
        module = None
    placed = Placed(shared=True)
    try:
        body = AFRESH + by_value(function, placed, module, placed.names)
    except Exception as error:
        raise explain_pickling_error(function, error, "the function") from error
    count = len(placed.blocks)
    update = describe(needed(placed.names | names, False), placed, function)
    if update is not None:
        body = GLOBALS + pickle.dumps(([], tuple(update), count, body), 5)
    return Described(_core.Function(body, placed.blocks), frozenset(placed.names | names))


def _known_of(function: Callable, forked: bool) -> tuple[_Known, list]:
    """What is kept of a function, and its buffers."""
    kept = _named.get(id(function))
    if kept is not None and kept[0]() is function:
        script = name_of(function) if kept[1].names else True
        if script and (kept[1].names or _is_importable(function)):
            return kept[1], []
    if isinstance(function, PLAIN):
        name = name_of(function)
        if name is not None or _is_importable(function):
            known = _Known(ONCE, pickle.dumps(function, 5), set() if name is None else {name}, read_by(function))
            key = id(function)
            _named[key] = weakref.ref(function, lambda _: _named.pop(key, None)), known
            return known, []
    carried = _carried_by(function, forked) if type(function) is types.FunctionType else None
    if carried is not None:
        code = id(function.__code__), forked
        found = _values.get(code)
        if found is not None and found[0] is function.__code__ and _all_same(found[1], carried):
            return found[2], []
    placed = Placed(shared=True)
    names: set[Name] = set()
    try:
        body = None
        try:
            body = plain(function, placed)
        except Exception:  # the second attempt shows it
            pass
        if body is None or b"__main__" in body:
            del placed.blocks[:]
            body = by_value(function, placed, None, names, forked)
    except Exception as error:
        raise explain_pickling_error(function, error, "the function") from error
    once = carried is not None and not placed.blocks
    known = _Known(ONCE if once else AFRESH, body, names, read_by(function))
    if once:
        _values[code] = function.__code__, carried, known
        if len(_values) > _MOST:
            _values.popitem(last=False)
    return known, placed.blocks


def _is_importable(function: Any) -> bool:
    """Whether a module other than ``__main__`` gives the function out under its name."""
    module = getattr(function, "__module__", None)
    if module is None or module == "__main__":
        return False
    found: Any = sys.modules.get(module)
    for part in getattr(function, "__qualname__", "").split("."):
        found = getattr(found, part, None)
    return found is function


def _carried_by(function: types.FunctionType, forked: bool) -> list | None:
    """What a function carries beside its code, where nobody can change that; else None."""
    if function.__dict__ or key_of(function, forked) is None or not is_fixed(function, 2):
        return None
    carried = [function.__name__, function.__qualname__, *(function.__defaults__ or ())]
    carried += (function.__kwdefaults__ or {}).values()
    return carried + [cell.cell_contents for cell in function.__closure__ or ()]


def _all_same(a: list, b: list) -> bool:
    return len(a) == len(b) and all(
        # 0.0 and -0.0 are equal.
        x is y
        or (type(x) is type(y) and type(x) in (int, float, complex, str, bytes, bool) and x == y and repr(x) == repr(y))
        for x, y in zip(a, b, strict=True)
    )
