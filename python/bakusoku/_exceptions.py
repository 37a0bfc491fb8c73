"""The errors of bakusoku; each is also the built-in error that MNE-Python raises in its place."""


class BakusokuError(Exception):
    """Base of everything that bakusoku raises by itself."""


class ParameterError(BakusokuError, ValueError):
    """A parameter, or the shape of an array, that cannot be; the text says what was expected."""


class DataError(BakusokuError, ValueError, RuntimeError):
    """Samples or events that a method cannot work on, such as NaN where a number has to be."""


class UnsupportedError(BakusokuError, NotImplementedError):
    """Something that is sound, but that nobody has described yet."""
