"""A worker: takes tasks, runs them, answers."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import types
from typing import Any

from .. import _core
from . import _worker_output
from ._exceptions import encoding_error, seal
from ._pickle import GLOBALS, LARGE, MOST_BLOCKS, ONCE, by_value
from ._value_pickling import plain

#: How a task's items are called: one call `f(*args, **kwargs)`, `f(item)` each, `f(*item)` each; and what comes first.
APPLY, MAP, STAR, FIRST = 0, 1, 2, 255
#: Added to a mode: items are pickled one by one, as a list of bytes and numbers of blocks; no two share an object.
SEPARATE = 64
#: What an answer holds: values; an outcome for each item; why the function cannot be loaded.
VALUES, OUTCOMES, NO_FUNCTION = 0, 1, 2
#: Outcomes.
VALUE, ERROR, EXIT = 0, 1, 2

#: The line to the process that workers are forked from, for pools of this worker's own.
forkserver_socket: int | None = None

#: Whether this process is a worker, and how it was made.
is_worker = False
method: str | None = None

#: The loop that serves this process's owner.
_loop: Worker | None = None


def running_item() -> int:
    """Number of the item that this worker runs."""
    return 0 if _loop is None else _loop.start + _loop.end.item()


def shared_item() -> int | None:
    """The same where a message has several items, in which case the owner cannot know which one writes."""
    return running_item() if _loop is not None and _loop.items > 1 else None


def begin(
    files: list[int], parent: int, forkserver: int | None, identity: Any = None, inherited: Any = (None, ())
) -> None:
    """In a process that was just started, by `parent`. Never returns.

    A fork of its owner knows already who it is, and has inherited the initializer and its arguments.
    """
    global forkserver_socket, is_worker, _loop
    import atexit

    from . import _process, _script_namespace

    # It stays in the process group of its owner, so that the terminal stops, continues and interrupts both, and
    # programs of tasks may use it. Orphans of these programs become children of this process, and end with it.
    _core.adopt_orphans()
    # Any thread of the owner's may have started a child; of another parent's death the system tells at once.
    if not (_core.end_with_parent if forkserver is None else _core.die_with_parent)(parent):
        os._exit(0)
    forkserver_socket = forkserver
    atexit._clear()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # The thread that has started it may be one of the engine's, where all signals are blocked.
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    line, owner, own, output, error = files
    os.dup2(output, 1)
    os.dup2(error, 2)
    _without_input()
    # Where NumPy was loaded before the fork, all workers would draw the same numbers (`random` sees to that itself).
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed()
    status = 1
    end = _core.WorkerConnection(line, owner, own)
    end.watch(output, error)
    _worker_output.begin(end.send_message)
    is_worker = True
    os.register_at_fork(before=_core.before_fork, after_in_child=_core.after_fork)
    try:
        # An event loop of the owner's must not hear of signals of this process.
        signal.set_wakeup_fd(-1)
        if identity is not None:
            _process.begin(identity, forked=True)
            from ._script_names import inherited as inherited_globals

            _script_namespace.begin(inherited_globals())
        else:
            _script_namespace.begin(None)
        _loop = Worker(end, inherited)
        _loop.serve()
        status = 0
    except SystemExit as exit:
        status = exit.code if isinstance(exit.code, int) else 1
    except BaseException:
        import traceback

        if end.is_ours():
            traceback.print_exc()
    finally:
        _leave(status, end)


def _without_input() -> None:
    """Leave the owner's input to the owner: who reads it here is told at once that there is nothing."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    sys.stdin = open(0, closefd=False)


def _leave(status: int, end: Any) -> None:
    import atexit

    if not end.is_ours():
        # A task has forked, and its child came back here.
        os._exit(0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        _end_threads()
        atexit._run_exitfuncs()
        util = sys.modules.get("multiprocessing.util")
        if util is not None:
            util._exit_function()
    except BaseException:
        import traceback

        traceback.print_exc()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass
    os._exit(status)


def _end_threads() -> None:
    """As Python does at its end: wait for the threads that are no daemons."""
    threading = sys.modules.get("threading")
    if threading is None:
        return
    lock = getattr(threading.main_thread(), "_tstate_lock", True)
    if lock is True or (lock is not None and lock.locked()):
        threading._shutdown()
        return
    # A fork of another thread than the main one: up to Python 3.12 its end finds itself stopped before it began.
    for call in reversed(threading._threading_atexits):
        call()
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()


class Worker:
    """The loop."""

    def __init__(self, end: Any, inherited: tuple) -> None:
        self.end = end
        #: The initializer and its arguments, in a fork of the owner.
        self.initializer, self.arguments = inherited
        #: Number of the message's first item, and how many it has.
        self.start, self.items = 0, 1
        self.functions: dict[int, tuple[Any, list]] = {}
        #: Functions that are loaded once.
        self.loaded: dict[int, Any] = {}
        #: Whether NumPy makes large arrays in shared memory.
        self.allocating = False

    def serve(self) -> None:
        end = self.end
        while True:
            if not self.allocating and "numpy" in sys.modules:
                self.allocating = True
                try:
                    end.allocate()
                except (ImportError, RuntimeError):
                    pass  # a fork of a worker, or a NumPy without that door: results are copied
            task = end.next()
            if task is None:
                return
            if isinstance(task, list):
                self.forget(task)
                continue
            if len(task) == 2:
                self.functions[task[0]] = task[1]
                continue
            mode, start, items, number, definition, body, blocks, forget = task
            if forget:
                self.forget(forget)
            if definition is not None:
                self.functions[number] = definition
            del task, definition
            if mode == FIRST:
                self.first(body, blocks)
            else:
                self.start, self.items = start, items
                self.run(mode, number, body, blocks, items)
            del body, blocks

    def forget(self, numbers: list[int]) -> None:
        for number in numbers:
            self.functions.pop(number, None)
            self.loaded.pop(number, None)

    def first(self, body: Any, blocks: list) -> None:
        global method
        from . import _library_settings, _log_filters, _process, _script_namespace, _worker_state

        try:
            state, initialization = pickle.loads(body, buffers=blocks)
            method = state["method"]
            if "identity" in state:
                _process.begin(state["identity"], forked=False)
            _worker_state.restore(state)
            if "settings" in state:
                _library_settings.restore(state["settings"])
            _worker_state.limit_threads(self.end.tell_threads())
            signal.signal(signal.SIGINT, self.interrupted)
            if initialization is not None:
                update, *both, filters = initialization
                if update is not None:
                    _script_namespace.apply(_script_namespace.Update(*update), [_Buffer(block) for block in blocks])
                _log_filters.restore(filters)
                self.initializer, self.arguments = map(pickle.loads, both)
            if self.initializer is not None:
                self.initializer(*self.arguments)
            self.initializer = self.arguments = None
        except BaseException as error:  # told to the owner, whatever it is
            self.reply(1, pickle.dumps(seal(error)))
            sys.exit(1)
        self.reply(0, b"")

    def interrupted(self, *_: Any) -> None:
        """SIGINT. The owner asks the running task to end; from anybody else it is not for us."""
        if self.end.is_interrupted():
            raise KeyboardInterrupt

    def function(self, number: int) -> Any:
        loaded = self.loaded.get(number)
        if loaded is not None:
            return loaded
        body, loans = self.functions[number]
        view = memoryview(body)
        if view[0] == GLOBALS[0]:
            from . import _globals, _script_namespace

            changed, update, own, body = pickle.loads(view[1:])
            if update is not None:
                _script_namespace.apply(_script_namespace.Update(*update), loans[own:])
            _globals.apply(changed)
            loans = loans[:own]
            self.functions[number] = body, loans
            view = memoryview(body)
        function = pickle.loads(view[1:], buffers=[loan.view() for loan in loans])
        if view[0] == ONCE[0]:
            self.loaded[number] = function
        return function

    def run(self, mode: int, number: int, body: Any, blocks: list, items: int) -> None:
        try:
            try:
                function = self.function(number)
                if mode & SEPARATE:
                    arguments, load = pickle.loads(body), _loader(blocks)
                else:
                    arguments, load = pickle.loads(body, buffers=blocks), None
            except Exception as error:
                self.answer(NO_FUNCTION, seal(error))
                return
            blocks = None
            if mode == APPLY:
                self.apply(function, arguments)
            else:
                fresh = bool(self.functions[number][1])
                self.map(function, arguments, mode & 3 == STAR, number if fresh else None, load)
        except KeyboardInterrupt as error:
            # Between the items: the owner asked for it, and knows what that means.
            self.end.take_back(0)
            self.reply(OUTCOMES, pickle.dumps([(ERROR, seal(error))] * items))

    def apply(self, function: Any, arguments: Any) -> None:
        args, kwargs = arguments
        del arguments
        try:
            value = function(*args, **kwargs)
        except BaseException as error:
            self.answer(OUTCOMES, [_outcome(error)])
            return
        del args, kwargs, function
        try:
            body = self.dumps(value)
        except Exception as error:
            self.end.take_back(0)
            self.answer(OUTCOMES, [(ERROR, encoding_error(error, value))])
            return
        del value
        self.reply(VALUES, body)

    def map(self, function: Any, items: list, star: bool, fresh: int | None, load: Any) -> None:
        values: list = []
        outcomes: list | None = None
        count = len(items)
        at, most = 0, count if fresh is None else 1
        while at < count:
            try:
                # What came before an error is kept.
                self.end.run(function, items, at, most, star, load, values)
            except BaseException as error:
                outcomes = [] if outcomes is None else outcomes
                outcomes += [(VALUE, value) for value in values]
                outcomes.append(_outcome(error))
                values = []
            at = len(values) + (0 if outcomes is None else len(outcomes))
            if fresh is not None and at < count:
                function = None
                function = self.function(fresh)
        if outcomes is not None:
            outcomes += [(VALUE, value) for value in values]
        del function
        try:
            body = self.dumps(values if outcomes is None else outcomes)
        except Exception:
            self.end.take_back(0)
            each = [(VALUE, v) for v in values] if outcomes is None else outcomes
            self.answer(OUTCOMES, [self.checked(outcome) for outcome in each])
            return
        status = VALUES if outcomes is None else OUTCOMES
        del values, outcomes
        self.reply(status, body)

    def checked(self, outcome: tuple) -> tuple:
        """The outcome, or why it cannot be sent."""
        if outcome[0] == VALUE:
            try:
                self.dumps(outcome[1])
            except Exception as error:
                return ERROR, encoding_error(error, outcome[1])
            finally:
                self.end.take_back(0)
        return outcome

    def answer(self, status: int, value: Any) -> None:
        self.reply(status, self.dumps(value))

    def reply(self, status: int, body: bytes) -> None:
        _worker_output.end_item()
        self.end.answer(status, body)

    def dumps(self, value: Any) -> bytes:
        lay = self.end.lay
        count = 0

        def callback(buffer: pickle.PickleBuffer) -> bool:
            nonlocal count
            raw = buffer.raw()
            if raw.nbytes < LARGE or count >= MOST_BLOCKS:
                return True
            lay(raw)
            count += 1
            return False

        try:
            return plain(value, callback)
        except Exception:
            if any(isinstance(v, types.FunctionType) for v in (value if type(value) is list else (value,))):
                # As `multiprocessing.Pool` has it: results are data.
                raise
            # An object of a class that was sent by value.
            self.end.take_back(0)
            count = 0
            return by_value(value, callback, forked=True)


class _Buffer:
    """A block, asked for its view as what a function's block is."""

    def __init__(self, block: Any) -> None:
        self.block = block

    def view(self) -> Any:
        return self.block


def _loader(loans: list) -> Any:
    """Load an item that was pickled by itself."""
    loans = loans[::-1]

    def load(item: tuple[bytes, int]) -> Any:
        body, count = item
        return pickle.loads(body, buffers=[loans.pop().view() for _ in range(count)])

    return load


def _outcome(error: BaseException) -> tuple[int, Any]:
    if isinstance(error, SystemExit):
        code = error.code
        return EXIT, (code if isinstance(code, int) else 0 if code is None else 1, seal(error))
    return ERROR, seal(error)
