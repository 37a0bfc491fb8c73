"""What is measured of a pool: one function a measure, each called in a process of its own with one peer.

`python bench/pool_measures.py MEASURE PEER` prints one line of JSON. A pool that hangs is ended by the caller.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import numpy as np
import pool_work as work
from pool_peers import OURS, PEERS, WORKERS

clock = time.perf_counter
ME = os.getpid()
DATA = Path(os.environ.get("BAKUSOKU_BENCH_DATA", Path(__file__).resolve().parent / "out" / "pool"))


def checked(pids: Iterable[int], name: str, at_least: int = 1) -> None:
    """Results came from workers: neither from this process (unless that is the measure) nor from nowhere."""
    pids = set(pids)
    if name != "serial":
        assert ME not in pids, "a task ran in the caller"
        assert len(pids) >= at_least, f"only {len(pids)} workers worked"


def warm(peer, **options):
    peer.open(**options)
    peer.warm()
    return peer


# ---- round trips -----------------------------------------------------------------------------------------------


def apply(peer):
    warm(peer)
    n = 2000 if peer.name not in ("loky", "dask") else 60
    took, pids = [], []
    for i in range(n):
        start = clock()
        pids.append(peer.apply(work.nothing, i))
        took.append(clock() - start)
    checked(pids, peer.name)
    took = np.sort(took) * 1e6
    return {"median": took[n // 2], "p95": took[int(0.95 * n)]}


def apply_lambda(peer):
    warm(peer)
    n, offset = (2000, 3) if peer.name not in ("loky", "dask") else (60, 3)
    took = []
    for i in range(n):
        f = lambda x: (work.getpid(), x + offset)  # noqa: E731  a fresh one each time, as at the prompt
        start = clock()
        pid, value = peer.apply(f, i)
        took.append(clock() - start)
        assert value == i + offset
        checked([pid], peer.name)
    took = np.sort(took) * 1e6
    return {"median": took[n // 2], "p95": took[int(0.95 * n)]}


def _per_task(peer, verb, n):
    warm(peer)
    if getattr(peer, verb) is None:
        return {}
    start = clock()
    pids = list(getattr(peer, verb)(work.nothing, range(n)))
    took = clock() - start
    assert len(pids) == n
    checked(pids, peer.name)
    return {"us": took / n * 1e6}


def map_nothing(peer):
    return _per_task(peer, "mapped", 20000)


def unordered(peer):
    return _per_task(peer, "unordered", 20000 if peer.name != "dask" else 1000)


def submitted(peer):
    return _per_task(peer, "submitted", 20000 if peer.name != "dask" else 1000)


# ---- arrays ----------------------------------------------------------------------------------------------------


def private_arrays():
    rng = np.random.default_rng(0)
    first = rng.integers(0, 1 << 60, work.BIG, dtype=np.uint64)
    arrays = []
    for i in range(work.TASKS):
        a = first.copy()
        a[0] = i
        arrays.append(a)
    return arrays, work.read(first) - int(first[0])


def _arguments(peer, arrays, rest, repeat=2):
    warm(peer)
    out = {}
    for which in ("cold", "warm")[:repeat]:
        start = clock()
        results = list(peer.one_by_one(work.total, arrays))
        out[which] = clock() - start
        # One worker may read them as fast as they are placed.
        checked((p for p, _ in results), peer.name)
        expected = [(rest + i) % 2**64 for i in range(len(arrays))]
        assert [s for _, s in results] == expected, "arguments arrived damaged"
    return out


def arguments(peer):
    """64 arrays of 32 MiB, made before by NumPy, as arguments; the task reads each to its end."""
    arrays, rest = private_arrays()
    return _arguments(peer, arrays, rest)


def results_dropped(peer):
    """64 results of 32 MiB, read one by one as they come, and dropped."""
    warm(peer)
    out = {}
    for which in ("cold", "warm"):
        start = clock()
        pids = [work.check_made(a, i, ME if peer.name != "serial" else 0) for i, a in enumerate(_made(peer))]
        out[which] = clock() - start
        checked(pids, peer.name, 2)
        assert len(pids) == work.TASKS
    return out


def _made(peer):
    return peer.lazily(work.make, range(work.TASKS))


def results_kept(peer):
    """64 results of 32 MiB in a list, all read."""
    warm(peer)
    out = {}
    for which in ("cold", "warm"):
        start = clock()
        results = list(peer.one_by_one(work.make, range(work.TASKS)))
        pids = [work.check_made(a, i, ME if peer.name != "serial" else 0) for i, a in enumerate(results)]
        out[which] = clock() - start
        checked(pids, peer.name, 2)
        del results
    return out


def _shared_array():
    a = np.ones(work.SHARED, np.uint64)
    a[:: work.SHARED // 640] = 7
    n = a.size // work.TASKS
    return a, [work.read(a[i * n : (i + 1) * n]) for i in range(work.TASKS)]


def shared(peer):
    """One array of 500 MiB that 64 tasks read a part of each, given by `functools.partial`: no special code."""
    big, expected = _shared_array()
    warm(peer)
    out = {}
    for which in ("cold", "warm"):
        start = clock()
        results = list(peer.one_by_one(partial(work.rows, big), range(work.TASKS)))
        out[which] = clock() - start
        checked((p for p, _ in results), peer.name)
        assert [s for _, s in results] == expected
    return out


def shared_idiom(peer):
    """The same in the peer's own way: by the initializer (a fork inherits it)."""
    big, expected = _shared_array()
    if peer.name == "loky":
        return shared(peer)  # joblib's own way is the plain one: it maps big arguments from files
    warm(peer, initializer=work.set_shared, initargs=(big,))
    start = clock()
    results = list(peer.one_by_one(work.rows_of_global, range(work.TASKS)))
    took = clock() - start
    checked((p for p, _ in results), peer.name)
    assert [s for _, s in results] == expected
    return {"cold": took, "warm": took}


# ---- scheduling ------------------------------------------------------------------------------------------------


def uneven(peer):
    """120 sleeps of lognormal length, default settings; against the time that two perfect workers need."""
    warm(peer)
    items = work.durations()
    ideal = max(sum(items) / WORKERS, max(items))
    start = clock()
    pids = list(peer.mapped(work.rest, items))
    took = clock() - start
    checked(pids, peer.name, 2)
    return {"x": took / ideal}


def blas(peer):
    """SVDs and matrix products with default settings: nothing exported, nothing limited by the user."""
    warm(peer)
    start = clock()
    results = list(peer.one_by_one(work.algebra, range(8)))
    took = clock() - start
    checked((p for p, *_ in results), peer.name, 2)
    expected = work.algebra(5)
    assert np.allclose(results[5][1:], expected[1:], rtol=1e-9)
    return {"s": took}


# ---- starting --------------------------------------------------------------------------------------------------


def _start(peer, first):
    first(0)  # the caller has used what the task uses
    start = clock()
    peer.open()
    pid = peer.apply(first, 0)
    out = {"cold": (clock() - start) * 1e3}
    checked([pid], peer.name)
    peer.close()
    start = clock()
    peer.open()
    pid = peer.apply(first, 0)
    out["second"] = (clock() - start) * 1e3
    checked([pid], peer.name)
    return out


def start_numpy(peer):
    return _start(peer, work.nothing)


def start_mne(peer):
    return _start(peer, work.first_of_mne)


def start_early(peer):
    """A second after `import bakusoku`, as when a script reads its arguments first."""
    if peer.name in OURS:
        import bakusoku

        _ = bakusoku.Pool
    time.sleep(1.0)
    start = clock()
    peer.open()
    pid = peer.apply(work.nothing, 0)
    out = {"cold": (clock() - start) * 1e3}
    checked([pid], peer.name)
    return out


def replaced(peer):
    """A worker for each task (`maxtasksperchild=1`): what a new worker costs."""
    if peer.name in ("loky", "dask", "mpire", "futures_fork"):
        return {}  # they have no such option
    peer.open(maxtasksperchild=1)
    peer.apply(work.nothing, 0)
    took, pids = [], []
    for i in range(20):
        start = clock()
        pids.append(peer.apply(work.nothing, i))
        took.append((clock() - start) * 1e3)
    assert len(set(pids)) >= 19, "a worker was not replaced"
    return {"ms": float(np.median(took))}


def killed(peer):
    """SIGKILL inside item 3 of 8: until the error, and what is left."""
    peer.open()
    peer.warm()
    start = clock()
    out = {"names": 0.0, "usable": 0.0}
    try:
        peer.one_by_one(work.die_at_3, range(8))
        raise AssertionError("no error came")
    except AssertionError:
        raise
    except BaseException as error:
        out["s"] = clock() - start
        text = " ".join([str(error), *getattr(error, "__notes__", ())])
        out["names"] = float("item 3" in text)
    try:
        again = clock()
        checked([peer.apply(work.nothing, 0)], peer.name)
        out["usable"] = 1.0
        out["next"] = (clock() - again) * 1e3
    except Exception:
        pass
    return out


def orphans(peer):
    """Starts long tasks and waits to be killed from outside."""
    peer.open()
    peer.warm()
    print("ready", flush=True)
    big = np.ones(work.BIG)
    list(peer.one_by_one(work.sleep_long, [big, big]))


# ---- recordings ------------------------------------------------------------------------------------------------


def recordings(n=8) -> list[str]:
    DATA.mkdir(parents=True, exist_ok=True)
    paths = [DATA / f"sub-{i:02d}_raw.fif" for i in range(n)]
    for i, path in enumerate(paths):
        if not path.exists():
            part = path.with_name(f"part-{os.getpid()}_raw.fif")
            work.recording(part, i)
            part.rename(path)
    return [str(p) for p in paths]


def meg(peer):
    """Eight recordings: read, 1-40 Hz, epochs of a second, average. The caller times the whole script as well."""
    import mne  # noqa: F401  as in a user's script

    paths = recordings()
    peer.open()
    out = {}
    for which in ("first", "second"):
        start = clock()
        results = list(peer.one_by_one(work.analyse, paths))
        out[which] = clock() - start
        checked((p for p, _ in results), peer.name, 2)
        assert all(a.shape == (300, 901) and np.isfinite(a).all() for _, a in results)
        out["sum"] = float(sum(np.abs(a).sum() for _, a in results) * 1e13)
        if os.environ.get("BAKUSOKU_BENCH_ONCE"):
            break
    return out


MEASURES = {
    f.__name__: f
    for f in (
        apply,
        apply_lambda,
        map_nothing,
        unordered,
        submitted,
        arguments,
        results_dropped,
        results_kept,
        shared,
        shared_idiom,
        uneven,
        blas,
        start_numpy,
        start_mne,
        start_early,
        replaced,
        killed,
        orphans,
        meg,
    )
}


def main(measure: str, name: str) -> None:
    if measure == "recordings":
        recordings()
        return
    peer = PEERS[name]
    if os.environ.get("BAKUSOKU_BENCH_MEMORY"):
        # The sampler takes its zero when it reads this line.
        plain_warm = peer.warm

        def announce():
            plain_warm()
            print("begin", flush=True)
            sys.stdin.readline()

        peer.warm = announce
    out = MEASURES[measure](peer)
    print("end", flush=True)
    print(json.dumps(out), flush=True)
    if measure != "meg":
        # How long a pool takes to go is not what is asked here.
        try:
            peer.close()
        except Exception:
            pass


if __name__ == "__main__":
    main(*sys.argv[1:3])
