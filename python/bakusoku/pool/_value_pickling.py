"""How values are written that pickle itself would write slowly, or as something else than they are.

Large `bytes`, arrays with strides and masked arrays leave their numbers to shared memory. A read-only `numpy.memmap`,
and what is a view of one, travels as its file and the place in it. As a global of a script, a writable view of memory
that processes share is never written as if it was data: its readers would write into a copy.
"""

from __future__ import annotations

import copyreg
import io
import os
import pickle
import sys
from collections import ChainMap
from typing import Any

#: Buffers from this size on travel in shared memory.
LARGE = 64 << 10
_PRIMITIVE = frozenset((int, float, complex, str, bool, type(None)))


def plain(value: Any, placed: Any) -> bytes:
    """Write with pickle alone."""
    if _is_small(value[0] if type(value) is list and value else value):
        return pickle.dumps(value, 5, buffer_callback=placed)
    file = io.BytesIO()
    pickler = pickle.Pickler(file, 5, buffer_callback=placed)
    pickler.dispatch_table = table()
    pickler.dump(with_buffers(value))
    return file.getvalue()


def _is_small(value: Any) -> bool:
    """Whether there is nothing in it for us: numbers, text, tuples of them, and the arguments of a call."""
    kind = type(value)
    if kind is tuple:
        if len(value) == 2 and type(value[0]) is tuple and type(value[1]) is dict and not value[1]:
            value = value[0]
        return _PRIMITIVE.issuperset(map(type, value))
    return kind in _PRIMITIVE or (kind is bytes and len(value) < LARGE)


def table() -> Any:
    """Reducers by type: those of `multiprocessing`, and ours where NumPy is loaded."""
    reduction = sys.modules.get("multiprocessing.reduction")
    maps = [] if reduction is None else [reduction.ForkingPickler._extra_reducers]
    numpy = sys.modules.get("numpy")
    if numpy is not None and hasattr(numpy, "memmap"):
        maps.append({numpy.ndarray: _reduce_array, numpy.memmap: _reduce_array})
    masked = sys.modules.get("numpy.ma")
    if masked is not None and hasattr(masked, "MaskedArray"):
        maps.append({masked.MaskedArray: _reduce_masked})
    return ChainMap({}, *maps, copyreg.dispatch_table)


class _Bytes:
    """Large `bytes`, as a buffer."""

    def __init__(self, value: bytes) -> None:
        self.value = value

    def __reduce__(self) -> tuple:
        return bytes, (pickle.PickleBuffer(self.value),)


def with_buffers(value: Any, depth: int = 2) -> Any:
    """The value, or one like it that holds a buffer where it holds large `bytes`."""
    kind = type(value)
    if kind is bytes:
        return _Bytes(value) if len(value) >= LARGE else value
    if depth and kind in (list, tuple) and len(value) <= 1000:
        parts = [with_buffers(part, depth - 1) for part in value]
        return value if all(a is b for a, b in zip(parts, value, strict=True)) else kind(parts)
    if depth and kind is dict and len(value) <= 1000:
        parts = {key: with_buffers(part, depth - 1) for key, part in value.items()}
        return value if all(parts[key] is part for key, part in value.items()) else parts
    return value


def _reduce_array(array: Any) -> Any:
    if array.nbytes < LARGE or array.dtype.hasobject:
        return array.__reduce_ex__(5)
    place = _place_in_file(array)
    if place is not None:
        return open_memmap, place
    import numpy

    if type(array) is numpy.ndarray and (array.flags.c_contiguous or array.flags.f_contiguous):
        return array.__reduce_ex__(5)
    return _view, (numpy.ascontiguousarray(array).view(numpy.ndarray), type(array))


def _view(array: Any, kind: type) -> Any:
    import numpy

    # The result of an operation on a memory map has its type, but no file.
    return array if kind in (numpy.ndarray, numpy.memmap) else array.view(kind)


def _reduce_masked(array: Any) -> Any:
    if array.nbytes < LARGE or array.dtype.hasobject or array.__dict__.keys() - _OF_MASKED:
        return array.__reduce_ex__(5)
    import numpy

    mask = array._mask if array._mask is numpy.ma.nomask else numpy.asarray(array._mask)
    return _masked, (array.data.view(numpy.ndarray), mask, array._fill_value, array._hardmask, array._basedict)


_OF_MASKED = {"_fill_value", "_hardmask", "_sharedmask", "_isfield", "_baseclass", "_optinfo", "_basedict", "_mask"}


def _masked(data: Any, mask: Any, fill: Any, hard: bool, more: dict) -> Any:
    import numpy

    made = numpy.ma.MaskedArray(data, mask=mask, hard_mask=hard)
    made._fill_value = fill
    made._basedict.update(more)
    return made


def _place_in_file(array: Any) -> tuple | None:
    """Where the numbers of a read-only memory map, or of a view of one, are; None where they are in no file."""
    import numpy

    root: Any = array
    while not (isinstance(root, numpy.memmap) and root._mmap is not None):
        root = root.base
        if not isinstance(root, numpy.ndarray):
            return None
    if root.mode != "r" or root.filename is None:
        return None
    start = numpy.frombuffer(root._mmap, numpy.uint8).__array_interface__["data"][0]
    first, behind = numpy.lib.array_utils.byte_bounds(array)
    if not start <= first <= behind <= start + len(root._mmap):
        return None
    import mmap

    # Of views too the offset is that of the map that they were made of.
    begin = root.offset - root.offset % mmap.ALLOCATIONGRANULARITY
    path = os.fspath(root.filename)
    try:
        if os.stat(path).st_size < begin + behind - start:
            return None
    except OSError:  # removed meanwhile
        return None
    inside = array.__array_interface__["data"][0] - first
    kind = numpy.memmap if isinstance(array, numpy.memmap) else numpy.ndarray
    return path, begin + first - start, behind - first, inside, array.shape, array.dtype, array.strides, kind


def open_memmap(
    path: Any, offset: int, size: int, inside: int, shape: tuple, dtype: Any, strides: tuple, kind: type
) -> Any:
    """In a worker: the same numbers, from the same file."""
    import numpy

    whole = numpy.memmap(path, numpy.uint8, "r", offset, (size,))
    view = numpy.ndarray(shape, dtype, whole, inside, strides)
    if kind is numpy.memmap:
        view = view.view(numpy.memmap)
        view._mmap, view.filename, view.offset, view.mode = whole._mmap, whole.filename, offset, "r"
    return view


def shared_memory_of(array: Any) -> str | None:
    """What processes share that an array is a writable view of."""
    if not array.flags.writeable:
        return None
    import mmap

    numpy = sys.modules["numpy"]
    base: Any = array
    for _ in range(100):
        if isinstance(base, numpy.memmap) and base._mmap is not None:
            return None if base.mode == "c" else f"the file {os.fspath(base.filename or 'without a name')!r}"
        if isinstance(base, memoryview):
            base = base.obj
        elif hasattr(base, "_wrapper"):
            return "a shared array of `multiprocessing`"
        elif isinstance(base, mmap.mmap):
            return "a memory map"
        elif isinstance(base, numpy.ndarray):
            base = base.base
        else:
            return None
    return None
