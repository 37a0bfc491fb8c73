"""What a pool or a call may be told beside the function and its items."""

from __future__ import annotations

import operator
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from .._exceptions import ParameterError
from ._memory import checked
from ._seed import as_sequence, child

#: Where a number is a limit, one from here on is none; the engine counts in 64 bits, and time in nanoseconds.
NO_LIMIT = 1 << 32


def whole(value: Any, name: str, least: int, expected: str) -> int:
    """A whole number from `least` on: Python's or NumPy's."""
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool):
        raise TypeError(f"`{name}` must be {expected}, got {value!r}")
    if number < least:
        raise ParameterError(f"`{name}` must be {expected}, got {value!r}")
    return number


def seconds(value: Any, name: str) -> float | None:
    """A time above 0; None: as long as it takes."""
    expected = f"`{name}` must be seconds above 0 or None, got {value!r}"
    if value is None:
        return None
    if isinstance(value, (str, bytes)):
        raise TypeError(expected)
    try:
        time = float(value)
    except OverflowError:  # a whole number of more digits
        time = NO_LIMIT if value > 0 else -1.0
    except (TypeError, ValueError):
        raise TypeError(expected) from None
    if not time > 0:
        raise ParameterError(expected)
    return time if time < NO_LIMIT else None


class Labels:
    """Names of items, drawn from where they come from as far as they are asked for."""

    def __init__(self, names: Iterable) -> None:
        self.known: list = []
        self.rest: Iterator | None = iter(names)
        if isinstance(names, Sized):
            self.known, self.rest = list(self.rest), None

    def draw(self, number: int) -> int:
        """How many there are, as far as that matters for so many."""
        if self.rest is not None:
            self.known.extend(islice(self.rest, max(0, number - len(self.known))))
        return len(self.known)

    def __getitem__(self, index: int) -> Any:
        self.draw(index + 1)
        return self.known[index]


def _labels(labels: Any) -> Labels | Callable | None:
    if labels is None or callable(labels) or isinstance(labels, Labels):
        return labels
    if not isinstance(labels, (str, bytes, Mapping)):
        try:
            return Labels(labels)
        except TypeError:  # not iterable
            pass
    raise TypeError(f"`labels` must be a list of names or a function of the item, got {labels!r}")


def _progress(progress: Any) -> bool | Callable | None:
    if progress is None or callable(progress):
        return progress
    try:
        # NumPy's too.
        if progress in (True, False):
            return bool(progress)
    except Exception:  # an array
        pass
    raise TypeError(f"`progress` must be True, False, None or a function, got {progress!r}")


@dataclass(frozen=True, slots=True)
class Options:
    """Checked."""

    on_error: str = "raise"
    labels: Any = None
    timeout: float | None = None
    retries: int = 0
    seed: Any = None
    progress: Any = None
    resume: Any = None
    memory: Any = None

    def __post_init__(self) -> None:
        if self.on_error not in ("raise", "return"):
            raise ParameterError(f"`on_error` must be 'raise' or 'return', got {self.on_error!r}")
        for name, value in (
            ("labels", _labels(self.labels)),
            ("timeout", seconds(self.timeout, "timeout")),
            ("retries", whole(self.retries, "retries", 0, "a number from 0 upwards")),
            ("progress", _progress(self.progress)),
        ):
            object.__setattr__(self, name, value)
        if self.resume is not None and not isinstance(self.resume, (str, os.PathLike)):
            raise TypeError(f"`resume` must be a folder or None, got {self.resume!r}")
        object.__setattr__(self, "seed", as_sequence(self.seed))
        if self.memory is not None:
            object.__setattr__(self, "memory", checked(self.memory))

    def but(self, given: dict[str, Any]) -> Options:
        """With what a call says."""
        if not given:
            return self
        unknown = set(given) - set(self.__slots__)
        if unknown:
            raise TypeError(f"unknown option `{min(unknown)}`, expected one of {', '.join(self.__slots__)}")
        return replace(self, **{name: value for name, value in given.items()})

    def of_call(self, number: int, given: dict[str, Any]) -> Options:
        """Those of a pool's call, with what it says itself."""
        options = self.but(given)
        if options.seed is None or "seed" in given:
            return options
        # The second call of a pool must not draw what its first one drew.
        return replace(options, seed=child(options.seed, number))

    def label(self, index: int, call: Any) -> str:
        """An item's name."""
        labels: Callable | Labels | None = self.labels
        try:
            if callable(labels):
                return str(labels(call.item(index)))
            if labels is not None:
                return str(labels[index])
        except Exception:  # the user's function, or too few names
            pass
        return f"item {index}"

    def check_labels(self, n: int) -> None:
        """As many names as items."""
        if isinstance(self.labels, Labels):
            there = self.labels.draw(n + 1)
            if there != n:
                more = "more than " if there > n and self.labels.rest is not None else ""
                raise ParameterError(f"`labels` has {more}{n if more else there} names for {n} items")
