"""Every block of README.md and README.ja.md runs, in the order shown; both pages show the same."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGES = [ROOT / "README.md", ROOT / "README.ja.md"]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
#: Not run here: what builds and installs the program that the others use, and this very test.
INSTALL = ("cargo install ", "pip install ", "scripts/test")
#: What the Python blocks take as given.
GIVEN = """
import numpy as np
sfreq = 1000.0
data = np.random.default_rng(0).standard_normal((4, 8_000))
fnames = ["a", "b", "c"]
def analyse(fname, l_freq):
    return fname, l_freq
"""


def blocks(page: Path) -> list[tuple[str, str]]:
    return BLOCK.findall(page.read_text())


def measured(text: str) -> list[str]:
    """Lines without what is measured anew at each run: times and memory."""
    return [re.sub(r"[\d.]+ (s|ms|MB|GB)\b|\d+ min \d+ s", "#", line) for line in text.splitlines()]


class Shell:
    """A folder and a path on which `bakusoku` is the program under test."""

    def __init__(self, command: str, folder: Path):
        self.folder = folder
        (folder / "bin").mkdir()
        os.symlink(command, folder / "bin" / "bakusoku")
        self.env = {**os.environ, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}

    def run(self, line: str) -> str:
        line = re.sub(r"^cargo run --release( --quiet)? -- ", "bakusoku ", line)
        assert line.startswith("bakusoku "), f"how is `{line}` to be run?"
        done = subprocess.run(
            line, shell=True, cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=200
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        return done.stdout


def session(shell: Shell, text: str) -> None:
    """Commands after `$` (or one a line), each with what it prints where that is shown."""
    parts = re.split(r"^\$ ", text, flags=re.MULTILINE)[1:] if text.startswith("$ ") else text.splitlines()
    for part in parts:
        line, _, shown = part.strip("\n").partition("\n")
        if line.startswith(INSTALL):
            continue
        got = shell.run(line)
        if shown:
            assert measured(got) == measured(shown), line


@pytest.mark.study
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_runs_in_order(page, bakusoku_command, tmp_path):
    shell = Shell(bakusoku_command, tmp_path)
    # Where the reader has recordings, the page says how to simulate some.
    words = re.findall(r"`([^`\n]+)`", page.read_text())
    simulate = next(word for word in words if word.startswith("bakusoku simulate"))
    shell.run(f"{simulate} --subjects 2 --duration 20")
    seen = []
    for language, text in blocks(page):
        seen.append(language)
        if language in ("", "console"):
            session(shell, text)
            if not language:
                # The next block shows the demo from its beginning.
                shutil.rmtree(tmp_path / "bakusoku-demo")
        elif language == "toml":
            study = tmp_path / "my" / "bids" / "study.toml"
            study.write_text(text)
            out = shell.run("bakusoku run my/bids/study.toml")
            assert "2 subjects: 2 done" in out
            results = study.parent / "derivatives" / "bakusoku"
            for pattern in ("*_proc-filt_raw.fif", "*_epo.fif", "*_ave.fif", "*_cov.fif", "*_psd.h5", "*report.html"):
                assert list(results.rglob(pattern)), f"{pattern} is promised"
            shutil.rmtree(results)
        elif language == "python":
            names: dict = {}
            exec(compile(GIVEN + text, f"{page.name}", "exec"), names)
            if "results" in names:
                assert names["results"] == [("a", 1.0), ("b", 1.0), ("c", 1.0)]
            else:
                assert names["filtered"].shape == names["data"].shape
                assert names["psd"].shape == (4, names["freqs"].size) and np.isfinite(names["psd"]).all()
        else:
            pytest.fail(f"{page.name}: how is a block of `{language}` to be run?")
    assert seen == ["", "console", "console", "toml", "console", "python", "python"]


def code(text: str) -> list[str]:
    """Lines without comments for readers."""
    lines = (re.sub(r"\s*# .*$", "", line).strip() for line in text.splitlines())
    return [line for line in lines if line]


def test_both_languages_show_the_same():
    english, japanese = (blocks(page) for page in PAGES)
    assert [(language, code(text)) for language, text in english] == [(lang, code(text)) for lang, text in japanese]
    rows = [[line for line in page.read_text().splitlines() if line.startswith("| ")] for page in PAGES]
    figures = [[re.findall(r"\d+(?:\.\d+)?(?:e-\d+)?", line) for line in of_page] for of_page in rows]
    assert figures[0] == figures[1]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text()):
        assert target.startswith("http") or (ROOT / target).exists(), target
