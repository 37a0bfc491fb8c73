"""Random generators of the script: no two items draw the same numbers; with `seed=` the same for any packing."""

from __future__ import annotations

import pytest

from .script import run_script

METHODS = ["fork", "forkserver", "spawn", None]

# How a function comes to a generator: what stands in the script, and the function.
WAYS = {
    "a global": ("rng = np.random.default_rng(1)", "def draw(_): return rng.random()"),
    "a legacy one": ("rng = np.random.RandomState(1)", "def draw(_): return rng.rand()"),
    "of the standard library": ("rng = random.Random(1)", "def draw(_): return rng.random()"),
    "another kind of bits": (
        "rng = np.random.Generator(np.random.Philox(1))",
        "def draw(_): return rng.random()",
    ),
    "a closure": (
        "def make():\n    rng = np.random.default_rng(1)\n    return lambda _: rng.random()",
        "draw = make()",
    ),
    "a lambda": ("rng = np.random.default_rng(1)", "draw = lambda _: rng.random()"),
    "an attribute": (
        "class Model:\n    def __init__(self): self.rng = np.random.default_rng(1)\n"
        "    def draw(self, _): return self.rng.random()",
        "draw = Model().draw",
    ),
    "of a global object": (
        "class Model:\n    def __init__(self): self.rng = np.random.default_rng(1)\nmodel = Model()",
        "def draw(_): return model.rng.random()",
    ),
    "a class's": (
        "class Model:\n    rng = np.random.default_rng(1)\n    def draw(self, _): return self.rng.random()",
        "draw = Model().draw",
    ),
    "a partial": ("def f(rng, _): return rng.random()", "draw = functools.partial(f, np.random.default_rng(1))"),
    "a default": ("", "def draw(_, rng=np.random.default_rng(1)): return rng.random()"),
    "a method of it": ("normal = np.random.default_rng(1).normal", "def draw(_): return normal()"),
    "a helper's": (
        "rng = np.random.default_rng(1)\ndef helper(): return rng.random()",
        "def draw(_): return helper()",
    ),
    "in a dict": ("CFG = {'rng': np.random.default_rng(1)}", "def draw(_): return CFG['rng'].random()"),
    "a module's": ("import lab_rng", "def draw(_): return lab_rng.rng.random()"),
    "a module's function": ("import lab_rng", "draw = lab_rng.draw"),
    "a module's function by name": ("from lab_rng import draw as g", "def draw(_): return g(_)"),
    "two of them": (
        "a, b = np.random.default_rng(1), np.random.default_rng(1)",
        "def draw(_):\n    x, y = a.random(), b.random()\n    assert x != y\n    return x + y",
    ),
}

SCRIPT = """
import functools, random, sys
import numpy as np
sys.path.insert(0, {folder!r})
from bakusoku import Executor, Pool
{before}
{function}
def numbers(n=2, chunk=1, **options):
    with Pool(n, context={method!r}) as pool:
        return pool.map(draw, range(16), chunk, **options)
"""


def ran(tmp_path, way, method, then):
    (tmp_path / "lab_rng.py").write_text(
        "import numpy as np\nrng = np.random.default_rng(1)\ndef draw(_): return rng.random()\n"
    )
    before, function = WAYS[way]
    code = SCRIPT.format(folder=str(tmp_path), before=before, function=function, method=method)
    return run_script(code + then).fine()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("way", list(WAYS))
def test_no_two_items_draw_the_same(tmp_path, way, method):
    if method in ("spawn", "forkserver") and list(WAYS).index(way) % 3:
        pytest.skip("every third way, for methods that begin slowly")
    done = ran(
        tmp_path,
        way,
        method,
        """
first, second = numbers(), numbers(chunk=None)
assert len(set(first)) == 16, first
assert not set(first) & set(second)
same = [numbers(2, 1, seed=7), numbers(1, 4, seed=7), numbers(3, None, seed=7)]
assert same[0] == same[1] == same[2] and len(set(same[0])) == 16, same
assert same[0] != numbers(2, 1, seed=8)
with Pool(2, context={method!r}) as pool:
    assert len(set(pool.imap(draw, range(16), 4))) == 16
    assert len({pool.apply_async(draw, (i,)) .get() for i in range(8)}) == 8
with Executor(2, context={method!r}) as executor:
    assert len({f.result() for f in [executor.submit(draw, i) for i in range(8)]}) == 8
""".replace("{method!r}", repr(method)),
    )
    assert done.err == ""


def test_the_script_says_where_it_begins(tmp_path):
    """The same script draws the same numbers again, on any number of workers; another seed, others."""
    outs = set()
    for n in (1, 2, 3):
        outs.add(ran(tmp_path, "a global", None, f"print(numbers({n}), numbers({n}, 4))").out)
    assert len(outs) == 1
    other = ran(tmp_path, "a global", None, "rng = np.random.default_rng(2)\nprint(numbers(), numbers(2, 4))").out
    assert not outs & {other}


def test_the_scripts_own_generator_is_left_alone(tmp_path):
    ran(tmp_path, "a global", None, "numbers(); assert rng.random() == np.random.default_rng(1).random()")


def test_legacy_streams_without_a_seed(tmp_path):
    """Nobody foresees them, as before."""
    then = """
def draw(_): return np.random.rand(), random.random()
assert len(set(numbers() + numbers())) == 32
def draw(_): return np.random.rand(), random.random(), rng.random()
assert len(set(numbers() + numbers())) == 32
assert len({x[0] for x in numbers() + numbers()}) == 32
"""
    ran(tmp_path, "a global", None, then)


@pytest.mark.parametrize("items", ["[(rng, i) for i in range(4)]", "[rng] * 4", "[{'rng': rng} for _ in range(4)]"])
def test_items_that_share_one(tmp_path, items):
    """Each item gets a copy, as in `multiprocessing`; one warning says so."""
    then = f"""
def f(item): return 0
for _ in range(2):
    with Pool(2) as pool:
        pool.map(f, {items}, 1)
        list(pool.imap(f, {items}, 1))
"""
    done = ran(tmp_path, "a global", None, then)
    assert done.err.count("several items hold the same random generator") == 1


def test_items_with_their_own(tmp_path):
    then = """
def f(rng): return rng.random()
with Pool(2) as pool:
    got = pool.map(f, rng.spawn(8), 1)
assert got == [r.random() for r in np.random.default_rng(1).spawn(8)]
"""
    assert ran(tmp_path, "a global", None, then).err == ""
