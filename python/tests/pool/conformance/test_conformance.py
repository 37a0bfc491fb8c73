"""The same scripts on `multiprocessing.Pool` and on ours, run in every way in which people run code."""

from __future__ import annotations

import functools
import sys
from pathlib import Path

import pytest

from ..script import run_script

HERE = Path(__file__).resolve().parent
SCRIPTS = sorted(path.stem for path in (HERE / "scripts").glob("*.py"))


def run(how: str, script: str, implementation: str, method: str) -> str:
    path = HERE / "scripts" / f"{script}.py"
    command = [sys.executable, str(HERE / "run.py"), how, str(path), implementation, method]
    if how == "script":
        # As a user starts it: the file is `__main__` itself.
        command = [sys.executable, str(path)]
    environment = {
        "PYTHONPATH": str(HERE),
        "POOL_OF_THE_TEST": implementation,
        "METHOD_OF_THE_TEST": method,
        "BAKUSOKU_START_METHOD": None,
    }
    ran = run_script(None, command=command, env=environment, seconds=80).fine()
    assert ran.err == "", ran.err
    return ran.out


@functools.cache
def expected(script: str) -> str:
    """What `multiprocessing` gives, where forks have everything."""
    return run("script", script, "multiprocessing", "default")


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("how", ["script", "prompt", "notebook"])
@pytest.mark.parametrize("method", ["default", "fork", "forkserver", "spawn"])
def test_as_multiprocessing(script, how, method):
    if how == "notebook":
        pytest.importorskip("IPython")
    assert run(how, script, "bakusoku", method) == expected(script)


@pytest.mark.parametrize("script", SCRIPTS)
def test_as_an_importable_module(script):
    """As `multiprocessing`, for a fork has the module as it is."""
    assert run("module", script, "bakusoku", "default") == run("module", script, "multiprocessing", "default")
