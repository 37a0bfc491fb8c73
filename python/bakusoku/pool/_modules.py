"""Which modules the process that workers are forked from loads: those that its owner has loaded and that are installed.

A user's own modules are left to the workers: they may have changed since, and may do things when they are imported.
"""

from __future__ import annotations

import os
import sys
from typing import Any

#: Never loaded before a fork: they start threads, open windows or sockets, or belong to the owner's terminal.
_NEVER = {
    "IPython", "ipykernel", "ipywidgets", "jupyter_client", "jupyter_core", "zmq", "tornado", "debugpy", "traitlets",
    "pytest", "_pytest", "pluggy", "xdist", "PyQt5", "PyQt6", "PySide2", "PySide6", "qtpy", "pyvista", "pyvistaqt",
    "vtk", "vtkmodules", "wx", "gi", "tkinter", "distributed", "dask", "ray", "torch", "tensorflow", "jax", "jaxlib",
    "cupy", "bakusoku", "multiprocessing", "concurrent", "__main__", "__mp_main__", "antigravity", "this", "idlelib",
    "coverage", "joblib", "loky", "pip",
}  # fmt: skip

_folders: tuple[str, ...] | None = None


def _installed_folders() -> tuple[str, ...]:
    global _folders
    if _folders is None:
        # As `sysconfig` has them, which takes long to load.
        paths = {os.path.dirname(os.__file__)}
        paths |= {path for path in sys.path if path.rstrip(os.sep).endswith(("site-packages", "dist-packages"))}
        _folders = tuple(sorted(os.path.join(os.path.realpath(path), "") for path in paths if path))
    return _folders


def is_installed(module: Any) -> bool:
    """Whether a module belongs to Python or to an installed distribution."""
    spec = getattr(module, "__spec__", None)
    origin = getattr(spec, "origin", None) or getattr(module, "__file__", None)
    if origin in (None, "built-in", "frozen"):
        return getattr(module, "__name__", "") in sys.builtin_module_names or origin is not None
    return is_path_of_installed(origin)


def is_path_of_installed(path: str) -> bool:
    """Whether a file belongs to Python or to an installed distribution."""
    return os.path.realpath(path).startswith(_installed_folders())


_installed: dict[str, bool] = {}


def is_of_installed(name: str) -> bool:
    """Whether a module belongs to what is installed, by its first name; quick."""
    top = name.partition(".")[0]
    return top in sys.builtin_module_names or _is_installed_top(top)


def _is_installed_top(top: str) -> bool:
    known = _installed.get(top)
    if known is None:
        module = sys.modules.get(top)
        known = _installed[top] = module is not None and is_installed(module)
    return known


def to_load(told: set[str]) -> list[str]:
    """Installed modules that are loaded here and not yet in `told`, which grows by them."""
    names = []
    for name, module in list(sys.modules.items()):
        if name in told or module is None:
            continue
        told.add(name)
        top = name.partition(".")[0]
        if top in _NEVER or top.startswith("_pytest") or top in sys.builtin_module_names:
            continue
        spec = getattr(module, "__spec__", None)
        if spec is None or spec.name != name or not isinstance(spec.origin, str):
            continue
        if _is_installed_top(top):
            names.append(name)
    return names
