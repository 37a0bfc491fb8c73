"""What items need of memory: as the user says it, and a word when it is more than there is."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import _core
from .._exceptions import ParameterError
from ._worker import APPLY

if TYPE_CHECKING:
    from ._call import Call

#: More than any machine has; the engine adds such numbers in 64 bits.
_MOST = 1 << 56


def checked(memory: Any) -> int | Callable | None:
    """What `memory` says: bytes, or a function of the item."""
    return memory if memory is None or callable(memory) else _bytes(memory, "`memory`")


def need(call: Call, start: int, items: list) -> int:
    """Bytes that the most demanding of these items needs; 0: nobody has said it."""
    memory = call.options.memory
    if memory is None:
        return 0
    if not callable(memory):
        most, index = memory, start
    else:
        each = [memory(*item[0], **item[1]) if call.mode == APPLY else memory(item) for item in items]
        sizes = [_bytes(size, "what `memory` returns") for size in each]
        most = max(sizes)
        index = start + sizes.index(most)
    warn_if_too_much(call, index, most, "is said to need")
    return most


def warn_if_too_much(call: Call, index: int, size: int, how: str) -> None:
    """Once a call, when an item is larger than the budget."""
    budget = call.pool._memory
    if size > budget and not call.warned:
        from ._errors import size as shown

        call.warned = True
        warnings.warn(
            f"{call.naming(index)} {how} {shown(size)} of memory, more than the {shown(budget)} that there are; nothing"
            " else runs beside it (`BAKUSOKU_MEMORY` says how much memory there is)",
            UserWarning,
            stacklevel=2,
        )


def _bytes(given: Any, name: str) -> int:
    expected = f"{name} must be bytes, a text such as '8GB', or a function of the item"
    if isinstance(given, str):
        try:
            return _core.parse_bytes(given)
        except ValueError as error:
            raise ParameterError(f"{expected}: {error}") from None
    try:
        size = int(given)
    except OverflowError:  # infinity
        size = _MOST if given > 0 else -1
    except (TypeError, ValueError):
        raise TypeError(f"{expected}, got {given!r}") from None
    if size < 0 or isinstance(given, bool):
        raise ParameterError(f"{expected}, got {given!r}")
    return min(size, _MOST)
