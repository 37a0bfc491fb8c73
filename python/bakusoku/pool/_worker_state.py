"""What a fork of the owner would carry, and a worker gets told instead."""

from __future__ import annotations

import os
import sys
import warnings
from typing import Any

from . import _log_records, _signals

#: How many threads numerical libraries start; a worker's are set by the pool.
THREADS = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS", "NUMEXPR_MAX_THREADS", "NUMBA_NUM_THREADS",
)  # fmt: skip


def thread_cap(environment: Any = os.environ) -> int | None:
    """The most threads inside of a worker that the user's variables allow."""
    caps = []
    for name in THREADS:
        # OMP_NUM_THREADS may be a list, one number per nesting level.
        value = environment.get(name, "").partition(",")[0].strip()
        if value.isdigit() and int(value) > 0:
            caps.append(int(value))
    return min(caps) if caps else None


def capture() -> dict[str, Any]:
    """The owner's state that functions may depend on."""
    state: dict[str, Any] = {
        "environment": dict(os.environ),
        "path": list(sys.path),
        "arguments": list(sys.argv),
        "filters": _filters(),
        "recursion": sys.getrecursionlimit(),
        "signals": _signals.handled(),
    }
    try:
        state["folder"] = os.getcwd()
    except OSError:
        state["folder"] = None
    main = sys.modules.get("__main__")
    state["script"] = {name: getattr(main, name) for name in ("__file__", "__package__") if hasattr(main, name)}
    numpy = sys.modules.get("numpy")
    if numpy is not None and hasattr(numpy, "geterr"):
        state["numpy"] = numpy.geterr(), numpy.get_printoptions()
    state["mne"] = "mne" in sys.modules
    state["logging"] = _log_records.capture()
    return state


def _filters() -> list:
    kept = []
    for action, message, category, module, line in warnings.filters:
        text = tuple(getattr(p, "pattern", p) for p in (message, module))
        kept.append((action, text[0], category, text[1], line))
    return kept


def restore(state: dict[str, Any]) -> None:
    """In a worker."""
    environment = state["environment"]
    for name in list(os.environ):
        if name not in environment:
            del os.environ[name]
    for name, value in environment.items():
        if os.environ.get(name) != value:
            os.environ[name] = value
    sys.path[:] = state["path"]
    sys.argv[:] = state["arguments"]
    sys.setrecursionlimit(state["recursion"])
    _signals.restore(state["signals"])
    if state["folder"] is not None:
        try:
            os.chdir(state["folder"])
        except OSError:
            pass
    main = sys.modules["__main__"]
    main.__dict__.update(state["script"])
    _restore_filters(state["filters"])
    if "numpy" in state:
        import numpy

        errors, printing = state["numpy"]
        numpy.seterr(**errors)
        printing.pop("override_repr", None)
        numpy.set_printoptions(**printing)
    if state["mne"]:
        import importlib

        try:
            # It sets its logger's level and handlers when it is loaded, and the owner has it loaded.
            importlib.import_module("mne")
        except ImportError:
            pass
    _log_records.restore(state["logging"])


#: Of these libraries only Python reads the variables, when they are imported.
_READ_BY_PYTHON = "NUMEXPR_NUM_THREADS", "NUMEXPR_MAX_THREADS", "NUMBA_NUM_THREADS"


def limit_threads(threads: int) -> None:
    """In a worker: what cannot be told in another way."""
    for name in _READ_BY_PYTHON:
        os.environ.setdefault(name, str(threads))


def _restore_filters(filters: list) -> None:
    import re

    warnings.resetwarnings()
    for action, message, category, module, line in reversed(filters):
        pattern = re.compile(message, re.I) if message else None
        where = re.compile(module) if module else None
        warnings.filters.insert(0, (action, pattern, category, where, line))
    warnings._filters_mutated() if hasattr(warnings, "_filters_mutated") else None
