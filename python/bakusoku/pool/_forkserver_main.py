"""The process that workers are forked from: it loads the modules that its owner has loaded, and forks on request.

It has one thread and calls nothing numerical, so that its forks are safe. It ends, and with it all workers, when its
owner does.
"""

from __future__ import annotations

import array
import gc
import os
import select
import signal
import socket
import struct
import sys
from typing import Any

from .. import _core


def main(owner: int, tracker: int | None) -> None:
    """Serve the owner, a process, at the other end of standard input; `tracker`: the file of its resource tracker."""
    # So that forks have them.
    from . import _process, _worker  # noqa: F401

    if tracker is not None:
        os.set_inheritable(tracker, False)
        _process.use_tracker(tracker)

    # Signals to all processes of a job (Ctrl-C, a warning of the batch system) are for the owner.
    for name in _IGNORED:
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    # A child of another's death wakes the poll up where the kernel has no files for processes.
    signal.signal(signal.SIGCHLD, lambda *_: None)
    line = socket.socket(fileno=os.dup(0))
    line.set_inheritable(False)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.close(null)
    forkserver = Forkserver(line, owner)
    # Whatever this process does when its owner ends, such as loading modules, it does not go on with it. An interpreter
    # that is started through a script has another parent: it finds the line closed when it comes to that.
    signal.signal(signal.SIGTERM, forkserver.terminated)
    # The thread that has started it may be one of the engine's, where all signals are blocked.
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    if os.getppid() == owner and not _core.die_with_parent(owner, True):
        forkserver.end()
    gc.disable()
    forkserver.serve()


#: Signals that this process does not end by.
_IGNORED = ("SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGVTALRM", "SIGPROF", "SIGXCPU")


class Forkserver:
    """Owners, the first of which ends everything, and their workers."""

    def __init__(self, line: socket.socket, owner: int) -> None:
        self.first = line
        self.owner = owner
        self.parent = os.getppid()
        self.process = os.getpid()
        self.poll = select.poll()
        self.lines: dict[int, socket.socket] = {}
        #: By process: the line of the owner, the worker's number, a file that is readable when it has ended.
        self.workers: dict[int, tuple[socket.socket, int, int | None]] = {}
        #: Processes by these files.
        self.files: dict[int, int] = {}
        self.add(line)
        # Written to when a child ends: for kernels without files for processes.
        self.ended, self.end_of_ended = os.pipe()
        for fd in (self.ended, self.end_of_ended):
            os.set_blocking(fd, False)
        signal.set_wakeup_fd(self.end_of_ended, warn_on_full_buffer=False)
        self.poll.register(self.ended, select.POLLIN)

    def add(self, line: socket.socket) -> None:
        line.setblocking(True)
        self.lines[line.fileno()] = line
        self.poll.register(line.fileno(), select.POLLIN)

    def serve(self) -> None:
        while True:
            for fd, events in self.poll.poll():
                if fd in self.files:
                    self.bury(self.files[fd])
                elif fd == self.ended:
                    self.bury_all()
                elif fd in self.lines and events & select.POLLHUP:
                    # What it has said last is not worth doing any more.
                    self.leave(self.lines[fd])
                elif fd in self.lines:
                    self.listen(self.lines[fd])

    def listen(self, line: socket.socket) -> None:
        try:
            message, files = _receive(line)
        except OSError:
            message, files = b"", []
        if not message:
            self.leave(line)
        elif message[0] == 1:
            self.load(message[1:].decode().split("\n"))
        elif message[0] == 2:
            self.fork(line, struct.unpack("=Q", message[1:9])[0], files)

    def leave(self, line: socket.socket) -> None:
        """An owner is gone: its workers end."""
        if line is self.first:
            self.end()
        self.poll.unregister(line.fileno())
        del self.lines[line.fileno()]
        for pid, (owner, _, _) in list(self.workers.items()):
            if owner is line:
                _core.kill_tree(pid)
        line.close()

    def terminated(self, *_: Any) -> None:
        """SIGTERM."""
        if os.getpid() != self.process:
            # A worker that has not yet begun.
            os._exit(1)
        # The system says so when the owner ends; from anybody else it is a signal to all processes of a job.
        if os.getppid() != self.parent or self.parent != self.owner:
            self.end()

    def end(self) -> None:
        for pid in self.workers:
            _core.kill_tree(pid)
        os._exit(0)

    def load(self, names: list[str]) -> None:
        import importlib
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for name in names:
                try:
                    importlib.import_module(name)
                except Exception:  # a worker that needs it will say why
                    continue
        gc.freeze()

    def fork(self, line: socket.socket, number: int, files: list[int]) -> None:
        # The worker may be an owner itself one day.
        its, ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        forkserver = os.getpid()
        sys.stdout.flush()
        sys.stderr.flush()
        try:
            pid = os.fork()
        except OSError as error:
            # Too many processes, for now: those that there are go on.
            its.close()
            ours.close()
            for fd in files:
                os.close(fd)
            _send(line, struct.pack("=BQq", 3, number, error.errno or 0), [])
            return
        if pid == 0:
            try:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                ours.close()
                for other in self.lines.values():
                    other.close()
                for fd in (*self.files, self.ended, self.end_of_ended):
                    os.close(fd)
                from . import _worker

                gc.enable()
                _worker.begin(files, forkserver, its.detach())
            except BaseException:
                import traceback

                traceback.print_exc()
                sys.stderr.flush()
            finally:
                os._exit(1)
        its.close()
        for fd in files:
            os.close(fd)
        try:
            pidfd = os.pidfd_open(pid)
        except (OSError, AttributeError):
            pidfd = None
        self.workers[pid] = line, number, pidfd
        if pidfd is not None:
            self.files[pidfd] = pid
            self.poll.register(pidfd, select.POLLIN)
        self.add(ours)
        _send(line, struct.pack("=BQq", 1, number, pid), [] if pidfd is None else [pidfd])

    def bury_all(self) -> None:
        """A child ended, or several."""
        try:
            while os.read(self.ended, 4096):
                pass
        except BlockingIOError:
            pass
        for pid, (_, _, pidfd) in list(self.workers.items()):
            if pidfd is None:
                self.bury(pid)

    def bury(self, pid: int) -> None:
        ended, status, usage = os.wait4(pid, os.WNOHANG)
        if ended == 0:
            return
        line, number, pidfd = self.workers.pop(pid)
        if pidfd is not None:
            del self.files[pidfd]
            self.poll.unregister(pidfd)
            os.close(pidfd)
        _send(line, struct.pack("=BQqq", 2, number, status, usage.ru_maxrss * 1024), [])


def _receive(line: socket.socket) -> tuple[bytes, list[int]]:
    files = array.array("i")
    message, ancillary, _, _ = line.recvmsg(1 << 20, socket.CMSG_LEN(16 * files.itemsize), socket.MSG_CMSG_CLOEXEC)
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            files.frombytes(data[: len(data) - len(data) % files.itemsize])
    return message, list(files)


def _send(line: socket.socket, message: bytes, files: list[int]) -> None:
    rights: Any = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", files))] if files else []
    try:
        line.sendmsg([message], rights)
    except OSError:
        pass  # its owner is gone, and with it the need to know
