"""Where CPython's own tests are: in the installed Python, or in the folder that `CPYTHON_TESTS` names (`Lib/test`)."""

from __future__ import annotations

import importlib
import os


def look_there() -> None:
    """Also called in workers, which find their functions by the names of these modules."""
    folder = os.environ.get("CPYTHON_TESTS")
    if folder:
        import test

        if folder not in test.__path__:
            test.__path__.append(folder)


def module(*names: str):
    """The first of these modules of `test` that is there."""
    try:
        look_there()
    except ImportError:
        return None
    for name in names:
        try:
            return importlib.import_module(f"test.{name}")
        except ImportError:
            continue
    return None
