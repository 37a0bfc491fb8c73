"""Results that are kept on disk, so that what is finished is not done again.

A folder holds one file for each finished item, named by what the function and the item are. A file is written under
another name first, and carries a sum of all its bytes: whenever a process is killed, nothing that is half written is
taken for a result. No lists, no locks: several runs, also of several machines, may share a folder.
"""

from __future__ import annotations

import itertools
import os
import pickle
import socket
import struct
import warnings
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any

from ._fingerprint import Fingerprint, fingerprint
from ._pickle import by_value

MAGIC = b"bakusoku result 1\n"
#: Buffers from this size on stand beside the pickle.
LARGE = 4096

_numbers = itertools.count()


class MISSING:
    """In the place of a result that is not there."""


class Checkpoint:
    """The finished items of one function."""

    def __init__(self, folder: Any, function: Callable, star: bool, seed: Any) -> None:
        self.folder = Path(folder)
        self.function = Fingerprint(function, star)
        try:
            self.here = os.getcwd()
        except OSError:  # it was removed
            self.here = ""
        #: Under which other key a result may lie.
        self.others: dict[str, str] = {}
        self.seed = None if seed is None else (seed.entropy, seed.spawn_key, seed.pool_size)
        #: Items that were found finished.
        self.found = 0
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.tidy()
        except OSError as error:
            error.add_note("`resume` must be a folder, or the name of one that can be made")
            raise

    def key(self, index: int, item: Any, name: str) -> str:
        """Under which an item's result is kept."""
        try:
            # With a seed, an item's random numbers depend on its place.
            what = Fingerprint(item, None if self.seed is None else (self.seed, index))
            both = self.function, what
            plain = fingerprint(self.function.bytes, what.bytes).hex()
            if not any(part.relative or any(map(os.path.lexists, part.names)) for part in both):
                return plain
            placed = fingerprint(self.function.bytes, what.bytes, self.here).hex()
            if not any(part.relative for part in both):
                # No such file was there when this was computed: it was no path, or one that the function has made.
                self.others[placed] = plain
            return placed
        except Exception as error:  # whatever the user's objects raise when they are taken apart
            raise TypeError(f"`resume` cannot tell what {name} is ({type(error).__name__}: {error})") from error

    def path(self, key: str) -> Path:
        return self.folder / f"{key}.result"

    def has(self, key: str) -> bool:
        """Whether there is a result under this key, and whole."""
        found = self.read(key) is not None
        self.found += found
        return found

    def read(self, key: str) -> bytearray | None:
        """What stands in a file that is whole."""
        body = self.read_one(key)
        return self.read_one(self.others[key]) if body is None and key in self.others else body

    def read_one(self, key: str) -> bytearray | None:
        """The same, under this key alone."""
        try:
            with open(self.path(key), "rb") as file:
                head = file.read(len(MAGIC) + 32)
                # Writable, as results are.
                body = bytearray(os.fstat(file.fileno()).st_size - len(head))
                n = file.readinto(body)
        except (OSError, ValueError):
            return None
        return body if n == len(body) and head == MAGIC + _sum(key, [body]) else None

    def load(self, key: str) -> Any:
        """The result under this key; `MISSING` where there is none, or none that is whole."""
        body = self.read(key)
        if body is None:
            return MISSING
        try:
            view = memoryview(body)
            (count,) = struct.unpack_from("<Q", view)
            sizes = struct.unpack_from(f"<{count}Q", view, 8)
            at, parts = 8 + 8 * count, []
            for size in sizes:
                parts.append(view[at : at + size])
                at += size
            value = pickle.loads(parts[0], buffers=parts[1:])
        except Exception:  # made with other versions of what it is made of
            return MISSING
        return value

    def keep(self, key: str, value: Any, name: str) -> None:
        """Keep a result; a warning where that cannot be done."""
        part = self.folder / f".{key[:16]}.{socket.gethostname()}.{os.getpid()}.{next(_numbers)}.part"
        try:
            parts = _pickled(value)
            sizes = struct.pack(f"<{len(parts) + 1}Q", len(parts), *(p.nbytes for p in parts))
            with open(part, "xb") as file:
                file.write(MAGIC + _sum(key, [sizes, *parts]) + sizes)
                for piece in parts:
                    file.write(piece)
            os.replace(part, self.path(key))
        except Exception as error:  # a full disk; an object that pickle refuses
            part.unlink(missing_ok=True)
            text = f"the result of {name} cannot be kept in {str(self.folder)!r} ({type(error).__name__}: {error})"
            warnings.warn(f"{text}; it will be computed again", RuntimeWarning, stacklevel=2)

    def tidy(self) -> None:
        """Remove what runs that were killed left half written."""
        host = socket.gethostname()
        for path in self.folder.glob(f".*.{host}.*.part"):
            pid = path.name.split(".")[-3]
            if pid.isdigit() and not _runs(int(pid)):
                path.unlink(missing_ok=True)

    def said(self, total: int | None) -> str:
        """What was not done again."""
        of = "" if total is None else f" of {total}"
        return f"bakusoku: {self.found}{of} items were finished before; their results come from {str(self.folder)!r}\n"


def _sum(key: str, parts: list) -> bytes:
    hasher = blake2b(key.encode(), digest_size=32)
    for part in parts:
        hasher.update(part)
    return hasher.digest()


def _pickled(value: Any) -> list[memoryview]:
    """A pickle, and the buffers beside it."""
    buffers: list[memoryview] = []

    def beside(buffer: pickle.PickleBuffer) -> bool:
        raw = buffer.raw()
        if raw.nbytes < LARGE:
            return True
        buffers.append(raw)
        return False

    try:
        body = pickle.dumps(value, 5, buffer_callback=beside)
    except Exception:  # an object of a class that cannot be imported
        buffers.clear()
        body = by_value(value, beside)
    return [memoryview(body), *buffers]


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
