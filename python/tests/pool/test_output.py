"""What a worker prints, logs and warns appears here, under its item's label, and goes with its error."""

from __future__ import annotations

import re

import pytest

import bakusoku

from .script import run_script

SCRIPT = """
    import logging, os, sys, time, warnings
    from bakusoku import Pool

    NAMES = [f"sub-{{i:02d}}" for i in range(4)]

    def work(i):
        {work}
        return i

    with Pool(2) as pool:
        print(pool.map(work, range(4), labels=NAMES{options}))
"""


def said(work, options="", **env):
    return run_script(SCRIPT.format(work=work, options=options), env=env).fine()


def lines_of(output, word):
    return sorted(line for line in output.splitlines() if re.search(word, line))


@pytest.mark.parametrize(
    ("work", "stream"),
    [
        ("print('hello', i)", "out"),
        ("print('hello', i, file=sys.stderr)", "err"),
        ("os.write(1, f'hello {i}\\n'.encode())", "out"),
        ("os.write(2, f'hello {i}\\n'.encode())", "err"),
        ("sys.stdout.write(f'hello {i}')", "out"),
        ("os.system(f'echo hello {i}')", "out"),
        ("warnings.warn(f'hello {i}')", "err"),
        ("logging.warning('hello %d', i)", "err"),
    ],
)
def test_under_its_label(work, stream):
    ran = said(work)
    lines = lines_of(getattr(ran, stream), r"hello \d")
    assert len(lines) == 4, ran
    for i, line in enumerate(sorted(lines, key=lambda line: line[line.index("hello") :])):
        assert f"sub-{i:02d}" in line and f"hello {i}" in line
    assert "[0, 1, 2, 3]" in ran.out.splitlines()[-1]


def test_many_lines_do_not_mix():
    ran = said("[print('x' * 200, i) for _ in range(200)]")
    lines = [line for line in ran.out.splitlines() if "xxx" in line]
    assert len(lines) == 800
    for line in lines:
        assert line.endswith(" " + line[line.index("sub-") + 5]) and "x" * 200 in line


def test_a_lot_of_output_does_not_block():
    ran = said("sys.stdout.write('y' * 3_000_000 + '\\n')")
    assert ran.out.count("y") == 4 * 3_000_000


def test_what_is_printed_comes_while_the_task_runs():
    import time

    from .script import Script

    script = Script(SCRIPT.format(work="print('hello', i, flush=True); time.sleep(3)", options=""))
    script.said("hello")
    assert "[0, 1, 2, 3]" not in script.printed()
    time.sleep(0.1)
    script.wait(30).fine()


def test_output_goes_with_the_error():
    def work(i):
        print("reading the recording")
        if i == 2:
            raise ValueError("no trigger channel")

    with bakusoku.Pool(2) as pool:
        with pytest.raises(ValueError) as caught:
            pool.map(work, range(4), labels=list("abcd"))
    notes = "\n".join(caught.value.__notes__)
    assert "reading the recording" in notes and "c" in notes


def test_last_words_of_a_dead_worker():
    import os

    def work(i):
        print("about to fall")
        os.write(2, b"free(): invalid pointer\n")
        os.abort()

    with bakusoku.Pool(2) as pool:
        with pytest.raises(bakusoku.WorkerDied) as caught:
            pool.map(work, [1])
    whole = str(caught.value) + "\n".join(getattr(caught.value, "__notes__", ()))
    assert "about to fall" in whole and "invalid pointer" in whole


def test_captured_by_pytest_like_programs(capsys):
    """Programs that put something else in the place of `sys.stdout`, as notebooks do, get the output there."""
    with bakusoku.Pool(2) as pool:
        pool.map(lambda i: print("from a worker", i), range(3), labels=list("abc"))
    out = capsys.readouterr().out
    assert out.count("from a worker") == 3


def test_log_records_reach_the_callers_handlers(caplog):
    import logging

    def work(i):
        logging.getLogger("lab.filter").warning("noisy channel %d", i)

    with bakusoku.Pool(2) as pool:
        pool.map(work, range(3), labels=list("abc"))
    records = [r for r in caplog.records if r.name == "lab.filter"]
    assert sorted(r.getMessage().split()[-1] for r in records) == ["0", "1", "2"]
    assert all(r.levelno == logging.WARNING for r in records)


def test_warnings_are_warnings_here_too():
    import warnings

    def work(i):
        warnings.warn("filter is longer than the signal", RuntimeWarning, stacklevel=1)

    with bakusoku.Pool(2) as pool, pytest.warns(RuntimeWarning, match="longer than the signal"):
        pool.map(work, range(2))


def test_input_in_a_task(pool):
    """There is nobody to answer: an error, no waiting."""
    with pytest.raises(EOFError):
        pool.map(lambda _: input("which channel? "), [1])


def test_items_of_one_message_are_told_apart():
    """What each of many quick items prints comes under its own label, also when they travel together."""
    ran = run_script(
        """
        from bakusoku import Pool

        with Pool(2) as pool:
            pool.map(lambda i: print("item", i) if i % 7 == 0 else None, range(300), chunksize=50)
        """
    ).fine()
    lines = sorted(ran.out.splitlines(), key=lambda line: int(line.split()[-1]))
    assert lines == [f"[item {i}] item {i}" for i in range(0, 300, 7)]


def test_the_order_within_an_item():
    """Python, C and child processes share a stream; their lines come in the order in which they were written."""
    ran = said("print('hello a'); os.write(1, b'hello b\\n'); os.system('echo hello c'); print('hello d')")
    for i in range(4):
        lines = [line for line in ran.out.splitlines() if line.startswith(f"[sub-{i:02d}]")]
        assert [line[-1] for line in lines] == list("abcd")
