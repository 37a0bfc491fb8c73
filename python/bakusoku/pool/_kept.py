"""Descriptions of functions, kept from one call to the next.

A function that a module gives out is the same every time. One that travels by value (a lambda, a closure, a function of
``__main__``) is another object every time it is made; it is described again unless its code is the same, and everything
that it could see is the same and cannot change.
"""

from __future__ import annotations

import dis
import sys
import types
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

from .. import _core
from ._globals import Change, Global, changes, is_users, read_by
from ._pickle import PLAIN, encode_by_value, encode_function

#: Functions by value that are kept.
_MOST = 64
_SCALARS = frozenset((int, float, complex, bool, str, bytes, type(None), range))
_MISSING = object()

#: By identity: the function, its description, the globals that it reads, and what was changed in them.
_references: dict[int, tuple[Any, _core.Function, list[Global], list[Change]]] = {}
#: By identity of the code: the code, what the function saw, then as above.
_values: OrderedDict[int, tuple[types.CodeType, list, _core.Function, list[Global], list[Change]]] = OrderedDict()


def function_of(function: Callable, quiet: bool = False) -> _core.Function:
    """Describe a function for workers, or give its description of before.

    `quiet`: no warning of globals that cannot be sent along.
    """
    known = _references.get(id(function))
    if known is not None and known[0]() is function:
        if not known[2] or changes(known[2], quiet) == known[3]:
            return known[1]
    elif type(function) is types.FunctionType and not _is_reference(function):
        return _by_value(function, quiet)
    read = read_by(function)
    changed = changes(read, quiet) if read else []
    described = encode_function(function, changed)
    if isinstance(function, PLAIN) and _is_reference(function):
        key = id(function)
        _references[key] = (weakref.ref(function, lambda _: _references.pop(key, None)), described, read, changed)
    return described


def _by_value(function: types.FunctionType, quiet: bool) -> _core.Function:
    code = function.__code__
    seen = _seen_by(function)
    known = _values.get(id(code))
    if seen is not None and known is not None and known[0] is code and _all_same(seen, known[1]):
        if not known[3] or changes(known[3], quiet) == known[4]:
            return known[2]
    read = read_by(function)
    changed = changes(read, quiet) if read else []
    described = encode_by_value(function, changed, once=seen is not None)
    if seen is not None:
        _values[id(code)] = code, seen, described, read, changed
        _values.move_to_end(id(code))
        if len(_values) > _MOST:
            _values.popitem(last=False)
    return described


def _is_reference(function: Any) -> bool:
    """Whether a module other than ``__main__`` gives the function out under its name."""
    module = getattr(function, "__module__", None)
    if module is None or module == "__main__":
        return False
    found: Any = sys.modules.get(module)
    for part in getattr(function, "__qualname__", "").split("."):
        found = getattr(found, part, None)
    return found is function


def _seen_by(function: types.FunctionType) -> list | None:
    """All that a function's value hangs on beside its code and its arguments; None where that may change unseen."""
    names, writes = _global_names(function.__code__)
    if writes or function.__dict__:
        return None
    seen = [function.__name__, function.__qualname__, *(function.__defaults__ or ())]
    seen += (function.__kwdefaults__ or {}).values()
    try:
        seen += [cell.cell_contents for cell in function.__closure__ or ()]
    except ValueError:  # not yet bound
        return None
    seen += [function.__globals__.get(name, _MISSING) for name in names]
    # What a function of a user's module names travels with it, by value.
    alone = function.__module__ == "__main__"
    return seen if all(_is_fixed(value, alone) for value in seen) else None


def _is_fixed(value: Any, users: bool) -> bool:
    kind = type(value)
    if kind in _SCALARS or kind is types.ModuleType or value is _MISSING:
        return True
    if kind is types.BuiltinFunctionType:
        return value.__self__ is None or type(value.__self__) is types.ModuleType
    return isinstance(value, PLAIN) and _is_reference(value) and (users or not is_users(value.__module__))


def _all_same(a: list, b: list) -> bool:
    return len(a) == len(b) and all(
        # 0.0 and -0.0 are equal.
        x is y or (type(x) is type(y) and type(x) in _SCALARS and x == y and (x or repr(x) == repr(y)))
        for x, y in zip(a, b, strict=True)
    )


_names: dict[int, tuple[types.CodeType, tuple[str, ...], bool]] = {}


def _global_names(code: types.CodeType) -> tuple[tuple[str, ...], bool]:
    """Names that a code and those inside of it read, and whether it writes what outlives a call."""
    known = _names.get(id(code))
    if known is not None:
        return known[1:]
    names: dict[str, None] = {}
    writes = False
    for inner in _all_codes(code):
        names.update(dict.fromkeys(inner.co_names))
        for instruction in dis.get_instructions(inner):
            kind, name = instruction.opname, instruction.argval
            if kind in ("STORE_GLOBAL", "DELETE_GLOBAL"):
                writes = True
            elif kind in ("STORE_DEREF", "DELETE_DEREF") and name in code.co_freevars:
                writes = True
    if len(_names) > 4 * _MOST:
        _names.clear()
    _names[id(code)] = code, tuple(names), writes
    return tuple(names), writes


def _all_codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _all_codes(constant)
