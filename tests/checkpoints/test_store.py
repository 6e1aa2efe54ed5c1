"""Saving: what is complete is said, what fails is named and leaves what was there."""

import importlib.util
import logging
import time

import jax
import jax.numpy as jnp
import pytest

from edgeconnect_jax.checkpoints import checksums, folders
from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.checkpoints.store import CheckpointStore
from edgeconnect_jax.host.errors import NotSavedError
from tests import disks
from tests.checkpoints.test_folders import META, POSITION, TREES


@pytest.fixture
def store(tmp_path):
    said = []
    opened = CheckpointStore(tmp_path, 2, said.append)
    yield opened, said
    opened.close()


def names(folder):
    return sorted(path.name for path in (folder / "checkpoints").iterdir())


def test_a_checkpoint_is_told_of_when_it_is_complete(store, tmp_path, monkeypatch):
    opened, said = store
    opened.poll()  # nothing is being saved
    write, sealed = checksums.write, []

    def slow(folder, left_out=()):
        time.sleep(0.3)
        write(folder, left_out)
        sealed.append(said.copy())

    monkeypatch.setattr(checksums, "write", slow)
    opened.save(1, TREES, POSITION, META)
    opened.poll()
    assert said == [] and not sealed
    until = time.monotonic() + 30
    while not said and time.monotonic() < until:
        opened.poll()
    assert said == ["checkpoint 1 is complete"] and sealed == [[]]
    assert folders.problems(folders.find(tmp_path)) == []
    opened.save(1, TREES, POSITION, META)  # there already
    opened.wait()
    assert said == ["checkpoint 1 is complete"]


def test_old_ones_stay_until_the_new_one_has_its_checksums(store, tmp_path, monkeypatch):
    opened, _ = store
    for step in (1, 2):
        opened.save(step, TREES, POSITION, META)
    opened.wait()

    def fail(folder, left_out=()):
        assert {"1", "2"} <= set(names(tmp_path))
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(checksums, "write", fail)
    opened.save(3, TREES, POSITION, META)
    with pytest.raises(NotSavedError, match=r"checkpoints/3: .*Input/output error\)\. .*the newest is 2"):
        opened.wait()
    assert names(tmp_path) == ["1", "2"]


def test_a_failure_in_the_background_is_raised_once_by_name(store, tmp_path, monkeypatch, caplog):
    opened, said = store
    opened.save(1, TREES, POSITION, META)
    opened.wait()

    def fail(folder, left_out=()):
        raise RuntimeError("no luck\nat all")

    with monkeypatch.context() as patched, caplog.at_level(logging.DEBUG):
        patched.setattr(checksums, "write", fail)
        opened.save(2, TREES, POSITION, META)
        with pytest.raises(NotSavedError, match=r"checkpoints/2: this checkpoint could not be written \(no luck\)"):
            opened.save(3, TREES, POSITION, META)  # the next one tells, at the latest
    assert "Traceback" not in caplog.text
    opened.wait()
    opened.save(4, TREES, POSITION, META)
    opened.wait()
    assert names(tmp_path) == ["1", "4"] and said[-1] == "checkpoint 4 is complete"


@pytest.mark.parametrize("mountable", [True, False])
def test_a_full_disk_is_named_and_leaves_the_checkpoints_before(mountable, tmp_path, monkeypatch):
    if not mountable:  # the test must do without
        monkeypatch.setenv("PATH", "")
    with disks.small_disk(tmp_path) as disk:
        store = CheckpointStore(tmp_path, 9)
        store.save(1, noise(1), POSITION, META)
        store.wait()
        disk.fill(left=100_000)
        with pytest.raises(NotSavedError, match=FULL) as error:
            store.save(2, noise(2), POSITION, META)
            store.wait()
        assert "checkpoints/2: this checkpoint could not be written" in str(error.value)
        assert "the newest is 1" in str(error.value)
        assert names(tmp_path) == ["1"]  # nothing half-written
        assert_whole(tmp_path, 1)
        disk.free()
        store.save(3, noise(3), POSITION, META)
        store.close()
        assert names(tmp_path) == ["1", "3"]
        assert_whole(tmp_path, 3)


FULL = "(No space left on device|File too large)"


def noise(step):
    kernel = jax.random.normal(jax.random.PRNGKey(step), (200_000,))
    return {"variables": {"generator": {"params": {"kernel": kernel}}}}


def assert_whole(workdir, step):
    checkpoint = folders.find(workdir)
    assert checkpoint.name == str(step) and folders.problems(checkpoint) == []
    kernel = checkpoints.load_weights(workdir).networks["generator"]["params"]["kernel"]
    assert jnp.array_equal(kernel, noise(step)["variables"]["generator"]["params"]["kernel"])


def test_errors_in_orbax_s_threads_are_logged_by_nobody(store, tmp_path, caplog):
    """They are raised by name; those of others are logged as ever."""
    for folder in ("orbax", "other"):
        path = tmp_path / folder / "late.py"
        path.parent.mkdir()
        path.write_text("def fail():\n    raise ValueError('late')\n")
        spec = importlib.util.spec_from_file_location("late", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        try:
            module.fail()
        except ValueError:
            for name in ("absl", "asyncio"):
                logging.getLogger(name).error("from %s to %s", folder, name, exc_info=True)
    assert caplog.messages == ["from other to absl", "from other to asyncio"]
