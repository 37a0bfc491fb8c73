"""Locks, queues, values, events by `initargs`."""

from pools import Pool, mp


def keep(*given):
    global LOCK, QUEUE, VALUE, EVENT, ARRAY
    LOCK, QUEUE, VALUE, EVENT, ARRAY = given


def work(i):
    with LOCK:
        VALUE.value += i
    ARRAY[i] = i
    QUEUE.put(i)
    return EVENT.is_set()


# %%
given = mp.RLock(), mp.SimpleQueue(), mp.Value("i", 0), mp.Event(), mp.Array("i", 20)
given[3].set()
with Pool(2, keep, given) as pool:
    print(set(pool.map(work, range(20), 1)))
    print(sorted(given[1].get() for _ in range(20)), given[2].value, sum(given[4]))
