"""Exceptions on their way from a worker: pickled, and as text for when that fails."""

from __future__ import annotations

import pickle
import traceback
import types
from typing import Any

#: An exception as it travels: its pickle or None, type, text, traceback, notes.
Envelope = tuple[bytes | None, str, str, str, list[str]]


def seal(error: BaseException) -> Envelope:
    """In the worker. Its own frames at the top are left out."""
    frames = error.__traceback__
    while frames is not None and frames.tb_next is not None and _is_ours(frames.tb_frame):
        frames = frames.tb_next
    try:
        text = "".join(traceback.format_exception(type(error), error, frames))
    except Exception:  # a `__str__` that raises
        text = "".join(traceback.format_tb(frames)) + type(error).__qualname__
    try:
        message = str(error)
    except Exception:  # as above
        message = f"<{type(error).__qualname__} without text>"
    notes = [str(note) for note in getattr(error, "__notes__", ())]
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    return _pickled(error), kind, message, text, notes


def _is_ours(frame: types.FrameType) -> bool:
    return str(frame.f_globals.get("__name__")).startswith(f"{__package__}.")


def _pickled(error: BaseException) -> bytes | None:
    # Some exceptions can be pickled and not be made again (`__init__` with other arguments): found out here.
    context = error.__cause__, error.__context__, error.__traceback__
    # Some programs have Python pickle tracebacks too (tblib), which can be too long for that; ours travels as text.
    error.__traceback__ = None
    try:
        body = pickle.dumps(error, 5)
        pickle.loads(body)
        return body
    except BaseException:  # whatever the user's class may raise
        pass
    try:
        import cloudpickle

        body = cloudpickle.dumps(error)
        pickle.loads(body)
        return body
    except BaseException:  # as above
        return None
    finally:
        error.__cause__, error.__context__, error.__traceback__ = context


def unseal(envelope: Envelope) -> BaseException:
    """In the owner: the exception, with the worker's traceback as its cause."""
    from multiprocessing.pool import RemoteTraceback

    body, kind, message, text, notes = envelope
    error: BaseException | None = None
    if body is not None:
        try:
            loaded = pickle.loads(body)
            error = loaded if isinstance(loaded, BaseException) else None
        except BaseException:  # whatever the user's class may raise
            error = None
    if error is None:
        from ._errors import RemoteError

        error = RemoteError(kind, message)
        for note in notes:
            error.add_note(note)
    error.__cause__ = RemoteTraceback(f'\n"""\n{text}"""')
    return error


def encoding_error(error: BaseException, value: Any) -> Envelope:
    """In the worker: a result that cannot be pickled."""
    from multiprocessing.pool import MaybeEncodingError

    from ._pickling_errors import explain_pickling_error

    try:
        said = repr(explain_pickling_error(value, error, "the result"))
    except Exception:  # a `__repr__` or a property that raises
        said = repr(error)
    return seal(MaybeEncodingError(_Said(said), value))


class _Said:
    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text
