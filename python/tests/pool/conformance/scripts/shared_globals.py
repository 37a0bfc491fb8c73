"""Locks, queues and values among the globals."""

from pools import Pool, mp

LOCK, VALUE, ARRAY, QUEUE = mp.Lock(), mp.Value("i", 0), mp.Array("i", 5), mp.SimpleQueue()


class Counter:
    def __init__(self):
        self.lock, self.value = mp.RLock(), mp.Value("d", 0)

    def add(self, x):
        with self.lock:
            self.value.value += x


COUNTER = Counter()


def count(x):
    with LOCK:
        VALUE.value += 1
    ARRAY[x % 5] = x
    QUEUE.put(x)
    COUNTER.add(x)


# %%
with Pool(2) as pool:
    for _ in range(2):
        none = pool.map(count, range(10), 1)
        print(VALUE.value, sum(ARRAY) >= 10, sorted(QUEUE.get() for _ in range(10)), COUNTER.value.value)
