"""Measures the snippets of docs/guide/speeding-up-python.md as they stand there, and puts the figures into the page.

A snippet is a block of Python under a comment `<!-- run: NAME -->`; what all share stands under `<!-- run: shared -->`.
Each is run as a script in an interpreter of its own, the snippets taking turns round by round; the clock starts where
the snippet starts, after what is shared. Medians go into `<!-- f:NAME -->…<!-- /f -->` (seconds), `f:NAME.MB` (peak
memory of all processes above what was there before) and `f:A/B` (how many times longer A takes), in both languages.

    .venv/bin/python bench/guide.py --rounds 5 --write
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

from measure import OUT, ROOT, environment, machine, median, run, save, say

PAGES = [ROOT / "docs" / "guide" / f"speeding-up-python{language}.md" for language in ("", ".ja")]
PLOT = ROOT / "docs" / "guide" / "scaling.svg"
CORES = len(os.sched_getaffinity(0))
BLOCK = re.compile(r"<!-- run: (.*?) -->\s*```python\n(.*?)```(?:\s*```text\n(.*?)```)?", re.DOTALL)
FIGURE = re.compile(r"(<!-- f:(\S+) -->)(.*?)(<!-- /f -->)", re.DOTALL)


@dataclass
class Snippet:
    name: str
    code: str
    shown: str | None = None  # what the page says that it prints
    env: dict[str, str] = field(default_factory=dict)
    fails: str | None = None  # the error that the page shows it to end with

    def script(self, shared: str, clock: bool = True) -> str:
        stop = 'print("seconds", perf_counter() - _start)\n' if clock else ""
        start = "from time import perf_counter\n_start = perf_counter()\n" if clock else ""
        # The pools of the standard library run a script again from its top where they do not fork.
        return f"{shared}\n{start}{self.code}\n{stop}"


def snippets(page: Path) -> dict[str, Snippet]:
    found = {}
    for head, code, shown in BLOCK.findall(page.read_text()):
        name, *options = (part.strip() for part in head.split(","))
        assert name not in found, f"two snippets are called {name}"
        snippet = found[name] = Snippet(name, textwrap.dedent(code), shown or None)
        for option in options:
            kind, value = option.split(" ", 1)
            if kind == "env":
                key, _, text = value.partition("=")
                snippet.env[key] = text
            else:
                assert kind == "fails", f"what is {option!r}?"
                snippet.fails = value
    return found


def recordings(folder: Path, n: int = 6, bad: int | None = 4) -> None:
    """Small recordings for the last chapters: 60 channels, a minute; one was cut while it was copied."""
    import mne
    import numpy as np

    rng = np.random.default_rng(0)
    info = mne.create_info(61, 500.0, ["mag"] * 60 + ["stim"])
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(1, n + 1):
        x = rng.standard_normal((61, 30000)) * 1e-13
        x[60] = 0
        x[60, 500:29000:500] = 1 + np.arange(57) % 2
        path = folder / f"sub-{i:02d}_raw.fif"
        mne.io.RawArray(x, info, verbose="error").save(path, overwrite=True, verbose="error")
        if i == bad:
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def clean(env: dict[str, str]) -> dict[str, str]:
    """Nothing exported about threads but what the snippet says: that is the subject of a chapter."""
    plain = {k: v for k, v in environment().items() if not k.endswith("_NUM_THREADS")}
    return {**plain, "PYTHONWARNINGS": "ignore::DeprecationWarning", **env}


def once(snippet: Snippet, shared: str, folder: Path) -> float | None:
    path = folder / f"snippet-{snippet.name}.py"
    path.write_text(snippet.script(shared))
    ran = subprocess.run(
        [sys.executable, str(path)], cwd=folder, env=clean(snippet.env), capture_output=True, text=True, timeout=170
    )
    if snippet.fails:
        assert ran.returncode and snippet.fails in ran.stderr, ran.stderr
        return None
    assert ran.returncode == 0, f"{snippet.name}: {ran.stderr}"
    return float(re.findall(r"^seconds (\S+)$", ran.stdout, re.MULTILINE)[-1])


def peak(snippet: Snippet, shared: str, folder: Path) -> float:
    """MB above what the same script takes without the snippet."""

    def of(code, name):
        path = folder / f"snippet-{name}.py"
        path.write_text(code)
        cost = run([sys.executable, str(path)], clean(snippet.env), folder, interval=0.005)
        assert cost.returncode == 0, cost.stderr
        return cost.peak

    whole = of(snippet.script(shared, clock=False), f"{snippet.name}-whole")
    return (whole - of(f"{shared}\nimport time; time.sleep(0.2)\n", f"{snippet.name}-shared")) / 1e6


# ---- the plot --------------------------------------------------------------------------------------------------

SCALING = """
import sys, time
import numpy as np
{imports}

def compute(seed):
    x = np.random.default_rng(seed).standard_normal((16, 1 << 16))
    return float(np.abs(np.fft.rfft(x)).sum() + np.abs(np.fft.rfft(x[::-1])).sum())

def stream(seed):
    x = np.full(1 << 24, float(seed))
    for _ in range(6):
        x += 1.0
    return float(x[-1])

def look(x):
    return float(np.abs(np.fft.rfft(x)).sum())

n, what = int(sys.argv[1]), sys.argv[2]
arrays = [np.full((16, 1 << 17), float(i)) for i in range(24)] if what == "send" else None
items = arrays or list(range(24))
f = {{"compute": compute, "stream": stream, "send": look}}[what]
start = time.perf_counter()
if n == 0:
    results = list(map(f, items))
else:
    with Pool(n) as pool:
        pool.map(abs, range(n))
        start = time.perf_counter()
        results = pool.map(f, items, chunksize=1)
print(time.perf_counter() - start)
"""
SIDES = {"multiprocessing": "from multiprocessing import Pool", "bakusoku": "from bakusoku import Pool"}
LINES = {
    ("compute", "bakusoku"): "computes",
    ("stream", "bakusoku"): "moves memory",
    ("send", "bakusoku"): "gets a 16 MiB array each, bakusoku",
    ("send", "multiprocessing"): "gets a 16 MiB array each, multiprocessing",
}


def scaling(rounds: int, folder: Path) -> dict:
    """Speed over one process without a pool, for 1 … 2 × cores workers."""
    env = clean({"OMP_NUM_THREADS": "1"})  # the serial side must not thread either
    counts = list(range(1, 2 * CORES + 1)) if CORES <= 4 else [1, 2, CORES // 2, CORES, CORES * 3 // 2, 2 * CORES]
    times: dict[tuple, list[float]] = {}
    for side, imports in SIDES.items():
        (folder / f"scaling_{side}.py").write_text(SCALING.format(imports=imports))
    for _ in range(rounds):
        for what, side in LINES:
            for n in [0, *counts]:
                command = [sys.executable, str(folder / f"scaling_{side}.py"), str(n), what]
                out = subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True, check=True).stdout
                times.setdefault((what, side, n), []).append(float(out))
    speed = {}
    for what, side in LINES:
        alone = median(times[what, side, 0])
        speed[f"{what} {side}"] = [alone / median(times[what, side, n]) for n in counts]
    return {"workers": counts, "speed": speed}


def plot(found: dict) -> str:
    """A small picture, readable on light and dark pages."""
    counts, speed = found["workers"], found["speed"]
    width, height, left, top, right, bottom = 640, 360, 56, 20, 30, 46
    most = max(counts[-1] * 0.75, *(max(v) for v in speed.values()))

    def at(n, s):
        x = left + (n - counts[0]) / max(counts[-1] - counts[0], 1) * (width - left - right)
        return f"{x:.1f},{height - bottom - s / most * (height - top - bottom):.1f}"

    colours = ["#2a7ade", "#12a150", "#d9480f", "#8a8f98"]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        'font-size="13" fill="#8a8f98">',
        f"<title>Speed over one process, on {CORES} cores</title>",
    ]
    for s in range(int(most) + 1):
        x, y = at(counts[0], s).split(",")
        parts.append(f'<path d="M{x} {y}H{width - right}" stroke="#8a8f98" stroke-opacity=".25"/>')
        parts.append(f'<text x="{left - 10}" y="{float(y) + 4:.1f}" text-anchor="end">{s}×</text>')
    for n in counts:
        x = at(n, 0).split(",")[0]
        parts.append(f'<text x="{x}" y="{height - bottom + 20}" text-anchor="middle">{n}</text>')
    parts.append(
        f'<text x="{(left + width - right) / 2}" y="{height - 8}" text-anchor="middle">workers ({CORES} cores)</text>'
    )
    ideal = " ".join(at(n, n) for n in counts if n <= min(CORES, most))
    parts.append(f'<polyline points="{ideal}" fill="none" stroke="#8a8f98" stroke-dasharray="4 4"/>')
    for i, (key, name) in enumerate(LINES.items()):
        points = [at(n, s) for n, s in zip(counts, speed[" ".join(key)], strict=True)]
        parts.append(f'<polyline points="{" ".join(points)}" fill="none" stroke="{colours[i]}" stroke-width="2"/>')
        for p in points:
            x, y = p.split(",")
            parts.append(f'<circle cx="{x}" cy="{y}" r="3" fill="{colours[i]}"/>')
        parts.append(f'<text x="{left + 14}" y="{top + 14 + 18 * i}" fill="{colours[i]}">each task {name}</text>')
    return "\n".join([*parts, "</svg>", ""])


# ---- the pages -------------------------------------------------------------------------------------------------


def said(seconds: float) -> str:
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f} µs"
    if seconds < 0.0995:
        return f"{seconds * 1e3:.3g} ms"
    return f"{seconds:.2g} s" if seconds < 9.95 else f"{seconds:.0f} s"


def text_of(key: str, found: dict) -> str | None:
    times, memory = found["seconds"], found["MB"]
    if key == "machine":
        m = found["machine"]
        return f"{m['cores']} × {m['cpu']}, Python {m['python']}, NumPy {m['numpy']}, MNE {m['mne']}, {m['date']}"
    if key.endswith(".MB"):
        name = key.removesuffix(".MB")
        return f"{memory[name]:.0f} MB" if name in memory else None
    if "/" in key:
        a, b = key.split("/")
        return f"{times[a] / times[b]:.2g}" if a in times and b in times else None
    return said(times[key]) if key in times else None


def write(found: dict) -> None:
    for page in PAGES:
        text = page.read_text()
        page.write_text(FIGURE.sub(lambda m: m[1] + (text_of(m[2], found) or m[3]) + m[4], text))
    if "scaling" in found:
        PLOT.write_text(plot(found["scaling"]))


def wanted_memory() -> list[str]:
    return sorted({k.removesuffix(".MB") for _, k, *_ in FIGURE.findall(PAGES[0].read_text()) if k.endswith(".MB")})


def main() -> int:
    import json

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="only these snippets; `scaling` is the plot")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="put the figures into the pages and draw the plot")
    args = parser.parse_args()
    all_of_them = snippets(PAGES[0])
    shared = all_of_them.pop("shared").code
    names = args.names or [*all_of_them, "scaling"]
    kept = OUT / "guide.json"
    found = json.loads(kept.read_text()) if kept.exists() else {"seconds": {}, "MB": {}}
    found["machine"] = machine()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recordings(folder)
        times: dict[str, list[float]] = {}
        for _ in range(args.rounds):
            for n in names:
                if n in all_of_them and (took := once(all_of_them[n], shared, folder)) is not None:
                    times.setdefault(n, []).append(took)
                    found["seconds"][n] = median(times[n])
                    save("guide", found)
        for n in wanted_memory():
            if n in names:
                found["MB"][n] = peak(all_of_them[n], shared, folder)
                save("guide", found)
        if "scaling" in names:
            found["scaling"] = scaling(args.rounds, folder)
    save("guide", found)
    for n, s in found["seconds"].items():
        memory = f"  {found['MB'][n]:.0f} MB" if n in found["MB"] else ""
        say(f"{n:28s} {said(s)}{memory}")
    if args.write:
        write(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
