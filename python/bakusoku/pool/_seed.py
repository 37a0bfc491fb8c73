"""Random numbers of items: the same ones whichever worker runs an item, in whatever order, in whatever company."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .._exceptions import ParameterError

if TYPE_CHECKING:
    from numpy.random import Generator, SeedSequence

#: What is spawned from an item's sequence for the script's own generators; tasks do not spawn so many themselves.
_OF_THE_SCRIPT = 0xFFFF_FFFF

#: The generator of the item that runs in this process, where the call has a seed.
_generator: Generator | None = None


def as_sequence(seed: Any) -> SeedSequence | None:
    """What the option `seed` says."""
    if seed is None:
        return None
    from numpy.random import SeedSequence

    if isinstance(seed, SeedSequence):
        return seed
    try:
        number = operator.index(seed)
    except TypeError:
        number = None
    if number is None or isinstance(seed, bool):
        raise TypeError(f"`seed` must be a number, a `numpy.random.SeedSequence` or None, got {seed!r}")
    if number < 0:
        raise ParameterError(f"`seed` must be a number from 0 upwards, got {number}")
    return SeedSequence(number)


def child(sequence: SeedSequence, number: int) -> SeedSequence:
    """What ``sequence.spawn(n)[number]`` would be, had nobody spawned from it yet."""
    key = (*sequence.spawn_key, number)
    return type(sequence)(sequence.entropy, spawn_key=key, pool_size=sequence.pool_size)


class Seeded:
    """A function before whose calls random generators begin anew, item by item.

    `all_of_them`: those of the process too, behind `numpy.random.rand` and `random.random`.
    """

    def __init__(self, function: Callable, sequence: SeedSequence, all_of_them: bool = True) -> None:
        self.function, self.sequence, self.all_of_them = function, sequence, all_of_them
        # By which module it is told whether the function travels by name or by value.
        self.__module__ = getattr(function, "__module__", None)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function; afterwards the process goes on drawing what it would have drawn without it."""
        import random

        from ._generators import begin_anew, generators_of
        from ._worker import running_item

        global _generator
        sequence = child(self.sequence, running_item())
        for number, generator in enumerate(generators_of(self.function)):
            begin_anew(generator, child(child(sequence, _OF_THE_SCRIPT), number))
        if not self.all_of_them:
            return self.function(*args, **kwargs)
        import numpy

        words = sequence.generate_state(8)
        before = numpy.random.get_state(), random.getstate(), _generator  # noqa: NPY002  functions draw from it
        numpy.random.seed(words)  # noqa: NPY002  as above
        random.seed(words.tobytes())
        _generator = numpy.random.default_rng(sequence)
        try:
            return self.function(*args, **kwargs)
        finally:
            legacy, standard, _generator = before
            numpy.random.set_state(legacy)  # noqa: NPY002  as above
            random.setstate(standard)


def default_rng() -> Generator:
    """Return the random generator of the item that runs.

    In a call with ``seed=``, item number `i` gets the generator ``numpy.random.default_rng(s)`` of the sequence
    ``s = numpy.random.SeedSequence(seed).spawn(n)[i]``, so that it draws the same numbers whichever worker runs it.
    Within an item it is always the same generator, which goes on where it was. Anywhere else, and without a seed, it
    is a new generator that nobody can foresee.

    Returns
    -------
    rng : numpy.random.Generator
        The generator.

    Notes
    -----
    Functions that draw from NumPy's global state or from `random` need nothing: for each item of a call with a seed
    these are set too, by ``numpy.random.seed(s.generate_state(8))`` and ``random.seed(s.generate_state(8).tobytes())``.
    So is a generator of the script (`numpy.random.Generator`, `RandomState`, `random.Random`) that the function
    reaches as a global, a variable that it encloses, or an attribute. It begins anew for each item also without a
    seed, from where it is in the script: each worker has a copy of it, which would draw what the others draw.

    Examples
    --------
    >>> import bakusoku
    >>> def permutation(n):
    ...     return bakusoku.default_rng().permutation(n).tolist()
    >>> with bakusoku.Pool(2) as pool:
    ...     once = pool.map(permutation, [10, 20, 30], seed=7)
    >>> with bakusoku.Pool(1) as pool:
    ...     once == pool.map(permutation, [10, 20, 30], seed=7)
    True
    """
    if _generator is not None:
        return _generator
    import numpy

    return numpy.random.default_rng()
