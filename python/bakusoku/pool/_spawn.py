"""Workers that are interpreters of their own, started one by one."""

from __future__ import annotations

import os
import sys

from ._process import share_tracker
from ._worker_state import THREADS


def start(files: list[int]) -> int:
    """Start a worker that serves these files; its process."""
    from ._forkserver import arguments

    # Numerical libraries read these when they are loaded; in a worker the pool sets their threads.
    environment = {**os.environ, **dict.fromkeys(THREADS, "1")}
    tracker = share_tracker(start=True)
    handed = [os.dup(file) for file in (*files, *([] if tracker is None else [tracker]))]
    try:
        for file in handed:
            os.set_inheritable(file, True)
        return os.posix_spawn(
            sys.executable,
            [sys.executable, *arguments("_spawn", handed, os.getpid())],
            environment,
            file_actions=[(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)],
            # The thread that starts it may block them all.
            setsigmask=(),
        )
    finally:
        for file in handed:
            os.close(file)


def main(files: list[int], parent: int) -> None:
    """In the new interpreter."""
    from . import _process, _worker

    for file in files:
        os.set_inheritable(file, False)
    _process.use_tracker(files[5] if len(files) > 5 else None)
    _worker.begin(files[:5], parent, None)
