"""The first error does not end the work of the others; callbacks, exits and doctests."""

from __future__ import annotations

import doctest
import sys
import time

import pytest

import bakusoku

from . import faults, tasks
from .script import run_script

METHODS = ["fork", "forkserver", "spawn", None]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("call", ["map", "starmap", "map_async", "starmap_async"])
def test_what_others_do_is_done(tmp_path, method, call):
    """As `multiprocessing.Pool` with `chunksize=1`, and better than that by default."""

    def work(i):
        if i == 2:
            raise ValueError("no good")
        time.sleep(0.02)
        (tmp_path / str(i)).write_text("whole")
        return i

    for chunksize in (1, None, 5):
        for path in tmp_path.iterdir():
            path.unlink()
        with bakusoku.Pool(2, context=method) as pool:
            with pytest.raises(ValueError, match="no good"):
                items = [(i,) for i in range(10)] if "star" in call else range(10)
                result = getattr(pool, call)(work, items, chunksize)
                result.get(60)
        assert {p.name for p in tmp_path.iterdir()} == set("013456789")


def test_of_several_errors_the_first_items(pool):
    for _ in range(3):
        with pytest.raises(KeyError) as caught:
            pool.map(tasks.fail_odd, range(40))
        assert caught.value.args == (1,)


def test_deaths_do_not_end_others(tmp_path):
    def work(i):
        if i in (1, 4):
            faults.at_3("SIGKILL", 3)
        (tmp_path / str(i)).touch()

    with bakusoku.Pool(2) as pool, pytest.raises(bakusoku.WorkerDied) as caught:
        pool.map(work, range(8))
    assert caught.value.index == 1
    assert {p.name for p in tmp_path.iterdir()} == set("023567")


def test_callbacks_hear_of_the_error_once(pool):
    heard, got = [], []
    result = pool.map_async(tasks.fail_odd, range(20), callback=got.append, error_callback=heard.append)
    result.wait(30)
    assert [e.args for e in heard] == [(1,)] and got == [] and not result.successful()


def test_what_is_kept_while_others_fail(tmp_path):
    """`resume`: the good ones are there the next time."""
    with bakusoku.Pool(2, resume=tmp_path) as pool:
        with pytest.raises(KeyError):
            pool.map(tasks.fail_odd, range(20))
    assert len(list(tmp_path.glob("*.result"))) == 10


# ---- callbacks -------------------------------------------------------------------------------------------------


def test_an_error_of_a_callback_is_nobodys_result(pool):
    """Whoever happens to call it: the engine, or `apply_async` itself when the result is there already."""
    shown = []
    before, sys.unraisablehook = sys.unraisablehook, lambda what: shown.append(what.exc_value)
    try:
        for _ in range(200):
            result = pool.apply_async(tasks.square, (3,), callback=lambda value: 1 / 0)
            assert result.get(30) == 9
        (result, got) = pool.map_async(tasks.square, [1, 2], callback=lambda value: sys.exit(3)), []
        assert result.get(30) == [1, 4]
        result = pool.apply_async(tasks.fail, (3,), error_callback=lambda error: got.append(error) or 1 / 0)
        with pytest.raises(ValueError, match="no good"):
            result.get(30)
        assert pool.map(tasks.square, range(4), progress=lambda now: 1 / 0) == [0, 1, 4, 9]
        assert len(got) == 1
    finally:
        sys.unraisablehook = before
    kinds = [type(error) for error in shown]
    assert kinds.count(SystemExit) == 1 and kinds.count(ZeroDivisionError) >= 201


def test_a_callback_that_raises_is_shown_by_python_itself():
    """As often as not the result is there already, and the caller's thread calls back."""
    ran = run_script(
        """
        from bakusoku import Pool

        def called_back(_):
            raise RuntimeError("of the callback")

        with Pool(2) as pool:
            pool.map(abs, [1])
            print([pool.apply_async(abs, (-3,), callback=called_back).get(30) for _ in range(50)] == [3] * 50)
        """
    ).fine()
    assert ran.out == "True\n"
    assert ran.err.count("RuntimeError: of the callback") == 50
    assert "Error: sys.unraisablehook" not in ran.err


def test_a_callback_without_items(pool):
    """There is nothing to wait for: it is called at once, as in `multiprocessing`."""
    got = []
    assert pool.map_async(tasks.square, [], callback=got.append).get(30) == []
    assert got == [[]]


# ---- words -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("no such subject", "sys.exit('no such subject')"),
        (3, "sys.exit(3)"),
        (None, "sys.exit(0)"),
        (-1, "sys.exit(-1)"),
    ],
)
def test_what_exit_said(pool, given, said):
    with pytest.raises(bakusoku.WorkerDied) as caught:
        pool.map(sys.exit, [given])
    assert said in str(caught.value)


EXAMPLE = """
>>> import bakusoku
>>> from pool import tasks
>>> pool = bakusoku.Pool(2)
>>> pool.map(tasks.fail, [3])
Traceback (most recent call last):
    ...
ValueError: no good: 3
>>> list(pool.imap(tasks.fail, [3]))
Traceback (most recent call last):
    ...
ValueError: no good: 3
>>> pool.terminate()
"""


def test_an_error_in_a_doctest():
    test = doctest.DocTestParser().get_doctest(EXAMPLE, {}, "example", None, None)
    failed, tried = doctest.DocTestRunner().run(test)
    assert (failed, tried) == (0, 6)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_text_that_the_terminal_cannot_show(encoding):
    code = """
        from bakusoku import Pool

        def work(i):
            print(f"before {i}")
            print(f"µV 爆速 {i}")
            print(f"after {i}")

        with Pool(2) as pool:
            pool.map(work, range(3))
    """
    ran = run_script(code, env={"PYTHONIOENCODING": encoding})
    assert ran.returncode == 0 and ran.err == "", ran.err
    for i in range(3):
        assert f"before {i}" in ran.out and f"after {i}" in ran.out
        assert ("爆速" if encoding == "utf-8" else "\\u7206\\u901f") in ran.out


def test_no_bar_beside_another(monkeypatch):
    """Who iterates over `imap` may draw; and a bar that is there already is left alone."""
    from .test_progress import on_terminal

    body = """
        import sys, time, types
        from bakusoku import Pool

        {bar}
        def work(i):
            time.sleep(0.3)
            return i

        with Pool(2) as pool:
            print(list(pool.{method}(work, range(8))))
    """
    tqdm = "class tqdm:\\n    disable = False\\n    _instances = []\\ntqdm._instances.append(tqdm())"
    bar = f'module = types.ModuleType("tqdm.std"); exec("{tqdm}", module.__dict__); sys.modules["tqdm.std"] = module'
    assert "/8" in on_terminal(body.format(bar="", method="map"))
    for shown in (on_terminal(body.format(bar=bar, method="map")), on_terminal(body.format(bar="", method="imap"))):
        assert "/8" not in shown and "done" not in shown and "[0, 1, 2, 3, 4, 5, 6, 7]" in shown
