"""Which globals of the script a function needs, and which versions of them.

An owner numbers the states in which it has seen each global. A worker that is a fork has all of them as they were then;
what a function needs beyond that goes along with its description, once. A global counts as changed when it is bound
to something else, or when what pickle writes of it differs.
"""

from __future__ import annotations

import itertools
import math
import sys
import types
import weakref
from collections.abc import Iterable
from typing import Any, NamedTuple

from ._pickling_errors import explain_pickling_error
from ._process import spawning
from ._script_namespace import CLASS, DATA, FUNCTION, MODULE, SCRIPT, Held, Update, namespace
from ._script_pickler import (
    Name,
    class_parts,
    function_skeleton,
    function_state,
    is_dispatcher,
    name_of,
    names_of_code,
    write,
)

_SCALARS = frozenset((int, float, complex, bool, str, bytes, type(None), range, type(...), type(NotImplemented)))
_CONTAINERS = (list, dict, set, tuple, frozenset, bytearray)
_MISSING = object()
#: Before a fork, what of a container is compared later: of so many objects.
_FEW = 200
_versions = itertools.count(1)


class Looked(NamedTuple):
    """What a global is: what is written of it, which others it refers to, why it cannot be written, its size."""

    content: Any
    names: set[Name]
    error: Exception | None
    large: bool = False


class Entry:
    """A state of a global."""

    __slots__ = ("content", "error", "fixed", "kind", "large", "members", "names", "reference", "version")

    def __init__(self, value: Any) -> None:
        self.version = next(_versions)
        self.kind = _kind(value)
        self.fixed = is_fixed(value)
        self.members = _members(value) if self.kind == CLASS else None
        #: What was written of it, the globals that it refers to, and why it cannot be written; None: not yet tried.
        self.content: Any = None
        self.names: set[Name] | None = None
        self.error: Exception | None = None
        #: Whether it would take long to find out that it was changed in place.
        self.large = False
        self.hold(value)

    def take(self, looked: Looked) -> None:
        self.content, self.names, self.error, self.large = looked

    def hold(self, value: Any) -> None:
        try:
            self.reference: Any = weakref.ref(value)
        except TypeError:
            self.reference = lambda: value

    def is_of(self, value: Any) -> bool:
        return self.reference() is value


def _kind(value: Any) -> str:
    if isinstance(value, types.ModuleType):
        return MODULE
    if isinstance(value, types.FunctionType) and name_of(value) is not None:
        return DATA if is_dispatcher(value) else FUNCTION
    if isinstance(value, type) and name_of(value) is not None:
        return CLASS
    return DATA


_entries: dict[Name, Entry] = {}
#: Pools whose workers are forks; while there are none, nothing is held for them.
_forking: weakref.WeakSet = weakref.WeakSet()


def before_fork(callbacks: Any) -> None:
    """Note what a fork has from now on."""
    main = sys.modules[SCRIPT].__dict__
    for name, value in list(main.items()):
        if name.startswith("__"):
            continue
        entry = _entries.get((SCRIPT, name))
        if entry is None or not entry.is_of(value):
            entry = _entries[SCRIPT, name] = Entry(value)
        if type(value) in _CONTAINERS and _is_few(value):
            looked = _look((SCRIPT, name), value, DATA, True)
            if entry.content is not None and looked.content != entry.content:
                entry.version = next(_versions)
            entry.take(looked)
        elif entry.kind == CLASS:
            # By which a change of it finds it in the fork.
            from cloudpickle.cloudpickle import _get_or_create_tracker_id

            _get_or_create_tracker_id(value)
            if not entry.fixed and entry.content is None:
                entry.take(_look((SCRIPT, name), value, CLASS, True))
    for key in [key for key in _entries if key[0] == SCRIPT and key[1] not in main]:
        del _entries[key]
    if callbacks.known is None:
        callbacks.known = next(_versions)
        _forking.add(callbacks)
        weakref.finalize(callbacks, release).atexit = False


def inherited() -> dict[Name, Held]:
    """In a fork of the owner: what it has."""
    held = {}
    for name, entry in _entries.items():
        value = entry.reference()
        if value is not None or not isinstance(entry.reference, weakref.ref):
            held[name] = Held(entry.version, value, None if entry.fixed or entry.kind != DATA else entry.content)
    return held


def release() -> None:
    """When a pool is gone: containers are not kept for it any more."""
    if not list(_forking):
        for key, entry in list(_entries.items()):
            if not isinstance(entry.reference, weakref.ref):
                del _entries[key]


def _is_few(value: Any) -> bool:
    """Whether a container holds few things, and none of a kind whose writing may take long, or do anything."""
    waiting, count = [value], 0
    while waiting:
        part = waiting.pop()
        count += 1
        if count > _FEW:
            return False
        if type(part) is dict:
            if len(part) > _FEW:
                return False
            waiting += [*part.keys(), *part.values()]
        elif type(part) in _CONTAINERS:
            if len(part) > _FEW:
                return False
            waiting += part
        elif type(part) in (str, bytes):
            if len(part) > 1000:
                return False
        elif type(part) not in _SCALARS:
            return False
    return True


def _refresh(name: Name, forked: bool) -> Entry | None:
    """The state of a global now."""
    key, own = name
    if key is None:
        entry = _entries.get(name)
        if entry is None:
            entry = _entries[name] = Entry(sys.modules.get(own))
            entry.names = set()
        return entry
    value = namespace(key).get(own, _MISSING)
    if value is _MISSING:
        _entries.pop(name, None)
        return None
    entry = _entries.get(name)
    same = entry is not None and entry.is_of(value)
    if entry is not None and same:
        if entry.fixed or (entry.members is not None and _same_members(entry, value)):
            if entry.names is None:
                entry.take(_look(name, value, entry.kind, forked))
            return entry
        if forked and entry.large:
            # As in `multiprocessing`, it is what it was at the fork.
            return entry
    looked = _look(name, value, _kind(value), forked)
    if entry is not None and entry.kind == _kind(value):
        # What cannot be written is what it was while it is the same object.
        unknown = same and (entry.content is None or looked.error is not None or looked.large or entry.large)
        if unknown or (looked.error is None and looked.content is not None and looked.content == entry.content):
            entry.take(looked)
            entry.hold(value)
            entry.fixed = is_fixed(value)
            return entry
    entry = _entries[name] = Entry(value)
    entry.take(looked)
    return entry


class Hashed:
    """Takes buffers, and keeps of each what tells it from others."""

    def __init__(self, most: float = math.inf) -> None:
        self.seen: list = []
        #: Bytes that are looked at.
        self.left = most

    def __call__(self, buffer: Any) -> bool:
        raw = buffer.raw()
        self.left -= len(raw)
        if self.left >= 0:
            self.seen.append(checksum(raw))
        return False


#: Of what is larger, a fork has what it was at the fork, as in `multiprocessing`.
_LARGE = 1 << 20
#: From this size on numbers are summed, and not hashed.
_LONG = 4 << 20
_ROW = 4096


def checksum(data: memoryview) -> tuple[int, int]:
    """What tells the numbers of an array from others; as fast as memory is read."""
    import zlib

    numpy = sys.modules.get("numpy")
    if numpy is None or len(data) < _LONG:
        return len(data), zlib.crc32(data)
    whole = len(data) // (8 * _ROW) * _ROW
    words = numpy.frombuffer(data, numpy.uint64, whole).reshape(-1, _ROW)
    # Each number counts by its row and by its column, so that numbers in another order differ, too.
    weights = numpy.arange(1, max(words.shape) + 1, dtype=numpy.uint64) * numpy.uint64(0x9E3779B97F4A7C15)
    rows = int((words.sum(1) * weights[: len(words)]).sum())
    columns = int((words.sum(0) * (weights[:_ROW] | numpy.uint64(1))).sum())
    return len(data), hash((rows, columns, zlib.crc32(data[8 * whole :])))


def content_of(name: Name, value: Any) -> Any:
    """What is written of a value that may be changed in place; None where that is nothing to compare."""
    if is_fixed(value):
        return None
    hashed = Hashed()
    try:
        body = write(value, hashed, set(), False, {name})
    except Exception:  # whatever a `__reduce__` may raise
        return None
    return body, tuple(hashed.seen)


def _look(name: Name, value: Any, kind: str, forked: bool) -> Looked:
    """What a global is now; `forked`: of large ones only what they refer to."""
    names: set[Name] = set()
    hashed = Hashed(_LARGE if forked else math.inf)
    try:
        if kind == MODULE:
            return Looked(value.__name__, names, None)
        if type(value) in _SCALARS:
            return Looked((type(value), repr(value)), names, None)
        if kind == FUNCTION and not value.__closure__ and not value.__dict__ and is_fixed(value):
            if _SCALARS.issuperset(map(type, value.__defaults__ or ())) and not value.__kwdefaults__:
                # Code is equal where its text is.
                return Looked(
                    (value.__qualname__, value.__code__, repr(value.__defaults__), value.__doc__), names, None
                )
        parts = (value,) if kind == DATA else _parts(name, value, kind)
        bodies = tuple(write(part, hashed, names, False, {name}, not forked) for part in parts)
        large = forked and (hashed.left < 0 or sum(map(len, bodies)) > _LARGE)
        return Looked(None if large else (*bodies, tuple(hashed.seen)), names, None, large)
    except Exception as error:  # whatever a `__reduce__` may raise
        if not forked and isinstance(error, RuntimeError) and _is_shared(value):
            return Looked(None, names, None)
        return Looked(None, names, error)


def _is_shared(value: Any) -> bool:
    """Whether a value goes to workers as `multiprocessing` hands locks, queues and arrays to its processes.

    They are the same while the object is: what they hold is shared.
    """
    with spawning():
        try:
            write(value, Hashed(), set(), False, set())
        except Exception:  # as above
            return False
    return True


def _parts(name: Name, value: Any, kind: str) -> tuple[Any, Any]:
    """What a function or class is made of: first what it can be referred to by, then the rest."""
    if kind == FUNCTION:
        return function_skeleton(value, None), function_state(value)
    make, arguments, state, _, _, set_state = class_parts(value)
    return (make, arguments), (set_state, state)


def needed(names: Iterable[Name], forked: bool) -> dict[Name, Entry]:
    """These globals and those that they refer to."""
    found: dict[Name, Entry] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        entry = _refresh(name, forked)
        if entry is not None:
            found[name] = entry
            names_ = entry.names
            if entry.kind == FUNCTION:
                value = entry.reference()
                if value is not None:
                    names_ = (names_ or set()) | names_of_code(value.__code__, name[0])
            waiting += names_ or ()
    return found


def describe(entries: dict[Name, Entry], placed: Any, function: Any) -> Update | None:
    """What a worker has to be told of these globals."""
    if not entries:
        return None
    skeletons: list = []
    done: set[Name] = set()

    def skeleton(name: Name) -> None:
        entry = entries.get(name)
        if entry is None or name in done or entry.kind not in (FUNCTION, CLASS):
            return
        done.add(name)
        value = entry.reference()
        first, _ = _parts(name, value, entry.kind)
        refers: set[Name] = set()
        body = write(first, None, refers, False, {name})
        # A class needs its bases.
        for other in refers:
            skeleton(other)
        skeletons.append((*name, entry.version, entry.kind, body))

    rests, globals_, values = [], [], []
    for name, entry in entries.items():
        key, own = name
        value = entry.reference() if key is None else namespace(key).get(own)
        if entry.error is not None:
            raise _explained(own, value, entry.error, function) from entry.error
        skeleton(name)
        if entry.kind in (FUNCTION, CLASS):
            count = len(placed.blocks)
            body = write(_parts(name, value, entry.kind)[1], placed, set(), False, {name})
            rests.append((*name, entry.version, entry.kind, body, len(placed.blocks) - count))
        else:
            globals_.append((*name, entry.version))
            values.append(value)
    count = len(placed.blocks)
    body = write(values, placed, set(), False, {(key, own) for key, own, _ in globals_})
    return Update(skeletons, rests, globals_, body, len(placed.blocks) - count)


def _explained(name: str, value: Any, error: Exception, function: Any) -> Exception:
    if isinstance(function, types.FunctionType) and name in function.__code__.co_names:
        return explain_pickling_error(function, error, "the function", (name, value))
    return explain_pickling_error(value, error, f"the global `{name}`")


def is_fixed(value: Any, depth: int = 3) -> bool:
    """Whether nothing of a value can change without another one in its place."""
    kind = type(value)
    if kind in _SCALARS or kind is types.ModuleType or kind is types.BuiltinFunctionType:
        return True
    if kind in (tuple, frozenset):
        return depth > 0 and len(value) < 1000 and all(is_fixed(part, depth - 1) for part in value)
    if kind is types.FunctionType:
        if depth == 0:
            return False
        held = [*(value.__defaults__ or ()), *(value.__kwdefaults__ or {}).values(), *value.__dict__.values()]
        for cell in value.__closure__ or ():
            try:
                held.append(cell.cell_contents)
            except ValueError:  # not yet bound
                return False
        return all(is_fixed(part, depth - 1) for part in held)
    if isinstance(value, type):
        return value.__module__ != SCRIPT
    return False


def _members(value: type) -> dict[str, Any] | None:
    """Of a class, what cannot change in place; None where something can."""
    members = {}
    for name, member in value.__dict__.items():
        if name.startswith("__") and name.endswith("__"):
            if isinstance(member, types.FunctionType):
                members[name] = member
            continue
        plain = member.__func__ if isinstance(member, (staticmethod, classmethod)) else member
        fixed = isinstance(plain, (property, types.MemberDescriptorType, types.GetSetDescriptorType))
        if not fixed and not is_fixed(plain, 2) and not name.startswith("_"):
            return None
        members[name] = member
    return members


def _same_members(entry: Entry, value: type) -> bool:
    now = _members(value)
    before = entry.members
    return now is not None and now.keys() == before.keys() and all(v is before[k] for k, v in now.items())
