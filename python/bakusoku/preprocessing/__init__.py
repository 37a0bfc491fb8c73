"""The Maxwell filter and independent components on MNE-Python's objects, with the numbers of :mod:`mne.preprocessing`.

Functions take and return MNE's objects, have its names, order of parameters and defaults, write its log lines and
raise its classes of errors, before a sample is read. :mod:`bakusoku.maxwell` is the same on arrays, without MNE.
"""

from ._artifacts import create_ecg_epochs, create_eog_epochs, find_ecg_events, find_eog_events
from ._basis import compute_maxwell_basis
from ._calibration import read_fine_calibration, write_fine_calibration
from ._emptyroom import maxwell_filter_prepare_emptyroom
from ._filter import maxwell_filter
from ._find_bads import find_bad_channels_maxwell
from ._ica import ICA, read_ica

__all__ = [
    "ICA",
    "compute_maxwell_basis",
    "create_ecg_epochs",
    "create_eog_epochs",
    "find_bad_channels_maxwell",
    "find_ecg_events",
    "find_eog_events",
    "maxwell_filter",
    "maxwell_filter_prepare_emptyroom",
    "read_fine_calibration",
    "read_ica",
    "write_fine_calibration",
]
