"""Our backend of joblib: `parallel_config(backend="bakusoku")`, joblib's own tests on it, MNE's `n_jobs` on it."""

from __future__ import annotations

import multiprocessing
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

joblib = pytest.importorskip("joblib", reason="joblib is not installed: python/requirements-bench.txt")

import bakusoku.joblib  # noqa: E402

from . import faults, tasks  # noqa: E402
from .script import run_script  # noqa: E402

NAME = bakusoku.joblib.register()


@pytest.fixture
def backend():
    with joblib.parallel_config(backend=NAME, n_jobs=2):
        yield


def run(f, items, **options):
    return joblib.Parallel(**options)(joblib.delayed(f)(x) for x in items)


def test_name():
    assert NAME == "bakusoku" == bakusoku.joblib.register()


def test_plain(backend):
    assert run(tasks.square, range(30)) == [i * i for i in range(30)]
    assert os.getpid() not in run(tasks.pid, range(8))
    assert run(lambda x: x + 1, range(5), batch_size=2) == [1, 2, 3, 4, 5]
    assert run(tasks.square, []) == []


def test_named_where_it_is_used():
    assert run(tasks.square, range(5), n_jobs=2, backend=NAME) == [0, 1, 4, 9, 16]


def test_all_cores():
    with joblib.parallel_config(backend=NAME, n_jobs=-1):
        assert joblib.effective_n_jobs() == bakusoku.n_threads()


def test_generators(backend):
    assert list(run(tasks.square, range(9), return_as="generator")) == [i * i for i in range(9)]
    assert sorted(run(tasks.square, range(9), return_as="generator_unordered")) == [i * i for i in range(9)]


def test_errors(backend):
    with pytest.raises(ValueError, match="no good: 3") as caught:
        run(tasks.fail_at_3, range(6))
    assert "tasks.py" in str(caught.value.__cause__)
    with pytest.raises(bakusoku.WorkerDied):
        run(lambda i: faults.at_3("SIGKILL", i), range(6))
    assert run(tasks.square, range(3)) == [0, 1, 4]


def test_arrays_are_writable(backend):
    """joblib hands out read-only memory maps, on which work in place fails."""
    a = np.ones(1 << 18)
    assert run(tasks.double_in_place, [a] * 4) == [2.0 * a.size] * 4
    assert a.max() == 1


def test_timeout(backend):
    with pytest.raises(multiprocessing.TimeoutError):  # as from joblib's own backends
        run(tasks.sleep, [30.0, 30.0], timeout=0.5)
    assert run(tasks.square, range(3)) == [0, 1, 4]


def test_inside_a_pool(pool):
    def outer(n):
        import joblib

        import bakusoku.joblib

        with joblib.parallel_config(backend=bakusoku.joblib.register(), n_jobs=2):
            return sum(run(tasks.square, range(n)))

    assert pool.map(outer, [3, 4]) == [5, 14]


# ---- joblib's own tests ----------------------------------------------------------------------------------------

# Tests of a particular backend's inside, or of joblib's memory maps, which ours does without.
OTHERWISE = {
    "test_error_capture": "looks for the workers in the backend's `_pool` or `_workers`; test_errors",
    "test_auto_memmap_on_arrays_from_generator": "wants memory maps; test_arrays_are_writable",
    "test_memmapping_leaks": "wants memory maps",
}


SITE = "import bakusoku.joblib; bakusoku.joblib.register()"


@pytest.mark.timeout(600, method="signal")
def test_joblibs_own_tests(tmp_path):
    """`joblib/test/test_parallel.py` with our backend where it tries its process backends."""
    source = Path(joblib.__file__).parent / "test" / "test_parallel.py"
    if not source.exists():
        pytest.skip("this joblib was packaged without its tests")
    text = source.read_text()
    for before, after in (
        ('PROCESS_BACKENDS = ["multiprocessing", "loky"]', f'PROCESS_BACKENDS = ["{NAME}"]'),
        ('["loky", "multiprocessing", "threading"]', f'["{NAME}"]'),
        ('["loky", "threading"]', f'["{NAME}"]'),
        ('([None, "loky"] if mp', f'(["{NAME}"] if mp'),
    ):
        assert before in text, f"joblib {joblib.__version__} has other tests than those that are looked for"
        text = text.replace(before, after)
    (tmp_path / "test_parallel_on_ours.py").write_text(text)
    # Some of them start interpreters of their own, which have to know the backend too.
    (tmp_path / "sitecustomize.py").write_text(SITE)
    (tmp_path / "conftest.py").write_text(
        "def pytest_configure(config):\n"
        "    config.addinivalue_line('markers', 'thread_unsafe: theirs')\n"
        "    config.addinivalue_line('markers', 'no_cover: theirs')\n"
    )
    skip = "".join(f" and not {name}" for name in OTHERWISE)
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "--tb=short", "-p", "no:cacheprovider", "-rs"),
            *("-o", "timeout=60", "-o", "timeout_method=signal", "-k", f"{NAME}{skip}", "test_parallel_on_ours.py"),
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=550,
    )
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr[-2000:]
    passed = int(re.search(r"(\d+) passed", ran.stdout)[1])
    assert passed >= 60


# ---- MNE -------------------------------------------------------------------------------------------------------


def test_n_jobs_of_mne():
    """The same numbers with `n_jobs=2` on our backend as with one job."""
    ran = run_script(
        """
        import joblib, mne, numpy as np
        import bakusoku.joblib

        mne.set_log_level("error")
        x = np.random.default_rng(0).standard_normal((6, 30000))
        raw = mne.io.RawArray(x * 1e-6, mne.create_info(6, 1000.0, "eeg"))

        def all_of_it(n_jobs):
            filtered = raw.copy().filter(1.0, 40.0, n_jobs=n_jobs).get_data()
            psd = raw.compute_psd(n_jobs=n_jobs).get_data()
            epochs = mne.make_fixed_length_epochs(raw, 2.0, preload=True)
            power = epochs.compute_tfr("morlet", np.arange(8.0, 12.0), n_jobs=n_jobs, average=True).data
            return filtered, psd, power, raw.copy().resample(250.0, n_jobs=n_jobs).get_data()

        one = all_of_it(1)
        with joblib.parallel_config(backend=bakusoku.joblib.register()):
            two = all_of_it(2)
        print(all(np.array_equal(a, b) for a, b in zip(one, two)))
        """,
        120,
    ).fine()
    assert ran.out == "True\n"


MNE_TESTS = (
    "mne/tests/test_parallel.py",
    "mne/tests/test_filter.py",
    "mne/time_frequency/tests/test_psd.py",
    "mne/stats/tests/test_cluster_level.py",
    "mne/io/tests/test_apply_function.py",
    "mne/decoding/tests/test_search_light.py",
    "mne/decoding/tests/test_receptive_field.py",
)


PLUGIN = """
import os
from joblib import parallel
import bakusoku.joblib

parallel.DEFAULT_BACKEND = parallel.DEFAULT_PROCESS_BACKEND = bakusoku.joblib.register()
plain = parallel.Parallel.__call__

def call(self, iterable):
    with open(os.environ["BACKENDS_USED"], "a") as f:
        f.write(type(self._backend).__name__ + "\\n")
    return plain(self, iterable)

parallel.Parallel.__call__ = call
"""


@pytest.mark.timeout(900, method="signal")
@pytest.mark.parametrize("path", MNE_TESTS)
def test_mnes_own_tests(path, tmp_path):
    """MNE's tests that use `n_jobs`, with our backend as joblib's default."""
    source = os.environ.get("MNE_SOURCE")
    if not source:
        pytest.skip("set MNE_SOURCE to a source tree of MNE-Python")
    test = Path(source) / path
    bodies = re.findall(r"^def (test_\w+)(\((?:(?!^def ).)*)", test.read_text(), re.MULTILINE | re.DOTALL)
    names = [name for name, body in bodies if "n_jobs" in body]
    (tmp_path / "bakusoku_as_default.py").write_text(PLUGIN)
    used = tmp_path / "used"
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "--tb=short", "-p", "no:cacheprovider"),
            *("-p", "bakusoku_as_default", "-o", "addopts=", "-o", "timeout=200", "-k", " or ".join(names), str(test)),
        ],
        cwd=source,
        env={
            **os.environ,
            "PYTHONPATH": f"{tmp_path}{os.pathsep}{source}",
            "BACKENDS_USED": str(used),
            # Whatever the user's configuration says: no data are there.
            "_MNE_FAKE_HOME_DIR": str(tmp_path),
            "MNE_DATA": str(tmp_path),
        },
        capture_output=True,
        text=True,
        timeout=850,
    )
    said = ran.stdout + ran.stderr
    if missing := re.search(r"ModuleNotFoundError: No module named '(\w+)'", said):
        if ran.returncode == 4:
            pytest.skip(f"MNE's tests need {missing[1]}")
    if ran.returncode == 5 and "skipped" in said:
        pytest.skip(f"MNE skips all of {path}")
    assert ran.returncode == 0, said[-8000:]
    assert re.search(r"(\d+) passed", said)
    if "test_parallel.py" not in path:  # which only looks at what it would use
        assert "Bakusoku" in used.read_text()
