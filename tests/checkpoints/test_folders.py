"""Damage to the newest checkpoint is found and named, and the run goes back to the one before."""

import json
import shutil

import jax.numpy as jnp
import numpy as np
import pytest

from edgeconnect_jax.checkpoints import checksums, folders
from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.checkpoints.folders import set_aside_corrupted
from edgeconnect_jax.checkpoints.store import CheckpointStore

TREES = {
    "variables": {"generator": {"params": {"kernel": jnp.arange(3000.0), "bias": jnp.arange(4.0)}}},
    "training": {"step": jnp.zeros((), jnp.int32), "optimizers": {"generator": {"mu": jnp.ones(500)}}},
}
META = {"networks": {"generator": {}}}
POSITION = {"next_index": 3}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A workdir with the checkpoints 1 and 2."""
    workdir = tmp_path_factory.mktemp("written")
    store = CheckpointStore(workdir, 3)
    for step in (1, 2):
        store.save(step, TREES, POSITION, META)
    store.close()
    return workdir


@pytest.fixture
def workdir(written, tmp_path):
    return shutil.copytree(written, tmp_path / "run")


def newest_file(workdir, pattern):
    return max((p for p in (workdir / "checkpoints/2").glob(pattern) if p.is_file()), key=lambda p: p.stat().st_size)


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def remove(path):
    path.unlink()


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


FILES = {
    "an array": "variables/**/d/*",
    "an array of the optimiser": "training/**/d/*",
    "the manifest of the arrays": "variables/manifest.ocdbt",
    "the metadata of the arrays": "variables/_METADATA",
    "the position": "data/*",
    "the meta": "meta/metadata",
    "the checksums": checksums.FILE,
}


@pytest.mark.parametrize("damage", [truncate, remove, flip_a_bit])
@pytest.mark.parametrize("pattern", FILES.values(), ids=FILES)
def test_the_checkpoint_before_is_the_newest_then(workdir, pattern, damage, capsys):
    path = newest_file(workdir, pattern)
    damage(path)
    if "variables" in pattern or "meta" in pattern or pattern == checksums.FILE:  # what inference reads
        with pytest.raises(ValueError, match=rf"checkpoints/2/.*{path.name}: a corrupted checkpoint"):
            checkpoints.load_weights(workdir)
    set_aside_corrupted(workdir)
    told = capsys.readouterr().out
    named = checksums.FILE if pattern == checksums.FILE else str(path.relative_to(workdir))
    assert named in told and "was renamed to 2.corrupted" in told
    # Nothing of it is lost, and it is never the newest again.
    assert folders.find(workdir).name == "1"
    assert (workdir / "checkpoints/2.corrupted/variables").is_dir()
    store = CheckpointStore(workdir, 3)
    assert store.latest_step() == 1
    store.save(2, TREES, POSITION, META)
    store.close()
    assert folders.problems(folders.find(workdir)) == []
    assert folders.find(workdir).name == "2"
    flip_a_bit(newest_file(workdir, FILES["an array"]))
    set_aside_corrupted(workdir)
    assert sorted(p.name for p in (workdir / "checkpoints").iterdir()) == ["1", "2.corrupted", "2.corrupted-2"]


def test_every_bit_of_every_file_counts_but_of_two_notes(workdir, rng):
    checkpoint = workdir / "checkpoints/2"
    files = [path for path in checkpoint.rglob("*") if path.is_file() and path.stat().st_size]
    kept = {"_CHECKPOINT_METADATA", "commit_success.txt"}
    checked = [path for path in files if path.name not in kept or path.parent != checkpoint]
    assert len(files) - len(checked) <= 2 and len(checked) > 8
    for path in checked:
        content = path.read_bytes()
        changed = bytearray(content)
        changed[rng.integers(len(content))] ^= 1 << int(rng.integers(8))
        path.write_bytes(changed)
        assert folders.problems(checkpoint), path
        path.write_bytes(content)
    assert not folders.problems(checkpoint)


def test_where_all_are_corrupted_nothing_is_begun_anew(workdir):
    for step in (1, 2):
        truncate(workdir / f"checkpoints/{step}/meta/metadata")
    with pytest.raises(ValueError, match=r"no checkpoint .* is intact(.|\n)*2/meta/metadata(.|\n)*1/meta/metadata"):
        set_aside_corrupted(workdir)
    assert sorted(p.name for p in (workdir / "checkpoints").iterdir()) == ["1", "2"]


def test_an_item_that_is_gone_is_damage(workdir):
    shutil.rmtree(workdir / "checkpoints/2/variables")
    with pytest.raises(ValueError, match=r"checkpoints/2/variables.*corrupted"):
        checkpoints.load_weights(workdir)
    set_aside_corrupted(workdir)
    assert folders.find(workdir).name == "1"


def forget_checksums(checkpoint):
    """Makes a checkpoint one of the first version."""
    (checkpoint / checksums.FILE).unlink()
    path = checkpoint / "meta/metadata"
    meta = json.loads(path.read_text())
    assert meta.pop("checksums") == "sha256"
    path.write_text(json.dumps(meta))


def test_checkpoints_of_the_first_version_are_read_and_gone_on_from(workdir):
    for step in (1, 2):
        forget_checksums(workdir / f"checkpoints/{step}")
    set_aside_corrupted(workdir)
    kernel = checkpoints.load_weights(workdir).networks["generator"]["params"]["kernel"]
    np.testing.assert_array_equal(kernel, np.arange(3000.0))
    store = CheckpointStore(workdir, 3)
    assert store.latest_step() == 2
    store.save(3, TREES, POSITION, META)
    store.close()
    truncate(workdir / "checkpoints/3/meta/metadata")
    set_aside_corrupted(workdir)
    assert folders.find(workdir).name == "2"


def test_a_converted_checkpoint_has_checksums(tmp_path):
    checkpoints.save_weights(tmp_path, TREES["variables"], {"generator": {}})
    assert folders.problems(folders.find(tmp_path)) == []
    assert (folders.find(tmp_path) / checksums.FILE).exists()
    flip_a_bit(newest := next(p for p in folders.find(tmp_path).rglob("d/*") if p.is_file()))
    with pytest.raises(ValueError, match=f"{newest.name}: a corrupted checkpoint.*SHA-256"):
        checkpoints.load_weights(tmp_path)
