"""What a function or an item is, as a few bytes: the same in another run, another when it would compute another thing.

A function counts by its code, its defaults, what it encloses, the globals and the settings of modules that it reads,
the user's own files that it imports, near and far, and the variables of the environment that it names. What belongs to
Python or to an installed distribution counts by name and version; an array, by its numbers; any other object, by what
pickle would keep of it. A path counts by its name, and not by what is in the file; a relative one, with the folder that
the process is in.
"""

from __future__ import annotations

import dis
import os
import re
import sys
import types
import warnings
from collections.abc import Iterable
from hashlib import blake2b
from typing import Any

from ._imports import READ_ENVIRONMENT, VARIABLE, absolute, files_of, imports_of, variables_of
from ._modules import is_installed

_ATOMS = frozenset((int, float, complex, bool, str, bytes, type(None), type(...)))
#: Of a class, what does not say what it does.
_DULL = {"__dict__", "__weakref__", "__module__", "__doc__", "__firstlineno__", "__static_attributes__"}


#: What looks like a relative path: with a folder, or with the end of a file's name.
_PATH = re.compile(r"(?!/|~|[a-z]+://)(.+/.*|.*[^.]\.[A-Za-z][A-Za-z0-9]{0,7})")
#: By whom the folder is read that the process is in.
_READ_FOLDER = {"getcwd", "getcwdb", "cwd", "abspath"}
#: By whom a module is imported that a text names, and what such a text looks like.
_IMPORT_BY_TEXT = {"import_module", "__import__", "run_module", "reload"}
_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
#: Variables that differ between two shells of one user, and mean nothing.
_VOLATILE = re.compile(
    r"_|PWD|OLDPWD|SHLVL|COLUMNS|LINES|WINDOWID|TERM.*|SSH_.*|XDG_SESSION_.*|XDG_RUNTIME_DIR|DBUS_.*|STY|TMUX.*|VSCODE_.*"
    r"|SLURM_JOB.*|SLURM_TASK.*|SLURM_STEP.*|PYTEST_CURRENT_TEST|JPY_.*|GIT_.*"
)


def fingerprint(*values: Any) -> bytes:
    """32 bytes that stand for these values; TypeError where that cannot be."""
    return _Prints().of(values)


#: Types of what is no data: locks, files, connections.
_TOOLS = ("_thread.", "threading.", "_io.", "multiprocessing.", "socket.", "sqlite3.", "concurrent.", "asyncio.")
_warned: set[str] = set()


class Fingerprint:
    """32 bytes that stand for some values; TypeError where that cannot be.

    Attributes
    ----------
    bytes : bytes
        They.
    relative : bool
        Whether the values hold a relative path: then the folder that the process is in counts too.
    names : list of str
        Texts that may be names of files beside, if there are such files.
    """

    def __init__(self, *values: Any) -> None:
        prints = _Prints()
        self.bytes = prints.of(values)
        self.relative, self.names = prints.relative, prints.names


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
        self.relative = False
        self.names: list[str] = []

    def of(self, value: Any) -> bytes:
        kind = type(value)
        if kind in _ATOMS:
            if kind is str:
                self.text(value)
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
                for part in value:
                    if type(part) is str:
                        self.text(part)
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
        if isinstance(value, os.PathLike) and not os.path.isabs(os.fspath(value)):
            self.relative = True
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
        what = function.__code__, function.__defaults__, function.__kwdefaults__, function.__closure__
        parts = [self.all("function", what), *(self.setting(name, value) for name, value in read)]
        return _hash("function", [*parts, *self.around(function, [value for _, value in read])])

    def around(self, function: types.FunctionType, read: list) -> list[bytes]:
        """What a function imports, what it reads of modules, and of the environment."""
        parts: list[bytes] = []
        package = function.__globals__.get("__package__") or ""
        imported: list[str] = []
        for one in imports_of(function.__code__):
            imported += absolute(one, package)
        imported += _named_modules(function.__code__)
        if imported:
            parts += self.files(imported)
        cells = [cell.cell_contents for cell in function.__closure__ or () if _is_bound(cell)]
        loaded = [sys.modules[name] for name in dict.fromkeys(imported) if name in sys.modules]
        modules = [value for value in (*read, *cells, *loaded) if isinstance(value, types.ModuleType)]
        names = set(_names(function.__code__))
        seen: set[int] = set()
        while modules:
            module = modules.pop()
            if id(module) in seen or _is_given(module) or module.__name__ == "__main__":
                continue
            seen.add(id(module))
            space = vars(module)
            for name in sorted(names & space.keys()):
                value = space[name]
                if isinstance(value, types.ModuleType):
                    parts.append(self.of(value))
                    modules.append(value)
                else:
                    parts.append(self.setting(name, value))
        if names & _READ_FOLDER:
            self.relative = True
        if names & READ_ENVIRONMENT:
            texts = {t for t in _texts(function.__code__) if VARIABLE.fullmatch(t)}
            texts |= {v for v in (*read, *cells, *(function.__defaults__ or ())) if type(v) is str}
            if not texts:
                texts = {name for name in os.environ if not _VOLATILE.fullmatch(name)}
            parts += _variables(texts)
        return parts

    def setting(self, name: str, value: Any) -> bytes:
        """A global. Of what cannot be taken apart only its type counts, and a warning says so."""
        try:
            return _hash("global", (name.encode(), self.of(value)))
        except Exception as error:  # whatever the user's objects raise when they are taken apart
            kind = f"{type(value).__module__}.{type(value).__qualname__}"
            if not kind.startswith(_TOOLS) and kind not in _warned:
                _warned.add(kind)
                warnings.warn(
                    f"`resume` cannot see what is in `{name}` ({type(error).__name__}: {error}): when it changes,"
                    " results that were computed with it before are taken all the same",
                    UserWarning,
                    stacklevel=2,
                )
            return _hash("global", (name.encode(), kind.encode()))

    def files(self, modules: list[str]) -> list[bytes]:
        """The user's files that these modules are made of, and the variables that these read."""
        parts: list[bytes] = []
        for name, file in sorted(files_of(modules).items()):
            try:
                with open(file, "rb") as source:
                    parts.append(_hash("file", (name.encode(), source.read())))
            except OSError:
                parts.append(_hash("file", (name.encode(),)))
            parts += _variables(set(variables_of(file)))
        return parts

    def text(self, text: str) -> None:
        """Take note of what may be a relative path."""
        if self.relative or not text or len(text) > 4096 or "\n" in text or "\0" in text:
            return
        if _PATH.fullmatch(text):
            self.relative = True
        elif len(text) < 256 and "/" not in text and len(self.names) < 1000:
            self.names.append(text)

    def code(self, code: types.CodeType) -> bytes:
        # Not its name, file and lines: it may be moved about.
        counts = code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags
        names = code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars
        relative, known = self.relative, len(self.names)
        found = self.all("code", (code.co_code, code.co_consts, *counts, *names))
        # Names are no paths, nor are sentences.
        self.relative = relative
        del self.names[known:]
        modules = _named_modules(code)
        for text in _texts(code):
            if not any(map(str.isspace, text)) and text not in modules:
                self.text(text)
        return found

    def module(self, module: types.ModuleType) -> bytes:
        name = module.__name__
        if _is_given(module):
            top = sys.modules.get(name.partition(".")[0])
            return _hash("module", (name.encode(), str(getattr(top, "__version__", sys.version_info[:2])).encode()))
        return _hash("module", (name.encode(), *self.files([name])))

    def type(self, kind: type) -> bytes:
        module = sys.modules.get(kind.__module__)
        if module is None or _is_given(module):
            print_ = b"" if module is None else self.module(module)
            return _hash("type", (print_, f"{kind.__module__}.{kind.__qualname__}".encode()))
        members = [(name, value) for name, value in vars(kind).items() if name not in _DULL and not _is_slot(value)]
        return self.all("class", (kind.__qualname__, kind.__bases__, sorted(members, key=lambda member: member[0])))


def _named_modules(code: types.CodeType) -> list[str]:
    """The user's own modules that code imports by a text that stands in it."""
    if not _IMPORT_BY_TEXT & set(_names(code)):
        return []
    return [text for text in _texts(code) if _MODULE.fullmatch(text) and files_of([text])]


def _is_given(module: types.ModuleType) -> bool:
    """Whether a module is none of the user's own."""
    return module.__name__.partition(".")[0] == "bakusoku" or is_installed(module)


def _is_bound(cell: types.CellType) -> bool:
    try:
        return bool(cell.cell_contents) or True
    except ValueError:
        return False


def _variables(names: set[str]) -> list[bytes]:
    """Variables of the environment as they are now."""
    told = [(name, os.environ.get(name)) for name in sorted(names)]
    return [_hash("variable", (n.encode(), v.encode("utf-8", "surrogateescape"))) for n, v in told if v is not None]


def _is_slot(value: Any) -> bool:
    return isinstance(value, (types.GetSetDescriptorType, types.MemberDescriptorType))


def _globals(code: types.CodeType) -> set[str]:
    """Globals that code reads, and the functions inside of it."""
    names = {i.argval for i in dis.get_instructions(code) if i.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            names |= _globals(inner)
    return names


def _names(code: types.CodeType) -> Iterable[str]:
    """All names that code and the functions inside of it use, attributes included."""
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            yield from _names(inner)


def _texts(code: types.CodeType) -> Iterable[str]:
    """Texts that stand in code."""
    for constant in code.co_consts:
        if isinstance(constant, str):
            yield constant
        elif isinstance(constant, types.CodeType):
            yield from _texts(constant)
