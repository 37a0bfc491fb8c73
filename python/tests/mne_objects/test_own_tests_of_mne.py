"""MNE-Python's own tests of its Maxwell filter, with our functions in place of MNE's.

`MNE_SOURCE` is a checkout of mne-python (its test files are not part of its package). Of MNE's testing data those files
are used that `BAKUSOKU_TEST_DATA` has; a test whose files are not there is left out, and counted.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from mne.datasets.config import RELEASES

HERE = Path(__file__).parent
# Tests that fail though their files are there, and why that is right.
EXCEPTIONS: dict[str, str] = {}
# What a test says whose files are not there.
NO_DATA = ("FileNotFoundError", "does not exist")


@pytest.fixture(scope="module")
def source() -> Path:
    folder = os.environ.get("MNE_SOURCE")
    if not folder:
        pytest.skip("MNE's own tests need its source: set MNE_SOURCE to a checkout of mne-python")
    folder = Path(folder)
    if not (folder / "mne" / "preprocessing" / "tests" / "test_maxwell.py").exists():
        pytest.skip(f"no mne/preprocessing/tests/test_maxwell.py in {folder}")
    return folder


def arrange(source: Path, data: Path, folder: Path) -> Path:
    """The test file where MNE's package is not: what is tested is what is installed. Its small files beside it."""
    tests = folder / "fake" / "preprocessing" / "tests"
    tests.mkdir(parents=True)
    shutil.copy(source / "mne" / "preprocessing" / "tests" / "test_maxwell.py", tests)
    (folder / "fake" / "io").symlink_to(source / "mne" / "io")
    testing = folder / "MNE-testing-data"
    (testing / "SSS").mkdir(parents=True)
    # MNE asks for this version, and takes what is there.
    (testing / "version.txt").write_text(RELEASES["testing"])
    for file in (data / "sss").iterdir():
        (testing / "SSS" / file.name).symlink_to(file)
    return tests / "test_maxwell.py"


def outcomes(junit: Path) -> dict[str, tuple[str, str]]:
    found = {}
    for case in ElementTree.parse(junit).iter("testcase"):
        name, outcome, text = case.get("name"), "passed", ""
        for kind in ("failure", "error", "skipped"):
            node = case.find(kind)
            if node is not None:
                outcome, text = kind, (node.get("message") or "") + (node.text or "")
        if outcome == "failure" and any(word in text for word in NO_DATA):
            outcome = "no data"
        found[name] = (outcome, text)
    return found


@pytest.mark.timeout(3600)
def test_maxwell(source, test_data, tmp_path, capsys):
    file = arrange(source, test_data, tmp_path)
    junit = tmp_path / "junit.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "in_place", "-p", "no:cacheprovider", "-c", os.devnull]
    command += ["--import-mode=importlib", f"--rootdir={tmp_path}", f"--junitxml={junit}", str(file)]
    path = os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])
    env = {**os.environ, "PYTHONPATH": path, "MNE_DATASETS_TESTING_PATH": str(tmp_path), "_MNE_FEW_SURFACES": "true"}
    env["OMP_NUM_THREADS"] = "1"
    # What they configure is not for the user's own file.
    env["_MNE_FAKE_HOME_DIR"] = str(tmp_path)
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert junit.exists(), done.stdout + done.stderr
    found = outcomes(junit)
    assert len(found) > 40, done.stdout
    counts: dict[str, int] = {}
    for outcome, _ in found.values():
        counts[outcome] = counts.get(outcome, 0) + 1
    with capsys.disabled():
        print(f"\nMNE's test_maxwell.py with our functions: {counts}")
    failed = {name: text for name, (outcome, text) in found.items() if outcome in ("failure", "error")}
    unexpected = {name: text[-3000:] for name, text in failed.items() if name not in EXCEPTIONS}
    assert not unexpected, "\n\n".join(f"{name}:\n{text}" for name, text in unexpected.items())
    assert set(failed) == set(EXCEPTIONS), "a test that was said to fail passes"
    assert counts.get("passed"), "all of them lacked their files"
