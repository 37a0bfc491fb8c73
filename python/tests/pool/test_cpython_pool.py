"""CPython's own tests of `multiprocessing.Pool`, run on ours (and on theirs, to know that they run)."""

from __future__ import annotations

import multiprocessing
import threading

import pytest

import bakusoku

from . import cpython
from .conftest import IMPLEMENTATIONS

theirs = cpython.module("_test_multiprocessing")
if theirs is None:
    pytest.skip(
        "this Python has no tests of its own pools; set CPYTHON_TESTS to `Lib/test` of its version's source",
        allow_module_level=True,
    )

pytestmark = pytest.mark.timeout(120, method="signal")

# Tests that look into what is private to their implementation; the promise behind each is held by ours, named here.
PRIVATE = {
    "test_make_pool": "counts `Pool._pool`; test_interface.test_workers_are_as_many_as_asked, test_wrong_arguments",
    "test_pool_worker_lifetime": "calls `Pool._repopulate_pool`; test_interface.test_maxtasksperchild",
    "test_resource_warning": "sets `Pool._state`; test_unclosed_pool_warns below",
    "test_worker_finalization_via_atexit_handler_of_multiprocessing": "test_kill.test_a_pool_that_is_never_closed",
}


class OnOurs:
    Pool = staticmethod(bakusoku.Pool)

    def setUp(self):
        if self._testMethodName in PRIVATE:
            self.skipTest(PRIVATE[self._testMethodName])
        super().setUp()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(multiprocessing, "Pool", self.Pool)

    def tearDown(self):
        self.patch.undo()
        super().tearDown()


class OnTheirs(OnOurs):
    Pool = staticmethod(IMPLEMENTATIONS["multiprocessing"])


class TestPool(OnOurs, theirs._TestPool, theirs.ProcessesMixin, theirs.unittest.TestCase):
    pass


class TestPoolOfTheirs(OnTheirs, theirs._TestPool, theirs.ProcessesMixin, theirs.unittest.TestCase):
    pass


class TestPoolWorkerErrors(OnOurs, theirs._TestPoolWorkerErrors, theirs.ProcessesMixin, theirs.unittest.TestCase):
    pass


class TestPoolWorkerErrorsOfTheirs(
    OnTheirs, theirs._TestPoolWorkerErrors, theirs.ProcessesMixin, theirs.unittest.TestCase
):
    pass


class TestPoolWorkerLifetime(OnOurs, theirs._TestPoolWorkerLifetime, theirs.ProcessesMixin, theirs.unittest.TestCase):
    pass


class TestPoolWorkerLifetimeOfTheirs(
    OnTheirs, theirs._TestPoolWorkerLifetime, theirs.ProcessesMixin, theirs.unittest.TestCase
):
    pass


def test_enough_of_their_tests_ran():
    """A renamed class or file would leave nothing to run, and nobody would notice."""
    classes = (TestPool, TestPoolWorkerErrors, TestPoolWorkerLifetime)
    names = {n for c in classes for n in dir(c) if n.startswith("test_")}
    assert len(names - set(PRIVATE)) >= 20


def test_unclosed_pool_warns():
    pool = bakusoku.Pool(1)
    pool.apply(abs, (-1,))
    threads = threading.active_count()
    with pytest.warns(ResourceWarning, match="unclosed"):
        del pool
        import gc

        gc.collect()
    assert threading.active_count() <= threads
