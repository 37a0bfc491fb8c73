"""Studies on disk: simulated ones (made once a session by `bakusoku simulate`) and real recordings, tiled to length."""

from __future__ import annotations

import os
import subprocess
import warnings
from pathlib import Path

import numpy as np
import pytest


class Cli:
    """The command line as a user has it: no colour, one thread count, its own environment."""

    def __init__(self, program: str):
        self.program = program
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("BAKUSOKU_NUM")}

    def popen(self, *args, **kwargs) -> subprocess.Popen:
        kwargs.setdefault("stdout", subprocess.PIPE)
        kwargs.setdefault("stderr", subprocess.PIPE)
        env = {**self.env, **kwargs.pop("env", {})}
        return subprocess.Popen([self.program, *map(str, args)], env=env, text=True, **kwargs)

    def run(self, *args, timeout=120, **kwargs) -> subprocess.CompletedProcess:
        process = self.popen(*args, **kwargs)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            pytest.fail(f"{' '.join(map(str, args))} hangs:\n{out}\n{err}")
        return subprocess.CompletedProcess(args, process.returncode, out, err)

    def ok(self, *args, **kwargs) -> subprocess.CompletedProcess:
        done = self.run(*args, **kwargs)
        assert done.returncode == 0, f"{' '.join(map(str, args))}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done


@pytest.fixture(scope="session")
def cli(bakusoku_command) -> Cli:
    return Cli(bakusoku_command)


@pytest.fixture(scope="session")
def simulated(cli, tmp_path_factory) -> Path:
    """Three subjects, 15 s each, in BIDS layout."""
    folder = tmp_path_factory.mktemp("simulated") / "bids"
    cli.ok("simulate", folder, "--subjects", 3, "--duration", 15, "--seed", 7)
    assert recordings(folder), f"`simulate` wrote no recording: {[str(p) for p in folder.rglob('*')][:20]}"
    return folder


def recordings(bids_root: Path) -> list[Path]:
    return sorted(p for p in Path(bids_root).glob("sub-*/**/*_meg.fif") if "derivatives" not in p.parts)


def subject_of(path: Path) -> str:
    return next(p for p in Path(path).parts if p.startswith("sub-"))


def tile(source: Path, target: Path, seconds: float, events=(1, 2), **read) -> Path:
    """A real recording over and over, each second time backwards (no jump at the seams), with events of our own."""
    import mne

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        raw = mne.io.read_raw_fif(source, preload=True, verbose="error", **read)
    x = raw.get_data()
    sfreq = raw.info["sfreq"]
    n = int(seconds * sfreq)
    both = np.concatenate([x, x[:, ::-1]], axis=1)
    data = np.tile(both, (1, -(-n // both.shape[1])))[:, :n]
    types = raw.get_channel_types()
    if events:
        stims = [i for i, t in enumerate(types) if t == "stim"]
        pick = next((i for i in stims if raw.ch_names[i] == "STI 014"), stims[0])
        data[stims] = 0
        for k, at in enumerate(range(int(sfreq), n - int(sfreq), int(1.1 * sfreq))):
            # A quarter above: scaled trigger channels (`cal` 50) come back a rounding below, and codes are cut off.
            data[pick, at : at + 5] = events[k % len(events)] + 0.25
    out = mne.io.RawArray(data, raw.info, first_samp=raw.first_samp, verbose="error")
    target.parent.mkdir(parents=True, exist_ok=True)
    out.save(target, overwrite=True, verbose="error")
    return target


def data_files(root: Path) -> dict[str, bytes]:
    """Name and content of every data file under `root`: what must not depend on how often a run was killed."""
    kinds = (".fif", ".h5", ".tsv")
    return {
        str(p.relative_to(root)): p.read_bytes()
        for p in sorted(Path(root).rglob("*"))
        if p.suffix in kinds and p.is_file()
    }


@pytest.fixture(scope="session")
def room_dataset(cli, tmp_path_factory) -> Path:
    """One person, two runs of 12 s, and the empty room of the day before."""
    folder = tmp_path_factory.mktemp("room") / "bids"
    size = ("--subjects", 1, "--runs", 2, "--duration", 12, "--sfreq", 500)
    cli.ok("simulate", folder, *size, "--no-eeg", "--empty-room")
    return folder
