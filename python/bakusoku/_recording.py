"""A recording that is open: its description, and samples where they are asked for."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _core
from ._array import Array, as_jobs, as_picks
from ._exceptions import ParameterError

if TYPE_CHECKING:
    from ._mne import BaseRaw


@dataclass(frozen=True)
class Annotation:
    """A marked stretch of a recording.

    Attributes
    ----------
    onset : float
        Start in s from the first sample.
    duration : float
        Length in s.
    description : str
        What it is.
    ch_names : tuple of str
        The channels it is about; empty: all.
    """

    onset: float
    duration: float
    description: str
    ch_names: tuple[str, ...] = ()


class Raw:
    """A recording; samples are read when they are asked for.

    Made by :func:`read_raw` and its relatives.

    Attributes
    ----------
    filenames : tuple of str
        Its files.
    ch_names : list of str
        Names of the channels.
    sfreq : float
        Sampling frequency in Hz.
    n_times : int
        Number of samples.
    first_samp : int
        Samples from the start of the acquisition to the first one.
    bads : list of str
        Bad channels.
    highpass, lowpass : float
        Pass band in Hz.
    meas_date : datetime | None
        When the recording began.
    annotations : list of Annotation
        Marked stretches; what was not acquired is `BAD_ACQ_SKIP`.
    gaps : list of tuple
        First sample and one past the last of what was not acquired; such samples are 0.
    """

    def __init__(self, opener: Callable[..., _core.Recording], *args: Any) -> None:
        # Kept, so that a worker opens the file again instead of getting its samples.
        self._opener, self._args = opener, args
        self._recording = opener(*args)
        self._described = about = self._recording.describe()
        self.filenames: tuple[str, ...] = tuple(os.fspath(path) for path in about["filenames"])
        self.ch_names: list[str] = [ch[0] for ch in about["chs"]]
        self.sfreq: float = about["sfreq"]
        self.n_times: int = about["n_times"]
        self.first_samp: int = about["first_samp"]
        self.bads: list[str] = about["bads"]
        self.highpass: float = about["highpass"]
        self.lowpass: float = about["lowpass"]
        date = about["meas_date"]
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        self.meas_date = None if date is None else epoch + timedelta(seconds=date[0], microseconds=date[1])
        self.gaps: list[tuple[int, int]] = about["gaps"]
        self.annotations = [Annotation(*item[:3], tuple(item[3])) for item in about["annotations"]]
        _warn(about["remarks"])

    def __reduce__(self) -> tuple[type[Raw], tuple[Any, ...]]:
        return type(self), (self._opener, *self._args)

    def __deepcopy__(self, memo: dict[int, Any]) -> Raw:
        # An open file that nobody can change.
        return self

    def __repr__(self) -> str:
        name = os.path.basename(self.filenames[0])
        return f"<Raw | {name}, {len(self.ch_names)} x {self.n_times} ({self.n_times / self.sfreq:.1f} s), not loaded>"

    @property
    def times(self) -> Array:
        """Times of the samples in s from the first one."""
        return np.arange(self.n_times) / self.sfreq

    def get_channel_types(self) -> list[str]:
        """Types of the channels, by MNE's names.

        Returns
        -------
        types : list of str
            A type for each channel.
        """
        return [ch[1] for ch in self._described["chs"]]

    def get_data(
        self, picks: Any = None, start: int = 0, stop: int | None = None, *, n_jobs: int | None = None
    ) -> Array:
        """Read samples.

        Parameters
        ----------
        picks : str | array_like | None
            Channels by index, name or type; ``None`` is all of them, bad ones too.
        start : int
            First sample.
        stop : int | None
            One past the last sample; ``None`` is the end.
        n_jobs : int | None
            Number of threads; ``None`` is the budget.

        Returns
        -------
        data : ndarray of float64, shape (n_picks, n_times)
            The samples in SI units.
        """
        stop = self.n_times if stop is None else min(stop, self.n_times)
        if start < 0 or stop < start:
            raise ParameterError(f"`start` must be at least 0 and at most `stop`, got {start} and {stop}")
        return self._recording.read(self._picked(picks), int(start), int(stop), as_jobs(n_jobs))

    def _picked(self, picks: Any) -> list[int]:
        if picks is None:
            return list(range(len(self.ch_names)))
        if isinstance(picks, str):
            picks = [picks]
        if not all(isinstance(pick, str) for pick in picks):
            return as_picks(picks, len(self.ch_names)).tolist()
        types, out = self.get_channel_types(), []
        for pick in picks:
            found = [k for k, (name, kind) in enumerate(zip(self.ch_names, types, strict=True)) if pick in (name, kind)]
            if pick == "all":
                found = list(range(len(types)))
            if not found:
                raise ParameterError(f"`picks` must name channels or types of the recording, got {pick!r}")
            out += [k for k in found if k not in out]
        return out

    def to_mne(self) -> BaseRaw:
        """Make MNE's object of it.

        Returns
        -------
        raw : mne.io.BaseRaw
            What MNE's reader of the format would give, not loaded. Samples come through this reader; those of FIFF
            files through MNE's own.
        """
        from . import _mne

        if self._opener is _core.open_recording and self.filenames[0].endswith((".fif", ".fif.gz")):
            return _mne.read_raw_fif(self.filenames[0])
        return _mne.raw_of(self, self._described)


def _warn(remarks: list[str]) -> None:
    """What the reader remarked, as warnings from the line that called this package."""
    level, frame = 1, sys._getframe()
    while frame is not None and frame.f_globals.get("__name__", "").startswith("bakusoku."):
        level, frame = level + 1, frame.f_back
    for text in remarks:
        warnings.warn(text, RuntimeWarning, stacklevel=level)
