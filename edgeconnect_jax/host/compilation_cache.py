"""JAX's cache of compiled programs on disk: what one run compiled for seconds, the next reads.

Commands enable it; the library compiles as JAX is configured, unless `enable` is called. Only then is JAX imported:
commands describe and check their options first.

JAX itself warns of an entry that it cannot read or write, and compiles the program. It never overwrites an entry: one
that a killed run or a full disk truncated is compiled in every run, until the folder is deleted.
"""

import os
import pathlib
import sys

OFF = ("", "none")
HELP = (
    "folder in which compiled programs are kept for later runs, which can be deleted at any time; none = keep none "
    "(default: the environment variable JAX_COMPILATION_CACHE_DIR, else edgeconnect_jax in your cache folder)"
)

_FOLDER_VARIABLE, _TIME_VARIABLE = "JAX_COMPILATION_CACHE_DIR", "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"
_LOG_VARIABLE = "TF_CPP_MIN_LOG_LEVEL"  # JAX sets it to 1 itself; a user who sets 0 wants to see everything
# Programs that took this many seconds to compile are kept, instead of JAX's 1: a command compiles many small ones.
_SHORTEST = 0.1
# Before this version XLA compares the CPU's features with preferences of its compiler, and reports an error with every
# program that it reads (jax issue 38445).
_COMPARES_FEATURES_ONLY = (0, 10, 2)


def default_folder() -> pathlib.Path:
    """edgeconnect_jax in the user's cache folder: $XDG_CACHE_HOME, or ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(base) / "edgeconnect_jax"


def enable(folder: str | None = None) -> None:
    """Keeps programs that are compiled from now on in a folder, and reads them from there.

    A folder that cannot be used is reported on stderr and is no error. Whoever can write to the folder can run code in
    this process, so it belongs to the user alone.

    Args:
        folder: made if it does not exist; ~ is the user's home; one of `OFF` = no cache; None = the environment
            variable JAX_COMPILATION_CACHE_DIR, and if that is not set `default_folder`.
    """
    import jax
    from jax.experimental.compilation_cache import compilation_cache as jax_cache

    jax_cache.reset_cache()  # else what was compiled before decides whether there is a cache
    made = _made(folder)
    jax.config.update("jax_compilation_cache_dir", made)
    if _TIME_VARIABLE not in os.environ:
        jax.config.update("jax_persistent_cache_min_compile_time_secs", _SHORTEST)
    if made and jax.__version_info__ < _COMPARES_FEATURES_ONLY and os.environ.get(_LOG_VARIABLE) != "0":
        # Silences C++ and Python; Python's loggers are then restored.
        for level in ("CRITICAL", "NOTSET"):
            jax.config.update("jax_logging_level", level)


def _made(folder: str | None) -> str | None:
    """The folder, which exists from now on unless it is in a cloud; None = no cache."""
    if folder is None:
        folder = os.environ.get(_FOLDER_VARIABLE) or None
    if folder is not None and folder.lower() in OFF:
        return None
    if folder is not None and "://" in folder:
        return folder
    try:
        folder = str(default_folder()) if folder is None else folder
        # Absolute, because JAX reads and writes there after the working directory may have changed.
        path = pathlib.Path(folder).expanduser().absolute()
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (OSError, RuntimeError) as error:  # a folder that cannot be made, a user without a home
        print(f"compilation cache: {folder} cannot be used ({error}); programs are not kept", file=sys.stderr)
        return None
    return str(path)
