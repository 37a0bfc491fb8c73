"""Settings that a script makes in libraries: what a fork would have, told to a worker that is none."""

from __future__ import annotations

import os
import pickle
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

#: Of matplotlib, what belongs to the owner's windows.
_NOT_CARRIED = {"backend", "backend_fallback", "interactive", "toolbar", "webagg.port", "date.epoch"}


def _matplotlib(matplotlib: Any) -> Any:
    defaults = matplotlib.rcParamsDefault
    now = dict.items(matplotlib.rcParams)
    return {key: value for key, value in now if key not in _NOT_CARRIED and value != dict.get(defaults, key)}


def _set_matplotlib(matplotlib: Any, changed: dict) -> None:
    matplotlib.rcParams.update(changed)


def _pandas(pandas: Any) -> Any:
    registered = pandas._config.config._registered_options
    values = {key: pandas.get_option(key) for key in registered}
    return {key: value for key, value in values.items() if value != registered[key].defval}


def _set_pandas(pandas: Any, changed: dict) -> None:
    for key, value in changed.items():
        pandas.set_option(key, value)


def _sklearn(sklearn: Any) -> Any:
    return sklearn.get_config()


def _set_sklearn(sklearn: Any, config: dict) -> None:
    sklearn.set_config(**config)


def _decimal(decimal: Any) -> Any:
    return decimal.getcontext()


def _set_decimal(decimal: Any, context: Any) -> None:
    decimal.setcontext(context)


def _locale(locale: Any) -> Any:
    return locale.setlocale(locale.LC_ALL)


def _set_locale(locale: Any, name: str) -> None:
    locale.setlocale(locale.LC_ALL, name)


def _socket(socket: Any) -> Any:
    return socket.getdefaulttimeout()


def _set_socket(socket: Any, seconds: Any) -> None:
    socket.setdefaulttimeout(seconds)


def _csv(csv: Any) -> Any:
    return csv.field_size_limit()


def _set_csv(csv: Any, limit: int) -> None:
    csv.field_size_limit(limit)


def _gc(gc: Any) -> Any:
    return gc.isenabled(), gc.get_threshold()


def _set_gc(gc: Any, state: tuple) -> None:
    enabled, threshold = state
    (gc.enable if enabled else gc.disable)()
    gc.set_threshold(*threshold)


def _threading(threading: Any) -> Any:
    # It can only be read by setting it.
    size = threading.stack_size()
    if size:
        threading.stack_size(size)
    return size


def _set_threading(threading: Any, size: int) -> None:
    threading.stack_size(size)


#: By module: how its settings are found, and made again.
_LIBRARIES: dict[str, tuple[Callable, Callable]] = {
    "matplotlib": (_matplotlib, _set_matplotlib),
    "pandas": (_pandas, _set_pandas),
    "sklearn": (_sklearn, _set_sklearn),
    "decimal": (_decimal, _set_decimal),
    "locale": (_locale, _set_locale),
    "socket": (_socket, _set_socket),
    "csv": (_csv, _set_csv),
    "gc": (_gc, _set_gc),
    "threading": (_threading, _set_threading),
}
_warned: set[str] = set()


def capture() -> dict[str, bytes]:
    """In the owner: the settings of the libraries that are loaded here."""
    found = {}
    for name, (get, _) in _LIBRARIES.items():
        module = sys.modules.get(name)
        if module is None:
            continue
        try:
            found[name] = pickle.dumps(get(module), 5)
        except Exception as error:  # another version of the library, or a setting that is an object of the script
            if name not in _warned:
                _warned.add(name)
                warnings.warn(
                    f"the settings of `{name}` cannot be carried over to workers ({type(error).__name__}: {error});"
                    " make them in the pool's `initializer`, or use `context='fork'`",
                    UserWarning,
                    stacklevel=2,
                )
    found[""] = pickle.dumps(_of_process(), 5)
    return found


def restore(settings: dict[str, bytes]) -> None:
    """In a worker that is no fork of its owner."""
    import importlib

    _restore_process(pickle.loads(settings.pop("")))
    for name, body in settings.items():
        try:
            _LIBRARIES[name][1](importlib.import_module(name), pickle.loads(body))
        except Exception as error:  # as above
            warnings.warn(
                f"the settings of `{name}` could not be made in a worker ({type(error).__name__}: {error})",
                UserWarning,
                stacklevel=2,
            )


def _of_process() -> dict[str, Any]:
    return {
        "umask": _umask(),
        "digits": getattr(sys, "get_int_max_str_digits", lambda: None)(),
        "interval": sys.getswitchinterval(),
    }


def _restore_process(state: dict[str, Any]) -> None:
    if state["umask"] is not None:
        os.umask(state["umask"])
    if state["digits"] is not None:
        sys.set_int_max_str_digits(state["digits"])
    sys.setswitchinterval(state["interval"])
    if "TZ" in os.environ:
        # It may have been set after this process began.
        time.tzset()


def _umask() -> int | None:
    """Read without setting it, which other threads would see."""
    try:
        with open("/proc/self/status") as file:
            return next((int(line.split()[1], 8) for line in file if line.startswith("Umask:")), None)
    except OSError:  # no Linux
        return None
