"""Our pool beside the others: what a round trip costs, arrays, uneven and BLAS-heavy tasks, recordings, memory, faults.

Every figure comes from a process of its own; the pools take turns, round by round. Every array is read to its last
byte and compared, and every task says which process it ran in (`pool_work.py`). What is printed are medians; a pool
that did not answer in time stands as "hang". Nothing is exported for anybody: threads of BLAS are as each pool leaves
them.

    .venv/bin/pip install -r python/requirements-bench.txt
    .venv/bin/python bench/pool.py                      # everything, about 40 minutes on two cores
    .venv/bin/python bench/pool.py uneven blas --rounds 7
    .venv/bin/python bench/pool.py --report             # the table of what was measured last
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
from measure import OUT, environment, machine, median, save, say, table

HERE = Path(__file__).resolve().parent
FORKS = ["mp_fork", "futures_fork", "loky", "mpire"]
ALL = ["mp_fork", "mp_spawn", "mp_forkserver", "futures_fork", "futures_spawn", "loky", "mpire", "dask"]

# measure -> (peers, seconds before it counts as a hang)
PLAN = {
    "apply": (ALL, 60),
    "apply_lambda": (["loky", "dask"], 60),
    "map_nothing": (["mp_fork", "mp_forkserver", "futures_fork", "loky", "mpire"], 60),
    "unordered": (["mp_fork", "mp_forkserver", "futures_fork", "loky", "mpire", "dask"], 90),
    "submitted": (["mp_fork", "futures_fork", "mpire", "dask"], 90),
    "arguments": ([*FORKS, "dask"], 90),
    "results_dropped": ([*FORKS, "dask"], 90),
    "results_kept": ([*FORKS, "dask"], 90),
    "shared": (FORKS, 120),
    "shared_idiom": (FORKS, 60),
    "uneven": (ALL, 60),
    "blas": (FORKS, 90),
    "start_numpy": (ALL, 60),
    "start_mne": (ALL, 90),
    "start_early": (["mp_spawn", "mp_fork"], 60),
    "replaced": (["mp_fork", "mp_spawn", "futures_spawn"], 60),
    "killed": (["mp_fork", "futures_fork", "loky", "mpire", "dask"], 10),
    "orphans": ([*FORKS, "dask"], 60),
    "meg": ([*FORKS, "dask"], 120),
    "script": ([*FORKS, "dask"], 120),
    "memory_arguments": ([*FORKS, "dask"], 120),
    "memory_results_dropped": ([*FORKS, "dask"], 120),
    "memory_results_kept": ([*FORKS, "dask"], 120),
    "memory_shared": (["loky"], 120),
    "memory_shared_idiom": (FORKS, 120),
    "import": ([], 60),
}
SERIAL_TOO = {"arguments", "results_dropped", "results_kept", "shared", "blas", "meg", "map_nothing"}


@dataclass
class Goal:
    text: str
    measure: str
    key: str
    unit: str
    most: float | None = None  # in the unit
    ratio: float | None = None  # against the best peer, or those named
    peers: tuple[str, ...] = ()
    against: str | None = None  # another measure of the peers to be compared with


GOALS = [
    Goal("one round trip (apply)", "apply", "median", "µs", most=35),
    Goal("one round trip, 95th percentile", "apply", "p95", "µs", most=100),
    Goal("one round trip, a fresh lambda", "apply_lambda", "median", "µs", most=100),
    Goal("no-ops one by one, imap_unordered", "unordered", "us", "µs a task", most=12, ratio=0.75),
    Goal("no-ops one by one, apply_async", "submitted", "us", "µs a task", most=12, ratio=0.5),
    Goal("20,000 no-ops by map", "map_nothing", "us", "µs a task", ratio=1.0),
    Goal("64 × 32 MiB in", "arguments", "cold", "s", most=0.5, ratio=1 / 8),
    Goal("64 × 32 MiB in, second call", "arguments", "warm", "s", most=0.5),
    Goal("64 × 32 MiB out, dropped", "results_dropped", "cold", "s", most=0.45, ratio=1 / 10),
    Goal("64 × 32 MiB out, kept, cold", "results_kept", "cold", "s", most=2.4),
    Goal("64 × 32 MiB out, kept, warm", "results_kept", "warm", "s", most=0.4),
    Goal("500 MiB shared by 64 tasks, cold", "shared", "cold", "s", most=0.6),
    Goal("500 MiB shared by 64 tasks, warm", "shared", "warm", "s", most=0.3),
    Goal("the same, against each peer's own way", "shared", "warm", "s", against="shared_idiom"),
    Goal("peak memory, 64 × 32 MiB in", "memory_arguments", "MB", "MB", most=150),
    Goal("peak memory, out, dropped", "memory_results_dropped", "MB", "MB", most=64 * 1.048576 + 150),
    Goal("peak memory, out, kept", "memory_results_kept", "MB", "MB", most=2048 * 1.048576 + 150),
    Goal("peak memory, 500 MiB shared", "memory_shared", "MB", "MB", most=525 + 150),
    Goal("first result, numpy imported", "start_numpy", "cold", "ms", ratio=1.05, peers=("mp_spawn",)),
    Goal("second pool, numpy imported", "start_numpy", "second", "ms", most=30),
    Goal("first result, MNE imported and used", "start_mne", "cold", "ms", ratio=1.05, peers=("mp_spawn",)),
    Goal("second pool, MNE imported and used", "start_mne", "second", "ms", most=30),
    Goal("first result, a second after the import", "start_early", "cold", "ms", most=30),
    Goal("a new worker (maxtasksperchild=1)", "replaced", "ms", "ms", most=30),
    Goal("uneven tasks, makespan / ideal", "uneven", "x", "×", most=1.03),
    Goal("BLAS-heavy tasks, default settings", "blas", "s", "s", ratio=1.05, peers=("loky",)),
    Goal("MEG recordings, whole script", "script", "s", "s", ratio=0.95),
    Goal("MEG recordings, first call", "meg", "first", "s"),
    Goal("MEG recordings, second call", "meg", "second", "s", ratio=0.80),
    Goal("worker killed, until the error", "killed", "s", "s", most=0.5),
    Goal("worker killed, until the next result", "killed", "next", "ms"),
    Goal("caller killed: processes left after 1 s", "orphans", "processes", "", most=0),
    Goal("caller killed: files and shared memory left", "orphans", "files", "", most=0),
    Goal("import bakusoku beyond numpy", "import", "ms", "ms", most=30),
]


def spawn(measure, peer, env=None, **pipes):
    command = [sys.executable, str(HERE / "pool_measures.py"), measure, peer]
    return subprocess.Popen(
        command, env=env or environment(), stdout=subprocess.PIPE, text=True, start_new_session=True, **pipes
    )


def descendants(process) -> list[psutil.Process]:
    try:
        return psutil.Process(process.pid).children(recursive=True)
    except psutil.Error:
        return []


def end(process, family=()):
    """Nothing that a pool started outlives its measure, however it behaved."""
    family = [*family, *descendants(process)]
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    for p in family:
        try:
            p.kill()
        except psutil.Error:
            pass
    process.wait()


def one(measure: str, peer: str, seconds: float) -> dict | str:
    """The figures of one measure with one pool; a text when it failed."""
    with tempfile.TemporaryFile("w+") as errors:
        process = spawn(measure, peer, stderr=errors)
        timer = threading.Timer(seconds, lambda: end(process))
        timer.start()
        start = time.perf_counter()
        out = ""
        for line in process.stdout:
            if line.startswith("{"):
                out = line
                break
        hung = time.perf_counter() - start >= seconds
        timer.cancel()
        end(process)
        errors.seek(0)
        if out:
            return json.loads(out)
        last = (errors.read().strip().splitlines() or ["no output"])[-1]
        return "hang" if hung else last[:200]


def script(peer: str, seconds: float) -> dict | str:
    """From the interpreter's start to its exit."""
    env = environment(BAKUSOKU_BENCH_ONCE="1")
    start = time.perf_counter()
    process = spawn("meg", peer, env, stderr=subprocess.DEVNULL)
    try:
        out, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        end(process)
        return "hang"
    took = time.perf_counter() - start
    end(process)
    return {"s": took} if process.returncode == 0 and '"first"' in out else f"exit status {process.returncode}"


def imported() -> dict:
    def run(code):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], env=environment(), check=True)
        return time.perf_counter() - start

    pairs = [(run("import numpy"), run("import numpy, bakusoku; bakusoku.Pool")) for _ in range(9)]
    return {"ms": (median([b for _, b in pairs]) - median([a for a, _ in pairs])) * 1e3}


# ---- memory ----------------------------------------------------------------------------------------------------


def all_shared() -> int:
    """Bytes of shared memory on the machine, mapped or not: memfd, /dev/shm, shared anonymous pages."""
    for line in open("/proc/meminfo"):
        if line.startswith("Shmem:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no Shmem in /proc/meminfo")


def private(pid: int) -> int:
    """What a process holds itself, shared memory apart: each page divided by those who map it."""
    size = 0
    try:
        with open(f"/proc/{pid}/smaps_rollup") as f:
            for line in f:
                if line.startswith(("Pss_Anon:", "Pss_File:")):
                    size += int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    return size


def memory(measure: str, peer: str, seconds: float) -> dict | str:
    """The most that caller, workers and shared memory took together during the calls, above what they had before."""
    env = environment(BAKUSOKU_BENCH_MEMORY="1")
    process = spawn(measure, peer, env, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def now():
        return all_shared() + sum(private(p) for p in [process.pid, *(c.pid for c in descendants(process))])

    timer = threading.Timer(seconds, lambda: end(process))
    timer.start()
    try:
        if not any(line == "begin\n" for line in process.stdout):
            return "failed"
        zero = peak = now()
        done = threading.Event()
        reader = threading.Thread(
            target=lambda: (any(line == "end\n" for line in process.stdout), done.set()), daemon=True
        )
        process.stdin.write("\n")
        process.stdin.flush()
        reader.start()
        while not done.wait(0.005):
            peak = max(peak, now())
        return {"MB": (peak - zero) / 1e6} if process.poll() in (None, 0) else "failed"
    finally:
        timer.cancel()
        end(process)


# ---- what is left ----------------------------------------------------------------------------------------------


def left_in_files() -> set[str]:
    folders = [Path("/dev/shm"), Path(tempfile.gettempdir())]
    return {str(p) for folder in folders if folder.is_dir() for p in folder.iterdir()}


def orphans(peer: str, seconds: float) -> dict | str:
    before = left_in_files()
    process = spawn("orphans", peer, stderr=subprocess.DEVNULL)
    timer = threading.Timer(seconds, process.kill)
    timer.start()
    ready = any(line == "ready\n" for line in process.stdout)
    timer.cancel()
    time.sleep(1.0)
    family = descendants(process)
    process.kill()
    process.wait()
    time.sleep(1.0)
    left = [p for p in family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
    files = left_in_files() - before
    end(process, family)
    if not ready or not family:
        return "did not start"
    return {"processes": len(left), "files": len(files)}


# ---- all of it -------------------------------------------------------------------------------------------------


def run(measure: str, peer: str) -> dict | str:
    _, seconds = PLAN[measure]
    if measure == "import":
        return imported()
    if measure == "script":
        return script(peer, seconds)
    if measure == "orphans":
        return orphans(peer, seconds)
    if measure.startswith("memory_"):
        return memory(measure.removeprefix("memory_"), peer, seconds)
    return one(measure, peer, seconds)


def middle(results: list) -> dict | str:
    good = [r for r in results if isinstance(r, dict)]
    if len(good) * 2 <= len(results):
        return next(r for r in results if isinstance(r, str))
    return {k: median([r[k] for r in good if k in r]) for k in good[0]}


def measured(measures, peers, rounds) -> dict:
    path = OUT / "pool.json"
    found = json.loads(path.read_text()) if path.exists() else {"measures": {}}
    found["machine"] = machine()
    subprocess.run([sys.executable, str(HERE / "pool_measures.py"), "recordings", "-"], env=environment(), check=True)
    for measure in measures:
        rivals = [p for p in PLAN[measure][0] if not peers or p in peers]
        sides = ["bakusoku"] if not peers or "bakusoku" in peers else []
        sides += rivals + (["serial"] if measure in SERIAL_TOO and not peers else [])
        n = 1 if measure in ("orphans", "import") or measure.startswith("memory_") else rounds
        results: dict[str, list] = {p: [] for p in sides}
        for r in range(n):
            for i in range(len(sides)):
                peer = sides[(i + r) % len(sides)]
                results[peer].append(run(measure, peer))
        before = found["measures"].setdefault(measure, {})
        for peer, got in results.items():
            before[peer] = {"median": middle(got), "rounds": got}
        save("pool", found)
        say(f"{measure}\n{detail(before)}\n")
    return found


def detail(sides: dict) -> str:
    rows = []
    for peer, got in sides.items():
        m = got["median"]
        rows.append({"pool": peer, **({k: figure(v) for k, v in m.items()} if isinstance(m, dict) else {"": m})})
    columns = list(dict.fromkeys(k for r in rows for k in r))
    return table(rows, columns)


def figure(v: float) -> str:
    return f"{v:.3g}" if abs(v) < 1000 else f"{v:.0f}"


def value(found, measure, peer, key):
    got = found["measures"].get(measure, {}).get(peer, {}).get("median")
    return got.get(key) if isinstance(got, dict) else None


def judged(found: dict) -> list[dict]:
    """One row a goal: ours, the best peer, their ratio, and whether it holds."""
    rows = []
    for goal in GOALS:
        ours = value(found, goal.measure, "bakusoku", goal.key)
        other = goal.against or goal.measure
        rivals = {
            p: v
            for p in found["measures"].get(other, {})
            if p not in ("bakusoku", "serial")
            and (not goal.peers or p in goal.peers)
            and (v := value(found, other, p, goal.key)) is not None
        }
        best = min(rivals, key=rivals.get, default=None)
        ratio = ours / rivals[best] if best and ours is not None and rivals[best] else None
        limits = []
        if goal.most is not None:
            limits.append(f"≤ {figure(goal.most)}")
        if goal.ratio is not None:
            limits.append(f"≤ {goal.ratio:.3g}×")
        holds = ours is not None and (goal.most is None or ours <= goal.most)
        holds = holds and (goal.ratio is None or ratio is None or ratio <= goal.ratio)
        rows.append(
            {
                "measure": goal.text,
                "unit": goal.unit,
                "ours": "-" if ours is None else figure(ours),
                "best peer": "-" if best is None else f"{best} {figure(rivals[best])}",
                "ratio": "-" if ratio is None else f"{ratio:.2f}",
                "goal": ", ".join(limits) or "-",
                "holds": "-" if ours is None or not limits else ("yes" if holds else "NO"),
            }
        )
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("measures", nargs="*", metavar="MEASURE", help=f"of {', '.join(PLAN)}")
    parser.add_argument("--peers", nargs="*", default=[], help="only these pools (`bakusoku` is one)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--report", action="store_true", help="print what was measured last")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a goal that was measured does not hold")
    args = parser.parse_args()
    unknown = set(args.measures) - set(PLAN)
    if unknown:
        parser.error(f"no such measure: {', '.join(sorted(unknown))}")
    if args.report:
        found = json.loads((OUT / "pool.json").read_text())
    else:
        found = measured(args.measures or list(PLAN), args.peers, args.rounds)
    rows = judged(found)
    say(table(rows, list(rows[0])))
    return int(args.check and any(r["holds"] == "NO" for r in rows))


if __name__ == "__main__":
    sys.exit(main())
