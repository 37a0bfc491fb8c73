"""The progress bar: on a terminal when wanted, in a plain line elsewhere, never when not."""

from __future__ import annotations

import os
import pty
import re
import sys
import textwrap
import time

from .script import HERE, run_script

CODE = """
    import time
    from bakusoku import Pool

    def work(i):
        time.sleep(0.25)
        return i

    with Pool(2{pool}) as pool:
        print(pool.map(work, range(8), labels=[f"sub-{{i:02d}}" for i in range(8)]{call}))
"""


def on_terminal(code):
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["PYTHONPATH"] = str(HERE.parent)
        os.environ["TERM"] = "xterm"
        os.execv(sys.executable, [sys.executable, "-c", textwrap.dedent(code)])
    shown = b""
    end = time.monotonic() + 40
    while time.monotonic() < end:
        try:
            part = os.read(terminal, 1 << 16)
        except OSError:
            break
        if not part:
            break
        shown += part
    os.close(terminal)
    assert os.waitpid(pid, 0)[1] == 0, shown
    return shown.decode()


def test_off_by_default():
    ran = run_script(CODE.format(pool="", call="")).fine()
    assert ran.err == "" and ran.out == "[0, 1, 2, 3, 4, 5, 6, 7]\n"


def test_on_a_terminal():
    for pool, call in ((", progress=True", ""), ("", ", progress=True")):
        shown = on_terminal(CODE.format(pool=pool, call=call))
        assert "8/8" in shown and "[0, 1, 2, 3, 4, 5, 6, 7]" in shown
        assert re.search(r"\b[1-7]/8\b", shown)  # it moved
        assert "sub-0" in shown  # who is running
        assert re.search(r"\d+ ?s|\d+:\d\d", shown)  # time left
        counts = [int(n) for n in re.findall(r"\b(\d)/8\b", shown)]
        assert counts == sorted(counts)  # never back


def test_not_on_a_terminal():
    """In a log file: no control characters, few lines, on stderr."""
    ran = run_script(CODE.format(pool="", call=", progress=True")).fine()
    assert ran.out == "[0, 1, 2, 3, 4, 5, 6, 7]\n"
    assert "8/8" in ran.err and "\r" not in ran.err and "\x1b" not in ran.err
    assert len(ran.err.splitlines()) <= 10


def test_output_of_tasks_does_not_break_the_bar():
    shown = on_terminal(CODE.format(pool="", call=", progress=True").replace("return i", "print('word', i); return i"))
    lines = [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", part) for part in re.split(r"[\r\n]+", shown)]
    words = [line for line in lines if "word" in line]
    assert len(words) == 8 and not any("/8" in w for w in words)


def test_errors_end_the_bar():
    shown = on_terminal(
        """
        from bakusoku import Pool
        with Pool(2) as pool:
            try:
                pool.map(lambda i: 1 / (i - 3), range(8), progress=True)
            except ZeroDivisionError:
                print("caught")
        """
    )
    assert "caught" in shown
