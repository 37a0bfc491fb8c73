"""What tasks have put into a queue arrives, though the pool ends at once."""

from pools import Pool, mp

QUEUE = mp.Queue()


def keep(queue):
    global QUEUE
    QUEUE = queue


def put(x):
    QUEUE.put(x)


# %%
for _ in range(3):
    with Pool(2, keep, (QUEUE,)) as pool:
        none = pool.map(put, range(10), 1)
    print(sorted(QUEUE.get(timeout=20) for _ in range(10)))
