"""What an initializer sets is what tasks see."""

from pools import Pool

GAIN = 1
TABLE = {}
NAMES = []


def init(gain):
    global GAIN, NEW
    GAIN = gain
    NEW = gain + 1
    TABLE["gain"] = gain
    NAMES.append("one")


def f(i):
    return GAIN * i, NEW, TABLE, NAMES


# %%
with Pool(2, init, (100,)) as pool:
    print(pool.map(f, [1, 2]))
    print(pool.apply(f, (3,)))
with Pool(2, init, (5,), 1) as pool:
    print(pool.map(f, [1, 2, 3, 4], 1))
# %%
print(GAIN, TABLE, NAMES)
