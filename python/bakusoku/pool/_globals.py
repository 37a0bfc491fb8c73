"""Globals that were changed after their module was imported.

A fork has them as its parent had them; our workers import a user's module afresh. So what a function reads of its
module, and of other modules of the user's, is compared with what the source says, and what differs is sent along. Only
names that the source binds once can be told apart like that: to a literal, in the module or in one of its classes
(``Model.scale``), or by a plain `def`, which a test or a script may have replaced.
"""

from __future__ import annotations

import ast
import functools
import pickle
import sys
import types
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ._seed import Seeded

#: Values up to this size are sent along.
SMALL = 64 << 10
#: Functions that are looked through for what they read, and modules.
_FUNCTIONS, _MODULES = 200, 20


class Defined(NamedTuple):
    """In the place of what the source says: a function that it defines."""

    module: str
    name: str

    def is_it(self, value: Any) -> bool:
        """Whether a value is that function."""
        return (
            isinstance(value, types.FunctionType)
            and value.__module__ == self.module
            and value.__qualname__ == self.name
        )


#: A global: its module's name, its own, and what the source says.
Global = tuple[str, str, Any]
#: What is sent: the global and its value now, pickled.
Change = tuple[str, str, Any, bytes]

_warned: set[tuple[str, str]] = set()
#: What workers may have been told before: they are told again when it is as the source says.
_told: set[tuple[str, str]] = set()


def read_by(function: Callable) -> list[Global]:
    """The globals that a function, and the functions that it names, read of the user's modules."""
    found: dict[tuple[str, str], Any] = {}
    seen: set[types.CodeType] = set()
    modules: set[str] = set()
    waiting = [function]
    while waiting and len(seen) < _FUNCTIONS:
        next_ = waiting.pop()
        waiting += _methods(next_, seen)
        plain = _plain(next_)
        if plain is None or plain.__code__ in seen:
            continue
        seen.add(plain.__code__)
        names = set(_names(plain.__code__))
        sources = {plain.__module__: plain.__globals__} if plain.__module__ != "__main__" else {}
        for value in [*(plain.__globals__.get(name) for name in names), *_cells(plain)]:
            if isinstance(value, types.ModuleType):
                sources[value.__name__] = value.__dict__
            elif _plain(value) is not None or is_users(getattr(type(value), "__module__", None)):
                waiting.append(value)
            elif isinstance(value, type) and is_users(value.__module__):
                waiting.append(value)
        for module, namespace in sources.items():
            if module in modules or len(modules) < _MODULES:
                modules.add(module)
                literals = _literals(module, namespace)
                for name, initial in literals.items():
                    if name.rpartition(".")[2] in names:
                        found[module, name] = initial
    return [(module, name, initial) for (module, name), initial in found.items()]


def changes(globals_: list[Global], quiet: bool) -> list[Change]:
    """What of them was changed in this process; a warning (unless `quiet`) says what is too large to be sent along."""
    changed = []
    for module, name, initial in globals_:
        value = _value(sys.modules.get(module), name, initial)
        if _same(value, initial) and (module, name) not in _told:
            continue
        body = _small(value)
        if body is not None:
            _told.add((module, name))
            changed.append((module, name, initial, body))
        elif not quiet and (type(initial) not in (dict, list, set) or initial) and (module, name) not in _warned:
            # What began empty may well be a cache.
            _warned.add((module, name))
            warnings.warn(
                f"`{module}.{name}` was changed after `{module}` was imported, and is too large, or of a kind, to be"
                " sent along with the function that reads it: workers see it as the module makes it; hand it over as an"
                " argument, set it in the pool's `initializer`, or use `context='fork'`",
                UserWarning,
                stacklevel=2,
            )
    return changed


#: In a worker: what was set here.
_set: dict[tuple[str, str], Any] = {}
_MISSING = object()
#: In a worker that is a fork of its owner: the user's modules as they were then.
_at_fork: dict[str, dict] = {}


#: Which modules there were, and which of them are the user's.
_users: tuple[list[str], list[str]] = [], []


def modules_of_user() -> list[str]:
    """Modules of the user's own that are loaded here."""
    global _users
    from ._modules import is_of_installed

    loaded = list(sys.modules)
    if _users[0] != loaded:
        _users = loaded, [name for name in loaded if not is_of_installed(name) and is_users(name)]
    return _users[1]


def remember(modules: list[str]) -> None:
    """In a fork of the owner, at its beginning."""
    for name in modules:
        _at_fork[name] = dict(getattr(sys.modules.get(name), "__dict__", {}))


def _is_ours_to_set(module: str, name: str, here: Any, initial: Any) -> bool:
    """Whether nobody but the owner has set a global in this worker."""
    if (module, name) in _set:
        return _same(here, _set[module, name])
    return _same(here, initial) or (module in _at_fork and here is _at_fork[module].get(name, _at_fork))


def apply(changed: list[Change]) -> None:
    """In a worker: set what was changed in the owner, unless somebody (an initializer, a task) has changed it here."""
    import importlib

    for module, name, initial, body in changed:
        try:
            namespace = importlib.import_module(module).__dict__
            value = pickle.loads(body)
        except Exception:  # the function itself will say what is wrong with its module
            continue
        *classes, last = name.split(".")
        owner = _value(sys.modules[module], classes[0], None) if classes else None
        here = namespace.get(name) if owner is None else owner.__dict__.get(last)
        if not _is_ours_to_set(module, name, here, initial):
            continue
        if type(here) is type(value) and isinstance(here, (dict, set)):
            # Others may have imported it by name.
            here.clear()
            here.update(value)
        elif type(here) is list and type(value) is list:
            here[:] = value
        elif owner is not None:
            setattr(owner, last, value)
        else:
            namespace[name] = value
        _set[module, name] = pickle.loads(body)


def _plain(value: Any) -> types.FunctionType | None:
    for _ in range(10):
        if isinstance(value, types.FunctionType):
            return value if is_users(value.__module__) else None
        if isinstance(value, functools.partial):
            value = value.func
        elif isinstance(value, types.MethodType):
            value = value.__func__
        elif isinstance(value, Seeded):
            value = value.function
        else:
            break
    return None


def _value(module: Any, name: str, otherwise: Any) -> Any:
    for part in name.split("."):
        module = getattr(module, part, _MISSING)
        if module is _MISSING:
            return otherwise
    return module


def _methods(value: Any, seen: set) -> list:
    """Of an object of a class of the user's, or of the class, the functions that may be called."""
    if isinstance(value, types.MethodType):
        value = value.__self__
    kind = value if isinstance(value, type) else type(value)
    if kind in seen or not is_users(getattr(kind, "__module__", None)):
        return []
    seen.add(kind)
    found = []
    for base in kind.__mro__:
        if is_users(base.__module__):
            found += [getattr(member, "__func__", member) for member in vars(base).values()]
    return [member for member in found if isinstance(member, types.FunctionType)]


def _names(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)


def _cells(function: types.FunctionType) -> Iterator[Any]:
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # not yet bound
            continue


_is_users: dict[str, bool] = {"__main__": True}


def is_users(module: str | None) -> bool:
    """Whether a module is the user's own."""
    if module is None:
        return False
    known = _is_users.get(module)
    if known is None:
        from ._modules import is_installed

        found = sys.modules.get(module)
        if found is None:
            # It may be loaded later.
            return False
        known = _is_users[module] = not module.startswith("bakusoku.") and not is_installed(found)
    return known


_known: dict[str, tuple[Any, dict[str, Any]]] = {}


def _literals(module: str, namespace: dict[str, Any]) -> dict[str, Any]:
    """What the source of a user's module binds once, to a literal."""
    file = namespace.get("__file__")
    if module == "__main__" or not isinstance(file, str) or not file.endswith(".py") or not is_users(module):
        return {}
    known = _known.get(module)
    if known is None or known[0] != file:
        try:
            with open(file, "rb") as source:
                tree = ast.parse(source.read())
        except (OSError, SyntaxError, ValueError, RecursionError):
            tree = ast.Module([], [])
        known = _known[module] = file, _bound_once(tree, module)
    return known[1]


def _bound_once(tree: ast.Module, module: str) -> dict[str, Any]:
    counts: dict[str, int] = {}
    for node in _of_module(tree):
        names: list[str] = []
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names = [node.id]
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names = [node.name]
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [alias.asname or alias.name.partition(".")[0] for alias in node.names]
        for name in names:
            counts[name] = counts.get(name, 0) + 1
    literals: dict[str, Any] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.decorator_list and counts[node.name] == 1:
            literals[node.name] = Defined(module, node.name)
        elif isinstance(node, ast.ClassDef) and counts[node.name] == 1:
            literals.update({f"{node.name}.{name}": value for name, value in _literals_in(node.body, None).items()})
    literals.update(_literals_in(tree.body, counts))
    return literals


def _literals_in(body: list[ast.stmt], counts: dict[str, int] | None) -> dict[str, Any]:
    """What is bound to a literal; once, by the counts."""
    literals: dict[str, Any] = {}
    for node in body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        value = getattr(node, "value", None)
        if len(targets) != 1 or not isinstance(targets[0], ast.Name) or value is None:
            continue
        name = targets[0].id
        if name in literals if counts is None else counts[name] != 1:
            literals.pop(name, None)
            continue
        try:
            literals[name] = ast.literal_eval(value)
        except (ValueError, TypeError, MemoryError, RecursionError):
            continue
    return literals


def _of_module(node: ast.AST) -> Iterator[ast.AST]:
    """Nodes that bind names of the module: not those inside of functions and classes."""
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            yield from _of_module(child)


def _same(a: Any, b: Any) -> bool:
    try:
        if isinstance(b, Defined):
            return b.is_it(a)
        return a is b or (type(a) is type(b) and bool(a == b))
    except Exception:  # a container of arrays
        return False


class _TooLarge(Exception):
    pass


def _small(value: Any) -> bytes | None:
    def refuse(buffer: pickle.PickleBuffer) -> bool:
        if buffer.raw().nbytes > SMALL:
            raise _TooLarge
        return True

    try:
        if len(value) > SMALL // 8:
            return None
    except TypeError:
        pass
    try:
        body = pickle.dumps(value, 5, buffer_callback=refuse)
    except Exception:  # too large, or not to be pickled
        return None
    return body if len(body) <= SMALL and b"__main__" not in body else None
