"""Wall, CPU and peak memory of a command with all its processes; tables; where results go."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "bench" / "out"
COMMAND = Path(os.environ.get("BAKUSOKU_COMMAND", ROOT / "target" / "release" / "bakusoku"))


def environment(**extra: str) -> dict[str, str]:
    """The user's environment without what would pin OpenBLAS to another machine's kernels, or have Python compile our
    modules, which are not installed, each time.
    """
    ours = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "PYTHONDONTWRITEBYTECODE")
    env = {k: v for k, v in os.environ.items() if k not in ours}
    env.update(extra)
    return env


def pss(pid: int) -> int:
    """Proportional set size in bytes; 0 for a process that has gone."""
    try:
        with open(f"/proc/{pid}/smaps_rollup") as f:
            for line in f:
                if line.startswith("Pss:"):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    return 0


def shared_memory() -> int:
    """Bytes that lie in /dev/shm (memory that belongs to no process)."""
    try:
        s = os.statvfs("/dev/shm")
    except OSError:
        return 0
    return (s.f_blocks - s.f_bfree) * s.f_frsize


@dataclass
class Cost:
    wall: float
    cpu: float
    peak: int
    returncode: int
    stdout: str
    stderr: str


def run(command: list[str], env: dict[str, str] | None = None, cwd: Path | None = None, interval: float = 0.02) -> Cost:
    """Run to the end while sampling the memory of the whole process tree."""
    before = shared_memory()
    start = time.perf_counter()
    process = subprocess.Popen(
        [str(c) for c in command],
        env=env or environment(),
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    peak, stop = 0, threading.Event()

    def watch():
        nonlocal peak
        root = psutil.Process(process.pid)
        while not stop.is_set():
            try:
                tree = [root, *root.children(recursive=True)]
            except psutil.Error:
                break
            total = max(shared_memory() - before, 0)
            for p in tree:
                total += pss(p.pid)
            peak = max(peak, total)
            stop.wait(interval)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    used = _children_cpu()
    out, err = process.communicate()
    wall = time.perf_counter() - start
    stop.set()
    watcher.join()
    return Cost(wall, _children_cpu() - used, peak, process.returncode, out, err)


def _children_cpu() -> float:
    t = os.times()
    return t.children_user + t.children_system


def drop_into_cache(folder: Path) -> None:
    """Read every file once, so that no side pays for a cold disk."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with open(path, "rb") as f:
                while f.read(1 << 22):
                    pass


def machine() -> dict:
    import mne
    import numpy
    import scipy

    cpu = next(
        (line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")),
        platform.machine(),
    )
    return {
        "cpu": cpu,
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "python": platform.python_version(),
        "mne": mne.__version__,
        "numpy": numpy.__version__,
        "scipy": scipy.__version__,
        "date": time.strftime("%Y-%m-%d"),
    }


def table(rows: list[dict], columns: list[str]) -> str:
    def text(v):
        if isinstance(v, float):
            return f"{v:.3g}" if abs(v) < 1e-3 else f"{v:.2f}"
        return str(v)

    cells = [columns] + [[text(r.get(c, "")) for c in columns] for r in rows]
    widths = [max(len(r[i]) for r in cells) for i in range(len(columns))]
    lines = ["  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in cells]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def save(name: str, result: dict) -> Path:
    OUT.mkdir(parents=True, exist_ok=True)
    path = OUT / f"{name}.json"
    path.write_text(json.dumps(result, indent=1) + "\n")
    return path


def say(text: str) -> None:
    print(text, flush=True)


def need_command() -> str:
    if not COMMAND.exists():
        sys.exit(f"{COMMAND} is not built: cargo build --release")
    return str(COMMAND)


def median(values):
    values = sorted(values)
    n = len(values)
    return values[n // 2] if n % 2 else (values[n // 2 - 1] + values[n // 2]) / 2
