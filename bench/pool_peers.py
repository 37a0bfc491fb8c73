"""The pools, each behind the same few verbs, used the way its own documentation says is best.

``apply`` is one round trip; ``unordered`` and ``submitted`` send one item a message; ``mapped`` is the plain map with
default settings, ``one_by_one`` the same with one item a message; ``lazily`` yields results in order.
"""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial

from pool_work import nothing

WORKERS = 2


class Serial:
    """No pool: the bottom line, never counted as a peer."""

    name = "serial"

    def open(self, initializer=None, initargs=(), **options):
        if initializer is not None:
            initializer(*initargs)
        return self

    def close(self):
        pass

    def apply(self, f, x):
        return f(x)

    def mapped(self, f, items):
        return [f(x) for x in items]

    one_by_one = mapped

    def lazily(self, f, items):
        return map(f, items)

    unordered = submitted = lazily

    def warm(self):
        """Both workers have run something, or have had the time to."""
        for _ in range(100):
            if len(set(self.one_by_one(nothing, range(4 * WORKERS)))) >= WORKERS:
                return
            time.sleep(0.01)


class Multiprocessing(Serial):
    def __init__(self, method):
        self.name = f"mp_{method}"
        self.method = method

    def open(self, initializer=None, initargs=(), **options):
        self.pool = multiprocessing.get_context(self.method).Pool(WORKERS, initializer, initargs, **options)
        return self

    def close(self):
        self.pool.terminate()
        self.pool.join()

    def apply(self, f, x):
        return self.pool.apply(f, (x,))

    def mapped(self, f, items):
        return self.pool.map(f, items)

    def one_by_one(self, f, items):
        return self.pool.map(f, items, chunksize=1)

    def lazily(self, f, items):
        return self.pool.imap(f, items)

    def unordered(self, f, items):
        return self.pool.imap_unordered(f, items)

    def submitted(self, f, items):
        results = [self.pool.apply_async(f, (x,)) for x in items]
        return [r.get() for r in results]


class Bakusoku(Multiprocessing):
    """The same lines as for multiprocessing: that is the claim."""

    name = "bakusoku"

    def __init__(self):
        pass

    def open(self, initializer=None, initargs=(), **options):
        from bakusoku import Pool

        self.pool = Pool(WORKERS, initializer, initargs, **options)
        return self

    def one_by_one(self, f, items):
        return self.pool.map(f, items)


class Futures(Serial):
    def __init__(self, method):
        self.name = f"futures_{method}"
        self.method = method

    def open(self, initializer=None, initargs=(), maxtasksperchild=None, **options):
        self.pool = ProcessPoolExecutor(
            WORKERS,
            mp_context=multiprocessing.get_context(self.method),
            initializer=initializer,
            initargs=initargs,
            max_tasks_per_child=maxtasksperchild,
            **options,
        )
        return self

    def close(self):
        self.pool.shutdown(cancel_futures=True)

    def apply(self, f, x):
        return self.pool.submit(f, x).result()

    def mapped(self, f, items):
        return list(self.pool.map(f, items))

    one_by_one = mapped

    def lazily(self, f, items):
        return self.pool.map(f, items)

    def unordered(self, f, items):
        waiting = {self.pool.submit(f, x) for x in items}
        for future in as_completed(waiting):
            waiting.discard(future)
            yield future.result()

    def submitted(self, f, items):
        futures = [self.pool.submit(f, x) for x in items]
        return [x.result() for x in futures]


class Joblib(Serial):
    name = "loky"

    def open(self, initializer=None, initargs=(), **options):
        import joblib

        self.joblib = joblib
        joblib.parallel_config(backend="loky", n_jobs=WORKERS, **options)
        return self

    def close(self):
        from joblib.externals.loky import get_reusable_executor

        get_reusable_executor().shutdown(wait=True, kill_workers=True)

    def _run(self, f, items, **options):
        call = self.joblib.delayed(f)
        return self.joblib.Parallel(**options)(call(x) for x in items)

    def apply(self, f, x):
        return self._run(f, [x])[0]

    def mapped(self, f, items):
        return self._run(f, items)

    def one_by_one(self, f, items):
        return self._run(f, items, batch_size=1)

    def lazily(self, f, items):
        return self._run(f, items, batch_size=1, return_as="generator")

    def unordered(self, f, items):
        return self._run(f, items, batch_size=1, return_as="generator_unordered")

    submitted = None


class Mpire(Serial):
    name = "mpire"

    def open(self, initializer=None, initargs=(), maxtasksperchild=None, **options):
        from mpire import WorkerPool

        self.life = {} if maxtasksperchild is None else {"worker_lifespan": maxtasksperchild}
        self.pool = WorkerPool(WORKERS, start_method="fork", **options)
        self.init = partial(initializer, *initargs) if initializer is not None else None
        return self

    def close(self):
        self.pool.terminate()

    def _options(self, items, chunk):
        n = len(items) if hasattr(items, "__len__") else None
        return {"iterable_len": n, "chunk_size": chunk, "worker_init": self.init, **self.life}

    def apply(self, f, x):
        return self.pool.apply(f, (x,))

    # Items are wrapped: mpire spreads sequences and arrays into arguments.
    def mapped(self, f, items):
        return self.pool.map(f, [(x,) for x in items], **self._options(items, None))

    def one_by_one(self, f, items):
        # `concatenate_numpy_output` would join the arrays; they are results of their own.
        return self.pool.map(f, [(x,) for x in items], concatenate_numpy_output=False, **self._options(items, 1))

    def lazily(self, f, items):
        return self.pool.imap(f, ((x,) for x in items), **self._options(items, 1))

    def unordered(self, f, items):
        return self.pool.imap_unordered(f, ((x,) for x in items), **self._options(items, 1))

    def submitted(self, f, items):
        results = [self.pool.apply_async(f, (x,)) for x in items]
        return [r.get() for r in results]


class Dask(Serial):
    name = "dask"

    def open(self, initializer=None, initargs=(), **options):
        import logging

        from distributed import Client, LocalCluster

        self.cluster = LocalCluster(
            n_workers=WORKERS,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            silence_logs=logging.CRITICAL,
        )
        self.client = Client(self.cluster)
        if initializer is not None:
            self.client.run(initializer, *initargs)
        return self

    def close(self):
        self.client.close()
        self.cluster.close()

    def apply(self, f, x):
        return self.client.submit(f, x, pure=False).result()

    def mapped(self, f, items):
        return self.client.gather(self.client.map(f, list(items), pure=False))

    one_by_one = mapped

    def lazily(self, f, items):
        futures = self.client.map(f, list(items), pure=False)
        futures.reverse()
        while futures:
            yield futures.pop().result()

    def unordered(self, f, items):
        from distributed import as_completed

        for _, result in as_completed(self.client.map(f, list(items), pure=False), with_results=True):
            yield result

    def submitted(self, f, items):
        futures = [self.client.submit(f, x, pure=False) for x in items]
        return self.client.gather(futures)


PEERS = {
    p.name: p
    for p in (
        Serial(),
        Bakusoku(),
        *(Multiprocessing(m) for m in ("fork", "spawn", "forkserver")),
        *(Futures(m) for m in ("fork", "spawn")),
        Joblib(),
        Mpire(),
        Dask(),
    )
}
OURS = ("bakusoku",)
