"""Items run at once only as far as there is memory for them."""

from __future__ import annotations

import time

import numpy as np
import pytest

import bakusoku

MB = 1_000_000


def hold(megabytes):
    """Really hold so much for a while; when that was."""
    start = time.monotonic()
    a = np.ones(megabytes * MB // 8)
    time.sleep(0.3)
    assert a[-1] == 1.0
    return start, time.monotonic()


def at_once(spans):
    return max(sum(a <= t < b for a, b in spans) for t, _ in spans)


@pytest.fixture
def budget(monkeypatch):
    def pool(megabytes, size=4, **options):
        monkeypatch.setenv("BAKUSOKU_MEMORY", f"{megabytes}MB")
        return bakusoku.Pool(size, **options)

    return pool


@pytest.mark.parametrize("said", [100 * MB, "100MB", lambda item: 100 * MB, lambda item: "0.1 GB"])
def test_what_is_said(budget, said):
    with budget(350) as pool:
        assert at_once(pool.map(hold, [20] * 8, chunksize=1)) == 4
        assert 2 <= at_once(pool.map(hold, [20] * 8, chunksize=1, memory=said)) <= 3
        assert 2 <= at_once(list(pool.imap(hold, [20] * 8, memory=said))) <= 3
        results = [pool.apply_async(hold, (20,), memory=100 * MB) for _ in range(8)]
        assert 2 <= at_once([r.get() for r in results]) <= 3


def test_said_to_the_pool(budget):
    with budget(250, memory="100MB") as pool:
        assert at_once(pool.map(hold, [20] * 6, chunksize=1)) <= 2


def test_what_is_learned(budget):
    """After the first of them it is known what the others need."""
    with budget(350) as pool:
        pool.map(hold, [100] * 4, chunksize=1)
        assert 2 <= at_once(pool.map(hold, [100] * 8, chunksize=1)) <= 3


def test_each_item_as_it_needs(budget):
    """Two small ones beside a large one, and never two large ones."""
    with budget(400) as pool:
        sizes = [300, 300, 50, 50, 50, 50]
        spans = pool.map(hold, sizes, chunksize=1, memory=lambda size: size * MB)
        for t, _ in spans:
            assert sum(size for size, (a, b) in zip(sizes, spans, strict=True) if a <= t < b) <= 400


@pytest.mark.parametrize("said", ["1GB", None])
def test_more_than_there_is(budget, said):
    """One always runs."""
    with budget(100) as pool, pytest.warns(UserWarning, match="item 0 .* of memory, more than the 100 MB"):
        spans = pool.map(hold, [250], memory=said)
        assert len(spans) == 1
    with budget(100) as pool, pytest.warns(UserWarning, match="more than the 100 MB"):
        assert at_once(pool.map(hold, [20] * 3, memory="1GB", chunksize=1)) == 1


def test_nobody_is_left_behind(budget):
    """A large item comes to its turn though small ones come all the time."""
    with budget(300) as pool:
        small = pool.imap_unordered(hold, [10] * 12, memory="100MB")
        large = pool.apply_async(hold, (10,), memory="250MB")
        large.get(60)
        assert len(list(small)) == 12


def test_a_death_gives_its_memory_back(budget):
    import os

    with budget(150) as pool:
        for _ in range(3):
            with pytest.raises(bakusoku.WorkerDied):
                pool.apply_async(os._exit, (3,), memory="100MB").get(60)
        assert len(pool.map(hold, [10] * 3, memory="100MB")) == 3


@pytest.mark.parametrize("wrong", [-1, "much", "8 parsecs", True, [1]])
def test_wrong_values(wrong):
    with pytest.raises((ValueError, TypeError), match="`memory`"):
        bakusoku.Pool(1, memory=wrong)


def test_a_function_that_fails(pool):
    with pytest.raises(ZeroDivisionError):
        pool.map(hold, [1], memory=lambda item: 1 // 0)
    with pytest.raises(ValueError, match="what `memory` returns"):
        pool.map(hold, [1], memory=lambda item: "much")
    assert len(pool.map(hold, [1])) == 1
