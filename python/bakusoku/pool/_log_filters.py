"""Filters of loggers and handlers, for workers that are no forks of their owner.

A filter may add to a record what only a task knows, or decide by it, so it is asked where the record is made. One that
cannot travel is asked by the owner.
"""

from __future__ import annotations

import logging
import pickle
from typing import Any

from . import _log_records, _script_names
from ._modules import is_of_installed
from ._pickle import Placed, dumps


def capture(names: set) -> tuple[dict[str, bytes], dict[int, bytes], list[str]]:
    """In the owner: filters by logger, and by handler; and loggers whose filters cannot travel.

    `names` grows by the globals of the script that they refer to.
    """
    by_logger, by_handler, left = {}, {}, []
    for logger in [logging.root, *logging.root.manager.loggerDict.values()]:
        if not isinstance(logger, logging.Logger):
            continue
        # A library's own are there when it is loaded.
        own = [one for one in logger.filters if not _is_of_library(one)]
        if own:
            body = _written(own, names)
            if body is None:
                left.append(logger.name)
            else:
                by_logger[logger.name] = body
        for handler in logger.handlers:
            body = _written(handler.filters, names) if handler.filters else None
            if body is not None:
                by_handler[id(handler)] = body
    return by_logger, by_handler, left


def _is_of_library(one: Any) -> bool:
    name = getattr(one, "__module__", None) or type(one).__module__
    return name != "logging" and name != "__main__" and is_of_installed(name)


def _written(filters: list, names: set) -> bytes | None:
    needed: set = set()
    try:
        body = dumps(filters, None, "", needed)
        _script_names.describe(_script_names.needed(needed, False), Placed(), None)
    except Exception:  # whatever a `__reduce__` may raise
        return None
    names |= needed
    return body


def restore(state: tuple[dict[str, bytes], dict[int, bytes], list[str]]) -> None:
    """In a worker."""
    by_logger, by_handler, left = state
    _log_records.asked_by_owner.update(left)
    for name, body in by_logger.items():
        logger = logging.root if name == logging.root.name else logging.getLogger(name)
        logger.filters += pickle.loads(body)
    for handler in _log_records.owners():
        body = by_handler.get(handler.bakusoku_identity)
        if body is not None:
            handler.filters += pickle.loads(body)
