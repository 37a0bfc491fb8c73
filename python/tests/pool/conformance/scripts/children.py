"""The owner's own children live on, and names that it has made."""

import multiprocessing
import os
import time
from multiprocessing.shared_memory import SharedMemory

from pools import Pool


def attach(name):
    memory = SharedMemory(name)
    memory.buf[0] += 1
    memory.close()
    return os.getpid() > 0


# %%
child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(1000,), daemon=True)
child.start()
memory = SharedMemory(create=True, size=32)
pool = Pool(2)
print(pool.map(attach, [memory.name] * 4, 1))
pool.close()
pool.join()
with Pool(1, None, (), 1) as pool:
    print(pool.map(attach, [memory.name] * 4, 1))
time.sleep(0.3)
print(memory.buf[0] > 0, child.is_alive(), child.exitcode)
memory.close()
memory.unlink()
child.terminate()
child.join()
