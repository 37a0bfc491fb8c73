"""`resume=folder`: finished items lie on disk, and are not done again."""

from __future__ import annotations

import signal
import time

import numpy as np
import pytest

import bakusoku

from . import tasks
from .script import Script, run_script


def done(folder) -> list[int]:
    return sorted(int(p.name) for p in folder.iterdir())


@pytest.fixture
def touched(tmp_path):
    folder = tmp_path / "touched"
    folder.mkdir()
    return folder


def work_for(touched, fail=()):
    fail = set(fail)
    where = str(touched)

    def work(i):
        tasks.touch(f"{where}/{i}")
        return i * 10

    def failing(i):
        tasks.touch(f"{where}/{i}")
        if i in fail:
            raise ValueError(i)
        return i * 10

    return failing if fail else work


def times(touched, n):
    return [len((touched / str(i)).read_text()) if (touched / str(i)).exists() else 0 for i in range(n)]


@pytest.mark.parametrize("method", ["map", "imap", "map_async"])
def test_second_time_nothing_runs(tmp_path, touched, method):
    work = work_for(touched)
    for _ in range(2):
        with bakusoku.Pool(2, resume=tmp_path / "journal") as pool:
            got = getattr(pool, method)(work, range(6))
            assert list(got.get(30) if method == "map_async" else got) == [i * 10 for i in range(6)]
    assert times(touched, 6) == [1] * 6


def test_given_to_a_call(tmp_path, touched):
    work = work_for(touched)
    with bakusoku.Pool(2) as pool:
        for _ in range(2):
            assert pool.map(work, range(6), resume=tmp_path / "journal") == [i * 10 for i in range(6)]
        pool.map(work, range(6))
    assert times(touched, 6) == [2] * 6


def test_what_failed_is_tried_again(tmp_path):
    """The cause is gone the second time: only the failed item runs."""
    where = str(tmp_path / "touched")
    (tmp_path / "touched").mkdir()
    bad = tmp_path / "bad"
    bad.touch()
    mark = str(bad)

    def work(i):
        import os

        tasks.touch(f"{where}/{i}")
        if i == 3 and os.path.exists(mark):
            raise ValueError(i)
        return i * 10

    with bakusoku.Pool(2, resume=str(tmp_path / "journal")) as pool:
        got = pool.map(work, range(6), on_error="return")
        assert isinstance(got[3], ValueError)
        bad.unlink()
        assert pool.map(work, range(6)) == [i * 10 for i in range(6)]
    assert times(tmp_path / "touched", 6) == [1, 1, 1, 2, 1, 1]


def test_more_items(tmp_path, touched):
    work = work_for(touched)
    with bakusoku.Pool(2, resume=tmp_path / "journal") as pool:
        pool.map(work, range(4))
        assert pool.map(work, range(7)) == [i * 10 for i in range(7)]
        assert pool.map(work, [6, 2, 9]) == [60, 20, 90]  # by what the item is, not by where it stands
    assert times(touched, 7) == [1] * 7


def test_another_function_is_another_result(tmp_path):
    with bakusoku.Pool(2, resume=tmp_path / "journal") as pool:
        assert pool.map(lambda x: x + 1, range(4)) == [1, 2, 3, 4]
        assert pool.map(lambda x: x + 2, range(4)) == [2, 3, 4, 5]
        k = 5
        assert pool.map(lambda x: x + k, range(4)) == [5, 6, 7, 8]
        k = 6
        assert pool.map(lambda x: x + k, range(4)) == [6, 7, 8, 9]


def test_arrays_and_objects(tmp_path, touched):
    items = [{"a": np.arange(5), "b": "x"}, {"a": np.arange(6), "b": "x"}]
    where = str(touched)

    def work(item):
        tasks.touch(f"{where}/{item['a'].size}")
        return item["a"] * 2.0, {"n": item["a"].size}

    for _ in range(2):
        with bakusoku.Pool(2, resume=tmp_path / "journal") as pool:
            for (a, d), item in zip(pool.map(work, items), items, strict=True):
                assert np.array_equal(a, item["a"] * 2.0) and d == {"n": item["a"].size}
    assert times(touched, 7)[5:] == [1, 1]


def test_damaged_files_are_done_again(tmp_path, touched):
    work = work_for(touched)
    journal = tmp_path / "journal"
    with bakusoku.Pool(2) as pool:
        pool.map(work, range(4), resume=journal)
        for path in [p for p in journal.rglob("*") if p.is_file()]:
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        assert pool.map(work, range(4), resume=journal) == [0, 10, 20, 30]
        for path in [p for p in journal.rglob("*") if p.is_file()]:
            path.write_bytes(b"\x80\x05garbage")
        assert pool.map(work, range(4), resume=journal) == [0, 10, 20, 30]
    assert all(n >= 2 for n in times(touched, 4))


def test_a_folder_that_cannot_be_written(tmp_path):
    path = tmp_path / "file"
    path.write_text("not a folder")
    with bakusoku.Pool(2) as pool:
        with pytest.raises(OSError):
            pool.map(tasks.square, range(3), resume=path)
        assert pool.map(tasks.square, range(3)) == [0, 1, 4]


CODE = """
    import os, sys, time
    from bakusoku import Pool

    def work(i):
        with open(f"{touched}/{{i}}", "a") as f:
            f.write("x")
        time.sleep(0.1)
        return i * 10

    print("begun", flush=True)
    with Pool(2, resume={journal!r}) as pool:
        print(pool.map(work, range(12)), flush=True)
"""


def test_killed_at_any_moment(tmp_path, touched):
    """After SIGKILL of the caller the next run goes on where it was; an item runs twice at most for each kill."""
    code = CODE.format(touched=touched, journal=str(tmp_path / "journal"))
    kills = 0
    for wait in (0.35, 0.6, 0.5):
        script = Script(code)
        script.said("begun")
        time.sleep(wait)
        script.signal(signal.SIGKILL)
        kills += 1
        script.wait(10).clean()
    ran = run_script(code).fine()
    assert ran.out.splitlines()[-1] == str([i * 10 for i in range(12)])
    runs = times(touched, 12)
    assert sum(runs) <= 12 + 4 * kills  # two running and two waiting their turn at each kill, at most
    again = run_script(code).fine()
    assert again.out == ran.out and times(touched, 12) == runs


def test_two_scripts_at_once(tmp_path, touched):
    """Two runs with one folder do not spoil each other's results."""
    code = CODE.format(touched=touched, journal=str(tmp_path / "journal"))
    scripts = [Script(code) for _ in range(2)]
    for script in scripts:
        assert script.wait(60).fine().out.splitlines()[-1] == str([i * 10 for i in range(12)])
