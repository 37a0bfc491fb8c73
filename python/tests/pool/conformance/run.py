"""Runs a script the ways in which people run code: a file, an imported module, a prompt, a notebook.

    python run.py HOW SCRIPT IMPLEMENTATION METHOD

A script finds `Pool`, `PoolOf` (without the method), `METHOD` and `mp` (a context of `multiprocessing`) in `pools.py`,
which stands beside it.
"""

from __future__ import annotations

import importlib
import os
import runpy
import sys
import textwrap
import types


def cells(code: str) -> list[str]:
    """A notebook's cells: at the lines that say so, else one."""
    return [cell for cell in code.split("# %%\n") if cell.strip()]


def as_notebook(path: str) -> None:
    from IPython.core.interactiveshell import InteractiveShell

    main = types.ModuleType("__main__")
    sys.modules["__main__"] = main
    shell = InteractiveShell(user_module=main, user_ns=main.__dict__)
    shell.history_manager.enabled = False
    with open(path) as file:
        for cell in cells(file.read()):
            result = shell.run_cell(cell)
            if not result.success:
                sys.exit(1)


def as_module(path: str) -> None:
    """Definitions in a module, what is done with them in a function of it, called when the module is there."""
    with open(path) as file:
        first, *rest = cells(file.read())
    body = textwrap.indent("".join(rest), "    ")
    name = f"module_{os.path.basename(path)[:-3]}"
    with open(f"{name}.py", "w") as file:
        file.write(f"{first}\n\ndef main():\n{body}\n")
    sys.path.insert(0, os.getcwd())
    importlib.import_module(name).main()


def as_prompt(path: str) -> None:
    import ast
    import code

    main = types.ModuleType("__main__")
    main.__dict__["__builtins__"] = __builtins__
    sys.modules["__main__"] = main
    console = code.InteractiveConsole(main.__dict__)
    with open(path) as file:
        source = file.read()
    for node in ast.parse(source).body:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            # A prompt would show it.
            continue
        text = ast.unparse(node)
        if console.push(text + "\n") and console.push(""):
            sys.exit(f"not complete: {text}")


def main() -> None:
    how, path, implementation, method = sys.argv[1:]
    os.environ["POOL_OF_THE_TEST"] = implementation
    os.environ["METHOD_OF_THE_TEST"] = method
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    sys.argv[:] = [path]
    if how == "script":
        runpy.run_path(path, run_name="__main__")
    elif how == "module":
        as_module(path)
    elif how == "prompt":
        as_prompt(path)
    else:
        as_notebook(path)


if __name__ == "__main__":
    main()
