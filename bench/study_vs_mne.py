"""A whole study: `bakusoku run` beside MNE-Python under `multiprocessing.Pool(2).map` with OMP_NUM_THREADS=1.

The same simulated recordings (4 subjects x 3 min, 306 MEG + 60 EEG, 1000 Hz), the same steps: notch 50/100/150,
0.1-40 Hz, resample to 250 Hz, epochs, evoked, Welch, covariance, every result written. The sides take turns;
each is a fresh process with warm files; the results of each pair are compared before its time counts.

    .venv/bin/python bench/study_vs_mne.py --pairs 3
    .venv/bin/python bench/study_vs_mne.py --pairs 3 --maxwell   # bad channels found and tSSS before all that
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "python" / "tests")]

from measure import COMMAND, drop_into_cache, environment, machine, median, need_command, run, save, say, table  # noqa: E402
from study.mne_study import Config, analyse  # noqa: E402


def recordings(bids_root: Path) -> list[Path]:
    found = sorted(p for p in bids_root.glob("sub-*/**/*_meg.fif") if "derivatives" not in p.parts)
    if not found:
        sys.exit(f"no recordings under {bids_root}")
    return found


def subject_of(path: Path) -> str:
    return next(p for p in path.parts if p.startswith("sub-"))


def _one(job):
    fname, stem, config = job
    return analyse(fname, stem, config)


def mne_side(bids_root: Path, out: Path, workers: int, config: Config) -> None:
    """Runs in its own interpreter: what a user's script does."""
    import multiprocessing

    import mne  # noqa: F401  (before the clock starts: workers inherit it)
    import scipy.signal  # noqa: F401

    jobs = [(str(f), str(out / subject_of(f) / f.name.removesuffix("_meg.fif")), config) for f in recordings(bids_root)]
    start = time.perf_counter()
    with multiprocessing.Pool(workers) as pool:
        pool.map(_one, jobs, chunksize=1)
    print(json.dumps({"map": time.perf_counter() - start}))


def simulate(args, folder: Path) -> Path:
    if args.data:
        return Path(args.data)
    command = [need_command(), "simulate", str(folder), *args.simulate.split()]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr or done.stdout}")
    return folder


def ours(bids_root: Path, out: Path, config: Config):
    study = out.with_suffix(".toml")
    study.write_text(config.as_toml(bids_root=str(bids_root), deriv_root=str(out)))
    return run([str(COMMAND), "run", str(study)], environment())


def theirs(bids_root: Path, out: Path, workers: int, config: Config):
    command = [sys.executable, __file__, "--mne-side", str(bids_root), str(out), "--workers", str(workers)]
    command += ["--maxwell"] if config.use_maxwell_filter else []
    return run(command, environment(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1"))


def compare(bids_root: Path, our_out: Path, mne_out: Path, config: Config) -> dict[str, float]:
    """With the Maxwell filter, whose own accuracy is 1e-8 of the input, in units of the ulp of each channel's peak."""
    from study.compare import worst_differences

    floor = 1.0 if config.use_maxwell_filter else 1e-6

    worst: dict[str, float] = {}
    for fname in recordings(bids_root):
        stem = fname.name.removesuffix("_meg.fif")
        mne_stem = mne_out / subject_of(fname) / stem
        found = worst_differences(our_out, subject_of(fname), mne_stem, source=fname, floor=floor)
        for key, value in found.items():
            worst[key] = max(worst.get(key, 0.0), value)
    return worst


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--data", help="a BIDS folder to use instead of a simulated one")
    parser.add_argument(
        "--simulate", default="--subjects 4 --duration 180 --sfreq 1000 --seed 1", help="options of `bakusoku simulate`"
    )
    parser.add_argument("--maxwell", action="store_true", help="find bad channels and Maxwell filter first")
    parser.add_argument("--no-ours", action="store_true", help="the MNE side alone")
    parser.add_argument("--mne-side", nargs=2, metavar=("BIDS_ROOT", "OUT"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    config = Config(use_maxwell_filter=args.maxwell)
    if args.mne_side:
        return mne_side(Path(args.mne_side[0]), Path(args.mne_side[1]), args.workers, config)

    rows, ratios = [], []
    base = Path(os.environ.get("BAKUSOKU_TMPDIR", tempfile.gettempdir()))
    work = Path(tempfile.mkdtemp(prefix="bakusoku-bench-", dir=base))
    try:
        bids_root = simulate(args, work / "bids")
        drop_into_cache(bids_root)
        # One ulp of float32, and 1e-8 (a sixth of an ulp) for the Maxwell filter.
        samples, spectra = (1.2, 1e-7) if args.maxwell else (1.0, 1e-9)
        limits = {"raw": samples, "epo": samples, "ave": samples, "cov": spectra, "psd": spectra}
        for pair in range(args.pairs):
            sides = {}
            order = ["mne", "ours"] if pair % 2 == 0 else ["ours", "mne"]
            for side in order:
                if side == "ours" and args.no_ours:
                    continue
                out = work / f"{side}-{pair}"
                cost = theirs(bids_root, out, args.workers, config) if side == "mne" else ours(bids_root, out, config)
                if cost.returncode:
                    sys.exit(f"{side} failed ({cost.returncode}):\n{cost.stdout}\n{cost.stderr}")
                row = {
                    "pair": pair,
                    "side": side,
                    "wall s": cost.wall,
                    "cpu s": cost.cpu,
                    "peak MiB": cost.peak / 2**20,
                }
                if side == "mne":
                    row["map s"] = json.loads(cost.stdout.strip().splitlines()[-1])["map"]
                rows.append(row)
                sides[side] = row
                say(f"pair {pair} {side}: {cost.wall:.2f} s, {cost.cpu:.1f} CPU s, {cost.peak / 2**20:.0f} MiB")
            if len(sides) == 2:
                worst = compare(bids_root, work / f"ours-{pair}", work / f"mne-{pair}", config)
                say("  worst difference: " + ", ".join(f"{k} {v:.2g}" for k, v in worst.items()))
                wrong = {k: v for k, v in worst.items() if v > limits[k.split()[0]]}
                if wrong:
                    sys.exit(f"results differ, so no time counts: {wrong}")
                ratios.append(
                    {
                        # The stricter of the two: MNE's map alone, its interpreter and imports in the parent left out.
                        "wall ratio": sides["mne"]["map s"] / sides["ours"]["wall s"],
                        "whole script ratio": sides["mne"]["wall s"] / sides["ours"]["wall s"],
                        "memory ratio": sides["mne"]["peak MiB"] / sides["ours"]["peak MiB"],
                        "worst": worst,
                    }
                )
            for side in sides:
                shutil.rmtree(work / f"{side}-{pair}", ignore_errors=True)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    say("\n" + table(rows, ["pair", "side", "wall s", "map s", "cpu s", "peak MiB"]))
    summary = {}
    for key in ("wall ratio", "whole script ratio", "memory ratio"):
        values = [r[key] for r in ratios]
        if values:
            summary[key] = {"min": min(values), "median": median(values), "max": max(values)}
            say(f"{key}: {min(values):.2f} / {median(values):.2f} / {max(values):.2f} (min / median / max)")
    found = {"machine": machine(), "rows": rows, "pairs": ratios, "summary": summary}
    say(f"written: {save('study_vs_mne_maxwell' if args.maxwell else 'study_vs_mne', found)}")


if __name__ == "__main__":
    main()
