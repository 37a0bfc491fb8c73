"""What a task keeps is there for the next one of that worker."""

from pools import Pool

MODEL = None
CACHE = {}


class Holder:
    value = None


def load(x):
    global MODEL
    if MODEL is None:
        MODEL = 0
    MODEL += 1
    CACHE[x] = x
    Holder.value = (Holder.value or 0) + 1
    load.calls = getattr(load, "calls", 0) + 1
    return MODEL == len(CACHE) == Holder.value == load.calls, MODEL


# %%
with Pool(1) as pool:
    print(pool.map(load, range(10), 1))
    print(pool.map(load, range(10, 20), 1))
    print(list(pool.imap(load, range(20, 25))))
    print(pool.apply(load, (99,)))
print(MODEL, CACHE, Holder.value, hasattr(load, "calls"))
