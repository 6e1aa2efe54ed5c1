"""What prevents a config file from being loaded, in one message; main.py asks before it reads any option."""

import inspect
import pathlib
import runpy

_DATA_SETS = ("celeba", "places2", "psv")
_STAGES = ("edge", "edge_inpaint", "inpaint", "joint")

# Name of a file that was in configs/ -> where its configuration is now, from there.
MOVED = {
    **{name: f"edgeconnect/{name}.py" for name in (*_DATA_SETS, "bsds500", "places2_paper", "original_yaml")},
    **{f"{data}_{stage}": f"edgeconnect/{data}.py:{stage}" for data in _DATA_SETS for stage in _STAGES},
}


def problem(spec: str) -> str:
    """What is wrong with the value of --config, "" if nothing. The file is executed, as it is when it is loaded.

    Errors in what a config computes are left to the traceback that loading it gives.

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
            return f"{spec}: {path} takes nothing after a colon"
        get_config(*([argument] if colon else []))
    except SyntaxError as error:
        return f"{error.filename}, line {error.lineno}: {error.msg}"
    except (ImportError, ValueError, OSError) as error:
        return f"{spec}: {error}"
    return ""


def _absent(path: str, argument: str) -> str:
    """What to say of a file that does not exist."""
    old = pathlib.Path(path)
    if old.parent.name != "configs" or old.stem not in MOVED or old.suffix != ".py":
        return f"{path}: no such config file"
    new = MOVED[old.stem]
    return f"{path} is now {old.parent / new}" + (f":{argument}" if argument and ":" not in new else "")
