"""Writes what belongs to a script: by its name where it has one, else by value.

A script is whatever runs as ``__main__``: a file, a notebook, the prompt. Its functions and classes are written as
pickle writes those of any module, by name; which names that are is noted, so that workers get what they stand for
(`_script_names`). A lambda or a closure is written by its code, and finds its globals where it is loaded.
"""

from __future__ import annotations

import builtins
import functools
import io
import pickle
import sys
import types
from collections import ChainMap
from collections.abc import Set
from typing import Any

import cloudpickle
from cloudpickle import cloudpickle as _cloudpickle

from ._script_namespace import SCRIPT, key_of, make_function, namespace, set_function
from ._value_pickling import shared_memory_of, table, with_buffers

#: The name of a global: its namespace, and its own. Without a namespace: a module that has to be loaded.
Name = tuple[Any, str]


def _reduce_code(code: types.CodeType) -> Any:
    # cloudpickle leaves out where code comes from, which tracebacks need.
    made, arguments = _cloudpickle._code_reduce(code)
    given = tuple(code.co_filename if type(part) is str and part == "<dynamic-code>" else part for part in arguments)
    return made, given


def _reduce_cached_property(value: functools.cached_property) -> Any:
    return _cached_property, (value.func, value.attrname)


def _cached_property(function: Any, name: str) -> functools.cached_property:
    made = functools.cached_property(function)
    made.attrname = name
    return made


def _reduce_new_type(value: Any) -> Any:
    import typing

    return typing.NewType, (value.__name__, value.__supertype__)


def _reduce_library(library: Any) -> Any:
    functions = {
        name: (function.argtypes, function.restype)
        for name, function in vars(library).items()
        if hasattr(function, "argtypes")
    }
    return _library, (type(library), library._name, functions)


def _library(kind: type, name: str, functions: dict[str, tuple]) -> Any:
    library = kind(name)
    for function, (arguments, result) in functions.items():
        found = getattr(library, function)
        found.argtypes, found.restype = arguments, result
    return library


def _dispatcher(implementations: dict[type, Any]) -> Any:
    made = functools.singledispatch(implementations[object])
    for kind, function in implementations.items():
        made.register(kind, function)
    return made


def is_dispatcher(function: types.FunctionType) -> bool:
    """Whether a function was made by `functools.singledispatch`, whose cache cannot be written."""
    held = function.__dict__
    return isinstance(held.get("registry"), types.MappingProxyType) and "_clear_cache" in held


def _set_state(value: Any, state: Any) -> None:
    """As pickle does it, without asking the object for `__setstate__`."""
    members, slots = state if isinstance(state, tuple) and len(state) == 2 else (state, None)
    value.__dict__.update(members or {})
    for name, part in (slots or {}).items():
        object.__setattr__(value, name, part)


def _asks_itself(kind: type) -> bool:
    """Whether objects answer for attributes that they do not have, as those that stand for another do.

    Pickle would ask one that is still empty.
    """
    return (
        hasattr(kind, "__getattr__")
        and not hasattr(kind, "__setstate__")
        and kind.__reduce_ex__ is object.__reduce_ex__
        and kind.__reduce__ is object.__reduce__
    )


_OURS = {types.CodeType: _reduce_code, functools.cached_property: _reduce_cached_property}


class Pickler(cloudpickle.Pickler):
    """Writes functions and classes of scripts by name, those without a name by value.

    Parameters
    ----------
    file, placed
        Where bytes and buffers go.
    names : set of Name
        Grows by the globals of scripts that what is written refers to.
    forked : bool
        Whether the reader is a fork of this process, with the same modules.
    whole : set of Name | None
        These globals, and what hangs on them, are written by value; None: no global is written.
    files : bool
        Whether open files may be read. A fork shares the place in a file with its owner.
    """

    def __init__(
        self,
        file: Any,
        placed: Any,
        names: set[Name] | None = None,
        forked: bool = False,
        whole: Set[Name] | None = None,
        files: bool = True,
    ) -> None:
        # It is looked up when a pickler is made.
        self.dispatch_table = ChainMap({}, _OURS, table(), cloudpickle.Pickler.dispatch_table)
        super().__init__(file, 5, buffer_callback=placed)
        self.names: set[Name] = set() if names is None else names
        self.forked = forked
        self.whole = whole
        self.files = files
        self.by_value: Set[Name] = whole or frozenset()
        self.namespaces: dict[Any, Namespace] = {}

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, types.FunctionType):
            name = name_of(value)
            if name is None or name in self.by_value:
                return self.function(value)
            self.names.add(name)
            return value.__qualname__
        kind = type(value)
        if issubclass(kind, type):
            return self.klass(value)
        if kind is functools._lru_cache_wrapper:
            name = name_of(value)
            if name is not None and name not in self.by_value:
                self.names.add(name)
                return value.__qualname__
            if getattr(value, "__module__", None) in (SCRIPT, None) or name is not None:
                return _cached, (value.__wrapped__, value.cache_parameters())
            return NotImplemented
        if self.whole is not None:
            numpy = sys.modules.get("numpy")
            if numpy is not None and isinstance(value, getattr(numpy, "ndarray", ())):
                shared = shared_memory_of(value)
                if shared is not None:
                    raise TypeError(
                        f"it is a writable view of {shared}, and workers would write into a copy of it; make it before"
                        " the pool, with `context='fork'`, or hand it to the pool's `initializer` with `initargs`"
                    )
            if kind.__name__ in ("Pool", "Executor") and kind.__module__.startswith("bakusoku.pool"):
                return _no_pool, ()
        ctypes = sys.modules.get("ctypes")
        if ctypes is not None and isinstance(value, getattr(ctypes, "CDLL", ())):
            return _reduce_library(value)
        if kind.__module__ == "typing" and kind.__name__ == "NewType" and value.__module__ == SCRIPT:
            return _reduce_new_type(value)
        if kind is io.TextIOWrapper and value not in (sys.stdout, sys.stderr):
            if not self.files or value.mode != "r":
                raise pickle.PicklingError(f"what is written to {value.name!r} would go into a copy of it")
        elif _asks_itself(kind):
            reduced = value.__reduce_ex__(5)
            if len(reduced) > 2 and reduced[2] is not None:
                return (*reduced, *(None,) * (5 - len(reduced)), _set_state)
        return NotImplemented

    def klass(self, value: type) -> Any:
        name = name_of(value)
        if name is not None and name not in self.by_value:
            self.names.add(name)
            return value.__qualname__
        reduced = cloudpickle.Pickler.reducer_override(self, value) if name is None else class_parts(value)
        return class_parts(value) if reduced is not NotImplemented and len(reduced) > 2 else reduced

    def function(self, function: types.FunctionType) -> Any:
        """By value, but for its globals."""
        if is_dispatcher(function):
            return _dispatcher, (dict(function.registry),)
        if function.__module__ != SCRIPT and _cloudpickle._should_pickle_by_reference(function):
            return NotImplemented
        key = key_of(function, self.forked)
        if key is None:
            return self._dynamic_function_reduce(function)
        if key == SCRIPT or type(key) is int:
            self.names |= names_of_code(function.__code__, key)
        where = self.namespaces.get(key)
        if where is None:
            where = self.namespaces[key] = Namespace(key)
        return make_function, (*function_skeleton(function, where),), function_state(function), None, None, set_function


class Namespace:
    """Stands for the globals of a function."""

    def __init__(self, key: Any) -> None:
        self.key = key

    def __reduce__(self) -> tuple:
        return namespace, (self.key,)


def function_skeleton(function: types.FunctionType, where: Any) -> tuple:
    cells = None if function.__closure__ is None else len(function.__closure__)
    return function.__code__, where, function.__name__, cells


def function_state(function: types.FunctionType) -> dict[str, Any]:
    state: dict[str, Any] = {
        name: getattr(function, name)
        for name in ("__qualname__", "__module__", "__doc__", "__defaults__", "__kwdefaults__")
    }
    if function.__dict__:
        state["__dict__"] = dict(function.__dict__)
    if sys.version_info < (3, 14) and function.__annotations__:
        state["__annotations__"] = function.__annotations__
    if function.__closure__ is not None:
        state["cells"] = [_contents(cell) for cell in function.__closure__]
    return state


class _Empty:
    def __reduce__(self) -> str:
        return "EMPTY"


EMPTY = _Empty()


def _contents(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not yet bound
        return EMPTY


def class_parts(value: type) -> Any:
    """As cloudpickle has a class, with its qualified name and its slots."""
    make, arguments, state, *rest = _cloudpickle._dynamic_class_reduce(value)
    # A cache, which comes to be when an object of the class is pickled.
    state[0].pop("__slotnames__", None)
    if make is _cloudpickle._make_skeleton_class:
        kind, name, bases, more, *others = arguments
        more = {**more, "__qualname__": value.__qualname__}
        if issubclass(value, tuple) and hasattr(value, "_fields"):
            # `typing.NamedTuple` would make another class of it.
            bases = value.__bases__
        if "__slots__" in value.__dict__:
            more["__slots__"] = value.__dict__["__slots__"]
            members = {k: v for k, v in state[0].items() if not isinstance(v, types.MemberDescriptorType)}
            members.pop("__slots__", None)
            state = members, *state[1:]
        arguments = kind, name, bases, more, *others
    return make, arguments, state, *rest


def _cached(function: Any, parameters: dict[str, Any]) -> Any:
    return functools.lru_cache(**parameters)(function)


class _NoPool:
    """In the place of a pool among the globals of a script."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _refuse


def _refuse(*_: Any, **__: Any) -> Any:
    raise RuntimeError("the owner's pool cannot be used in a task; make a pool there")


def _no_pool() -> _NoPool:
    return _NoPool()


def name_of(value: Any) -> Name | None:
    """Under which global of the script a function or class is found."""
    if getattr(value, "__module__", None) != SCRIPT:
        return None
    name = getattr(value, "__qualname__", None)
    if type(name) is not str:
        return None
    first, *rest = name.split(".")
    found = sys.modules[SCRIPT].__dict__.get(first)
    for part in rest:
        found = getattr(found, part, None)
    return (SCRIPT, first) if found is value else None


_names: dict[int, tuple[types.CodeType, tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {}
#: Functions that find globals by what a text says.
_BY_TEXT = frozenset(
    ("globals", "eval", "exec", "query", "timeit", "repeat", "Timer", "vars", "assign", "from_formula")
)


def names_of_code(code: types.CodeType, key: Any) -> set[Name]:
    """The globals that code refers to, in its function's namespace, and submodules that it reaches through them."""
    known = _names.get(id(code))
    if known is None or known[0] is not code:
        if len(_names) > 4000:
            _names.clear()
        known = _names[id(code)] = code, *_read(code)
    _, read, texts, attributes = known
    where = namespace(key)
    names = {(key, name) for name in read if name in where}
    for name in texts:
        if name in where and (key, name) not in names and not name.startswith("_"):
            names.add((key, name))
    for name in read:
        module = where.get(name)
        if isinstance(module, types.ModuleType) and attributes:
            names |= _submodules(module, attributes)
    return names


def _submodules(module: types.ModuleType, attributes: tuple[str, ...]) -> set[Name]:
    found: set[Name] = set()
    for attribute in attributes:
        name = f"{module.__name__}.{attribute}"
        if name in sys.modules:
            found.add((None, name))
            found |= _submodules(sys.modules[name], tuple(a for a in attributes if a != attribute))
    return found


def _read(code: types.CodeType) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    import dis
    import re

    read: dict[str, None] = {}
    attributes: dict[str, None] = {}
    texts: dict[str, None] = {}
    waiting = [code]
    while waiting:
        inner = waiting.pop()
        imports_script = SCRIPT in inner.co_names
        for instruction in dis.get_instructions(inner):
            if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME", "STORE_GLOBAL"):
                read[instruction.argval] = None
            elif instruction.opname in ("LOAD_ATTR", "LOAD_METHOD", "IMPORT_FROM"):
                attributes[instruction.argval] = None
                if imports_script:
                    # `from __main__ import name`, `__main__.name`.
                    read[instruction.argval] = None
        for constant in inner.co_consts:
            if isinstance(constant, types.CodeType):
                waiting.append(constant)
    if (read.keys() | attributes.keys()) & _BY_TEXT:
        waiting = [code]
        while waiting:
            for constant in waiting.pop().co_consts:
                if isinstance(constant, types.CodeType):
                    waiting.append(constant)
                elif type(constant) is str and len(constant) < 10_000:
                    texts.update(dict.fromkeys(re.findall(r"[^\W\d]\w*", constant)))
    return tuple(read), tuple(t for t in texts if not hasattr(builtins, t)), tuple(attributes)


def write(
    value: Any,
    placed: Any,
    names: set[Name] | None = None,
    forked: bool = False,
    whole: Set[Name] | None = None,
    files: bool = True,
) -> bytes:
    """The bytes of a value."""
    file = io.BytesIO()
    Pickler(file, placed, names, forked, whole, files).dump(with_buffers(value))
    return file.getvalue()
