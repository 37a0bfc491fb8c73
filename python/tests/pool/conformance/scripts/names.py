"""What a function may refer to, and how."""

import ctypes
import functools
import timeit

from pools import Pool


@functools.lru_cache
def cached():
    return 4


class Config:
    scale = 3


libm = ctypes.CDLL("libm.so.6")
libm.cos.restype = ctypes.c_double
libm.cos.argtypes = [ctypes.c_double]
K = 7
TABLE = {"square": lambda x: x * x, "config": Config}
partial = functools.partial(pow, 2)


def deco(f):
    @functools.wraps(f)
    def inner(x):
        return f(x) + 100

    return inner


@deco
def decorated(x):
    return x * 2


def uses(x):
    named = globals()["cached"]() + eval("K + x")
    timed = timeit.timeit("decorated(1)", globals=globals(), number=1) >= 0
    return (
        named,
        libm.cos(0.0),
        cached() + x,
        TABLE["square"](x),
        TABLE["config"].scale,
        decorated(x),
        partial(x),
        timed,
    )


def call(f):
    return f(3)


def itself():
    return uses, cached, Config, decorated


# %%
with Pool(2) as pool:
    print(pool.map(uses, [1, 2]))
    print(pool.map(call, [decorated, partial, abs, Config.__init__ and decorated]))
    print([f is g for f, g in zip(pool.apply(itself), (uses, cached, Config, decorated))])
    print(pool.map(decorated, [1]), pool.map(partial, [1, 2]), pool.map(functools.partial(call), [decorated]))
