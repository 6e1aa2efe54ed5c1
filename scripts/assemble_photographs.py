"""Assembles the pictures that the package's own weights are trained on: free photographs at many scales, and scenes.

    python scripts/assemble_photographs.py --photographs photos_free --output runs/own/pictures

PHOTOGRAPHS is a folder with LICENCES.tsv, a table with the columns file, licence, author, source package and address.
Only photographs in the public domain, under CC0 or under CC BY are taken. Some of them are held out and become
OUTPUT/held_out; the others become OUTPUT/train in several sizes, together with drawn scenes. OUTPUT/train.flist lists
them, larger ones several times, because they have more different crops. OUTPUT/attribution.tsv names the authors.
"""

import argparse
import csv
import itertools
import pathlib
import re
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np

from edgeconnect_jax.data.sources import open_source
from edgeconnect_jax.host.errors import run_command
from edgeconnect_jax.host.files import replaced, write_whole
from edgeconnect_jax.host.options import whole
from edgeconnect_jax.images.files import read_rgb8, write_png

_TABLE = "LICENCES.tsv"
_FREE = re.compile(r"(CC0.*|public[ -]domain|CC[ -]BY[ -][\d.]+)", re.IGNORECASE)
_HELD_OUT, _HELD_OUT_EVERY = 12, 5  # so many photographs, spread over the table
_SHORT_SIDES = (96, 128, 170, 226, 302)
_HELD_OUT_SIDE = 512
_SCENE_SIDES = (64, 96, 128, 192)
_SCENES_SHARE = 0.25  # of the lines of the list

Row = Mapping[str, str]


def free_photographs(folder: pathlib.Path) -> Sequence[Row]:
    """The rows of the table whose licence allows any use, at most for attribution, in the order of their files.

    Raises:
        ValueError: the table lacks a column, or lists no such photograph.
        OSError: there is no table.
    """
    with (folder / _TABLE).open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    lacking = {"file", "licence"} - set(rows[0] if rows else ())
    if lacking:
        raise ValueError(f"{folder / _TABLE}: lacks the columns {', '.join(sorted(lacking))}")
    free = sorted((row for row in rows if _FREE.fullmatch(row["licence"])), key=lambda row: row["file"])
    if not free:
        raise ValueError(f"{folder / _TABLE}: no photograph is CC0, in the public domain or CC BY")
    return free


def assemble(folder: pathlib.Path, output: pathlib.Path, scenes: int) -> str:
    """Writes the set, whole or not at all, and describes it.

    Raises:
        ValueError: the set exists, or a photograph cannot be read.
        OSError: a file cannot be read or written.
    """
    if output.exists():
        raise ValueError(f"{output}: exists; delete it, or name another folder")
    rows = free_photographs(folder)
    held_out = rows[_HELD_OUT_EVERY // 2 :: _HELD_OUT_EVERY][:_HELD_OUT]
    training = [row for row in rows if row not in held_out]
    output.parent.mkdir(parents=True, exist_ok=True)
    with replaced(output) as part, ThreadPoolExecutor(4) as pool:
        (part / "train").mkdir(parents=True)
        (part / "held_out").mkdir()
        list(pool.map(lambda row: _write(folder, row, part / "held_out", (_HELD_OUT_SIDE,)), held_out))
        written = list(pool.map(lambda row: _write(folder, row, part / "train", _SHORT_SIDES), training))
        photographs = list(itertools.chain.from_iterable(written))
        drawn = _scenes(part / "train", scenes)
        write_whole(part / "train.flist", "\n".join(_balanced(photographs, drawn)) + "\n")
        _write_attribution(part / "attribution.tsv", training)
    return f"{len(training)} photographs to train on, {len(held_out)} held out, {scenes} scenes"


def _write(folder: pathlib.Path, row: Row, output: pathlib.Path, short_sides: Sequence[int]) -> list[str]:
    """Writes a photograph in several sizes; returns the lines of the list."""
    large = folder / "large" / row["file"]
    picture = read_rgb8(large if large.is_file() else folder / row["file"])
    lines = []
    for side in short_sides:
        scale = side / min(picture.shape[:2])
        if scale > 1 and len(short_sides) > 1:
            break
        name = f"{pathlib.Path(row['file']).stem}_{side}.png"
        write_png(output / name, _scaled(picture, min(scale, 1)))
        lines += [f"train/{name}"] * round(side / short_sides[0])
    return lines


def _scaled(picture: np.ndarray, scale: float) -> np.ndarray:
    height, width = (max(1, round(length * scale)) for length in picture.shape[:2])
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)


def _scenes(output: pathlib.Path, count: int) -> list[str]:
    names = []
    for number, side in enumerate(_SCENE_SIDES):
        source = open_source(f"scenes:train:{side}:{count}") if count else ()
        for index in range(number, count, len(_SCENE_SIDES)):
            names.append(f"train/scene_{index:06d}_{side}.png")
            write_png(output.parent / names[-1], source[index])
    return names


def _balanced(photographs: list[str], scenes: list[str]) -> list[str]:
    """Photographs, repeated until scenes are only their share of the list."""
    if not scenes:
        return photographs
    wanted = round(len(scenes) * (1 - _SCENES_SHARE) / _SCENES_SHARE)
    return [*itertools.islice(itertools.cycle(photographs), wanted), *scenes]


def _write_attribution(path: pathlib.Path, rows: Sequence[Row]) -> None:
    with replaced(path) as part, part.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), delimiter="\t", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit status."""
    parser = argparse.ArgumentParser(description="Assemble free photographs and drawn scenes for training.")
    parser.add_argument("--photographs", required=True, type=pathlib.Path, help=f"folder with {_TABLE}")
    parser.add_argument("--output", required=True, type=pathlib.Path, help="folder to write")
    parser.add_argument("--scenes", type=whole(), default=2000, help="drawn scenes to add (default: %(default)s)")
    options = parser.parse_args(arguments)
    return run_command(
        "assemble_photographs", lambda: print(assemble(options.photographs, options.output, options.scenes))
    )


if __name__ == "__main__":
    sys.exit(main())
