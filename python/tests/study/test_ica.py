"""Independent components in a study: MNE takes the same out, and the averages are MNE's."""

from __future__ import annotations

import mne
import numpy as np
import pytest

KEYS = """
task = "audiovisual"
ch_types = ["meg", "eeg"]
l_freq = 0.1
h_freq = 40.0
conditions = ["auditory", "visual"]
eeg_reference = "none"
noise_cov = "none"
spatial_filter = "ica"
ica_n_components = 20
ica_ecg_threshold = 0.3
"""


@pytest.mark.study
def test_averages_are_those_of_mne_after_the_same_decomposition(cli, tmp_path):
    bids = tmp_path / "bids"
    cli.ok("simulate", bids, "--subjects", 1, "--duration", 40, "--sfreq", 300, "--seed", 11)
    study = tmp_path / "study.toml"
    study.write_text(f'bids_root = "{bids}"\nderiv_root = "{tmp_path / "out"}"\n{KEYS}')
    cli.ok("run", study, "--n-jobs", 1)
    folder = tmp_path / "out" / "sub-01" / "meg"
    (fitted,), (filtered,), (averages,) = (
        list(folder.glob(f"*_{name}.fif")) for name in ("ica", "proc-filt_raw", "ave")
    )
    ica = mne.preprocessing.read_ica(fitted, verbose="error")
    assert ica.exclude and ica.n_components_ == 20 and set(ica.labels_) == {"ecg", "eog"}
    raw = mne.io.read_raw_fif(filtered, preload=True, verbose="error")
    ica.apply(raw, verbose="error")
    for ours in mne.read_evokeds(averages, verbose="error"):
        # With one run the events of the epochs are those of the recording.
        events = mne.read_epochs(next(folder.glob("*_epo.fif")), verbose="error")[ours.comment].events
        epochs = mne.Epochs(raw, events, tmin=-0.2, tmax=0.5, baseline=(None, 0), verbose="error")
        theirs = epochs.average(picks=ours.ch_names)
        assert theirs.nave == ours.nave
        for kind in ("mag", "grad", "eeg"):
            picks = mne.pick_types(ours.info, meg=kind if kind != "eeg" else False, eeg=kind == "eeg")
            size = np.abs(theirs.data[picks]).max()
            # The filtered recording is kept in single precision.
            assert np.abs(ours.data[picks] - theirs.data[picks]).max() < 2e-5 * size, kind
