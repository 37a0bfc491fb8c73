"""Who a worker is."""

import multiprocessing

from pools import Pool


def who(_):
    me, parent = multiprocessing.current_process(), multiprocessing.parent_process()
    same_key = me.authkey == KEY
    return (
        me.name.split("-")[0][-10:],
        len(me._identity),
        me.daemon,
        parent.name,
        parent.is_alive(),
        me.is_alive(),
        same_key,
    )


KEY = bytes(multiprocessing.current_process().authkey)


def number(_):
    return multiprocessing.current_process()._identity[0]


# %%
with Pool(2) as pool:
    print(set(pool.map(who, range(4), 1)))
    print(set(pool.map(number, range(50), 1)) <= set(range(1, 20)))
print(multiprocessing.current_process().name, multiprocessing.active_children())
