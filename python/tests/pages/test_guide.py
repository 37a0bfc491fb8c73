"""Every snippet of the guide runs as it stands; the pages in both languages have the same code."""

from __future__ import annotations

import ast
import doctest
import re
import subprocess
import sys

import guide
import pytest

ENGLISH, JAPANESE = guide.PAGES
SNIPPETS = guide.snippets(ENGLISH)
SHARED = SNIPPETS.pop("shared").code
#: The page's arrays are large enough to be measured; to see that a snippet runs, small ones do.
SMALL = SHARED.replace("(32, 60_000)", "(32, 2_000)")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("guide")
    guide.recordings(path)
    return path


def needs(code: str) -> None:
    for name in ("joblib",):
        if f"import {name}" in code:
            pytest.importorskip(name)


@pytest.mark.timeout(180, method="signal")
@pytest.mark.parametrize("name", list(SNIPPETS))
def test_snippet(name, folder):
    snippet = SNIPPETS[name]
    needs(snippet.code)
    path = folder / f"snippet-{name}.py"
    path.write_text(snippet.script(SMALL, clock=False))
    ran = subprocess.run(
        [sys.executable, str(path)],
        cwd=folder,
        env=guide.clean(snippet.env),
        capture_output=True,
        text=True,
        timeout=170,
    )
    if snippet.fails:
        assert ran.returncode == 1 and snippet.fails in ran.stderr
        got = ran.stderr.strip().splitlines()[-1] + "\n"
    else:
        assert ran.returncode == 0, ran.stderr
        got = ran.stdout
    if snippet.shown:
        shown = snippet.shown.replace("…", "...")
        assert doctest.OutputChecker().check_output(shown, got, doctest.ELLIPSIS), got


@pytest.mark.parametrize("page", guide.PAGES, ids=lambda page: page.name)
def test_every_block_is_run(page):
    opened = re.findall(r"^```(\w+)$", page.read_text(), re.MULTILINE)
    shown = [snippet.shown for snippet in guide.snippets(page).values() if snippet.shown]
    assert sorted(opened) == ["python"] * len(guide.snippets(page)) + ["text"] * len(shown)


def plain(code: str) -> str:
    """The program without what is written for readers."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and ast.get_docstring(node):
            node.body = node.body[1:] or [ast.Pass()]
    return ast.dump(tree)


def test_the_pages_have_the_same_code():
    assert SMALL != SHARED
    other = guide.snippets(JAPANESE)
    shared = other.pop("shared")
    assert plain(shared.code) == plain(SHARED)
    assert list(other) == list(SNIPPETS)
    for name, snippet in SNIPPETS.items():
        assert plain(other[name].code) == plain(snippet.code), name
        assert (other[name].env, other[name].fails) == (snippet.env, snippet.fails)
        assert other[name].shown == snippet.shown


def test_links_lead_somewhere():
    for page in guide.PAGES:
        text = page.read_text()
        anchors = {
            re.sub(r"[^\w\- ]", "", re.sub(r"^#+ ", "", line).lower()).replace(" ", "-")
            for line in text.splitlines()
            if line.startswith("#")
        }
        for target in re.findall(r"\]\(([^)]+)\)", text):
            if target.startswith("#"):
                assert target[1:] in anchors, f"{page.name}: {target}"
            elif not target.startswith("http"):
                assert (page.parent / target).exists(), f"{page.name}: {target}"
