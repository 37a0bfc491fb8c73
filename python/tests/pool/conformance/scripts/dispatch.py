"""Functions that choose by type; caches of classes that are written with an object."""

import functools

from pools import Pool


@functools.singledispatch
def kind(x):
    return "other"


@kind.register
def _(x: int):
    return "number"


@kind.register(list)
def _(x):
    return [kind(part) for part in x]


class Model:
    count = 0
    seen = []  # noqa: RUF012

    @classmethod
    def add(cls, x):
        cls.count += 1
        return cls.count

    @functools.singledispatchmethod
    def run(self, x):
        return 0

    @run.register
    def _(self, x: int):
        return 1

    @functools.lru_cache  # noqa: B019
    def load(self):
        return 2


class Proxy:
    def __init__(self, value):
        self.value = value

    def __getattr__(self, name):
        return getattr(self.value, name)


MODEL = Model()
PROXY = Proxy(5)


def use(x):
    return kind(x), MODEL.run(x), MODEL.load(), MODEL.count, Model.count, PROXY.real


def from_script(x):
    from __main__ import MODEL as model

    return model.count


# %%
with Pool(1) as pool:
    print(pool.map(Model.add, range(5), 1))
    print(pool.map(use, [1, "a", [1, "b"]], 1))
    print(pool.map(Model.add, range(5)), pool.map(use, [2]))
    print(pool.map(kind, [1, None]))
if __name__ == "__main__":
    with Pool(1) as pool:
        print(pool.map(from_script, [1]))
