"""What a script of this suite imports in the place of a pool's own module."""

from __future__ import annotations

import functools
import multiprocessing
import os

METHOD = os.environ["METHOD_OF_THE_TEST"]
mp = multiprocessing.get_context(None if METHOD == "default" else METHOD)

if os.environ["POOL_OF_THE_TEST"] == "bakusoku":
    import bakusoku

    Pool = functools.partial(bakusoku.Pool, context=None if METHOD == "default" else METHOD)
else:
    Pool = multiprocessing.get_context("fork").Pool
