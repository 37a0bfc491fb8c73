"""The ``bakusoku`` command of the Python package: the same Rust code as the program, without NumPy or MNE."""

import signal
import sys


def main() -> int:
    """Run the command with the arguments of this process.

    Returns
    -------
    status : int
        Exit status: 0 success, 1 some subjects failed, 2 wrong usage, 3 a bug, 130 interrupted.
    """
    from ._core import command

    # Ctrl-C is the command's own: it stops when what is at hand is whole.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    return command([sys.executable, "-m", "bakusoku"], ["bakusoku", *sys.argv[1:]])
