"""JAX's cache of compiled programs on disk: what one run compiled for seconds, the next reads.

The commands enable it; the library compiles as JAX is configured, unless `enable` is called. Only then is JAX imported:
commands describe and check their options first.
"""

import contextlib
import glob
import os
import pathlib
import re
import sys
import warnings
from typing import Any, ClassVar

OFF = ("", "none")
HELP = (
    "folder in which compiled programs are kept for later runs; none = do without (default: the environment variable "
    "JAX_COMPILATION_CACHE_DIR, else edgeconnect_jax in your cache folder)"
)

_FOLDER_VARIABLE, _TIME_VARIABLE = "JAX_COMPILATION_CACHE_DIR", "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"
_LOG_VARIABLE = "TF_CPP_MIN_LOG_LEVEL"  # JAX sets it to 1 itself; who sets 0 wants to see everything
# Seconds of compiling from which on a program is kept, instead of JAX's 1: a command compiles many small ones.
_SHORTEST = 0.1
# Before this version XLA compares the features of the CPU with what are preferences of its compiler, and with every
# program that it reads calls it an error that they are not there (jax issue 38445).
_COMPARES_FEATURES_ONLY = (0, 10, 2)
_TROUBLE = re.compile(r"Error (reading|writing) persistent compilation cache entry for '(.+?)': (.*)", re.DOTALL)


def default_folder() -> pathlib.Path:
    """edgeconnect_jax in the user's cache folder: $XDG_CACHE_HOME, or ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(base) / "edgeconnect_jax"


def enable(folder: str | None = None) -> None:
    """Keeps programs that are compiled from now on in a folder, and reads them from there.

    A folder that cannot be used is told on stderr, once, and is no error. Whoever can write into the folder can run
    code in this process, so it belongs to the user alone.

    Args:
        folder: made if it is not there, ~ is the user's home; one of `OFF` = no cache; None = the environment variable
            JAX_COMPILATION_CACHE_DIR, and if that is not set `default_folder`.
    """
    import jax

    folder = os.environ.get(_FOLDER_VARIABLE) or None if folder is None else folder
    if folder is not None and folder.lower() in OFF:
        _set(None)
        return
    try:
        folder = str(default_folder()) if folder is None else folder
        if "://" not in folder:  # JAX can use a folder in a cloud, too
            # Absolute, for JAX reads and writes there after the working directory may have changed.
            folder = str(pathlib.Path(folder).expanduser().absolute())
            pathlib.Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    except (OSError, RuntimeError) as error:  # a folder that cannot be made, a user without a home
        _say(f"{folder} cannot be used ({error}); programs are not kept")
        _set(None)
        return
    _set(folder)
    if warnings.showwarning is not _show:
        _State.show_others, warnings.showwarning = warnings.showwarning, _show
    if jax.__version_info__ < _COMPARES_FEATURES_ONLY and os.environ.get(_LOG_VARIABLE) != "0":
        # Silences C++ and Python; Python's loggers are then given back.
        for level in ("CRITICAL", "NOTSET"):
            jax.config.update("jax_logging_level", level)


class _State:
    """What is in use: the folder, who shows warnings that are not the cache's, and the kinds of trouble told."""

    folder: str | None = None
    show_others: Any = None
    told: ClassVar[set[str]] = set()


def _set(folder: str | None) -> None:
    import jax
    from jax.experimental.compilation_cache import compilation_cache as jax_cache

    _State.folder, _State.told = folder, set()
    jax_cache.reset_cache()  # else what was compiled before decides whether there is a cache
    jax.config.update("jax_compilation_cache_dir", folder)
    if _TIME_VARIABLE not in os.environ:
        jax.config.update("jax_persistent_cache_min_compile_time_secs", _SHORTEST)


def _say(text: str) -> None:
    print(f"compilation cache: {text}", file=sys.stderr)


def _show(message: Warning | str, *details: Any, **more: Any) -> None:
    """Shows a warning: those of JAX about the cache as one line each for reading and writing, others as they are.

    Removes an entry that cannot be read. JAX never overwrites one: what a full disk or a killed run cut off would
    stay for ever.
    """
    found = _TROUBLE.match(str(message))
    if found is None or _State.folder is None:
        _State.show_others(message, *details, **more)
        return
    doing, program, reason = found.groups()
    if doing not in _State.told:
        _State.told.add(doing)
        _say(f"trouble {doing} in {_State.folder} ({reason.splitlines()[0]}); programs are compiled anew")
    if doing == "reading":
        for path in pathlib.Path(_State.folder).glob(f"{glob.escape(program)}-*"):
            with contextlib.suppress(OSError):
                path.unlink()
