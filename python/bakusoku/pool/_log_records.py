"""Log records of workers: each goes to the owner once, and is handled there by the owner's handlers.

In a worker a handler of the owner's stands for "this goes to the owner"; one that a task adds (to catch what is logged,
say) gets its records there. A fork has the owner's handlers themselves; other workers are told which ones there are.
"""

from __future__ import annotations

import logging
import os
import pickle
import sys
from typing import Any

from ._exceptions import seal

#: The same in this process and its forks, and in no other.
_ORIGIN = os.urandom(16)
#: The most characters of a text, one after the other until the record fits into a message.
_LONGEST = 6000, 1500, 200
_MESSAGE = 30 << 10
#: What is made anew, or is not for others.
_LEFT_OUT = {"msg", "args", "exc_info", "exc_text", "message", "asctime", "relativeCreated"}
_PLAIN = frozenset((str, int, float, bool, type(None)))

#: In a worker: the owner's handlers, by identity.
_owners: dict[int, logging.Handler] = {}


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


def capture() -> tuple[bytes, int, list]:
    """In the owner: its loggers, as far as they are not as they are born."""
    loggers = [logging.root, *logging.root.manager.loggerDict.values()]
    told = [
        (x.name, x.level, x.propagate, x.disabled, [(h.level, *_key(h)) for h in x.handlers])
        for x in loggers
        if isinstance(x, logging.Logger) and (x.level or x.handlers or x.disabled or not x.propagate)
    ]
    return _ORIGIN, logging.root.manager.disable, told


def restore(state: tuple[bytes, int, list]) -> None:
    """In a worker."""
    origin, disabled, loggers = state
    if origin == _ORIGIN:
        return  # a fork of the owner has them
    logging.disable(disabled)
    for name, level, propagate, off, handlers in loggers:
        # `getLogger` has its own idea of a logger that is named as the root is.
        logger = logging.root if name == logging.root.name else logging.getLogger(name)
        logger.setLevel(level)
        logger.propagate, logger.disabled = propagate, off
        logger.handlers[:] = [_stand_in(*handler) for handler in handlers]


def _stand_in(level: int, kind: str, about: Any) -> logging.Handler:
    """A handler of the owner's; of its kind, for programs that ask (`mne.set_log_file` removes such as these)."""
    if kind == "file":
        made: logging.Handler = logging.FileHandler(about, delay=True)
    elif kind == "stream":
        made = logging.StreamHandler(sys.stdout if about == 1 else sys.stderr)
    else:
        made = logging.Handler()
    made.setLevel(level)
    made.bakusoku_key = (kind, about)
    _owners[id(made)] = made
    return made


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
        try:
            tell(packed(record, bool(self.filters)))
        except Exception:  # a fork of a worker, which has no owner
            for handler in wanted or [logging.lastResort]:
                if handler is not None and record.levelno >= handler.level:
                    handler.handle(record)

    logging.Logger.callHandlers = call_handlers


def _key_of(handler: logging.Handler) -> tuple[str, Any] | None:
    """Under which a second one of the same in this worker is known; none in forks, where there is no second one."""
    return getattr(handler, "bakusoku_key", None)


def packed(record: logging.LogRecord, filtered: bool) -> bytes:
    """A record with all its fields; those that cannot travel as their text. `filtered`: by its logger, already."""
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
        body = pickle.dumps((filtered, short, exception), 5)
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


def unpacked(body: bytes) -> tuple[bool, dict[str, Any]]:
    """Whether its logger has filtered it, and the fields of a record."""
    filtered, fields, exception = pickle.loads(body)
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
    return filtered, fields


def handle(label: str, filtered: bool, fields: dict[str, Any]) -> None:
    """Handle a worker's record as if it had been made here."""
    record = logging.makeLogRecord(fields)
    record.msg = f"{label}{record.msg}"
    logger = logging.root if record.name == logging.root.name else logging.getLogger(record.name)
    # Whether its level is of interest was decided where it was made.
    if filtered:
        logger.callHandlers(record)
    else:
        logger.handle(record)
