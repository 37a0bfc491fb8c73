"""Signals that are ignored at the start stay ignored: a run under `nohup` survives the end of the connection."""

from __future__ import annotations

import signal
import time

import pytest

KEYS = """
task = "audiovisual"
ch_types = ["meg", "eeg"]
l_freq = 1.0
h_freq = 40.0
"""


@pytest.fixture
def study(simulated, tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(f'bids_root = "{simulated}"\nderiv_root = "{tmp_path / "out"}"\n{KEYS}')
    return path


def started(cli, study, ignored: list[int]):
    """A run that has begun, started by a parent that ignores some signals."""
    before = [(number, signal.signal(number, signal.SIG_IGN)) for number in ignored]
    try:
        process = cli.popen("run", study, "--n-jobs", 1)
    finally:
        for number, handler in before:
            signal.signal(number, handler)
    assert "started" in process.stderr.readline()
    return process


@pytest.mark.study
@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT])
def test_an_ignored_signal_stays_ignored(cli, study, number):
    process = started(cli, study, [number])
    for _ in range(3):
        process.send_signal(number)
        time.sleep(0.01)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert "3 done" in out and "interrupted" not in err


@pytest.mark.study
@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_run(cli, study, number):
    process = started(cli, study, [])
    process.send_signal(number)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert "interrupted" in err
    cli.ok("run", study)
