"""A call: its items, on their way to workers, and what came of them."""

from __future__ import annotations

import itertools
import pickle
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from ._engine_thread import no_dummy_thread
from ._exceptions import unseal
from ._function_cache import by_value_of, function_of
from ._generators import SharedGenerator, with_own_numbers
from ._memory import need, warn_if_too_much
from ._pickle import Placed, dumps
from ._pickling_errors import explain_pickling_error
from ._prefetch import UNCHANGING, NotReady, PrefetchIterator
from ._worker import APPLY, ERROR, EXIT, OUTCOMES, SEPARATE, STAR, VALUE, VALUES

if TYPE_CHECKING:
    from ._checkpoint import Checkpoint
    from ._options import Options
    from ._pool import Pool
    from ._progress import Reporter

_tags = itertools.count(1)


def call_users(function: Callable[[], Any]) -> None:
    """Call what the user has given for when something comes: its error is shown, and is nobody's result."""
    try:
        function()
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        # As where the engine's thread calls it, which cannot raise it to anybody.
        text = "Exception ignored in a callback of a pool"
        if sys.unraisablehook is not sys.__unraisablehook__:
            what = SimpleNamespace(
                exc_type=type(error), exc_value=error, exc_traceback=error.__traceback__, err_msg=text, object=None
            )
            sys.unraisablehook(what)
        elif sys.stderr is not None:
            # Python's own takes nothing but what the interpreter has made.
            sys.stderr.write(f"{text}:\n{''.join(traceback.format_exception(error))}")


class Call:
    """Items and what came of them. Subclasses say where items come from and where outcomes go."""

    #: Seconds of work in a message, where the number of its items is not said.
    target = 10e-3
    #: Whether it may show a progress bar that nobody asked for.
    bar = False
    #: Whether other calls may come while this one runs.
    others = False
    #: Whether an item may be on its way before a worker is free for it.
    early = True
    #: Where items wait that a thread has prefetched.
    prefetched: PrefetchIterator | None = None

    # What few calls need, or not at once, stands here: thousands of calls may be under way.
    job: Any = None
    seen = 0
    failed = 0
    by_value = False
    #: Attempts at an item that failed.
    attempts: dict[int, int] | None = None
    #: Who looks whether items hold the same random generator.
    shared: SharedGenerator | None = None
    #: The last lines that items have written, for their errors.
    words: dict[int, deque[str]] | None = None
    #: Where finished items are kept, and under which keys those that are not.
    checkpoint: Checkpoint | None = None
    keys: dict[int, str] | None = None
    #: Who reports how far it is, and after how many seconds who waits looks up.
    reporter: Reporter | None = None
    pause: float | None = None
    #: Whether was said that an item needs more memory than there is.
    warned = False

    def __init__(self, pool: Pool, function: Callable, mode: int, options: Options, name: str) -> None:
        self.pool = pool
        self.callable = function
        self.sent = with_own_numbers(function, options.seed)
        #: How workers are told of it, and the globals of the script that they have with it.
        self.function, self.names = function_of(self.sent, pool._callbacks)
        self.mode = mode
        self.options = options
        self.name = name
        self.lock = threading.RLock()
        self.tag = next(_tags)
        if options.resume is not None:
            from ._checkpoint import Checkpoint

            self.checkpoint = Checkpoint(options.resume, function, mode == STAR, options.seed)
            self.keys = {}

    # ── to workers ─────────────────────────────────────────────────────────────────────────────────────────────

    def start(self, chunk: int | None, total: int | None, ahead: int | None, eager: bool) -> None:
        """Give the job to the workers."""
        if self.options.progress is not False and (self.bar or self.options.progress is not None):
            from ._progress import OFTEN, reporter

            self.reporter = reporter(self, self.options.progress)
            if self.reporter is not None:
                self.pause = OFTEN
        self.eager = eager
        if self.options.timeout is not None:
            # It is promised to each item.
            chunk = 1
        self.pool._callbacks.calls[self.tag] = self
        listener = self.heard if eager else None
        timeout = self.options.timeout
        source: Any = self
        parcels = []
        if self.early and self.mode == APPLY and self.apart(self.item(0)[0]):
            # All there is, and it is small: nobody need ask for it.
            parcel, source = self.next(1), None
            parcels = [] if parcel is None else [parcel]
        crew = self.pool._crew
        self.job = crew.job(self.tag, parcels, source, listener, chunk, self.target, total, self.others, ahead, timeout)
        if self.prefetched is not None:
            self.prefetched.start(self.job)
        if eager:
            # What came before `self.job` was there.
            self.arrived()

    def next(self, most: int) -> Any:
        """The next items, as a message; None at the end, `...` where there are none yet. Asked by the engine, from any
        thread.
        """
        with no_dummy_thread():
            try:
                while True:
                    start, items = self.supply(most)
                    if not items:
                        return None
                    try:
                        return self.encode(start, items)
                    except Exception as error:
                        if len(items) > 1:
                            self.hold_back(start, items)
                        else:
                            self.put_error(
                                start, explain_pickling_error(items[0], error, self.naming(start)), final=True
                            )
            except NotReady:
                return ...
            except BaseException as error:  # a `next` or a `__reduce__` of the user's
                self.source_failed(error)
                return None

    def encode(self, start: int, items: list) -> tuple:
        """A message with these items."""
        placed = self.placed()
        alone = self.mode == APPLY or self.apart(items)
        if not alone:
            if self.shared is None:
                self.shared = SharedGenerator()
            self.shared.look(items)
        if len(items) > 1 and not alone:
            # Pickled together, an object that two items hold would be one there: what a task does to it, the next would
            # see, or not, by how they were batched.
            parts, count = [], 0
            for item in items:
                part = dumps(item, placed)
                parts.append((part, len(placed.blocks) - count))
                count = len(placed.blocks)
            body = pickle.dumps(parts, 5)
            self.refer_to(placed.names)
            return self.mode | SEPARATE, start, len(items), self.function, body, placed.blocks, need(self, start, items)
        body = dumps(items[0] if self.mode == APPLY else items, placed)
        self.refer_to(placed.names)
        return self.mode, start, len(items), self.function, body, placed.blocks, need(self, start, items)

    def refer_to(self, names: set) -> None:
        """See to it that workers have these globals of the script."""
        if names and not names <= self.names:
            describe = by_value_of if self.by_value else function_of
            self.function, self.names = describe(self.sent, self.pool._callbacks, self.names | names)

    def apart(self, items: list) -> bool:
        """Whether no task can change what another one gets."""
        if self.mode == STAR:
            return all(type(i) is tuple for i in items) and UNCHANGING.issuperset(map(type, itertools.chain(*items)))
        return UNCHANGING.issuperset(map(type, items))

    def placed(self) -> Placed:
        return Placed()

    def naming(self, index: int) -> str:
        return "the argument" if self.mode == APPLY else f"{self.label(index)}"

    def supply(self, most: int) -> tuple[int, list]:
        raise NotImplementedError

    def hold_back(self, start: int, items: list) -> None:
        """These items cannot be sent together: one by one, then."""
        raise NotImplementedError

    def source_failed(self, error: BaseException) -> None:
        raise NotImplementedError

    def item(self, index: int) -> Any:
        """An item that has no outcome yet."""
        raise NotImplementedError

    def again(self, indices: list[int]) -> None:
        """Send items again."""
        parcels = []
        for index in indices:
            try:
                parcels.append(self.encode(index, [self.item(index)]))
            except Exception as error:
                self.put_error(index, error, final=True)
        self.job.again(parcels, self.heard if self.eager else None)

    # ── from workers ───────────────────────────────────────────────────────────────────────────────────────────

    def arrived(self) -> None:
        """Take what has arrived."""
        if self.job is None:
            return
        with self.lock:
            parts = [None]
            # Until nothing has come: what was sent again meanwhile may be back already.
            while parts:
                parts, self.seen, done = self.job.take()
                for part in parts:
                    self.accept(part)
                if not done:
                    break
            if done:
                self.all_arrived()
            told = self.to_tell()
        for tell in told:
            call_users(tell)
        if self.reporter is not None:
            self.reporter.tick(self.is_over())

    def heard(self) -> None:
        """Take what has arrived, in the engine's thread."""
        with no_dummy_thread():
            self.arrived()

    def count(self) -> tuple[int, int, int | None]:
        """How many items have an outcome, how many of them failed, and how many there are."""
        raise NotImplementedError

    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        raise NotImplementedError

    def interrupt(self) -> None:
        """End what runs, at the wish of who waits."""
        self.job.interrupt()
        if self.reporter is not None:
            self.reporter.tick(True)

    def to_tell(self) -> list[Callable[[], None]]:
        """What to call when the lock is free."""
        return []

    def all_arrived(self) -> None:
        """Nothing more will come."""
        raise NotImplementedError

    def accept(self, part: tuple) -> None:
        start, items, worker, _wall, _cpu, _peak, kind = part[:7]
        output = self.pool._callbacks.output
        if worker in output.unended:
            output.ended(worker)
        self.take(start, items, kind, part)
        if self.words:
            for index in range(start, start + items):
                self.words.pop(index, None)

    def take(self, start: int, items: int, kind: int, part: tuple) -> None:
        """Take an answer, or what stands for one."""
        if kind == 0:
            status, body, blocks, grown = part[7:]
            if grown > self.pool._memory:
                warn_if_too_much(self, start, grown, "took" if items == 1 else "or one soon after it took")
            if status == VALUES:
                try:
                    values = pickle.loads(body, buffers=blocks)
                except BaseException as error:  # the user's `__setstate__`
                    for index in range(start, start + items):
                        self.put_error(index, self.annotated(index, error))
                    return
                self.got(start, [values] if self.mode == APPLY else values)
            elif status == OUTCOMES:
                self.put_outcomes(start, pickle.loads(body, buffers=blocks))
            else:
                self.refused(start, items, pickle.loads(body, buffers=blocks))
        elif kind == 1:
            self.died(start, items, *part[7:])
        elif kind == 2:
            from ._errors import TaskTimeout

            label = self.label(start)
            text = f"{label} took longer than {self.options.timeout:g} s; its worker was ended"
            self.put_error(start, TaskTimeout(text, start, label))

    def put_outcomes(self, start: int, outcomes: list) -> None:
        for index, (kind, value) in enumerate(outcomes, start):
            if kind == VALUE:
                self.got(index, [value])
            elif kind == ERROR:
                self.put_error(index, self.annotated(index, unseal(value)))
            elif kind == EXIT:
                from ._errors import WorkerDied

                code, envelope = value
                label, said = self.label(index), envelope[2]
                given = code if said in ("", "None") or said.lstrip("-").isdigit() else repr(said)
                error = WorkerDied(f"{label} called `sys.exit({given})`", index, label, None, code)
                error.__cause__ = unseal(envelope).__cause__
                self.put_error(index, error)

    def annotated(self, index: int, error: BaseException) -> BaseException:
        """The error, saying which item it belongs to, and how to avoid it where that is plain."""
        if self.mode != APPLY and isinstance(error, TypeError):
            self.teach(index, error)
        if self.mode != APPLY or self.options.labels is not None:
            from ._errors import short

            try:
                error.add_note(f"{self.label(index)}: {short(self.item(index))}")
            except Exception:  # an exception without notes
                pass
        return error

    def teach(self, index: int, error: TypeError) -> None:
        import inspect

        item = self.item(index)
        if self.mode == STAR:
            if not hasattr(item, "__iter__") and error.args and isinstance(error.args[0], str):
                plain = {"starmap_async": "map_async"}.get(self.name, "map")
                text = f"{error.args[0]}; `{self.name}` expects tuples of arguments: did you mean `{plain}`?"
                error.args = (text, *error.args[1:])
            return
        if not isinstance(item, tuple) or not error.args or not isinstance(error.args[0], str):
            return
        try:
            signature = inspect.signature(self.callable)
            signature.bind(*item)
        except (TypeError, ValueError):
            return
        try:
            signature.bind(item)
        except TypeError:
            star = {"map": "starmap", "map_async": "starmap_async"}.get(self.name, "starmap")
            text = f"{error.args[0]}; `{self.name}` hands over each item as one argument: did you mean `{star}`?"
            error.args = (text, *error.args[1:])

    def died(self, start: int, items: int, item: int, code: Any, number: Any, peak: int, oom: int) -> None:
        from ._errors import died, short

        index = start + item
        shown = "" if self.mode == APPLY else short(self.item(index))
        self.put_error(index, died(index, self.label(index), shown, code, number, peak, oom))
        others = [i for i in range(start, start + items) if i != index and not self.settled(i)]
        if others:
            self.again(others)

    def refused(self, start: int, items: int, envelope: Any) -> None:
        """The worker cannot load the function, or the items."""
        if not self.by_value:
            self.by_value = True
            try:
                self.function, self.names = by_value_of(self.sent, self.pool._callbacks, self.names)
            except Exception as error:
                self.by_value = False
                refusal = error
            else:
                self.again(list(range(start, start + items)))
                return
        else:
            if self.tried_by_value(start):
                refusal = unseal(envelope)
            else:
                self.again(list(range(start, start + items)))
                return
        for index in range(start, start + items):
            self.put_error(index, refusal, final=True)

    def tried_by_value(self, start: int) -> bool:
        tried = self.__dict__.setdefault("_by_value_tried", set())
        if start in tried:
            return True
        tried.add(start)
        return False

    def got(self, start: int, values: list) -> None:
        """Results of a worker."""
        if self.checkpoint is not None:
            for index, value in enumerate(values, start):
                key = self.keys.pop(index, None)
                if key is not None:
                    self.checkpoint.keep(key, value, self.label(index))
        self.put_values(start, values)

    def put_values(self, start: int, values: list) -> None:
        raise NotImplementedError

    def put_error(self, index: int, error: BaseException, final: bool = False) -> None:
        """An item failed; it is tried again while there are attempts left."""
        words = self.words.pop(index, None) if self.words else None
        if words:
            note = "\n    ".join([f"the last that {self.label(index)} wrote:", *words])
            try:
                error.add_note(note)
            except Exception:  # an exception without notes
                pass
        if not final:
            attempt = self.attempts.get(index, 0) if self.attempts else 0
            if attempt < self.options.retries:
                if self.attempts is None:
                    self.attempts = {}
                self.attempts[index] = attempt + 1
                self.again([index])
                return
        self.failed += 1
        self.settle_error(index, error)

    def settle_error(self, index: int, error: BaseException) -> None:
        raise NotImplementedError

    def settled(self, index: int) -> bool:
        raise NotImplementedError

    def label(self, index: int) -> str:
        return self.options.label(index, self)

    def wait(self, ready: Callable[[], bool], timeout: float | None) -> bool:
        """Work until `ready`; whether it came in time."""
        import time

        end = None if timeout is None else time.monotonic() + max(timeout, 0.0)
        while not ready():
            left = None if end is None else end - time.monotonic()
            if self.pause is not None and (left is None or left > self.pause):
                self.job.wait(self.seen, self.pause)
                self.arrived()
                continue
            came = self.job.wait(self.seen, left)
            self.arrived()
            if not came:
                return ready()
        return True
