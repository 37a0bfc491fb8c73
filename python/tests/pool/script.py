"""Runs a user's script in an interpreter of its own, and says what it left behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
MARK = "BAKUSOKU_TEST_RUN"


def marked(mark: str) -> dict[int, str]:
    """Processes, zombies apart, that inherited the mark: children of children and orphans too."""
    found = {}
    wanted = f"{MARK}={mark}".encode()
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            if wanted in Path(f"/proc/{entry}/environ").read_bytes():
                line = Path(f"/proc/{entry}/cmdline").read_bytes().replace(b"\0", b" ")
                found[int(entry)] = line.decode(errors="replace")
        except OSError:
            continue
    return found


def files_of_memory() -> set[str]:
    folder = Path("/dev/shm")
    return {p.name for p in folder.iterdir()} if folder.is_dir() else set()


def of_others(name: str) -> bool:
    """Whether an entry of /dev/shm belongs to a process that lives: then to another one than what was run here."""
    if any(os.path.exists(f"/proc/{number}") for number in re.findall(r"\d{2,}", name)):
        return True
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                if name in Path(f"/proc/{entry}/maps").read_text(errors="replace"):
                    return True
                if any(name in os.readlink(file) for file in Path(f"/proc/{entry}/fd").iterdir()):
                    return True
            except OSError:
                continue
    return False


@dataclass
class Ran:
    returncode: int
    out: str
    err: str
    seconds: float
    hung: bool
    left: dict[int, str] = field(default_factory=dict)
    shm: set[str] = field(default_factory=set)

    def fine(self) -> Ran:
        """It ended by itself with status 0 and left nothing."""
        assert not self.hung, f"still running after {self.seconds:.0f} s\n{self.out}\n{self.err}"
        assert self.returncode == 0, f"exit status {self.returncode}\n{self.out}\n{self.err}"
        return self.clean()

    def clean(self) -> Ran:
        assert not self.left, f"processes left: {self.left}"
        assert not self.shm, f"left in /dev/shm: {self.shm}"
        return self


class Script:
    """A script that runs; `wait` for it, or send it signals first."""

    def __init__(self, code: str | None, *, command=None, stdin=None, cwd=None, env=None, prefix=()):
        self.mark = uuid.uuid4().hex
        self.shm = files_of_memory()
        self.folder = tempfile.TemporaryDirectory(prefix="bakusoku-test-")
        path = Path(self.folder.name) / "script.py"
        if code is not None:
            path.write_text(textwrap.dedent(code))
        # What the tests have set for themselves, a user has not.
        own = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "OPENBLAS_NUM_THREADS")
        environment = {k: v for k, v in os.environ.items() if k not in own}
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(HERE.parent), os.environ.get("PYTHONPATH")]))
        environment[MARK] = self.mark
        environment.update(env or {})
        self.out = tempfile.TemporaryFile("w+")
        self.err = tempfile.TemporaryFile("w+")
        self.start = time.monotonic()
        self.process = subprocess.Popen(
            [*prefix, *(command or [sys.executable, str(path)])],
            stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
            stdout=self.out,
            stderr=self.err,
            text=True,
            cwd=cwd or self.folder.name,
            env={k: v for k, v in environment.items() if v is not None},
            start_new_session=True,
        )
        if stdin is not None:
            self.process.stdin.write(textwrap.dedent(stdin))
            self.process.stdin.close()

    def said(self, text: str, seconds: float = 30.0) -> None:
        """Wait until it has printed this."""
        end = time.monotonic() + seconds
        while text not in self.printed():
            assert time.monotonic() < end and self.process.poll() is None, (
                f"never said {text!r}\n{self.printed()}\n{self.complained()}"
            )
            time.sleep(0.01)

    def printed(self) -> str:
        return os.pread(self.out.fileno(), 1 << 24, 0).decode(errors="replace")

    def complained(self) -> str:
        return os.pread(self.err.fileno(), 1 << 24, 0).decode(errors="replace")

    def signal(self, number: int, group: bool = False) -> None:
        """As `kill`, or (group) as the terminal does it."""
        if group:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)

    def wait(self, seconds: float = 60.0, grace: float = 1.0) -> Ran:
        """Its end, and what is left `grace` seconds later."""
        hung = False
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            hung = True
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        took = time.monotonic() - self.start
        end = time.monotonic() + grace
        while (left := marked(self.mark)) and time.monotonic() < end:
            time.sleep(0.02)
        while (shm := files_of_memory() - self.shm) and time.monotonic() < end:
            time.sleep(0.02)
        shm = {name for name in shm if not of_others(name) and Path("/dev/shm", name).exists()}
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        ran = Ran(self.process.returncode, self.printed(), self.complained(), took, hung, left, shm)
        self.out.close()
        self.err.close()
        self.folder.cleanup()
        return ran


def run_script(code: str | None, seconds: float = 60.0, **options) -> Ran:
    return Script(code, **options).wait(seconds)
