"""The folder of a report: checked before any work, written after it."""

import contextlib
import os
import pathlib
import sys
import tempfile
from collections.abc import Iterator, Sequence

import numpy as np

from edgeconnect_jax.evaluation import plot
from edgeconnect_jax.evaluation.report import PER_IMAGE, PLOT, REPORT, SHEET, Report, write
from edgeconnect_jax.evaluation.run import Results
from edgeconnect_jax.host.files import write_whole
from edgeconnect_jax.images.files import write_png
from edgeconnect_jax.inference.folder import check_output


def check(folder: pathlib.Path, save: pathlib.Path | None, read: Sequence[pathlib.Path], overwrite: bool) -> None:
    """Refuses folders in which results would replace other files or mix with them.

    Args:
        folder: of the report.
        save: of what is filled, or None.
        read: files and folders that are measured.
        overwrite: replace what is there.

    Raises:
        ValueError: a folder is one that is read, or holds results already; or the two are one, or `save` is inside.
    """
    check_output([folder, *([save] if save else [])], read)
    lines = []
    if (folder / REPORT).exists() and not overwrite:
        lines.append(f"{folder / REPORT}: exists; choose another folder with --report, or use --overwrite")
    if save is not None:
        whole, inner = folder.resolve(), save.resolve()
        if inner == whole or whole in inner.parents:
            lines.append(f"--save {save}: is the folder of the report, {folder}, or inside it; choose another one")
        elif save.is_dir() and any(save.iterdir()) and not overwrite:
            lines.append(f"--save {save}: is not empty; choose another folder, or use --overwrite")
    if lines:
        raise ValueError("\n".join(lines))


@contextlib.contextmanager
def made(folders: Sequence[pathlib.Path]) -> Iterator[None]:
    """Creates folders and tries to write into them, before the work whose results they will hold.

    After an error, those that are still empty are removed again.

    Raises:
        OSError: one cannot be created or written to.
    """
    new = [path for folder in folders for path in (folder, *folder.absolute().parents) if not path.exists()]
    try:
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        yield
    except BaseException:
        for path in sorted(new, key=lambda path: len(path.absolute().parts), reverse=True):
            with contextlib.suppress(OSError):
                os.rmdir(path)
        raise


def write_all(folder: pathlib.Path, report: Report, results: Results, drawn: np.ndarray | None) -> list[str]:
    """Writes the files of a report, each whole, and report.json last: if it exists, the others are of the same run.

    Args:
        folder: that exists; files of an older report in it are removed.
        report: see `report.build`.
        results: that it describes.
        drawn: the contact sheet, or None.

    Returns:
        The names of the files.

    Raises:
        OSError: a file cannot be written.
    """
    for name in (REPORT, PER_IMAGE, PLOT, SHEET):
        (folder / name).unlink(missing_ok=True)
    written = [REPORT, PER_IMAGE]
    if drawn is not None:
        write_png(folder / SHEET, drawn)
        written.append(SHEET)
    if results.bins:
        try:
            write_whole(folder / PLOT, plot.draw(results, report["name"]))
            written.append(PLOT)
        except ModuleNotFoundError as error:
            print(f"eval: {PLOT} is not drawn: {error}", file=sys.stderr)
    write(report, results, folder)
    return written
