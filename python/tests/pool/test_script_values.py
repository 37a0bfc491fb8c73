"""Globals and arguments of scripts that pickle would write slowly or wrongly, and settings that workers must have."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import bakusoku

from .script import run_script

METHODS = ["default", "fork", "forkserver", "spawn"]
HEAD = """
    import sys, os, time
    import numpy as np
    from bakusoku import Pool
    method = {method!r}
"""


def run(method: str, code: str, **options):
    given = None if method == "default" else method
    return run_script(HEAD.format(method=given) + code, env={"BAKUSOKU_START_METHOD": None}, **options).fine()


@pytest.mark.parametrize("method", METHODS)
def test_shared_arrays_are_written_or_refused(method):
    ran = run(
        method,
        """
    import multiprocessing as mp
    raw = np.frombuffer(mp.RawArray("d", 100))
    locked = np.frombuffer(mp.Array("d", 100).get_obj())
    mapped = np.memmap("out.dat", "f8", "w+", shape=(100,))

    def fill(i):
        raw[i] = locked[i] = mapped[i] = i + 1

    try:
        with Pool(2, context=method) as pool:
            pool.map(fill, range(100))
        print(raw.sum(), locked.sum(), mapped.sum())
    except TypeError as error:
        print("refused", "writable view" in str(error))
    """,
    )
    assert ran.out == ("5050.0 5050.0 5050.0\n" if method in ("default", "fork") else "refused True\n")


@pytest.mark.parametrize("method", METHODS)
def test_shared_arrays_through_initargs(method):
    ran = run(
        method,
        """
    import multiprocessing as mp
    context = mp.get_context(method)
    shared = context.RawArray("d", 100)

    def init(array):
        global SHARED
        SHARED = np.frombuffer(array)

    def fill(i):
        SHARED[i] = i + 1

    with Pool(2, init, (shared,), context=method) as pool:
        pool.map(fill, range(100))
    print(sum(shared))
    """,
    )
    assert ran.out == "5050.0\n"


@pytest.mark.parametrize("method", METHODS)
def test_memory_maps_are_read_from_their_file(method):
    """12 GB that nobody could copy: as a global, an argument, in a closure, as a slice, a transpose, a plain view."""
    ran = run(
        method,
        """
    import resource
    np.memmap("big.dat", "f4", "w+", shape=(3000, 10**6))[7, ::1000] = 2
    big = np.memmap("big.dat", "f4", "r", shape=(3000, 10**6))
    # Nobody may hold them.
    resource.setrlimit(resource.RLIMIT_DATA, (4 << 30, 4 << 30))

    def read(i):
        return float(big[i, ::1000].sum())

    def of_argument(array):
        return array.shape, float(array[..., ::1000].sum()), type(array).__name__

    def closure(array):
        return lambda i: float(array[i].sum())

    with Pool(2, context=method) as pool:
        print(pool.map(read, [6, 7]))
        print(pool.map(of_argument, [big[7:9], big[7], np.asarray(big)[7]]))
        print(pool.map(lambda a: float(a[::1000, 7].sum()), [big.T]))
        print(pool.map(closure(big[5:8, ::1000]), range(3)))
    """,
    )
    assert ran.out.splitlines() == [
        "[0.0, 2000.0]",
        "[((2, 1000000), 2000.0, 'memmap'), ((1000000,), 2000.0, 'memmap'), ((1000000,), 2000.0, 'ndarray')]",
        "[2000.0]",
        "[0.0, 0.0, 2000.0]",
    ]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_arrays_of_other_kinds_arrive_as_they_are(method):
    strided = np.arange(2_000_000.0).reshape(1000, 2000)[::2, ::3]
    masked = np.ma.masked_greater(np.arange(200_000.0), 1000)
    masked.fill_value = 7
    values = [
        strided,
        strided.T,
        masked,
        np.ones(100_000, "f4")[::-1],
        b"x" * 1_000_000,
        np.matrix(np.ones((300, 300))),
    ]
    with bakusoku.Pool(2, context=method) as pool:
        back = pool.map(lambda v: (v, type(v).__name__), values)
        nested = pool.map(lambda v: v, [{"a": b"y" * 1_000_000, "b": [strided]}])
    for (value, kind), expected in zip(back, values, strict=True):
        assert kind == type(expected).__name__ == type(value).__name__
        if isinstance(expected, bytes):
            assert value == expected
        else:
            np.testing.assert_array_equal(value, expected)
    np.testing.assert_array_equal(back[2][0].mask, masked.mask)
    assert back[2][0].fill_value == 7
    assert nested[0]["a"] == b"y" * 1_000_000
    np.testing.assert_array_equal(nested[0]["b"][0], strided)


@pytest.mark.parametrize("method", METHODS)
def test_what_is_changed_between_calls_is_seen(method):
    ran = run(
        method,
        """
    class Model:
        scale = 1
        def __call__(self, x):
            return self.scale * x

    table, numbers = {"a": 1}, np.zeros(100_000)

    def f(x):
        return table["a"] + int(numbers[0]) + Model()(x)

    with Pool(1, context=method) as pool:
        print(pool.map(f, [1]))
        table["a"] = 10
        print(pool.map(f, [1]))
        numbers[0] = 100
        print(pool.map(f, [1]))
        Model.scale = 3
        print(pool.map(f, [1]))
        class Model:
            def __call__(self, x):
                return -x
        print(pool.map(f, [1]), pool.map(Model(), [5]))
        later = 5
        print(pool.map(lambda x: later + x, [1]))
    """,
    )
    assert ran.out.split("\n")[:6] == ["[2]", "[11]", "[111]", "[113]", "[109] [-5]", "[6]"]


@pytest.mark.parametrize("method", METHODS)
def test_settings_of_libraries(method):
    ran = run(
        method,
        """
    import csv, decimal, gc, logging, socket, threading, time
    csv.field_size_limit(99999)
    gc.set_threshold(5, 6, 7)
    sys.setswitchinterval(0.01)
    threading.stack_size(1 << 20)
    os.environ["TZ"] = "Asia/Tokyo"
    time.tzset()
    decimal.getcontext().prec = 5
    os.umask(0o077)
    socket.setdefaulttimeout(3.5)
    logging.getLogger("pipeline").setLevel("INFO")
    logging.getLogger("noisy").disabled = True
    before = []
    if method == "forkserver":
        # What is set when the process that is forked from is there already.
        with Pool(1, context=method) as pool:
            pool.map(abs, [1])
        os.umask(0o027)
        os.umask(0o077)

    def settings(_):
        mask = os.umask(0)
        os.umask(mask)
        return (str(decimal.Decimal(1) / 3), oct(mask), socket.getdefaulttimeout(),
                logging.getLogger("pipeline").level, logging.getLogger("noisy").disabled)

    def others(_):
        return (csv.field_size_limit(), gc.isenabled(), gc.get_threshold(), sys.getswitchinterval(),
                threading.stack_size(), time.tzname)

    with Pool(1, context=method) as pool:
        print(pool.map(settings, [1]))
        print(pool.map(others, [1]) == [others(1)])
    gc.disable()
    with Pool(1, context=method) as pool:
        print(pool.map(lambda _: gc.isenabled(), [1]))
    """,
    )
    assert ran.out == "[('0.33333', '0o77', 3.5, 20, True)]\nTrue\n[False]\n"


def test_the_place_in_an_open_file_is_left_alone():
    ran = run(
        "default",
        """
    file = open("lines.txt", "w+")
    file.write("a" * 10)
    file.flush()

    def f(x):
        return file.tell(), type(file).__name__

    with Pool(1) as pool:
        for _ in range(2):
            print(pool.map(f, [1]))
    """,
    )
    assert ran.out == "[(10, 'TextIOWrapper')]\n" * 2


@pytest.mark.parametrize("method", ["forkserver", "spawn"])
def test_an_open_file_is_named(method):
    ran = run(
        method,
        """
    file = open("log.txt", "w+")

    def f(x):
        file.write("seen by nobody")

    with Pool(1, context=method) as pool:
        try:
            pool.map(f, [1])
        except Exception as error:
            print(error)
    """,
    )
    assert "the function `f`'s global `file` is a `TextIOWrapper`" in ran.out
    assert "an open file does not travel" in ran.out


@pytest.mark.parametrize("method", METHODS)
def test_bytes_and_text_may_be_told_apart(method):
    code = "from bakusoku import Pool\nk = 2\nif True:\n    print(Pool(1, context=%r).map(lambda x: x * k, [1]))\n"
    given = None if method == "default" else method
    ran = run_script(None, command=[sys.executable, "-bb", "-c", code % given]).fine()
    assert (ran.out, ran.err) == ("[2]\n", "")


@pytest.mark.parametrize("method", ["default", "forkserver", "spawn"])
def test_a_pool_among_the_globals(method):
    ran = run(
        method,
        """
    class Toolbox:
        pass

    toolbox = Toolbox()
    toolbox.weight = 3

    def evaluate(x):
        return toolbox.weight * x

    pool = Pool(2, context=method)
    toolbox.map = pool.map
    print(toolbox.map(evaluate, [1, 2]))
    pool.terminate()
    """,
    )
    assert ran.out == "[3, 6]\n"


@pytest.mark.parametrize("open_", ["open('log.txt', 'w')", "__import__('threading').local()", "iter([3])"])
def test_what_cannot_travel_is_inherited(open_):
    ran = run(
        "default",
        f"""
    thing = {open_}

    def f(x):
        return type(thing).__name__ != "", x

    with Pool(2) as pool:
        print(pool.map(f, [1]))
    """,
    )
    assert ran.out == "[(True, 1)]\n"


def test_records_leave_no_thread_behind():
    ran = run(
        "default",
        """
    import logging, threading
    logging.basicConfig(level="INFO", stream=sys.stdout, format="%(message)s")

    def f(x):
        logging.info("seen")

    for _ in range(3):
        with Pool(2) as pool:
            pool.map(f, [1, 2])
    print(threading.active_count(), [t.name for t in threading.enumerate()])
    """,
    )
    assert ran.out.splitlines()[-1] == "1 ['MainThread']"
