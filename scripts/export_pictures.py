"""Writes the pictures of a data source to a folder, with their maps where the source has some.

    python scripts/export_pictures.py --source scenes:test:128 --output scenes_test

Each picture becomes OUTPUT/NAME.png. If the source has maps, it becomes OUTPUT/pictures/NAME.png, each of its maps
OUTPUT/MAP/NAME.png (8-bit if all its values fit, else 16-bit), facts about the pictures OUTPUT/facts.json, and what the
values of the maps mean OUTPUT/legend.json.
"""

import argparse
import json
import pathlib
import re
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from edgeconnect_jax.data.sources import MappedSource, Source, open_source
from edgeconnect_jax.host.errors import run_command
from edgeconnect_jax.host.files import replaced, write_whole
from edgeconnect_jax.images.files import write_png

_THREADS = 4
_PICTURES = "pictures"  # a folder of its own beside those of the maps, as folders are read with their sub-folders


def export(source: Source, output: pathlib.Path) -> int:
    """Writes a source's pictures, all or none, and returns their number.

    Args:
        source: the pictures.
        output: a folder that does not exist, or is empty.

    Raises:
        ValueError: two pictures have the same name, or one cannot be read.
        OSError: `output` is not empty, or cannot be written.
    """
    if output.is_dir() and any(output.iterdir()):
        raise ValueError(f"{output}: not empty; name another folder")
    names = _names(source)
    output.parent.mkdir(parents=True, exist_ok=True)
    with replaced(output) as part, ThreadPoolExecutor(_THREADS) as pool:
        part.mkdir()
        list(pool.map(lambda index: _write(source, index, part, names[index]), range(len(source))))
        if isinstance(source, MappedSource):
            write_whole(part / "legend.json", json.dumps(source.legend(), indent=1))
            facts = {name: source.facts(index) for index, name in enumerate(names)}
            write_whole(part / "facts.json", json.dumps(facts, indent=1))
    return len(source)


def _names(source: Source) -> list[str]:
    names = [re.sub(r"[^\w.-]+", "_", pathlib.PurePath(source.name(index)).stem) for index in range(len(source))]
    repeated = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if repeated:
        raise ValueError(f"several pictures have the same name, rename all but one: {', '.join(repeated)}")
    return names


def _write(source: Source, index: int, folder: pathlib.Path, name: str) -> None:
    if not isinstance(source, MappedSource):
        write_png(folder / f"{name}.png", source[index])
        return
    maps = {kind: _narrow(values) for kind, values in source.maps(index).items()}
    for kind, values in {_PICTURES: source[index], **maps}.items():
        (folder / kind).mkdir(exist_ok=True)
        write_png(folder / kind / f"{name}.png", values)


def _narrow(values: np.ndarray) -> np.ndarray:
    return values.astype(np.uint8 if values.max() < 256 else np.uint16)


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns its exit status."""
    parser = argparse.ArgumentParser(description="Write the pictures of a data source to a folder.")
    parser.add_argument("--source", required=True, help="folder, file list, tfds:NAME, skimage:train or scenes:test")
    parser.add_argument("--output", required=True, type=pathlib.Path, help="folder to write")
    parser.add_argument("--tfds_dir", default="", help="data directory of TFDS; empty = TFDS's default")
    options = parser.parse_args(arguments)

    def work() -> None:
        count = export(open_source(options.source, options.tfds_dir), options.output)
        print(f"{count} pictures written to {options.output}")

    return run_command("export_pictures", work)


if __name__ == "__main__":
    sys.exit(main())
