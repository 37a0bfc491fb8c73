"""Which part of an object cannot travel to another process, and why."""

from __future__ import annotations

import functools
import pickle
import types
from collections.abc import Iterator
from typing import Any

_MOST = 2000


def explain_pickling_error(value: Any, error: Exception, name: str, reads: tuple[str, Any] | None = None) -> Exception:
    """The error to raise for `value`, which could not be pickled: of the same kind, naming the smallest part.

    `reads`: name and value of the global of a function that is known to be the reason.
    """
    if not isinstance(error, (TypeError, AttributeError, pickle.PickleError, RecursionError)):
        # Raised by the object itself, in its `__reduce__` or `__getstate__`.
        error.add_note(f"raised while {name} was prepared for a worker process")
        return error
    if isinstance(value, types.FunctionType):
        name += f" `{value.__qualname__.rpartition('.')[2]}`"
    start = (value, name) if reads is None else (reads[1], f"{name}'s global `{reads[0]}`")
    path, part, why = _smallest(start[0], error, start[1])
    kind = type(error) if type(error) in (TypeError, AttributeError, pickle.PicklingError) else pickle.PicklingError
    text = f"{name} cannot be sent to a worker process"
    if path != name:
        text += f": {path} is {_article(type(part).__name__)}"
    text += f" ({type(why).__name__}: {why})" if str(why) else f" ({type(why).__name__})"
    return kind(text + _hint(part))


def _article(noun: str) -> str:
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} `{noun}`"


def _hint(part: Any) -> str:
    if type(part).__name__ in ("lock", "RLock", "_thread.lock", "Lock", "Event", "Condition", "Semaphore"):
        return (
            "; locks do not travel: share one through `initializer` with `context='fork'`, or use a"
            " `multiprocessing.Manager().Lock()`"
        )
    if isinstance(part, types.GeneratorType):
        return "; a generator does not travel: make a list of it"
    if hasattr(part, "fileno") or type(part).__name__ in ("TextIOWrapper", "BufferedReader", "BufferedWriter"):
        return "; an open file does not travel: send its path and open it in the task"
    return ""


def _smallest(value: Any, error: BaseException, path: str) -> tuple[str, Any, BaseException]:
    seen: set[int] = set()
    while True:
        seen.add(id(value))
        for step, part in _parts(value):
            if id(part) in seen or len(seen) > _MOST:
                continue
            seen.add(id(part))
            why = _try(part)
            if why is not None:
                value, error, path = part, why, path + step
                break
        else:
            return path, value, error


def _try(value: Any) -> BaseException | None:
    try:
        import cloudpickle

        from ._script_pickler import write

        cloudpickle.dumps(value)
        write(value, lambda _: False, set(), False, frozenset())
    except RecursionError:
        return None
    except Exception as error:
        return error
    return None


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, part in list(value.items()):
            yield f"[{key!r}]", part
    elif isinstance(value, (list, tuple, set, frozenset)):
        for index, part in enumerate(value):
            yield f"[{index}]", part
    elif isinstance(value, functools.partial):
        yield ".func", value.func
        for index, part in enumerate(value.args):
            yield f".args[{index}]", part
        for key, part in value.keywords.items():
            yield f".keywords[{key!r}]", part
    elif isinstance(value, types.MethodType):
        yield ".__self__", value.__self__
    elif isinstance(value, types.FunctionType):
        code = value.__code__
        for name, cell in zip(code.co_freevars, value.__closure__ or (), strict=False):
            try:
                yield f"'s variable `{name}`", cell.cell_contents
            except ValueError:
                continue
        for name in code.co_names:
            if name in value.__globals__:
                yield f"'s global `{name}`", value.__globals__[name]
        for index, part in enumerate(value.__defaults__ or ()):
            yield f".__defaults__[{index}]", part
    elif not hasattr(value, "__array_interface__"):
        for key, part in list(getattr(value, "__dict__", {}).items()):
            yield f".{key}", part
        for slot in getattr(type(value), "__slots__", ()) or ():
            if isinstance(slot, str) and hasattr(value, slot):
                yield f".{slot}", getattr(value, slot)
