"""What a pool or a call may be told beside the function and its items."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .._exceptions import ParameterError
from ._memory import checked
from ._seed import as_sequence, child


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
        if self.labels is not None and not callable(self.labels) and not isinstance(self.labels, Sequence):
            raise TypeError(f"`labels` must be a list of names or a function of the item, got {self.labels!r}")
        if isinstance(self.labels, str):
            raise TypeError(f"`labels` must be a list of names or a function of the item, got {self.labels!r}")
        if self.timeout is not None and not isinstance(self.timeout, (int, float)):
            raise TypeError(f"`timeout` must be seconds above 0 or None, got {self.timeout!r}")
        if self.timeout is not None and not self.timeout > 0:
            raise ParameterError(f"`timeout` must be seconds above 0 or None, got {self.timeout!r}")
        if not isinstance(self.retries, int) or self.retries < 0:
            raise ParameterError(f"`retries` must be a number from 0 upwards, got {self.retries!r}")
        if self.progress not in (None, True, False) and not callable(self.progress):
            raise TypeError(f"`progress` must be True, False, None or a function, got {self.progress!r}")
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
        labels: Callable | Sequence | None = self.labels
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
        if self.labels is not None and not callable(self.labels) and len(self.labels) != n:
            raise ParameterError(f"`labels` has {len(self.labels)} names for {n} items")
