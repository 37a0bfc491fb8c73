"""Pools on a terminal: programs that use it, Ctrl-Z and Ctrl-C, sessions of a task's own."""

from __future__ import annotations

import os
import textwrap
import time
import uuid

import pytest

from .script import HERE, MARK, marked
from .terminal import Terminal


@pytest.fixture
def on_terminal(tmp_path):
    opened = []
    mark = uuid.uuid4().hex

    def start(code: str) -> Terminal:
        path = tmp_path / "script.py"
        path.write_text(textwrap.dedent(code))
        env = {**os.environ, "PYTHONPATH": str(HERE.parent), MARK: mark}
        opened.append(Terminal(str(path), env))
        return opened[-1]

    yield start
    for terminal in opened:
        terminal.end()
    end = time.monotonic() + 1
    while marked(mark) and time.monotonic() < end:
        time.sleep(0.02)
    assert not marked(mark)


CONTEXTS = pytest.mark.parametrize("context", ["fork", "forkserver", "spawn"])


@CONTEXTS
def test_programs_of_tasks_may_use_the_terminal(on_terminal, context):
    terminal = on_terminal(f"""
        import os, subprocess
        from bakusoku import Pool

        def task(_):
            subprocess.run("stty -F /dev/tty sane", shell=True, check=True)
            return 7

        def session(_):
            os.setsid()
            return os.getsid(0) == os.getpid()

        if __name__ == "__main__":
            with Pool(2, context={context!r}) as pool:
                print("got", pool.map(task, range(2), 1), pool.map(session, [1]))
    """)
    assert terminal.said("got [7, 7] [True]"), terminal.text
    assert terminal.said("shell: ended 0"), terminal.text


@CONTEXTS
def test_ctrl_z_stops_workers_and_fg_continues_them(on_terminal, context, tmp_path):
    ticks = tmp_path / "ticks"
    terminal = on_terminal(f"""
        import os, time
        from bakusoku import Pool

        def task(_):
            for i in range(60):
                with open({str(ticks)!r}, "a") as file: file.write(".")
                time.sleep(0.05)

        if __name__ == "__main__":
            with Pool(2, context={context!r}) as pool:
                result = pool.map_async(task, range(2), 1)
                while not os.path.exists({str(ticks)!r}): time.sleep(0.01)
                print("running", flush=True)
                result.get()
            print("done")
    """)
    assert terminal.said("running"), terminal.text
    terminal.type(b"\x1a")
    assert terminal.said("shell: stopped"), terminal.text
    time.sleep(0.3)
    before = ticks.stat().st_size
    time.sleep(0.6)
    assert ticks.stat().st_size == before
    terminal.resume()
    assert terminal.said("done"), terminal.text
    assert terminal.said("shell: ended 0"), terminal.text
    assert ticks.stat().st_size == 120


@CONTEXTS
def test_ctrl_c_ends_workers_and_their_programs(on_terminal, context):
    terminal = on_terminal(f"""
        import subprocess
        from bakusoku import Pool

        def task(i):
            if i == 0: print("running", flush=True)
            subprocess.run("trap '' INT; sleep 100 & sleep 100", shell=True)
            subprocess.run(["sleep", "100"])

        if __name__ == "__main__":
            with Pool(2, context={context!r}) as pool:
                pool.map(task, range(2), 1)
    """)
    assert terminal.said("running"), terminal.text
    time.sleep(0.3)
    terminal.type(b"\x03")
    assert terminal.said("KeyboardInterrupt", 5), terminal.text
    assert terminal.said("shell: ended", 5), terminal.text
