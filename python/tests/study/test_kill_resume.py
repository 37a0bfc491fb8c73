"""Kill it, break its input, fill its disk: what is left must be whole, and what can be done must be done."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from .conftest import data_files, recordings, subject_of
from .mne_study import Config

pytestmark = pytest.mark.study
CONFIG = Config(psd={"fmax": 60.0, "n_fft": 512, "n_overlap": 256})


def write_study(path: Path, bids: Path, out: Path, config: Config = CONFIG) -> Path:
    path.write_text(config.as_toml(bids_root=str(bids), deriv_root=str(out)))
    return path


@pytest.fixture(scope="module")
def undisturbed(cli, simulated, tmp_path_factory):
    """The files of a run that nothing disturbed, and how long it took."""
    folder = tmp_path_factory.mktemp("undisturbed")
    start = time.perf_counter()
    cli.ok("run", write_study(folder / "study.toml", simulated, folder / "out"))
    files = data_files(folder / "out")
    assert len(files) >= 5 * len(recordings(simulated))
    return files, time.perf_counter() - start


def same(found: dict[str, bytes], wanted: dict[str, bytes]) -> None:
    assert found.keys() == wanted.keys(), sorted(found.keys() ^ wanted.keys())
    assert [name for name in found if found[name] != wanted[name]] == []


def nothing_partial(found: dict[str, bytes], wanted: dict[str, bytes]) -> None:
    """Under a final name stands either the whole file or none."""
    for name, content in found.items():
        if name in wanted:
            assert content == wanted[name], f"{name} is partial: {len(content)} of {len(wanted[name])} bytes"


def test_sigkill_at_ten_moments(cli, simulated, undisturbed, tmp_path):
    wanted, seconds = undisturbed
    rng = random.Random(20)
    killed = 0
    out = tmp_path / "out"
    toml = write_study(tmp_path / "study.toml", simulated, out)
    for _ in range(60):
        if killed in (3, 6):  # from the beginning again, so that early moments are met as well
            shutil.rmtree(out, ignore_errors=True)
        start = time.perf_counter()
        process = cli.popen("run", toml)
        try:
            process.communicate(timeout=rng.uniform(0.02, 0.9 * seconds))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            killed += 1
        else:  # done before it was to be killed: again, and sooner
            seconds = min(seconds, time.perf_counter() - start)
            shutil.rmtree(out, ignore_errors=True)
        if out.exists():
            nothing_partial(data_files(out), wanted)
        if killed == 10:
            break
    assert killed == 10, f"only {killed} runs were still at work when they were to be killed"
    cli.ok("run", toml)
    same(data_files(out), wanted)
    left = [str(p) for p in out.rglob("*") if ".tmp" in p.name or p.name.endswith(".part")]
    assert left == [], left


def test_configuration_there_and_back(cli, simulated, undisturbed, tmp_path):
    wanted, _ = undisturbed
    out = tmp_path / "out"
    toml = write_study(tmp_path / "study.toml", simulated, out)
    cli.ok("run", toml)
    write_study(toml, simulated, out, replace(CONFIG, h_freq=30.0))
    cli.ok("run", toml)
    other = data_files(out)
    assert any(other[name] != wanted[name] for name in wanted if name in other)
    write_study(toml, simulated, out)
    cli.ok("run", toml)
    same(data_files(out), wanted)


def test_a_file_that_was_changed_or_lost_is_made_again(cli, simulated, undisturbed, tmp_path):
    wanted, _ = undisturbed
    out = tmp_path / "out"
    toml = write_study(tmp_path / "study.toml", simulated, out)
    cli.ok("run", toml)
    files = sorted(out.glob("sub-*/**/*_ave.fif"))
    files[0].unlink()
    files[1].write_bytes(files[1].read_bytes()[:-100])
    cli.ok("run", toml)
    same(data_files(out), wanted)


def copy_study(simulated: Path, target: Path) -> Path:
    shutil.copytree(simulated, target)
    return target


def _cut(path: Path, size: int) -> None:
    with open(path, "r+b") as f:
        f.truncate(size)


def _truncated_in_buffer(path):
    _cut(path, path.stat().st_size // 2)
    return "byte"


def _truncated_in_header(path):
    _cut(path, 1000)
    return "byte"


def _truncated_last_tag(path):
    _cut(path, path.stat().st_size - 6)
    return "byte"


def _corrupt_header(path):
    with open(path, "r+b") as f:
        f.seek(4)
        f.write(b"\xff" * 64)
    return "byte"


def _corrupt_buffer_tag(path):
    """The length of a data buffer in the middle of the file becomes nonsense."""
    content = bytearray(path.read_bytes())
    tag = (300).to_bytes(4, "big") + (4).to_bytes(4, "big")  # FIFF_DATA_BUFFER of FIFFT_FLOAT
    at = content.index(tag, len(content) // 3)
    content[at + 8 : at + 12] = (0x7FFFFFF0).to_bytes(4, "big")
    path.write_bytes(content)
    return "byte"


def _empty(path):
    path.write_bytes(b"")
    return ""


def _text(path):
    path.write_text("This is no recording.\n" * 100)
    return "byte"


def _png(path):
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + os.urandom(5000))
    return "byte"


def _unreadable(path):
    path.unlink()
    path.mkdir()
    return ""


def _evoked_renamed(path):
    import mne
    import numpy as np

    info = mne.create_info(["MEG 0111"], 100.0, "mag")
    evoked = mne.EvokedArray(np.zeros((1, 50)), info, verbose="error")
    other = path.with_name("x_ave.fif")
    evoked.save(other, overwrite=True, verbose="error")
    other.replace(path)
    return ""


FAULTS = [
    _truncated_in_buffer,
    _truncated_in_header,
    _truncated_last_tag,
    _corrupt_header,
    _corrupt_buffer_tag,
    _empty,
    _text,
    _png,
    _unreadable,
    _evoked_renamed,
]


@pytest.mark.parametrize("fault", FAULTS, ids=[f.__name__.strip("_") for f in FAULTS])
def test_broken_input(cli, simulated, undisturbed, tmp_path, fault):
    wanted, _ = undisturbed
    bids = copy_study(simulated, tmp_path / "bids")
    broken = recordings(bids)[1]
    word = fault(broken)
    done = cli.run("run", write_study(tmp_path / "study.toml", bids, tmp_path / "out"))
    text = done.stdout + done.stderr
    if done.returncode == 0:
        # A cut that lost only the closing tags: all samples are there, and all of them must have been used.
        assert fault is _truncated_last_tag, text
        return
    assert done.returncode == 1, f"exit {done.returncode}\n{text}"
    assert "panicked" not in text, text
    assert broken.name in text, f"the error must name {broken.name}:\n{text}"
    assert word in text, f"the error must say where:\n{text}"
    found = data_files(tmp_path / "out")
    bad = subject_of(broken)
    assert not [n for n in found if n.startswith(bad) and n.endswith(".fif")], "files of the broken subject"
    others = {n for n in wanted if n.startswith("sub-") and not n.startswith((bad, "sub-average"))}
    assert others <= found.keys(), f"not done: {sorted(others - found.keys())}\n{text}"
    nothing_partial({n: found[n] for n in others}, wanted)


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(cli, simulated, undisturbed, tmp_path, signal_number):
    wanted, seconds = undisturbed
    out = tmp_path / "out"
    toml = write_study(tmp_path / "study.toml", simulated, out)
    process = cli.popen("run", toml)
    time.sleep(min(seconds * 0.3, 2.0))
    assert process.poll() is None, "over before it could be interrupted"
    process.send_signal(signal_number)
    start = time.perf_counter()
    stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 130, f"exit {process.returncode}\n{stdout}\n{stderr}"
    assert time.perf_counter() - start < 5, "slow to end"
    assert "run" in stdout + stderr
    if out.exists():
        nothing_partial(data_files(out), wanted)
    cli.ok("run", toml)
    same(data_files(out), wanted)


def test_disk_full(cli, simulated, undisturbed, tmp_path):
    wanted, _ = undisturbed
    if os.geteuid() != 0:
        pytest.skip("a file system of its own needs root")
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", small], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"mount is not allowed here: {mounted.stderr.strip()}")
    try:
        spill = tmp_path / "spill"
        spill.mkdir()
        toml = write_study(tmp_path / "study.toml", simulated, small / "out")
        done = cli.run("run", toml, env={"BAKUSOKU_TMPDIR": str(spill)})
        text = done.stdout + done.stderr
        assert done.returncode in (1, 2), f"exit {done.returncode}\n{text}"
        assert "panicked" not in text, text
        assert "space" in text.lower(), text
        if (small / "out").exists():
            nothing_partial(data_files(small / "out"), wanted)
    finally:
        subprocess.run(["umount", small], check=False)


def test_unreadable_folder(cli, simulated, tmp_path):
    if os.geteuid() == 0:
        out = Path("/proc/bakusoku-cannot-write-here")  # root may read and write anywhere else
    else:
        out = tmp_path / "locked"
        out.mkdir(mode=0o500)
    done = cli.run("run", write_study(tmp_path / "study.toml", simulated, out))
    text = done.stdout + done.stderr
    assert done.returncode in (1, 2), text
    assert str(out) in text and "panicked" not in text, text
