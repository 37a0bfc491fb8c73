"""`imap` takes from its input only what it can soon use, and drops what the caller drops."""

from __future__ import annotations

import itertools
import threading
import time

import numpy as np
import pytest
from patience import within

import bakusoku

from . import tasks


def counted(n=None):
    """An iterable that says how far it was read."""
    taken = []

    def items():
        for i in itertools.count() if n is None else range(n):
            taken.append(i)
            yield i

    return items(), taken


def test_an_endless_input(pool):
    items, taken = counted()
    results = pool.imap(tasks.square, items)
    assert [next(results) for _ in range(10)] == [i * i for i in range(10)]
    time.sleep(0.3)
    assert len(taken) < 5000
    results = pool.imap_unordered(tasks.square, items)
    assert len({next(results) for _ in range(10)}) == 10


def test_looks_ahead_no_further_than_it_must(pool):
    """The input is read somewhat ahead of the consumer, not to its end."""
    items, taken = counted(100_000)
    results = pool.imap(tasks.square, items)
    next(results)
    time.sleep(0.5)
    assert len(taken) < 5000


def test_a_slow_consumer_holds_the_producers_back():
    """Results of 16 MiB that nobody takes: they do not fill the memory."""
    made = 0
    with bakusoku.Pool(2) as pool:
        items, taken = counted(200)
        results = pool.imap(lambda i: np.full(1 << 21, i), items)
        next(results)
        time.sleep(1.0)
        made = len(taken)
    assert made < 60


@pytest.mark.parametrize("verb", ["imap", "imap_unordered"])
def test_results_do_not_wait_for_the_next_item(pool, verb):
    """The input takes its time; what is done is there at once."""
    gates = threading.Event(), threading.Event()

    def items():
        for i, gate in enumerate(gates):
            yield i
            assert gate.wait(60)

    results = getattr(pool, verb)(tasks.square, items())
    for i, gate in enumerate(gates):
        assert results.next(timeout=30) == i * i
        gate.set()
    assert list(results) == []


@pytest.mark.parametrize("verb", ["imap", "imap_unordered"])
def test_an_input_that_pauses_after_each_item(pool, verb):
    """However much of it the workers could take: an item does not wait for the one after it."""
    for _ in range(50):
        gates = [threading.Event() for _ in range(3)]

        def items(gates=gates):
            for i, gate in enumerate(gates):
                yield i
                assert gate.wait(60)

        results = getattr(pool, verb)(tasks.square, items())
        for i, gate in enumerate(gates):
            assert results.next(timeout=30) == i * i
            gate.set()
        assert list(results) == []


def test_an_input_that_fails(pool):
    def items():
        yield 1
        time.sleep(0.2)
        raise KeyError("the recording")

    results = pool.imap(tasks.square, items())
    assert next(results) == 1
    with pytest.raises(KeyError, match="the recording"):
        next(results)
    assert list(results) == []


def test_an_input_that_is_itself_a_pools(pool):
    with bakusoku.Pool(2) as other:
        results = other.imap(tasks.square, (x + 1 for x in pool.imap(tasks.square, range(50))))
        assert list(results) == [(i * i + 1) ** 2 for i in range(50)]


def test_everything_comes_out_of_a_long_one(pool):
    assert sum(pool.imap_unordered(tasks.square, iter(range(3000)))) == sum(i * i for i in range(3000))
    assert list(pool.imap(tasks.square, iter(range(3000)))) == [i * i for i in range(3000)]


def test_an_iterator_that_is_dropped(pool):
    """The rest of its tasks does not block the pool for ever."""
    results = pool.imap(tasks.sleep, [0.02] * 50)
    next(results)
    del results
    start = time.monotonic()
    assert pool.map(tasks.square, range(4)) == [0, 1, 4, 9]
    assert time.monotonic() - start < within(3)
