"""Tells from its first bytes whether a file can hold weights, before a library reads it."""

import pathlib

_LFS_POINTER = b"version https://git-lfs"
_WEB_PAGE = (b"<!doctype", b"<html")


def check_file(path: pathlib.Path, formats: tuple[bytes, ...], what: str) -> None:
    """`check` for a file; ValueError, too, if there is none."""
    if path.is_dir():
        raise ValueError(f"{path}: a folder; a file of {what} is needed")
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    with path.open("rb") as file:
        check(file.read(len(_LFS_POINTER)), str(path), formats, what)


def check(content: bytes, name: str, formats: tuple[bytes, ...], what: str) -> None:
    """Compares the start of a file with what files of a format start with.

    Args:
        content: of the file, or its first bytes.
        name: what errors call the file.
        formats: what files of the format start with.
        what: what errors call the format.

    Raises:
        ValueError: it is empty, a pointer of Git LFS, a web page, or of another format.
    """
    if not content:
        raise ValueError(f"{name}: empty")
    if content.startswith(_LFS_POINTER):
        raise ValueError(f"{name}: a pointer of Git LFS, not the file; get the file with git lfs pull")
    if content[: len(_LFS_POINTER)].lstrip().lower().startswith(_WEB_PAGE):
        raise ValueError(f"{name}: a web page, not weights; open the link in a browser and download the file again")
    if not content.startswith(formats):
        raise ValueError(f"{name}: not a file of {what}")
