"""Notes about the files skipped in each shard, kept until the preparation of a set is finished.

The set's description (prepared.json) then lists all of them. A run that resumes the preparation reads the notes of the
earlier one.
"""

import json
import pathlib
from collections.abc import Iterable

from edgeconnect_jax.host.files import write_whole

FOLDER = "left_out"  # in the folder of the set


def _note(shard: pathlib.Path) -> pathlib.Path:
    return shard.parents[1] / FOLDER / f"{shard.name}.json"


def write(shard: pathlib.Path, problems: list[str]) -> None:
    """Notes the problems of the examples that a shard lacks, before the shard appears; no note without problems.

    Args:
        shard: the file that will hold the other examples.
        problems: one sentence for each example, with the name of the file.
    """
    path = _note(shard)
    if not problems:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(exist_ok=True)
    write_whole(path, json.dumps(problems))


def read(shard: pathlib.Path) -> list[str]:
    """The problems that `write` noted for an existing shard."""
    path = _note(shard)
    return json.loads(path.read_text(encoding="utf-8")) if shard.exists() and path.exists() else []


def forget(shards: Iterable[pathlib.Path]) -> None:
    """Removes the shards that lack examples, so that they are written again."""
    for shard in shards:
        if read(shard):
            shard.unlink()
            _note(shard).unlink()


def clear(folder: pathlib.Path) -> None:
    """Removes all notes of a finished set."""
    for path in (folder / FOLDER).glob("*"):
        path.unlink()
    if (folder / FOLDER).exists():
        (folder / FOLDER).rmdir()
