"""Log records of workers: each goes to the owner once, and is handled there by the owner's handlers.

In a worker a handler of the owner's stands for "this goes to the owner"; one that a task adds (to catch what is logged,
say) gets its records there. A fork has the owner's handlers themselves; other workers are told which ones there are.
Filters, those of handlers too, are asked in the worker (`_log_filters`): they may add what only a task knows.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import sys
from typing import Any, NamedTuple

from ._exceptions import seal

#: The same in this process and its forks, and in no other.
_ORIGIN = os.urandom(16)
#: The most characters of a text, one after the other until the record fits into a message.
_LONGEST = 6000, 1500, 200
_MESSAGE = 30 << 10
#: What is made anew, or is not for others.
_LEFT_OUT = {"msg", "args", "exc_info", "exc_text", "message", "asctime", "relativeCreated"}
_PLAIN = frozenset((str, int, float, bool, type(None)))
#: Names of levels as Python has them.
_LEVELS = dict(logging._levelToName)

#: In a worker: the owner's handlers, by identity.
_owners: dict[int, logging.Handler] = {}
#: In a worker that is no fork: loggers whose filters the owner has to ask.
asked_by_owner: set[str] = set()
#: In the owner, of a record that is being handled: what filters of handlers, by identity, have said in the worker.
_decided: dict[int, dict[int, bool]] = {}


# ── which handlers there are ───────────────────────────────────────────────────────────────────────────────────────


def _key(handler: logging.Handler) -> tuple[str, Any]:
    """The same for a handler that a module makes when it is loaded in the owner, and again in a worker."""
    if isinstance(handler, logging.FileHandler):
        return "file", handler.baseFilename
    if isinstance(handler, logging.StreamHandler):
        stream: Any = handler.stream
        for number, name in ((1, "stdout"), (2, "stderr")):
            given = getattr(stream, "name", None)
            if stream is getattr(sys, name) or given == number or given == f"<{name}>":
                return "stream", number
        return "stream", type(stream).__qualname__
    return "other", f"{type(handler).__module__}.{type(handler).__qualname__}"


class State(NamedTuple):
    """What workers are told."""

    origin: bytes
    disabled: int
    levels: dict[int, str]
    warnings: bool
    loggers: list


def capture() -> State:
    """In the owner: its loggers, as far as they are not as they are born."""
    loggers = [logging.root, *logging.root.manager.loggerDict.values()]
    told = [
        (x.name, x.level, x.propagate, x.disabled, [(id(h), h.level, *_key(h)) for h in x.handlers])
        for x in loggers
        if isinstance(x, logging.Logger) and (x.level or x.handlers or x.disabled or not x.propagate)
    ]
    levels = {level: name for level, name in logging._levelToName.items() if _LEVELS.get(level) != name}
    return State(_ORIGIN, logging.root.manager.disable, levels, logging._warnings_showwarning is not None, told)


def restore(state: State) -> None:
    """In a worker."""
    if state.origin == _ORIGIN:
        return  # a fork of the owner has them
    logging.disable(state.disabled)
    for level, name in state.levels.items():
        logging.addLevelName(level, name)
    if state.warnings:
        logging.captureWarnings(True)
    loggers = state.loggers
    for name, level, propagate, off, handlers in loggers:
        # `getLogger` has its own idea of a logger that is named as the root is.
        logger = logging.root if name == logging.root.name else logging.getLogger(name)
        logger.setLevel(level)
        logger.propagate, logger.disabled = propagate, off
        logger.handlers[:] = [_stand_in(*handler) for handler in handlers]


def _stand_in(identity: int, level: int, kind: str, about: Any) -> logging.Handler:
    """A handler of the owner's; of its kind, for programs that ask (`mne.set_log_file` removes such as these)."""
    if kind == "file":
        made: logging.Handler = logging.FileHandler(about, delay=True)
    elif kind == "stream":
        made = logging.StreamHandler(sys.stdout if about == 1 else sys.stderr)
    else:
        made = logging.Handler()
    made.setLevel(level)
    made.bakusoku_key, made.bakusoku_identity = (kind, about), identity
    _owners[id(made)] = made
    return made


def owners() -> list[Any]:
    """In a worker that is no fork: what stands for the owner's handlers."""
    return [handler for handler in _owners.values() if hasattr(handler, "bakusoku_identity")]


# ── in a worker ────────────────────────────────────────────────────────────────────────────────────────────────────


def begin(tell: Any) -> None:
    """In a worker that begins: have records told to the owner through `tell`."""
    for logger in [logging.root, *logging.root.manager.loggerDict.values()]:
        if isinstance(logger, logging.Logger):
            _owners.update((id(handler), handler) for handler in logger.handlers)

    def call_handlers(self: logging.Logger, record: logging.LogRecord) -> None:
        there: list[logging.Handler] = []
        logger: logging.Logger | None = self
        while logger is not None:
            there += logger.handlers
            logger = logger.parent if logger.propagate else None
        owners = [handler for handler in there if id(handler) in _owners]
        again = {_key_of(handler) for handler in owners}
        for handler in there:
            if id(handler) not in _owners and record.levelno >= handler.level and _key(handler) not in again:
                handler.handle(record)
        wanted = [handler for handler in owners if record.levelno >= handler.level]
        if there and not wanted:
            return
        decisions = _decided.get(id(record), {})
        decided: dict[int, bool] = {}
        for handler in wanted:
            if handler.filters or id(handler) in decisions:
                passes: Any = decisions.get(id(handler))
                if passes is None:
                    passes = handler.filter(record)
                    # From Python 3.12 on a filter may give another record.
                    record = passes if isinstance(passes, logging.LogRecord) else record
                decided[getattr(handler, "bakusoku_identity", id(handler))] = bool(passes)
        if wanted and len(decided) == len(wanted) and not any(decided.values()):
            return
        try:
            tell(packed(record, bool(self.filters) and self.name not in asked_by_owner, decided))
        except Exception:  # a fork of a worker, which has no owner
            for handler in wanted or [logging.lastResort]:
                if handler is not None and record.levelno >= handler.level:
                    handler.handle(record)

    logging.Logger.callHandlers = call_handlers


def _key_of(handler: logging.Handler) -> tuple[str, Any] | None:
    """Under which a second one of the same in this worker is known; none in forks, where there is no second one."""
    return getattr(handler, "bakusoku_key", None)


def packed(record: logging.LogRecord, filtered: bool, decided: dict[int, bool]) -> bytes:
    """A record with all its fields; those that cannot travel as their text.

    `filtered`: by its logger, already. `decided`: what filters of the owner's handlers have said.
    """
    exception = text = None
    if record.exc_info and record.exc_info[1] is not None:
        exception = seal(record.exc_info[1])[0]
        text = record.exc_text or logging.Formatter().formatException(record.exc_info)
    fields = {name: value for name, value in vars(record).items() if name not in _LEFT_OUT}
    message = record.getMessage()
    for most in _LONGEST:
        short = {name: _field(value, most) for name, value in fields.items()}
        short["msg"] = _cut(message, most)
        if text is not None:
            # Of a traceback the end says most.
            short["exc_text"] = text if len(text) <= most else f"…{text[-most:]}"
        body = pickle.dumps((filtered, decided, short, exception), 5)
        if len(body) <= _MESSAGE:
            break
        exception = None
    return body


class _Pickled(bytes):
    """A field that is no text and no number."""


def _field(value: Any, most: int) -> Any:
    if type(value) is str:
        return _cut(value, most)
    if type(value) in _PLAIN:
        return value
    try:
        body = pickle.dumps(value, 5)
        if len(body) <= most:
            return _Pickled(body)
    except Exception:  # whatever a `__reduce__` may raise
        pass
    try:
        return _cut(repr(value), most)
    except Exception:  # the user's `__repr__`
        return f"<{type(value).__qualname__}>"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}…"


# ── in the owner ───────────────────────────────────────────────────────────────────────────────────────────────────


def unpacked(body: bytes) -> tuple[bool, dict[int, bool], dict[str, Any]]:
    """Whether its logger has filtered it, what filters of handlers have said, and the fields of a record."""
    filtered, decided, fields, exception = pickle.loads(body)
    for name, value in fields.items():
        if type(value) is _Pickled:
            try:
                fields[name] = pickle.loads(value)
            except Exception:  # of a class that is not known here
                fields[name] = f"<{name}>"
    if exception is not None:
        try:
            error = pickle.loads(exception)
            fields["exc_info"] = type(error), error, None
        except Exception:  # as above
            pass
    return filtered, decided, fields


def handle(label: str, filtered: bool, decided: dict[int, bool], fields: dict[str, Any]) -> None:
    """Handle a worker's record as if it had been made here."""
    record = logging.makeLogRecord(fields)
    record.msg = f"{label}{record.msg}"
    logger = logging.root if record.name == logging.root.name else logging.getLogger(record.name)
    # Whether its level is of interest was decided where it was made.
    if not filtered and (logger.disabled or not logger.filter(record)):
        return
    if not decided:
        logger.callHandlers(record)
    elif _owners:
        # A worker's own worker has made it: it goes on to the next owner.
        _decided[id(record)] = decided
        try:
            logger.callHandlers(record)
        finally:
            del _decided[id(record)]
    else:
        _call_handlers(logger, record, decided)


def _call_handlers(logger: logging.Logger | None, record: logging.LogRecord, decided: dict[int, bool]) -> None:
    """As `Logger.callHandlers`, but that filters which a worker has asked are not asked again."""
    while logger is not None:
        for handler in logger.handlers:
            if record.levelno < handler.level:
                continue
            passes = decided.get(id(handler))
            if passes is None:
                handler.handle(record)
            elif passes:
                with handler.lock or contextlib.nullcontext():
                    handler.emit(record)
        logger = logger.parent if logger.propagate else None
