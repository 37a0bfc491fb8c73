"""Which files of the user's own a module is made of: its own, and those that it imports, near and far.

Nothing is imported to find that out: a task may be the first to do so. A module whose name is computed at run time
(`importlib.import_module(name)`) is not seen.
"""

from __future__ import annotations

import ast
import dis
import functools
import os
import re
import sys
import types
from collections.abc import Iterator
from importlib.machinery import ModuleSpec, PathFinder
from typing import Any

from ._modules import is_of_installed, is_path_of_installed

#: By whom variables of the environment are read, and what their names look like.
READ_ENVIRONMENT = frozenset(("environ", "environb", "getenv", "getenvb"))
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

#: An import: the module's name, the level of a relative one, and what is taken from it.
Import = tuple[str, int, tuple[str, ...]]


def imports_of(code: types.CodeType) -> Iterator[Import]:
    """What a code imports, and the functions inside of it."""
    before: list[Any] = [None, None]
    for instruction in dis.get_instructions(code):
        if instruction.opname == "IMPORT_NAME":
            level, names = before
            taken = tuple(names) if isinstance(names, tuple) else ()
            yield instruction.argval, level if isinstance(level, int) else 0, taken
        before = [before[1], instruction.argval]
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            yield from imports_of(inner)


def absolute(imported: Import, package: str) -> list[str]:
    """Names of the modules that an import in `package` may mean."""
    name, level, taken = imported
    if level:
        parts = package.split(".")
        if level > len(parts):
            return []
        name = ".".join([*parts[: len(parts) - level + 1], *([name] if name else [])])
    parts = name.split(".")
    parents = [".".join(parts[:n]) for n in range(1, len(parts) + 1)]
    return [*parents, *(f"{name}.{part}" for part in taken if part != "*")]


def files_of(names: list[str]) -> dict[str, str]:
    """The user's own files, by module, that these modules and what they import are made of."""
    found: dict[str, str] = {}
    seen: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        spec = _spec(name)
        if spec is None or not isinstance(spec.origin, str) or not os.path.isfile(spec.origin):
            continue
        found[name] = spec.origin
        package = name if spec.submodule_search_locations is not None else name.rpartition(".")[0]
        for imported in _look(spec.origin)[0]:
            waiting += absolute(imported, package)
    return found


def variables_of(file: str) -> tuple[str, ...]:
    """The variables of the environment that a file may read."""
    return _look(file)[1]


def _spec(name: str) -> Any:
    """Where a module of the user's own is; None for others."""
    top = name.partition(".")[0]
    if top in ("bakusoku", "__main__") or top in sys.builtin_module_names or top in sys.stdlib_module_names:
        return None
    if is_of_installed(name):
        return None
    module = sys.modules.get(name)
    spec = getattr(module, "__spec__", None)
    if spec is None and isinstance(getattr(module, "__file__", None), str):
        spec = ModuleSpec(name, None, origin=module.__file__)
    if spec is None:
        path, known = None, ""
        for part in name.split("."):
            known = f"{known}.{part}" if known else part
            try:
                spec = PathFinder.find_spec(known, path)
            except Exception:  # a finder of somebody's
                spec = None
            if spec is None:
                return None
            path = spec.submodule_search_locations
    return None if isinstance(spec.origin, str) and is_path_of_installed(spec.origin) else spec


def _look(file: str) -> tuple[tuple[Import, ...], tuple[str, ...]]:
    """What a file imports, and the variables that it may read."""
    if not file.endswith(".py"):
        return (), ()
    try:
        about = os.stat(file)
    except OSError:
        return (), ()
    return _parsed(file, about.st_mtime_ns, about.st_size)


@functools.lru_cache(1000)
def _parsed(file: str, _changed: int, _size: int) -> tuple[tuple[Import, ...], tuple[str, ...]]:
    try:
        with open(file, "rb") as source:
            tree = ast.parse(source.read())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return (), ()
    imports: list[Import] = []
    texts: set[str] = set()
    reads = False
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports += [(alias.name, 0, ()) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            imports.append((node.module or "", node.level, tuple(alias.name for alias in node.names)))
        elif isinstance(node, ast.Attribute) and node.attr in READ_ENVIRONMENT:
            reads = True
        elif isinstance(node, ast.Name) and node.id in READ_ENVIRONMENT:
            reads = True
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and VARIABLE.fullmatch(node.value):
            texts.add(node.value)
    return tuple(imports), tuple(sorted(texts)) if reads else ()
