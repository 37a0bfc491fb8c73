"""cloudpickle's pickler, but for where code comes from: tracebacks name the user's file."""

from __future__ import annotations

import types
from collections import ChainMap
from typing import Any

import cloudpickle

_reduce = cloudpickle.Pickler.dispatch_table[types.CodeType]


def _reduce_code(code: types.CodeType) -> Any:
    made, arguments = _reduce(code)
    return made, tuple(code.co_filename if part == "<dynamic-code>" else part for part in arguments)


class Pickler(cloudpickle.Pickler):
    """Writes functions and classes by value."""

    dispatch_table = ChainMap({types.CodeType: _reduce_code}, cloudpickle.Pickler.dispatch_table)
