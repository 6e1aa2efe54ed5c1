"""What the preparation of a set left out: a note beside the shards that lack something, until the set is finished.

Then its description (prepared.json) holds all of them. A shard that was taken up from an earlier run is told by its
note, whoever wrote it.
"""

import json
import pathlib
from collections.abc import Iterable

from edgeconnect_jax.host.files import write_whole

FOLDER = "left_out"  # in the folder of the set


def _note(shard: pathlib.Path) -> pathlib.Path:
    return shard.parents[1] / FOLDER / f"{shard.name}.json"


def write(shard: pathlib.Path, problems: list[str]) -> None:
    """Notes what is wrong with the examples that a shard lacks, before the shard appears; nothing where it lacks none.

    Args:
        shard: the file that will hold the others.
        problems: a sentence for each, with the name of the file.
    """
    path = _note(shard)
    if not problems:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(exist_ok=True)
    write_whole(path, json.dumps(problems))


def read(shard: pathlib.Path) -> list[str]:
    """What `write` noted of a shard that is there."""
    path = _note(shard)
    return json.loads(path.read_text(encoding="utf-8")) if shard.exists() and path.exists() else []


def forget(shards: Iterable[pathlib.Path]) -> None:
    """Removes the shards among these that lack something, to be made anew."""
    for shard in shards:
        if read(shard):
            shard.unlink()
            _note(shard).unlink()


def clear(folder: pathlib.Path) -> None:
    """Removes all notes of a set, which is finished."""
    for path in (folder / FOLDER).glob("*"):
        path.unlink()
    if (folder / FOLDER).exists():
        (folder / FOLDER).rmdir()
