"""The process that workers are forked from: it loads the modules that its owner has loaded, and forks on request.

It has one thread and calls nothing numerical, so that its forks are safe. It ends, and with it all workers, when its
owner does.
"""

from __future__ import annotations

import array
import os
import select
import signal
import socket
import struct
import sys
from typing import Any

from .. import _core


def main(owner: int) -> None:
    """Serve the owner, a process, at the other end of standard input."""
    import gc

    # So that forks have it.
    from . import _worker  # noqa: F401

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    line = socket.socket(fileno=os.dup(0))
    line.set_inheritable(False)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.close(null)
    zygote = Zygote(line)
    # Whatever this process does when its owner ends, such as loading modules, it does not go on with it. An interpreter
    # that is started through a script has another parent: it finds the line closed when it comes to that.
    signal.signal(signal.SIGTERM, zygote.terminated)
    # The thread that has started it may be one of the engine's, where all signals are blocked.
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    if os.getppid() == owner and not _core.die_with_parent(owner, True):
        zygote.end()
    gc.disable()
    zygote.serve()


class Zygote:
    """Owners, the first of which ends everything, and their workers."""

    def __init__(self, line: socket.socket) -> None:
        self.first = line
        self.process = os.getpid()
        self.poll = select.poll()
        self.lines: dict[int, socket.socket] = {}
        #: By pidfd: the line of the owner, the worker's number, the process.
        self.workers: dict[int, tuple[socket.socket, int, int]] = {}
        self.add(line)

    def add(self, line: socket.socket) -> None:
        line.setblocking(True)
        self.lines[line.fileno()] = line
        self.poll.register(line.fileno(), select.POLLIN)

    def serve(self) -> None:
        while True:
            for fd, events in self.poll.poll():
                if fd in self.workers:
                    self.bury(fd)
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
        for owner, _, pid in list(self.workers.values()):
            if owner is line:
                _kill(pid)
        line.close()

    def terminated(self, *_: Any) -> None:
        """SIGTERM."""
        if os.getpid() == self.process:
            self.end()
        # A worker that has not yet begun.
        os._exit(1)

    def end(self) -> None:
        for _, _, pid in self.workers.values():
            _kill(pid)
        os._exit(0)

    def load(self, names: list[str]) -> None:
        import gc
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
        zygote = os.getpid()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            try:
                ours.close()
                for other in self.lines.values():
                    other.close()
                for fd in self.workers:
                    os.close(fd)
                from . import _worker

                _worker.begin(files, zygote, its.detach())
            except BaseException:
                import traceback

                traceback.print_exc()
                sys.stderr.flush()
            finally:
                os._exit(1)
        its.close()
        for fd in files:
            os.close(fd)
        pidfd = os.pidfd_open(pid)
        self.workers[pidfd] = line, number, pid
        self.poll.register(pidfd, select.POLLIN)
        self.add(ours)
        _send(line, struct.pack("=BQq", 1, number, pid), [pidfd])

    def bury(self, pidfd: int) -> None:
        line, number, pid = self.workers.pop(pidfd)
        self.poll.unregister(pidfd)
        os.close(pidfd)
        _, status, usage = os.wait4(pid, 0)
        _send(line, struct.pack("=BQqq", 2, number, status, usage.ru_maxrss * 1024), [])


def _kill(pid: int) -> None:
    for kill in (os.killpg, os.kill):
        try:
            kill(pid, signal.SIGKILL)
        except OSError:
            pass


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
