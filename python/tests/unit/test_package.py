"""The package itself: lazy, typed, documented, with MNE's signatures."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import mne
import numpy as np
import pytest

import bakusoku

MODULES = [
    "channels",
    "chpi",
    "cov",
    "epochs",
    "event",
    "filter",
    "io",
    "maxwell",
    "preprocessing",
    "proj",
    "reference",
    "time_frequency",
]
SOURCE = Path(bakusoku.__file__).parent


def public():
    for module in MODULES:
        m = importlib.import_module(f"bakusoku.{module}")
        for name in m.__all__:
            yield f"{module}.{name}", getattr(m, name)


PUBLIC = dict(public())


def python(code: str, **env: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, **env}, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_import_is_lazy():
    code = "import sys, bakusoku; print([m for m in ('numpy', 'mne', 'scipy', 'bakusoku._core') if m in sys.modules])"
    assert python(code) == "[]"


def test_work_imports_no_mne_and_no_scipy():
    code = (
        "import sys, bakusoku, numpy as np; bakusoku.filter.filter_data(np.ones(2000), 1000., 1., 40.);"
        "bakusoku.filter.resample(np.ones(2000), 1, 2); bakusoku.time_frequency.psd_array_welch(np.ones(2000), 1000.);"
        "print([m for m in ('mne', 'scipy') if m in sys.modules])"
    )
    assert python(code) == "[]"


def test_only_one_module_may_import_mne():
    for path in SOURCE.rglob("*.py"):
        if path.name == "_mne.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            assert not any(n.split(".")[0] == "mne" for n in names), path


def test_version_and_dir():
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", bakusoku.__version__)
    assert set(bakusoku.__all__) <= set(dir(bakusoku))
    with pytest.raises(AttributeError, match="nonsense"):
        bakusoku.nonsense  # noqa: B018


COUNTERPARTS = {
    "filter.filter_data": mne.filter.filter_data,
    "filter.notch_filter": mne.filter.notch_filter,
    "filter.resample": mne.filter.resample,
    "filter.create_filter": mne.filter.create_filter,
    "time_frequency.psd_array_welch": mne.time_frequency.psd_array_welch,
}


@pytest.mark.parametrize("name", COUNTERPARTS)
def test_signature_is_that_of_mne(name):
    ours = inspect.signature(PUBLIC[name]).parameters
    theirs = inspect.signature(COUNTERPARTS[name]).parameters
    assert list(ours) == list(theirs)
    for key, parameter in ours.items():
        wanted = theirs[key]
        assert parameter.kind == wanted.kind, key
        assert parameter.default is wanted.default or parameter.default == wanted.default, key


@pytest.mark.parametrize("name", ["epochs.cut_epochs", "event.find_events", "cov.compute_covariance"])
def test_what_stands_for_a_method_of_an_object_keeps_names_and_defaults(name):
    theirs = {
        "epochs.cut_epochs": mne.Epochs.__init__,
        "event.find_events": mne.find_events,
        "cov.compute_covariance": mne.compute_covariance,
    }[name]
    theirs = inspect.signature(theirs).parameters
    shared = [(k, p) for k, p in inspect.signature(PUBLIC[name]).parameters.items() if k in theirs]
    assert len(shared) >= 7
    for key, parameter in shared:
        if theirs[key].default is not inspect.Parameter.empty and key not in ("events", "epochs"):
            assert parameter.default == theirs[key].default, key


@pytest.mark.parametrize("name", PUBLIC)
def test_docstring(name):
    from numpydoc.docscrape import NumpyDocString

    function = PUBLIC[name]
    doc = NumpyDocString(inspect.cleandoc(function.__doc__))
    if inspect.isclass(function):
        return
    documented = [k.strip() for p in doc["Parameters"] for k in p.name.split(",")]
    assert documented == list(inspect.signature(function).parameters)
    assert doc["Returns"] and doc["Examples"] and doc["See Also"], "returns, an example, and MNE's counterpart"


@pytest.mark.parametrize("module", MODULES)
def test_examples_run(module):
    m = importlib.import_module(f"bakusoku.{module}")
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    for name in m.__all__:
        for example in doctest.DocTestFinder().find(getattr(m, name), name):
            runner.run(example)
    assert runner.tries > 0 and runner.failures == 0


def test_stub_is_what_was_compiled():
    stub = ast.parse((SOURCE / "_core.pyi").read_text())
    functions = {n.name: [a.arg for a in n.args.args] for n in stub.body if isinstance(n, ast.FunctionDef)}
    from bakusoku import _core

    compiled = {n for n in dir(_core) if not n.startswith("_")}
    classes = {n.name for n in stub.body if isinstance(n, ast.ClassDef)}
    constants = {n.target.id for n in stub.body if isinstance(n, ast.AnnAssign)} - {"__version__"}
    assert set(functions) | classes | constants == compiled
    for name, arguments in functions.items():
        assert list(inspect.signature(getattr(_core, name)).parameters) == arguments, name
    assert (SOURCE / "py.typed").exists()


def test_budget_is_the_affinity_and_not_omp():
    code = "import bakusoku; print(bakusoku.n_threads())"
    assert int(python(code, OMP_NUM_THREADS="1")) == int(python(code)) >= 1
    assert python(code, BAKUSOKU_NUM_THREADS="1") == "1"
    one = f"import os; os.sched_setaffinity(0, {{{min(os.sched_getaffinity(0))}}}); {code}"
    assert python(one) == "1"


@pytest.mark.parametrize("n_jobs, error", [(0, ValueError), (-2, ValueError), ("all", ValueError), (1.5, TypeError)])
def test_n_jobs(n_jobs, error):
    with pytest.raises(error, match="n_jobs"):
        bakusoku.filter.filter_data(np.zeros((1, 1000)), 1000.0, 1.0, 40.0, n_jobs=n_jobs)


def test_windows_is_told():
    code = "import sys; sys.platform = 'win32'; import bakusoku"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.returncode == 1 and "ImportError: bakusoku does not run on Windows" in ran.stderr
