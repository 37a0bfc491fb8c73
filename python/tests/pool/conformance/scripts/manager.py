"""Proxies of a manager that the owner has used."""

import multiprocessing

from pools import Pool


def put(arguments):
    queue, i = arguments
    queue.put(i)


def write(arguments):
    table, lock, i = arguments
    table[i] = i
    with lock:
        table["sum"] = table.get("sum", 0) + i
    return table[i]


# %%
if True:
    manager = multiprocessing.Manager()
    queue, table, lock = manager.Queue(), manager.dict(), manager.Lock()
    table["start"] = 1
    held = lock.acquire()
    lock.release()
    for _ in range(3):
        with Pool(2) as pool:
            result = pool.map_async(put, [(queue, i) for i in range(50)])
            print(sorted(queue.get(timeout=20) for _ in range(50)) == list(range(50)))
            got = result.get(20)
            before = table.pop("sum", None)
            print(pool.map(write, [(table, lock, i) for i in range(40)]) == list(range(40)), table["sum"])
