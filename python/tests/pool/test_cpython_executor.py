"""CPython's own tests of process executors, run on ours."""

from __future__ import annotations

import multiprocessing
import unittest

import pytest

import bakusoku

from . import cpython

pytestmark = pytest.mark.timeout(120, method="signal")

# Their tests that look into what is private, or that hold what we promise otherwise.
OTHERWISE = {
    "test_killed_child": "a dead worker breaks their executor for ever; ours goes on: test_executor",
    "test_processes_terminate": "counts `_processes`; test_executor.test_shutdown",
    "test_context_manager_shutdown": "reads `_processes`",
    "test_del_shutdown": "reads `_executor_manager_thread`",
    "test_shutdown_no_wait": "reads `_executor_manager_thread`; test_executor.test_shutdown_without_waiting",
    "test_saturation": "counts `_processes`: ours has its workers at once",
    "test_idle_process_reuse_one": "counts `_processes`",
    "test_idle_process_reuse_multiple": "counts `_processes`",
    "test_max_tasks_per_child": "reads `_processes`; a parameter of `Pool`",
    "test_max_tasks_per_child_defaults_to_spawn_context": "reads `_mp_context`",
    "test_max_tasks_early_shutdown": "reads `_mp_context`; a parameter of `Pool`",
    "test_max_workers_too_large": "a limit of Windows",
    "test_hang_gh83386": "a script with their class",
    "test_interpreter_shutdown": "a script with their class; test_kill.test_a_pool_that_is_never_closed",
    "test_submit_after_interpreter_shutdown": "a script with their class",
    "test_python_finalization_error": "patches their threads",
}


PARTS = ("test_process_pool", "executor", "test_wait", "test_as_completed", "test_shutdown")
MODULES = [m for m in (cpython.module(f"test_concurrent_futures.{p}", "test_concurrent_futures") for p in PARTS) if m]
if not MODULES:
    pytest.skip(
        "this Python has no tests of its own executors; set CPYTHON_TESTS to `Lib/test` of its version's source",
        allow_module_level=True,
    )


def their(name):
    """A class of their tests, wherever this version keeps it."""
    return next(getattr(m, name) for m in MODULES if hasattr(m, name))


class OnOurs:
    """In the place of their mixins, which make an executor for each start method."""

    worker_count = 5
    executor_kwargs = {"initializer": cpython.look_there}
    executor_type = bakusoku.Executor

    def get_context(self):
        return multiprocessing.get_context("fork")

    def setUp(self):
        name = self._testMethodName
        if name in OTHERWISE:
            self.skipTest(OTHERWISE[name])
        super().setUp()
        self.executor = bakusoku.Executor(self.worker_count, **self.executor_kwargs)

    def tearDown(self):
        self.executor.shutdown(wait=True)
        self.executor = None
        super().tearDown()


class TestExecutor(OnOurs, their("ExecutorTest"), unittest.TestCase):
    pass


class TestProcesses(OnOurs, their("ProcessPoolExecutorTest"), unittest.TestCase):
    pass


class TestWait(OnOurs, their("WaitTests"), unittest.TestCase):
    pass


class TestAsCompleted(OnOurs, their("AsCompletedTests"), unittest.TestCase):
    pass


class TestShutdown(OnOurs, their("ExecutorShutdownTest"), unittest.TestCase):
    pass


def test_enough_of_their_tests_ran():
    classes = (TestExecutor, TestProcesses, TestWait, TestAsCompleted, TestShutdown)
    names = {n for c in classes for n in dir(c) if n.startswith("test_")}
    assert len(names - set(OTHERWISE)) >= 20
