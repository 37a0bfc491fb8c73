"""`resume=`: what is computed again because it would compute another thing now, and what is not."""

from __future__ import annotations

import textwrap

import pytest

from .script import run_script

SCRIPT = """
    import os, sys
    from pathlib import Path

    sys.path.insert(0, {folder!r})
    sys.dont_write_bytecode = True
    from bakusoku import Pool

    def touch():
        with open({folder!r} + "/runs", "a") as file:
            file.write("x")

    {code}

    with Pool(2, resume={folder!r} + "/finished") as pool:
        print(pool.map(f, {items}, 1))
"""


class Runs:
    """The same script, again and again, in a folder with modules."""

    def __init__(self, folder):
        self.folder = folder

    def write(self, **files):
        for name, text in files.items():
            path = self.folder / (name.replace("__in__", "/") + ".py")
            path.parent.mkdir(exist_ok=True)
            path.write_text(textwrap.dedent(text))

    def run(self, code, items="[1, 2]", **options):
        """What came out, and how many items were computed."""
        code = textwrap.dedent(code).strip().replace("\n", "\n    ")
        counter = self.folder / "runs"
        counter.unlink(missing_ok=True)
        script = SCRIPT.format(folder=str(self.folder), code=code, items=items)
        ran = run_script(script, **options).fine()
        return ran.out.splitlines()[-1], len(counter.read_text()) if counter.exists() else 0


@pytest.fixture
def runs(tmp_path):
    return Runs(tmp_path)


IMPORTS = {
    "a module": ("import lab_a", "return lab_a.g(x)"),
    "a submodule": ("import lab_p.steps", "return lab_p.steps.g(x)"),
    "a submodule with a name": ("import lab_p.steps as steps", "return steps.g(x)"),
    "a submodule of its package": ("import lab_q", "return lab_q.steps.g(x)"),
    "from a package": ("from lab_q import g", "return g(x)"),
    "inside of the function": ("", "from lab_a import g; return g(x)"),
    "inside, a submodule": ("", "from lab_p import steps; return steps.g(x)"),
    "inside, with dots": ("", "import lab_p.steps; return lab_p.steps.g(x)"),
    "what it imports": ("import lab_b", "return lab_b.h(x)"),
    "what it imports inside": ("from lab_b import inner", "return inner(x)"),
    "inside, what that imports": ("", "import lab_b; return lab_b.h(x)"),
    "two steps away": ("import lab_c", "return lab_c.k(x)"),
    "a method": ("from lab_b import Model", "return Model().run(x)"),
    "an object": ("import lab_b; model = lab_b.Model()", "return model.run(x)"),
    "relative": ("import lab_q.relative", "return lab_q.relative.r(x)"),
    "by a text": ("import importlib", "return importlib.import_module('lab_p.steps').g(x)"),
    "in an inner function": ("", "return (lambda y: __import__ and inner(y))(x)"),
}


@pytest.mark.parametrize("kind", list(IMPORTS))
def test_a_helper_was_edited(runs, kind):
    runs.write(
        lab_b="""
            import lab_a
            def h(x): return lab_a.g(x)
            def inner(x):
                from lab_a import g
                return g(x)
            class Model:
                def run(self, x): return lab_a.g(x)
        """,
        lab_c="import lab_b\ndef k(x): return lab_b.h(x)\n",
        lab_p__in____init__="",
        lab_q__in____init__="import lab_q.steps\nfrom lab_q.steps import g\n",
        lab_q__in__relative="from . import steps\nfrom .steps import g as h\ndef r(x): return steps.g(x) + 0 * h(x)\n",
    )
    before, body = IMPORTS[kind]
    if kind == "in an inner function":
        before = "def inner(y):\n    def deep():\n        import lab_a\n        return lab_a.g(y)\n    return deep()"
    code = f"{before}\ndef f(x):\n    touch()\n    {body}"
    for factor in (10, 100):
        text = f"def g(x): return x * {factor}\n"
        runs.write(lab_a=text, lab_p__in__steps=text, lab_q__in__steps=text)
        assert runs.run(code) == (f"[{factor}, {2 * factor}]", 2)
        assert runs.run(code) == (f"[{factor}, {2 * factor}]", 0)


SETTINGS = {
    "a module's": "import lab_s\nlab_s.THR = {value}\ndef f(x):\n    touch()\n    return x * lab_s.THR",
    "of a helper": "import lab_s\nlab_s.THR = {value}\ndef f(x):\n    touch()\n    return lab_s.scaled(x)",
    "imported inside": (
        "import lab_s\nlab_s.THR = {value}\ndef f(x):\n    touch()\n    import lab_s\n    return x * lab_s.THR"
    ),
    "a class's": "import lab_s\nlab_s.Model.scale = {value}\ndef f(x):\n    touch()\n    return lab_s.Model().run(x)",
    "a dict's": "import lab_s\nlab_s.CFG['thr'] = {value}\ndef f(x):\n    touch()\n    return x * lab_s.CFG['thr']",
    "a submodule's": (
        "import lab_t.cfg\nlab_t.cfg.THR = {value}\ndef f(x):\n    touch()\n    return x * lab_t.cfg.THR"
    ),
    "a global": "THR = {value}\ndef f(x):\n    touch()\n    return x * THR",
    "environ": "os.environ['LAB_THR'] = '{value}'\ndef f(x):\n    touch()\n    return x * int(os.environ['LAB_THR'])",
    "environ.get": (
        "os.environ['LAB_THR'] = '{value}'\ndef f(x):\n    touch()\n    return x * int(os.environ.get('LAB_THR', 1))"
    ),
    "getenv": "os.environ['LAB_THR'] = '{value}'\ndef f(x):\n    touch()\n    return x * int(os.getenv('LAB_THR'))",
    "environ by a name": (
        "KEY = 'LAB_THR'\nos.environ[KEY] = '{value}'\ndef f(x):\n    touch()\n    return x * int(os.environ[KEY])"
    ),
    "environ in a helper": (
        "import lab_s\nos.environ['LAB_THR'] = '{value}'\ndef f(x):\n    touch()\n"
        "    return x * lab_s.from_environment()"
    ),
    "environ in a helper, inside": (
        "os.environ['LAB_THR'] = '{value}'\ndef f(x):\n    touch()\n    from lab_s import from_environment\n"
        "    return x * from_environment()"
    ),
}


@pytest.mark.parametrize("kind", list(SETTINGS))
def test_a_setting_was_changed(runs, kind):
    """In a run of its own, and in the same one: what the script sets is what counts."""
    runs.write(
        lab_s="""
            import os, threading
            LOCK = threading.Lock()
            THR = 1
            CFG = {"thr": 1}
            class Model:
                scale = 1
                def run(self, x): return x * self.scale
            def scaled(x):
                with LOCK:
                    return x * THR
            def from_environment(): return int(os.environ["LAB_THR"])
        """,
        lab_t__in____init__="",
        lab_t__in__cfg="THR = 1\n",
    )
    for value in (5, 7, 5):
        out, n = runs.run(SETTINGS[kind].format(value=value))
        assert out == f"[{value}, {2 * value}]"
    assert n == 0  # the third time it was there


def test_the_folder_with_relative_paths(runs):
    """The same names in another folder are other files."""
    code = "os.chdir({where!r})\ndef f(x):\n    touch()\n    return open(x).read()"
    for n, where in enumerate(("a", "b")):
        (runs.folder / where / "sub-01").mkdir(parents=True)
        for name in ("x.txt", "plain", "sub-01/x.txt"):
            (runs.folder / where / name).write_text(where)
    for items in ("['x.txt']", "['plain']", "['sub-01/x.txt']", "[Path('plain')]"):
        for where in ("a", "b"):
            there = code.format(where=str(runs.folder / where))
            assert runs.run(there, items) == (f"['{where}']", 1), (items, where)
            assert runs.run(there, items) == (f"['{where}']", 0), (items, where)


def test_the_folder_with_paths_in_the_function(runs):
    code = "os.chdir({where!r})\nROOT = 'data'\ndef f(x):\n    touch()\n    return open(f'{{ROOT}}/{{x}}.txt').read()"
    for where in ("a", "b"):
        (runs.folder / where / "data").mkdir(parents=True)
        (runs.folder / where / "data" / "1.txt").write_text(where)
        assert runs.run(code.format(where=str(runs.folder / where)), "[1]") == (f"['{where}']", 1)


def test_another_folder_without_paths(runs):
    """Where nothing names a file, the folder does not matter; nor does a folder that the function makes."""
    code = "os.chdir({where!r})\ndef f(x):\n    touch()\n    os.makedirs(x, exist_ok=True)\n    return len(x)"
    for where in ("a", "b"):
        (runs.folder / where).mkdir()
    there = code.format(where=str(runs.folder / "a"))
    assert runs.run(there, "['one', 'three']") == ("[3, 5]", 2)
    assert runs.run(there, "['one', 'three']") == ("[3, 5]", 0)  # the folders are there now
    assert runs.run(code.format(where=str(runs.folder / "b")), "['one', 'three']") == ("[3, 5]", 0)


def test_what_does_not_matter(runs):
    """Files that nothing imports, variables that nothing reads, other names of the same thing."""
    runs.write(lab_a="def g(x): return x * 10\n", lab_other="A = 1\n")
    code = "import lab_a, lab_other\ndef f(x):\n    touch()\n    return lab_a.g(x)"
    assert runs.run(code) == ("[10, 20]", 2)
    runs.write(lab_other="A = 2\n")
    assert runs.run(code, env={"LAB_ANY": "1"}) == ("[10, 20]", 0)
    assert runs.run("# moved\n\n" + code) == ("[10, 20]", 0)
    assert runs.run("os.environ['LAB_ANY'] = '2'\n" + code) == ("[10, 20]", 0)


@pytest.mark.parametrize("method", ["fork", None])
def test_in_one_run(runs, method):
    """Set between two calls of one pool's script; the workers see what the key says."""
    runs.write(lab_s="THR = 1\ndef scaled(x): return x * THR\n")
    code = f"""
        import lab_s
        def f(x):
            touch()
            return lab_s.scaled(x)
        for value in (5, 7, 5):
            lab_s.THR = value
            with Pool(2, context={method!r}, resume={str(runs.folder)!r} + "/finished") as pool:
                print(pool.map(f, [1, 2]))
    """
    code = textwrap.dedent(code)
    ran = run_script(SCRIPT.format(folder=str(runs.folder), code=code.strip().replace("\n", "\n    "), items="[1, 2]"))
    assert ran.fine().out.splitlines() == ["[5, 10]", "[7, 14]", "[5, 10]", "[5, 10]"]
    assert (runs.folder / "runs").read_text() == "xxxx"
