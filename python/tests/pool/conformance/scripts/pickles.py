"""Objects of one's own classes are pickled and loaded within tasks."""

import enum
import functools
import io
import pickle
from collections import namedtuple
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from pools import Pool


@dataclass
class Result:
    x: int

    def double(self):
        return Result(self.x * 2)


class Deeper(Result):
    def double(self):
        return super().double().double()


class Colour(enum.Enum):
    RED = 1


class Flags(enum.IntFlag):
    A = 1
    B = 2


Point = namedtuple("Point", "a b")


class Typed(NamedTuple):
    a: int


class Slots:
    __slots__ = ("__hidden", "x")

    def __init__(self, x):
        self.x = x
        self.__hidden = x

    def hidden(self):
        return self.__hidden


@dataclass(slots=True, frozen=True)
class Frozen:
    a: int


class Lazy:
    @functools.cached_property
    def value(self):
        return 5


class Outer:
    class Inner:
        def __init__(self):
            self.v = 3

    def make(self):
        return Outer.Inner()


class Odd(ValueError):
    pass


def here(i):
    made = [
        Result(i),
        Deeper(i),
        Colour.RED,
        Flags.A | Flags.B,
        Point(1, 2),
        Typed(3),
        Slots(i),
        Frozen(1),
        Outer().make(),
    ]
    file = io.BytesIO()
    np.save(file, np.array(made, object), allow_pickle=True)
    file.seek(0)
    loaded = list(np.load(file, allow_pickle=True))
    same = [type(a) is type(b) for a, b in zip(made, loaded)]
    assert isinstance(loaded[0], Result) and loaded[2] is Colour.RED
    return pickle.loads(pickle.dumps(made)), same, Lazy().value, loaded[6].hidden(), helper


def helper(x):
    return x.double()


def fails(x):
    raise Odd(x)


# %%
kinds = [Result, Deeper, Colour, Flags, Point, Typed, Slots, Frozen, Outer.Inner]
with Pool(2) as pool:
    for made, same, lazy, hidden, function in pool.map(here, [1, 2]):
        print([type(m) is k for m, k in zip(made, kinds)], same, lazy, hidden, function is helper, made[6].x)
    print(pool.map(helper, [Result(3), Deeper(4)]))
    print(pool.map(Result.double, [Result(3)]), pool.map(Slots.hidden, [Slots(7)]))
    try:
        pool.map(fails, [1])
    except Odd as error:
        print("Odd", error)
