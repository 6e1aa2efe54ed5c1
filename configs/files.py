"""Finds out why a config file cannot be loaded; main.py checks this before reading any option."""

import inspect
import pathlib
import re
import runpy

_DATA_SETS = ("celeba", "places2", "psv")
_STAGES = ("edge", "edge_inpaint", "inpaint", "joint")

# Former name of a file in configs/ -> the new place of its configuration, relative to configs/.
MOVED = {
    **{name: f"edgeconnect/{name}.py" for name in (*_DATA_SETS, "bsds500", "places2_paper", "original_yaml")},
    **{f"{data}_{stage}": f"edgeconnect/{data}.py:{stage}" for data in _DATA_SETS for stage in _STAGES},
}


def problem(spec: str) -> str:
    """The problem with the value of --config, "" if there is none. Executes the file, like loading it does.

    Other errors in the code of a config are not caught here; loading it shows their traceback.

    Args:
        spec: PATH or PATH:ARGUMENT.
    """
    path, colon, argument = spec.partition(":")
    if not pathlib.Path(path).is_file():
        return _absent(path, argument)
    try:
        get_config = runpy.run_path(path).get("get_config")
        if get_config is None:
            return f"{path}: defines no get_config()"
        if colon and not inspect.signature(get_config).parameters:
            return f"{spec}: {path} takes no argument after a colon"
        get_config(*([argument] if colon else []))
    except SyntaxError as error:
        return f"{error.filename}, line {error.lineno}: {error.msg}"
    except ImportError as error:
        return f"{spec}: {error}{_moved_module(error)}"
    except (ValueError, OSError) as error:
        return f"{spec}: {error}"
    return ""


def _moved_module(error: ImportError) -> str:
    """Where a module of configs is now that a config imports by its former name; "" for any other error."""
    found = re.search(r"cannot import name '(\w+)' from 'configs'|No module named 'configs\.(\w+)'", str(error))
    name = found and (found[1] or found[2])
    return f"; configs/{name}.py is now configs/{MOVED[name]}" if name in MOVED else ""


def _absent(path: str, argument: str) -> str:
    """The message about a file that does not exist."""
    old = pathlib.Path(path)
    if old.parent.name != "configs" or old.stem not in MOVED or old.suffix != ".py":
        return f"{path}: no such config file"
    new = MOVED[old.stem]
    return f"{path} is now {old.parent / new}" + (f":{argument}" if argument and ":" not in new else "")
