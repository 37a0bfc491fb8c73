"""Events on stimulus channels against `mne.find_events`, every option."""

from __future__ import annotations

import itertools

import mne
import numpy as np
import pytest

import bakusoku

from .signals import triggers
from .table import check, quiet


def both(row, case, x, sfreq=1000.0, first_samp=0, **options):
    info = mne.create_info(["STI 014"], sfreq, "stim")
    raw = mne.io.RawArray(x[np.newaxis], info, first_samp=first_samp, verbose="error")
    mne_error = our_error = None
    try:
        theirs = quiet(mne.find_events, raw, stim_channel="STI 014", **options)
    except ValueError as error:
        mne_error = error
    try:
        ours = bakusoku.find_events(x, sfreq, first_samp=first_samp, **options)
    except ValueError as error:
        our_error = error
    assert (mne_error is None) == (our_error is None), f"{case}: ours {our_error!r}, MNE's {mne_error!r}"
    if mne_error is None:
        check(row, case, ours, theirs)


@pytest.mark.parametrize(
    "output, consecutive, initial_event",
    list(itertools.product(["onset", "offset", "step"], ["increasing", True, False], [False, True])),
)
@pytest.mark.parametrize("touching", [False, True])
@pytest.mark.parametrize("min_duration", [0, 0.001, 0.002, 0.0055])
def test_find_events(output, consecutive, initial_event, touching, min_duration):
    options = dict(
        output=output, consecutive=consecutive, initial_event=initial_event, min_duration=min_duration, shortest_event=1
    )
    for seed in range(3):
        x = triggers(6000, seed, touching=touching)
        if seed == 1:
            x[:5] = 3  # starts high
            x[-4:] = 2  # ends high
        both(
            "event.find_events",
            f"{options} touching {touching} seed {seed}",
            x,
            first_samp=[0, 13, 25800][seed],
            **options,
        )


@pytest.mark.parametrize("mask, mask_type", list(itertools.product([None, 1, 2, 255, 0xFF00], ["and", "not_and"])))
def test_find_events_mask(mask, mask_type):
    x = triggers(5000, 7, values=(1, 2, 3, 256, 257, 512 + 8), touching=True)
    both("event.find_events", f"mask {mask} {mask_type}", x, mask=mask, mask_type=mask_type, shortest_event=1)


@pytest.mark.parametrize("uint_cast", [False, True])
def test_find_events_negative(uint_cast):
    x = triggers(5000, 3, values=(1, -32768, -32766, 5))
    both("event.find_events", f"negative uint_cast {uint_cast}", x, uint_cast=uint_cast, shortest_event=1)


@pytest.mark.parametrize("shortest_event", [1, 2, 3, 5])
def test_shortest_event_raises_as_mne(shortest_event):
    for low in (1, 2, 4):
        x = triggers(4000, 5, width=(low, 9))
        both("event.find_events", f"shortest {shortest_event} width {low}", x, shortest_event=shortest_event)


def test_no_event_and_fractions():
    both("event.find_events", "none", np.zeros(100))
    both("event.find_events", "constant", np.full(100, 4.0))
    both("event.find_events", "constant, initial", np.full(100, 4.0), initial_event=True)
    both("event.find_events", "fractions", triggers(3000, 2) * 1.2, shortest_event=1)
    both(
        "event.find_events",
        "elekta rate",
        triggers(3000, 2),
        sfreq=600.614990234375,
        min_duration=0.005,
        shortest_event=1,
    )


def test_real_recording(test_data):
    raw = mne.io.read_raw_fif(test_data / "fif" / "test_elekta_3ch_raw.fif", preload=True, verbose="error")
    channel = next(n for n in raw.ch_names if n.startswith("STI"))
    theirs = quiet(mne.find_events, raw, stim_channel=channel, shortest_event=1)
    assert len(theirs) > 0
    ours = bakusoku.find_events(
        raw.get_data(channel)[0], raw.info["sfreq"], first_samp=raw.first_samp, shortest_event=1
    )
    check("event.find_events", "test_elekta_3ch_raw.fif", ours, theirs)
