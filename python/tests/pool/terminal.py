"""A script on a terminal of its own, under a shell that has job control."""

from __future__ import annotations

import os
import pty
import select
import signal
import sys
import time


class Terminal:
    """The script runs in the foreground; what it prints, and what the shell says, is read from the terminal."""

    def __init__(self, path: str, env: dict[str, str]) -> None:
        self.text = ""
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            try:
                _shell(path, env)
            finally:
                os._exit(1)

    def type(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def said(self, text: str, seconds: float = 30.0) -> bool:
        """Whether this stands on the terminal before the time is over."""
        end = time.monotonic() + seconds
        while text not in self.text and time.monotonic() < end:
            if select.select([self.master], [], [], 0.05)[0]:
                try:
                    self.text += os.read(self.master, 65536).decode(errors="replace")
                except OSError:  # its last process has ended
                    break
        return text in self.text

    def resume(self) -> None:
        """As `fg` does."""
        os.kill(self.pid, signal.SIGUSR1)

    def end(self) -> None:
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        os.waitpid(self.pid, 0)
        os.close(self.master)


def _shell(path: str, env: dict[str, str]) -> None:
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    job = os.fork()
    if job == 0:
        os.setpgid(0, 0)
        os.tcsetpgrp(0, os.getpid())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR1])
        os.execve(sys.executable, [sys.executable, path], env)
    try:
        os.setpgid(job, job)
    except OSError:  # it has done so itself
        pass
    while True:
        _, status = os.waitpid(job, os.WUNTRACED)
        os.tcsetpgrp(0, os.getpgrp())
        if not os.WIFSTOPPED(status):
            os.write(1, f"\nshell: ended {os.waitstatus_to_exitcode(status)}\n".encode())
            time.sleep(5)
            os._exit(0)
        os.write(1, b"\nshell: stopped\n")
        signal.sigwait([signal.SIGUSR1])
        os.tcsetpgrp(0, job)
        os.killpg(job, signal.SIGCONT)
