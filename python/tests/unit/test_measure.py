"""The benchmark's own instruments: they must see what is there."""

from __future__ import annotations

import sys

from measure import median, run, table


def test_peak_memory_of_all_processes():
    code = (
        "import subprocess, sys, time; x = bytearray(60 << 20);"
        "subprocess.run([sys.executable, '-c', 'import time; x = bytearray(60 << 20); time.sleep(0.5)'])"
    )
    cost = run([sys.executable, "-c", code])
    assert cost.returncode == 0
    assert 120 << 20 < cost.peak < 200 << 20
    assert cost.wall > 0.5


def test_failure_is_seen():
    assert run([sys.executable, "-c", "raise SystemExit(3)"]).returncode == 3


def test_table_and_median():
    assert median([3.0, 1.0, 2.0]) == 2.0 and median([4.0, 1.0]) == 2.5
    assert table([{"a": 1, "b": 2.345}], ["a", "b"]).splitlines()[-1].split() == ["1", "2.35"]
