"""A pytest plugin: our functions in the place of MNE's, before a test file of MNE imports them."""

from __future__ import annotations

import mne

from bakusoku import preprocessing

NAMES = (
    "compute_maxwell_basis",
    "find_bad_channels_maxwell",
    "maxwell_filter",
    "maxwell_filter_prepare_emptyroom",
    "read_fine_calibration",
    "write_fine_calibration",
)


def pytest_configure(config):
    config.addinivalue_line("markers", "slowtest: MNE's mark")
    for name in NAMES:
        setattr(mne.preprocessing, name, getattr(preprocessing, name))
