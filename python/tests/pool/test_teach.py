"""Errors that teach, and the page of `help(Pool)`."""

from __future__ import annotations

import inspect
import multiprocessing.pool
import pydoc
import warnings

import pytest

import bakusoku

from . import tasks


def two(a, b):
    return a + b


def text(error) -> str:
    return "\n".join([str(error), *getattr(error, "__notes__", ())])


@pytest.mark.parametrize(
    ("method", "instead"),
    [
        ("map", "starmap"),
        ("map_async", "starmap_async"),
        ("imap", "starmap"),
        ("imap_unordered", "starmap"),
    ],
)
@pytest.mark.parametrize("f", [two, lambda a, b: a + b])
def test_did_you_mean_starmap(pool, method, instead, f):
    with pytest.raises(TypeError) as caught:
        result = getattr(pool, method)(f, [(1, 2), (4, 6)])
        result.get() if hasattr(result, "get") else list(result)
    assert f"`{instead}`" in text(caught.value) and "did you mean" in text(caught.value)


def test_no_advice_where_it_does_not_help(pool):
    """A TypeError of the function's own is the function's own."""

    def f(pair):
        return pair + 1

    with pytest.raises(TypeError) as caught:
        pool.map(f, [(1, 2)])
    assert "starmap" not in text(caught.value)


def test_get_on_what_map_returns():
    with bakusoku.Pool(2) as pool:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            results = pool.map(tasks.square, range(4))
            assert isinstance(results, list) and results == [0, 1, 4, 9] and type(results)(results) == results
            assert results.get() == [0, 1, 4, 9]
            assert results.get(timeout=3) == [0, 1, 4, 9]
            assert pool.starmap(tasks.add, [(1, 2)]).get() == [3]
    texts = [str(w.message) for w in said]
    assert len(texts) <= 1  # once
    if texts:
        assert "map_async" in texts[0]


def test_what_map_returns_is_a_list(pool):
    import copy
    import json
    import pickle

    results = pool.map(tasks.square, range(4))
    assert results + [1] == [0, 1, 4, 9, 1] and results[1:3] == [1, 4] and results[-1] == 9
    assert json.dumps(results) == "[0, 1, 4, 9]" and repr(results) == "[0, 1, 4, 9]"
    assert pickle.loads(pickle.dumps(results)) == results and copy.deepcopy(results) == results
    assert {tuple(results): 1} == {(0, 1, 4, 9): 1}


def test_calling_the_function_instead_of_naming_it(pool):
    with pytest.raises(TypeError, match="callable"):
        pool.map(tasks.square(3), [1, 2])


def test_not_an_iterable(pool):
    with pytest.raises(TypeError, match="iter"):
        pool.map(tasks.square, 5)


def test_signatures_are_those_of_multiprocessing():
    """Every parameter of the standard pool is there, in its place and with its default."""
    theirs = multiprocessing.pool.Pool
    for name in (
        "__init__", "map", "map_async", "starmap", "starmap_async", "imap", "imap_unordered", "apply", "apply_async",
        "close", "terminate", "join",
    ):  # fmt: skip
        a = list(inspect.signature(getattr(theirs, name)).parameters.values())
        b = list(inspect.signature(getattr(bakusoku.Pool, name)).parameters.values())
        if name == "__init__":
            a = [p for p in a if p.name != "context"]
        for mine, other in zip(b, a, strict=False):
            assert mine.name == other.name, name
            # Ours finds the size of a chunk by itself where nobody says it.
            assert mine.default == other.default or other.default in ((), {}) or mine.name == "chunksize", name
        assert len(b) >= len(a)
        assert all(p.kind in (p.KEYWORD_ONLY, p.VAR_KEYWORD) for p in b[len(a) :]), name


def test_help():
    page = pydoc.plain(pydoc.render_doc(bakusoku.Pool))
    for word in ("map", "starmap_async", "chunksize", "on_error", "labels", "timeout", "retries"):
        assert word in page
    assert "Parameters" in page
