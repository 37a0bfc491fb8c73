"""How far a call is: a line on the terminal or in the notebook, plain lines elsewhere, or the user's function."""

from __future__ import annotations

import os
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._call import Call

#: Seconds between two drawings; after which a call is worth a line that nobody asked for; between lines in a log.
OFTEN, WORTH_IT, SELDOM = 0.1, 1.0, 30.0

#: Who draws on the terminal now: one at a time.
_drawn: Reporter | None = None
_lock = threading.RLock()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a call is.

    Attributes
    ----------
    done : int
        Items that are finished, those that failed included.
    failed : int
        Items that failed.
    total : int | None
        All items, when that is known.
    running : tuple of str
        Labels of the items that run now.
    elapsed : float
        Seconds since the call.
    left : float | None
        Seconds that it will take still, as far as can be told.
    """

    done: int
    failed: int
    total: int | None
    running: tuple[str, ...]
    elapsed: float
    left: float | None


def is_live(stream: Any) -> bool:
    """Whether a line can be drawn over again: on a terminal, or in a notebook."""
    try:
        return stream.isatty() or type(stream).__module__.startswith("ipykernel")
    except Exception:  # closed, or not a file at all
        return False


def others_draw() -> bool:
    """Whether the script has a bar of its own: two would write over each other."""
    bars = getattr(getattr(sys.modules.get("tqdm.std"), "tqdm", None), "_instances", ())
    try:
        return any(not bar.disable for bar in list(bars))
    except Exception:  # another tqdm than the one that we know
        return False


def reporter(call: Call, progress: Any) -> Reporter | None:
    """Who reports on a call, if anybody does."""
    if progress is False:
        return None
    if progress is None:
        from . import _worker

        if _worker.is_worker or not is_live(sys.stderr):
            return None
    return Reporter(call, progress)


class Reporter:
    """Reports on one call."""

    def __init__(self, call: Call, progress: Any) -> None:
        self.call = call
        self.function = progress if callable(progress) else None
        self.live = self.function is None and is_live(sys.stderr)
        self.begun = time.monotonic()
        self.before = call.count()[0]
        self.every = OFTEN if self.live or self.function else SELDOM
        first = WORTH_IT if progress is None else self.every if self.live or self.function else SELDOM
        self.due = self.begun + first
        #: Whether somebody asked for it, whether anything was shown, and how wide it is on the terminal.
        self.asked = self.shown = progress is not None
        self.width = 0
        self.over = False

    def tick(self, over: bool) -> None:
        """Report, if it is time; `over`: for the last time."""
        if self.over or (not over and time.monotonic() < self.due):
            return
        with _lock:
            if self.over:
                return
            self.over = over
            self.due = time.monotonic() + self.every
            if over and not self.shown:
                return
            if not self.asked and others_draw():
                self.clear()
                return
            self.shown = True
            now = self.now(over)
            if self.live:
                self.draw(now)
            elif self.function is None and sys.stderr is not None:
                sys.stderr.write(line(now, self.over, 10_000) + "\n")
                sys.stderr.flush()
        if self.function is not None:
            from ._call import call_users

            call_users(lambda: self.function(now))

    def now(self, over: bool) -> Progress:
        """How far the call is."""
        call = self.call
        done, failed, total = call.count()
        elapsed = time.monotonic() - self.begun
        fresh = done - self.before
        left = elapsed / fresh * (total - done) if total is not None and fresh > 0 else None
        running = [] if over else [call.label(item) for tag, item in call.pool._crew.running() if tag == call.tag]
        return Progress(done, failed, total, tuple(running), elapsed, left)

    def draw(self, now: Progress) -> None:
        """Draw over what was drawn before."""
        global _drawn
        if _drawn is not None and _drawn is not self:
            if not self.over:
                return
            _drawn.clear()
        import shutil

        text = line(now, self.over, shutil.get_terminal_size().columns - 1)
        pad = " " * (self.width - len(text))
        sys.stderr.write(f"\r{text}{pad}" + ("\n" if self.over else ""))
        sys.stderr.flush()
        self.width = len(text)
        if self.over:
            _drawn = None if _drawn is self else _drawn
        else:
            _drawn = self

    def clear(self) -> None:
        """Leave the line to others, until the next time."""
        if self.width:
            sys.stderr.write("\r" + " " * self.width + "\r")
            sys.stderr.flush()
            self.width = 0
            self.due = 0.0


def _anew() -> None:
    global _lock, _drawn
    _lock, _drawn = threading.RLock(), None


# A thread that does not exist in the child may hold the lock.
os.register_at_fork(after_in_child=_anew)


class Above:
    """For who writes on the terminal: the line is away meanwhile."""

    def __enter__(self) -> None:
        _lock.acquire()
        if _drawn is not None:
            _drawn.clear()

    def __exit__(self, *_: Any) -> None:
        _lock.release()


def line(now: Progress, over: bool, width: int) -> str:
    """How far a call is, in a line."""
    count = f"{now.done}/{now.total}" if now.total is not None else f"{now.done} done"
    failed = f", {now.failed} failed" if now.failed else ""
    if over:
        return f"{count}{failed} in {clock(now.elapsed)}"[: max(width, 1)]
    bar = ""
    if now.total:
        full = 20 * now.done // now.total
        bar = f" |{'#' * full}{'-' * (20 - full)}|"
    time_left = f", {clock(now.left)} left" if now.left is not None else ""
    running = f", now {', '.join(now.running)}" if now.running else ""
    text = f"{count}{bar} {clock(now.elapsed)}{time_left}{failed}{running}"
    return text if len(text) <= width else text[: max(width - 1, 0)] + "…"


def clock(seconds: float) -> str:
    """Seconds as people read them."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
