"""What workers do at signals that go to all processes of a job, such as the warning of a batch system."""

from __future__ import annotations

import signal

_SIGNALS = ("SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGVTALRM", "SIGPROF", "SIGXCPU")


def handled() -> list[str]:
    """Names of the signals that do not end this process."""
    return [name for name in _SIGNALS if signal.getsignal(getattr(signal, name)) is not signal.SIG_DFL]


def restore(names: list[str]) -> None:
    """In a worker: they do not end it either. Handlers that came along in a fork stay."""
    for name in _SIGNALS:
        number = getattr(signal, name)
        if not callable(signal.getsignal(number)) or signal.getsignal(number) in (signal.SIG_DFL, signal.SIG_IGN):
            signal.signal(number, signal.SIG_IGN if name in names else signal.SIG_DFL)
