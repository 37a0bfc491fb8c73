"""What a function or an item is, as a few bytes: the same in another run, another when it would compute another thing.

A function counts by its code, its defaults, what it encloses, and the globals that it reads; what belongs to Python or
to an installed distribution, by name and version; an array, by its numbers; any other object, by what pickle would
keep of it. A path counts by its name, and not by what is in the file.
"""

from __future__ import annotations

import dis
import sys
import types
from collections.abc import Iterable
from hashlib import blake2b
from typing import Any

from ._modules import is_installed

_ATOMS = frozenset((int, float, complex, bool, str, bytes, type(None), type(...)))
#: Of a class, what does not say what it does.
_DULL = {"__dict__", "__weakref__", "__module__", "__doc__", "__firstlineno__", "__static_attributes__"}


def fingerprint(*values: Any) -> bytes:
    """32 bytes that stand for these values; TypeError where that cannot be."""
    return _Prints().of(values)


def _hash(kind: str, parts: Iterable[Any]) -> bytes:
    hasher = blake2b(kind.encode() + b"\0", digest_size=32)
    for part in parts:
        hasher.update(len(part).to_bytes(8, "little"))
        hasher.update(part)
    return hasher.digest()


class _Prints:
    def __init__(self) -> None:
        #: By identity: fingerprints, and the objects, so that none is made anew in an old place.
        self.known: dict[int, tuple[bytes, Any]] = {}
        #: What is being looked at, from the outside in.
        self.open: dict[int, int] = {}

    def of(self, value: Any) -> bytes:
        kind = type(value)
        if kind in _ATOMS:
            return _hash(kind.__name__, (repr(value).encode("utf-8", "surrogatepass"),))
        known = self.known.get(id(value))
        if known is not None:
            return known[0]
        if id(value) in self.open:
            return _hash("again", (str(len(self.open) - self.open[id(value)]).encode(),))
        self.open[id(value)] = len(self.open)
        try:
            found = self.look(kind, value)
        finally:
            del self.open[id(value)]
        self.known[id(value)] = found, value
        return found

    def all(self, kind: str, values: Iterable[Any]) -> bytes:
        return _hash(kind, [self.of(value) for value in values])

    def look(self, kind: type, value: Any) -> bytes:
        if kind in (list, tuple):
            if _ATOMS.issuperset(map(type, value)):
                return _hash(kind.__name__, (repr(value).encode("utf-8", "surrogatepass"),))
            return self.all(kind.__name__, value)
        if kind is dict:
            return self.all("dict", (part for pair in value.items() for part in pair))
        if kind in (set, frozenset):
            return _hash(kind.__name__, sorted(map(self.of, value)))
        if isinstance(value, types.FunctionType):
            return self.function(value)
        if isinstance(value, types.CodeType):
            return self.code(value)
        if isinstance(value, types.ModuleType):
            return self.module(value)
        if isinstance(value, type):
            return self.type(value)
        if isinstance(value, types.MethodType):
            return self.all("method", (value.__func__, value.__self__))
        if isinstance(value, (staticmethod, classmethod)):
            return self.all(kind.__name__, (value.__func__,))
        if isinstance(value, property):
            return self.all("property", (value.fget, value.fset, value.fdel))
        if isinstance(value, types.CellType):
            try:
                return self.all("cell", (value.cell_contents,))
            except ValueError:
                return _hash("cell", ())
        if isinstance(value, (bytearray, memoryview)):
            return _hash(kind.__name__, (bytes(value),))
        numpy = sys.modules.get("numpy")
        if numpy is not None and isinstance(value, numpy.ndarray) and not value.dtype.hasobject:
            contents = numpy.ascontiguousarray(value).view(numpy.ndarray)
            about = (kind.__qualname__, repr(value.dtype), value.shape)
            return _hash("array", (self.of(about), contents.reshape(-1).view(numpy.uint8).data))
        if isinstance(value, types.BuiltinFunctionType) and isinstance(value.__self__, (types.ModuleType, type(None))):
            return _hash("builtin", (f"{value.__module__}.{value.__qualname__}".encode(),))
        reduced = value.__reduce_ex__(4)
        if isinstance(reduced, str):
            return _hash("global", (f"{getattr(value, '__module__', '')}.{reduced}".encode(),))
        made, arguments, *rest = reduced
        parts = [made, arguments, *(list(r) if i in (1, 2) and r is not None else r for i, r in enumerate(rest))]
        return self.all("object", parts)

    def function(self, function: types.FunctionType) -> bytes:
        module = sys.modules.get(function.__module__ or "")
        if module is not None and "<locals>" not in function.__qualname__ and _is_given(module):
            return _hash("given", (self.module(module), function.__qualname__.encode()))
        names = sorted(_globals(function.__code__))
        read = [(name, function.__globals__[name]) for name in names if name in function.__globals__]
        what = function.__code__, function.__defaults__, function.__kwdefaults__, function.__closure__, read
        return self.all("function", what)

    def code(self, code: types.CodeType) -> bytes:
        # Not its name, file and lines: it may be moved about.
        counts = code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags
        names = code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars
        return self.all("code", (code.co_code, code.co_consts, *counts, *names))

    def module(self, module: types.ModuleType) -> bytes:
        name = module.__name__
        if _is_given(module):
            top = sys.modules.get(name.partition(".")[0])
            return _hash("module", (name.encode(), str(getattr(top, "__version__", sys.version_info[:2])).encode()))
        try:
            with open(module.__file__ or "", "rb") as file:
                return _hash("module", (name.encode(), file.read()))
        except (OSError, AttributeError):
            return _hash("module", (name.encode(),))

    def type(self, kind: type) -> bytes:
        module = sys.modules.get(kind.__module__)
        if module is None or _is_given(module):
            print_ = b"" if module is None else self.module(module)
            return _hash("type", (print_, f"{kind.__module__}.{kind.__qualname__}".encode()))
        members = [(name, value) for name, value in vars(kind).items() if name not in _DULL and not _is_slot(value)]
        return self.all("class", (kind.__qualname__, kind.__bases__, sorted(members, key=lambda member: member[0])))


def _is_given(module: types.ModuleType) -> bool:
    """Whether a module is none of the user's own."""
    return module.__name__.partition(".")[0] == "bakusoku" or is_installed(module)


def _is_slot(value: Any) -> bool:
    return isinstance(value, (types.GetSetDescriptorType, types.MemberDescriptorType))


def _globals(code: types.CodeType) -> set[str]:
    """Globals that code reads, and the functions inside of it."""
    names = {i.argval for i in dis.get_instructions(code) if i.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            names |= _globals(inner)
    return names
