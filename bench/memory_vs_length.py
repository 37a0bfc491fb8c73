"""Peak memory of `bakusoku run` on one subject as the recording grows: 1, 5, 20 minutes.

.venv/bin/python bench/memory_vs_length.py
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "python" / "tests")]

from measure import COMMAND, environment, machine, need_command, run, save, say, table  # noqa: E402
from study.mne_study import Config  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=float, nargs="+", default=[1.0, 5.0, 20.0])
    parser.add_argument(
        "--simulate", default="--subjects 1 --sfreq 1000 --seed 1", help="options of `bakusoku simulate`"
    )
    args = parser.parse_args()
    need_command()
    rows = []
    base = Path(os.environ.get("BAKUSOKU_TMPDIR", tempfile.gettempdir()))
    for minutes in args.minutes:
        work = Path(tempfile.mkdtemp(prefix="bakusoku-memory-", dir=base))
        try:
            command = [
                str(COMMAND),
                "simulate",
                str(work / "bids"),
                "--duration",
                f"{minutes * 60:g}",
                *args.simulate.split(),
            ]
            done = subprocess.run(command, env=environment(), capture_output=True, text=True)
            if done.returncode:
                sys.exit(f"{' '.join(command)} failed:\n{done.stderr or done.stdout}")
            study = work / "study.toml"
            study.write_text(Config().as_toml(bids_root=str(work / "bids"), deriv_root=str(work / "out")))
            cost = run([str(COMMAND), "run", str(study)], environment())
            if cost.returncode:
                sys.exit(f"run failed:\n{cost.stdout}\n{cost.stderr}")
            size = sum(p.stat().st_size for p in (work / "bids").rglob("*_meg.fif"))
            rows.append(
                {
                    "minutes": minutes,
                    "input MiB": size / 2**20,
                    "peak MiB": cost.peak / 2**20,
                    "wall s": cost.wall,
                    "cpu s": cost.cpu,
                }
            )
            say(table(rows[-1:], list(rows[-1])))
        finally:
            shutil.rmtree(work, ignore_errors=True)
    say("\n" + table(rows, ["minutes", "input MiB", "peak MiB", "wall s", "cpu s"]))
    say(f"written: {save('memory_vs_length', {'machine': machine(), 'rows': rows})}")


if __name__ == "__main__":
    main()
