"""GNU's OpenMP in the owner before the pool, and in its workers: a fork has none of the threads that it waits for."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from .script import run_script

SOURCE = """
#include <omp.h>
int team(void) {
    int n = 0;
    #pragma omp parallel reduction(+:n)
    n += 1;
    return n;
}
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    folder = tmp_path_factory.mktemp("openmp")
    (folder / "team.c").write_text(SOURCE)
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("no gcc")
    command = [compiler, "-O1", "-fopenmp", "-shared", "-fPIC", "-o", folder / "libteam.so", folder / "team.c"]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip("gcc has no OpenMP")
    return folder / "libteam.so"


def test_what_a_thread_has_for_itself(library):
    """With threads of OpenMP the fork is made in another thread than the caller's."""
    ran = run_script(
        f"""
        import ctypes, decimal, threading
        from bakusoku import Pool

        class Local(threading.local):
            def __init__(self):
                self.made = True

        plain, own = threading.local(), Local()
        plain.x = own.x = 1
        decimal.getcontext().prec = 5
        ctypes.CDLL({str(library)!r}).team()

        def f(_):
            return plain.x, own.x, own.made, decimal.getcontext().prec, threading.current_thread().name

        with Pool(1) as pool:
            print(pool.map(f, [1]))
        """,
        env={"OMP_NUM_THREADS": "2", "BAKUSOKU_START_METHOD": None},
    ).fine()
    assert ran.out == "[(1, 1, True, 5, 'MainThread')]\n"


def test_a_team_in_the_owner_and_in_workers(library):
    ran = run_script(
        f"""
        import ctypes
        from bakusoku import Pool

        library = ctypes.CDLL({str(library)!r})
        print(library.team() > 1)

        def f(x):
            library.team()
            return library.team()

        def inner(x):
            library.team()
            with Pool(1, threads=2) as pool:
                return pool.map(f, [1], timeout=20)

        with Pool(1, threads=2) as pool:
            print(pool.map(f, range(3), timeout=20))
        with Pool(2, threads=2, maxtasksperchild=1) as pool:
            print(pool.map(f, range(4), 1, timeout=20))
        with Pool(1, threads=2) as pool:
            print(pool.map(inner, [1], timeout=40))
        """,
        env={"OMP_NUM_THREADS": "2", "BAKUSOKU_START_METHOD": None},
    ).fine()
    assert ran.out == "True\n[2, 2, 2]\n[2, 2, 2, 2]\n[[2]]\n"
