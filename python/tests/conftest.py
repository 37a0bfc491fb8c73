"""Where the real recordings and the command line are; what the comparison with MNE found, at the end."""

from __future__ import annotations

import os
import signal
from pathlib import Path

# MNE's small decompositions get slower with every BLAS thread; to be said before NumPy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def test_data() -> Path:
    folder = Path(os.environ.get("BAKUSOKU_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "fif").is_dir():
        pytest.skip(f"no real recordings at {folder}: set BAKUSOKU_TEST_DATA")
    return folder


@pytest.fixture(scope="session")
def bakusoku_command() -> str:
    program = Path(os.environ.get("BAKUSOKU_COMMAND", ROOT / "target" / "release" / "bakusoku"))
    if not program.exists():
        pytest.skip(f"{program} is not built: cargo build --release")
    return str(program)


def pytest_configure():
    # A shell's background job and `nohup` ignore signals, and so would every program that a test starts and interrupts.
    for number, usual in (
        (signal.SIGINT, signal.default_int_handler),
        (signal.SIGQUIT, signal.SIG_DFL),
        (signal.SIGHUP, signal.SIG_DFL),
    ):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, usual)


def pytest_terminal_summary(terminalreporter):
    from parity.table import FOUND, summary

    if FOUND:
        terminalreporter.section("distance from MNE-Python")
        for line in summary():
            terminalreporter.write_line(line)
