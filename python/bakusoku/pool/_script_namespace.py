"""Where the globals of scripts live, and how a worker gets those that it does not have, or that have changed.

In a worker everything of the script is in the one namespace ``sys.modules["__main__"].__dict__``, for its whole life:
what an initializer or a task leaves there is seen by the next, and a class is the same that pickle finds under its
name. A worker that is a fork has it from its owner. Each global has a version, and an owner says with each function
which versions the function needs (`_script_names`); what a worker has set itself it keeps.
"""

from __future__ import annotations

import builtins
import importlib
import pickle
import sys
import types
from typing import Any, NamedTuple

#: The namespace of a script.
SCRIPT = "__main__"
#: What kinds of globals there are.
MODULE, FUNCTION, CLASS, DATA = "module", "function", "class", "data"

#: Other namespaces of scripts (by `exec`, `runpy`), by number.
_others: dict[int, dict[str, Any]] = {}


def key_of(function: types.FunctionType, forked: bool) -> Any:
    """In which namespace a function finds its globals: a number, a module's name; None where they travel with it."""
    where = function.__globals__
    name = where.get("__name__")
    if name == SCRIPT:
        if where is sys.modules[SCRIPT].__dict__:
            return SCRIPT
        for number, other in list(_others.items()):
            if other is where:
                return number
        number = 1 + max(_others, default=0)
        _others[number] = where
        return number
    if forked and type(name) is str and getattr(sys.modules.get(name), "__dict__", None) is where:
        return name
    return None


def namespace(key: Any) -> dict[str, Any]:
    """The globals of a namespace."""
    if key == SCRIPT:
        return sys.modules[SCRIPT].__dict__
    if type(key) is int:
        return _others.setdefault(key, {"__name__": SCRIPT, "__builtins__": builtins})
    return importlib.import_module(key).__dict__


def make_function(code: types.CodeType, where: dict[str, Any], name: str, cells: int | None) -> types.FunctionType:
    closure = None if cells is None else tuple(types.CellType() for _ in range(cells))
    return types.FunctionType(code, where, name, None, closure)


def set_function(function: types.FunctionType, state: dict[str, Any]) -> None:
    from ._script_pickler import EMPTY

    state = dict(state)
    for cell, value in zip(function.__closure__ or (), state.pop("cells", ()), strict=False):
        if value is not EMPTY:
            cell.cell_contents = value
    function.__dict__.update(state.pop("__dict__", {}))
    for name, value in state.items():
        setattr(function, name, value)


class Held(NamedTuple):
    """What a worker has been given under a name."""

    version: int
    value: Any
    #: What it was then, as bytes, where it may be changed in place.
    content: Any


#: In a worker: by namespace and name.
_held: dict[tuple[Any, str], Held] = {}
_MISSING = object()


def begin(inherited: dict[tuple[Any, str], Held] | None) -> None:
    """In a worker that begins: `inherited` is what it has as a fork; None: it is none, and has an empty script."""
    _held.clear()
    if inherited is None:
        main = types.ModuleType(SCRIPT)
        main.__builtins__ = builtins  # type: ignore[attr-defined]
        sys.modules[SCRIPT] = main
    else:
        _held.update(inherited)


class Update(NamedTuple):
    """Globals that a function needs."""

    #: Functions and classes, so far that they can be referred to: namespace, name, version, kind, bytes.
    skeletons: list[tuple[Any, str, int, str, bytes]]
    #: The rest of them: the same, and how many buffers it has.
    rests: list[tuple[Any, str, int, str, bytes, int]]
    #: Everything else, in the order of what is in the body: namespace, name, version.
    globals: list[tuple[Any, str, int]]
    body: bytes
    buffers: int


def apply(update: Update, buffers: list) -> None:
    """In a worker: set what it does not have, or has in another version, unless it has set that itself."""
    made: dict[tuple[Any, str], Any] = {}
    for key, name, version, kind, body in update.skeletons:
        if _is_wanted(key, name, version):
            parts = pickle.loads(body)
            value = make_function(parts[0], namespace(key), *parts[2:]) if kind == FUNCTION else parts[0](*parts[1])
            namespace(key)[name] = made[key, name] = value
    at = sum(rest[5] for rest in update.rests)
    wanted = [_is_wanted(*one) for one in update.globals]
    if any(wanted):
        values = pickle.loads(update.body, buffers=[loan.view() for loan in buffers[at : at + update.buffers]])
        for is_wanted, (key, name, version), value in zip(wanted, update.globals, values, strict=True):
            if not is_wanted:
                continue
            if key is not None:
                namespace(key)[name] = value
            from ._script_names import content_of

            _held[key, name] = Held(version, value, content_of((key, name), value))
    at = 0
    for key, name, version, kind, body, count in update.rests:
        value = made.get((key, name))
        if value is not None:
            rest = pickle.loads(body, buffers=[loan.view() for loan in buffers[at : at + count]])
            if kind == FUNCTION:
                set_function(value, rest)
            else:
                rest[0](value, rest[1])
            _held[key, name] = Held(version, value, None)
        at += count


def _is_wanted(key: Any, name: str, version: int) -> bool:
    held = _held.get((key, name))
    if held is not None and held.version >= version:
        return False
    if key is None:
        return True
    here = namespace(key).get(name, _MISSING)
    if here is _MISSING:
        return True
    if held is None:
        return False
    same = here is held.value
    if same and held.content is not None:
        from ._script_names import content_of

        same = content_of((key, name), here) == held.content
    if not same:
        # Set here, which is what counts.
        _held[key, name] = Held(version, _MISSING, None)
    return same
