"""A random generator of the script goes on in each worker."""

import numpy as np
from pools import Pool

rng = np.random.default_rng(1)


def draw(_):
    return rng.random()


# %%
with Pool(1) as pool:
    print(len(set(pool.map(draw, range(16), 1) + pool.map(draw, range(16), 4))))
