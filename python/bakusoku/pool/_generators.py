"""Random generators of the script that a function draws from: `numpy.random.Generator`, `RandomState`, `random.Random`.

Each worker has a copy of them in the same state, and so has each message that carries a function by value: all would
draw the same numbers. So they are found, as globals, in closures, arguments of a `partial`, and attributes, and begin
anew for each item.
"""

from __future__ import annotations

import functools
import itertools
import pickle
import random
import sys
import types
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from ._globals import is_users
from ._seed import Seeded

if TYPE_CHECKING:
    from numpy.random import SeedSequence

#: How far objects are looked into, and how many of them.
_DEPTH, _MOST = 3, 300
_SIMPLE = frozenset((int, float, complex, bool, str, bytes, type(None), range, types.BuiltinFunctionType))
#: What holds nothing that may be a generator later, its globals apart.
_SHALLOW = _SIMPLE | {types.FunctionType, types.ModuleType}


def is_generator(value: Any) -> bool:
    """Whether a value is a random generator that a script has made."""
    kind = type(value)
    if kind in _SIMPLE:
        return False
    numpy = sys.modules.get("numpy.random")
    if numpy is not None and isinstance(value, (numpy.Generator, numpy.RandomState)):
        # The one behind `numpy.random.rand` is seeded in each process.
        return value is not numpy.mtrand._rand
    return isinstance(value, random.Random) and value is not random._inst and not isinstance(value, random.SystemRandom)


def generators_of(function: Callable) -> list[Any]:
    """The generators that a function can reach, in an order that hangs on nothing but its code and its objects."""
    return list(_Search().of(function))


#: By function: the globals that were looked at, and what was found; where that cannot change unseen.
_known: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


def reached_by(function: Callable) -> list[Any]:
    """The same, quickly for who asks again and again."""
    if type(function) is types.BuiltinFunctionType and type(function.__self__) is types.ModuleType:
        return []
    plain = type(function) is types.FunctionType and function.__closure__ is None
    known = _known.get(function) if plain else None
    if known is not None and all(space.get(name, _known) is value for space, name, value in known[0]):
        return known[1]
    search = _Search()
    found = list(search.of(function))
    if plain and not search.deep:
        _known[function] = search.looked, found
    return found


_calls = itertools.count()


def with_own_numbers(function: Callable, sequence: SeedSequence | None) -> Callable:
    """The function, such that no two items draw the same numbers.

    With a seed all that it draws hangs on that. Without one only the script's generators need care: where they are
    now says what items draw, and which call of this process it is.
    """
    if sequence is not None:
        return Seeded(function, sequence)
    generators = reached_by(function)
    if not generators:
        return function
    from numpy.random import SeedSequence

    states = [g.getstate() if hasattr(g, "getstate") else pickle.dumps(g, 5) for g in generators]
    entropy = int.from_bytes(blake2b(repr(states).encode(), digest_size=16).digest(), "little")
    return Seeded(function, SeedSequence(entropy, spawn_key=(next(_calls),)), False)


class SharedGenerator:
    """Says once when several items hold the same generator: each of them gets a copy, and draws the same numbers."""

    said = False

    def __init__(self) -> None:
        self.held: dict[int, Any] = {}

    def look(self, items: Iterable[Any]) -> None:
        """Look at items that are about to be sent."""
        for item in items:
            kind = type(item)
            if kind in _SIMPLE:
                continue
            for value in (item, *itertools.islice(_parts(item), 20)):
                if type(value) not in _SIMPLE and is_generator(value):
                    if id(value) in self.held:
                        self.say()
                        return
                    if len(self.held) < 1000:
                        self.held[id(value)] = value

    def say(self) -> None:
        if not SharedGenerator.said:
            SharedGenerator.said = True
            warnings.warn(
                "several items hold the same random generator, which travels by value: each gets a copy of it, and"
                " draws the same numbers; give each its own (`rng.spawn(n)`), or draw from `bakusoku.default_rng()` and"
                " say `seed=`",
                UserWarning,
                stacklevel=2,
            )


def _parts(item: Any) -> Iterable[Any]:
    if type(item) in (tuple, list):
        return item
    held = item if type(item) is dict else getattr(item, "__dict__", None)
    return held.values() if type(held) is dict else ()


class _Search:
    def __init__(self) -> None:
        self.seen: dict[int, Any] = {}
        #: Globals that were looked at, and whether objects were, which may change unseen.
        self.looked: list[tuple[dict, str, Any]] = []
        self.deep = False

    def of(self, value: Any, depth: int = 0) -> Iterator[Any]:
        kind = type(value)
        if kind is types.BuiltinFunctionType:
            # `normal = rng.normal`
            value = value.__self__
            kind = type(value)
            if kind is types.ModuleType:
                return
        if kind in _SIMPLE or id(value) in self.seen or len(self.seen) >= _MOST:
            return
        self.seen[id(value)] = value
        self.deep = self.deep or kind not in _SHALLOW
        if is_generator(value):
            yield value
        elif isinstance(value, types.FunctionType):
            if is_users(value.__module__):
                yield from self.of_function(value, depth)
        elif isinstance(value, functools.partial):
            yield from self.of_all((value.func, *value.args, *value.keywords.values()), depth)
        elif isinstance(value, types.MethodType):
            yield from self.of_all((value.__self__, value.__func__), depth)
        elif isinstance(value, type):
            if is_users(value.__module__):
                yield from self.of_all(_held(value), depth)
        elif depth < _DEPTH:
            if kind in (list, tuple):
                yield from self.of_all(value[:100], depth + 1)
            elif kind is dict:
                yield from self.of_all(list(value.values())[:100], depth + 1)
            elif not isinstance(value, types.ModuleType):
                yield from self.of_object(value, depth)

    def of_all(self, values: Iterable[Any], depth: int) -> Iterator[Any]:
        for value in values:
            yield from self.of(value, depth)

    def of_function(self, function: types.FunctionType, depth: int) -> Iterator[Any]:
        names = names_of(function.__code__)
        space = function.__globals__
        found = self.globals(space, names)
        for cell in function.__closure__ or ():
            try:
                found.append(cell.cell_contents)
            except ValueError:  # not yet bound
                continue
        found += function.__defaults__ or ()
        found += (function.__kwdefaults__ or {}).values()
        found += vars(function).values()
        for value in found:
            if isinstance(value, types.ModuleType):
                if is_users(value.__name__):
                    yield from self.of_all(self.globals(vars(value), names), depth)
            else:
                yield from self.of(value, depth)

    def globals(self, space: dict, names: tuple[str, ...]) -> list[Any]:
        self.looked += [(space, name, space.get(name, _known)) for name in names]
        return [space[name] for name in names if name in space]

    def of_object(self, value: Any, depth: int) -> Iterator[Any]:
        kind = type(value)
        held = getattr(value, "__dict__", None)
        if type(held) is dict:
            yield from self.of_all(list(held.values()), depth + 1)
        for slot in _slots(kind):
            try:
                yield from self.of(getattr(value, slot), depth + 1)
            except AttributeError:  # not yet set
                continue
        if is_users(kind.__module__):
            yield from self.of(kind, depth + 1)


def _slots(kind: type) -> Iterator[str]:
    for base in kind.__mro__:
        slots = base.__dict__.get("__slots__", ())
        yield from (slots,) if isinstance(slots, str) else slots if isinstance(slots, (tuple, list)) else ()


def _held(kind: type) -> Iterator[Any]:
    """What a class of the user's, and those that it is made of, hold."""
    for base in kind.__mro__:
        if is_users(base.__module__):
            yield from (getattr(v, "__func__", v) for v in list(vars(base).values()))


@functools.lru_cache(512)
def names_of(code: types.CodeType) -> tuple[str, ...]:
    """All names that code and the functions inside of it use."""
    names = dict.fromkeys(code.co_names)
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            names.update(dict.fromkeys(names_of(inner)))
    return tuple(names)


def begin_anew(generator: Any, sequence: Any) -> None:
    """Have a generator draw what belongs to this sequence."""
    if isinstance(generator, random.Random):
        generator.seed(sequence.generate_state(8).tobytes())
        return
    import numpy

    if isinstance(generator, numpy.random.RandomState):
        generator.seed(sequence.generate_state(8))
        return
    bits = generator.bit_generator
    try:
        bits.state = type(bits)(sequence).state
    except Exception:  # a bit generator of somebody's, which begins otherwise
        pass
