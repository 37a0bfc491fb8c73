"""What can be given to a pool: lambdas, closures, methods, partials, functions of `__main__`, of stdin, of a prompt."""

from __future__ import annotations

import functools
import operator
import pty
import sys
import time

import numpy as np
import pytest

from . import tasks
from .script import Script, run_script


class Scaler:
    factor = 3

    def __init__(self, offset):
        self.offset = offset

    def scale(self, x):
        return self.factor * x + self.offset

    @classmethod
    def of_class(cls, x):
        return cls.factor * x

    @staticmethod
    def static(x):
        return x + 1

    def __call__(self, x):
        return self.offset - x


def wrapped(f):
    @functools.wraps(f)
    def inner(x):
        return f(x) + 100

    return inner


@wrapped
def decorated(x):
    return x * 2


@functools.lru_cache
def cached(x):
    return x * 5


def make_closure(n):
    def inner(x):
        return x + n

    return inner


def recursive():
    def fib(n):
        return n if n < 2 else fib(n - 1) + fib(n - 2)

    return fib


CALLABLES = {
    "lambda": (lambda x: x + 1, lambda x: x + 1),
    "lambda with a default": (lambda x, n=4: x + n, lambda x: x + 4),
    "closure": (make_closure(7), lambda x: x + 7),
    "recursive closure": (recursive(), lambda n: recursive()(n)),
    "partial": (functools.partial(tasks.add, 10), lambda x: 10 + x),
    "partial of a lambda": (functools.partial(lambda a, b: a - b, 1), lambda x: 1 - x),
    "bound method": (Scaler(2).scale, lambda x: 3 * x + 2),
    "class method": (Scaler.of_class, lambda x: 3 * x),
    "static method": (Scaler.static, lambda x: x + 1),
    "object": (Scaler(9), lambda x: 9 - x),
    "class": (str, str),
    "decorated": (decorated, lambda x: 2 * x + 100),
    "cached": (cached, lambda x: 5 * x),
    "builtin": (abs, abs),
    "operator": (operator.neg, operator.neg),
    "method of a builtin": ([4, 5, 6, 7, 8, 9].__getitem__, lambda i: i + 4),
    "ufunc": (np.negative, lambda x: -x),
    "numpy function": (np.atleast_1d, lambda x: x),
}


@pytest.mark.parametrize("name", list(CALLABLES))
def test_callable(pool, name):
    f, expected = CALLABLES[name]
    assert pool.map(f, range(6)) == [expected(x) for x in range(6)]
    assert pool.apply(f, (3,)) == expected(3)
    assert list(pool.imap(f, range(6))) == [expected(x) for x in range(6)]


def test_local_class_goes_and_comes_back(pool):
    class Subject:
        def __init__(self, n):
            self.n = n

        def __eq__(self, other):
            return type(self) is type(other) and self.n == other.n

    got = pool.map(lambda s: Subject(s.n + 1), [Subject(1), Subject(2)])
    assert got == [Subject(2), Subject(3)]
    assert all(isinstance(s, Subject) for s in got)


def test_a_lambda_in_starmap_and_in_callbacks(pool):
    seen = []
    n = 3
    assert pool.starmap_async(lambda a, b: a * b + n, [(1, 2), (3, 4)], callback=seen.append).get(30) == [5, 15]
    assert seen == [[5, 15]]


def test_globals_are_those_of_the_call():
    """What `__main__` sets between two calls is seen by the second."""
    ran = run_script(
        """
        from bakusoku import Pool

        FACTOR = 2

        def helper(x):
            return x * FACTOR

        def f(x):
            return helper(x) + 1

        pool = Pool(2)
        print(pool.map(f, range(4)))
        FACTOR = 10
        print(pool.map(f, range(4)))

        def helper(x):
            return -x

        print(pool.map(f, range(4)))
        """
    ).fine()
    assert ran.out == "[1, 3, 5, 7]\n[1, 11, 21, 31]\n[1, 0, -1, -2]\n"
    assert ran.err == ""


MAIN = """
    import numpy as np
    import bakusoku
    from bakusoku import Pool
    print("once")

    class Subject:
        def __init__(self, name):
            self.name = name
        def mean(self, x):
            return Subject(self.name + "!"), float(np.mean(x))

    def analyse(x):
        return Subject("sub-01").mean([x, x + 1])

    with Pool(2) as pool:
        for subject, m in pool.map(analyse, range(3)):
            print(type(subject) is Subject, subject.name, m)
"""
EXPECTED = "once\n" + "".join(f"True sub-01! {i + 0.5}\n" for i in range(3))


@pytest.mark.parametrize("how", ["file", "-c", "stdin", "module"])
def test_without_a_guard(how, tmp_path):
    import textwrap

    code = textwrap.dedent(MAIN)
    (tmp_path / "my_script.py").write_text(code)
    command, stdin = {
        "file": ([sys.executable, "my_script.py"], None),
        "-c": ([sys.executable, "-c", code], None),
        "stdin": ([sys.executable, "-"], code),
        "module": ([sys.executable, "-m", "my_script"], None),
    }[how]
    ran = run_script(None, command=command, stdin=stdin, cwd=tmp_path).fine()
    assert ran.out == EXPECTED
    assert ran.err == ""


def test_at_the_prompt():
    """Line by line on a terminal, as people try things out."""
    pid, terminal = pty.fork()
    if pid == 0:
        import os

        os.environ["PYTHON_BASIC_REPL"] = "1"
        os.execv(sys.executable, [sys.executable, "-q", "-i"])
    import os

    lines = ["from bakusoku import Pool", "k = 5", "def f(x):", "    return x + k", "", "pool = Pool(2)"]
    lines += ["pool.map(f, [1, 2])", "k = 7", "pool.map(lambda x: f(x), [1, 2])", "exit()"]
    for line in lines:
        os.write(terminal, (line + "\n").encode())
    shown = b""
    end = time.monotonic() + 40
    while time.monotonic() < end:
        try:
            part = os.read(terminal, 4096)
        except OSError:
            break
        if not part:
            break
        shown += part
    os.close(terminal)
    assert os.waitpid(pid, 0)[1] == 0
    assert b"[6, 7]" in shown and b"[8, 9]" in shown
    assert b"Traceback" not in shown


def test_in_a_notebook():
    """A session without a `__main__` file, where stdout is no file: as Jupyter's kernels are."""
    ran = run_script(
        """
        import io, sys, types

        class Stream(io.TextIOBase):
            encoding = "utf-8"
            def write(self, text):
                real.write(text)
                return len(text)
            def fileno(self):
                raise io.UnsupportedOperation("fileno")

        real, sys.stdout = sys.stdout, Stream()
        main = types.ModuleType("__main__")
        sys.modules["__main__"] = main
        cells = [
            "from bakusoku import Pool",
            "n = 3",
            "def f(x):\\n    return x * n",
            "with Pool(2) as pool: print(pool.map(f, range(3)))",
            "n = 4",
            "with Pool(2) as pool: print(pool.map(f, range(3)))",
        ]
        for number, cell in enumerate(cells):
            exec(compile(cell, f"<ipython-input-{number}>", "exec"), main.__dict__)
        """
    ).fine()
    assert ran.out == "[0, 3, 6]\n[0, 4, 8]\n"


def test_a_module_beside_the_script(tmp_path):
    """Functions of modules travel by name; a module found through a changed `sys.path` is found in workers too."""
    folder = tmp_path / "lib"
    folder.mkdir()
    (folder / "lab_methods.py").write_text("import os\nHOME = os.getpid()\ndef f(x):\n    return x + 1, os.getpid()\n")
    ran = run_script(
        f"""
        import os, sys
        from bakusoku import Pool
        pool = Pool(2)
        print(pool.map(abs, [-1]))
        sys.path.insert(0, {str(folder)!r})
        import lab_methods
        results = pool.map(lab_methods.f, range(3))
        print([v for v, _ in results], os.getpid() in {{p for _, p in results}})
        """
    ).fine()
    assert ran.out == "[1]\n[1, 2, 3] False\n"


def test_script_is_not_run_again():
    script = Script("from bakusoku import Pool\nopen('runs', 'a').write('x')\nPool(2).map(abs, [1])\n")
    script.process.wait(60)
    from pathlib import Path

    runs = (Path(script.folder.name) / "runs").read_text()
    script.wait().fine()
    assert runs == "x"
