"""Conversion of a format that is not PyTorch's, whose file holds several networks."""

import numpy as np
import pytest

from edgeconnect_jax.checkpoints import folders
from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.importers import convert
from edgeconnect_jax.importers.archives import Archive
from tests.importers.boxes import BOXES, NETWORKS, state, write


def source(path):
    return Archive(BOXES, tuple(NETWORKS), (path,))


def read(*paths):
    return convert.read([source(path) for path in paths], NETWORKS, {"other": 3})


def test_each_network_takes_its_own(tmp_path):
    conversion = read(write(tmp_path / "a.npz", state()))
    assert conversion.sizes == {"drawer": {"features": 3}, "judge": {"features": 3}}
    assert conversion.steps == {"drawer": 40, "judge": 40} and conversion.files == {tmp_path / "a.npz"}
    for name, reading in conversion.readings.items():
        kernel = state()[f"{name}/kernel"].transpose(2, 3, 1, 0)
        np.testing.assert_array_equal(reading.variables["params"]["kernel"], kernel)
        unused = [row.tensor for row in reading.rows if row.norm is None]
        assert unused == (["moments/drawer"] if name == "drawer" else [])


def test_a_file_may_lack_a_network_but_not_all(tmp_path):
    assert list(read(write(tmp_path / "a.npz", state(networks=("judge",)))).readings) == ["judge"]
    with pytest.raises(ValueError, match=r"a\.npz: holds none of drawer, judge"):
        read(write(tmp_path / "a.npz", state(networks=())))


def test_what_belongs_to_none_is_reported_once(tmp_path):
    content = state() | {"more": np.zeros(2, np.float32)}
    del content["judge/kernel"]
    with pytest.raises(ValueError, match="cannot be converted") as error:
        read(write(tmp_path / "a.npz", content))
    problems = str(error.value).splitlines()[1:]
    path = tmp_path / "a.npz"
    assert problems == [f"{path}: unexpected more (2,)", f"{path}: missing judge/kernel (3, 2, 3, 3)"]


def test_a_second_file_of_a_network_is_refused(tmp_path):
    first, second = write(tmp_path / "a.npz", state()), write(tmp_path / "b.npz", state(networks=("judge",)))
    with pytest.raises(ValueError, match=rf"{second}: a second judge, after {first}"):
        read(first, second)


@pytest.mark.parametrize("system", ["", "boxes"])
def test_the_checkpoint_names_its_system(system, tmp_path):
    convert.write(read(write(tmp_path / "a.npz", state())), tmp_path / "out", system)
    assert checkpoints.load_weights(tmp_path / "out").meta == {"drawer": {"features": 3}, "judge": {"features": 3}}
    meta = folders.read_meta(folders.find(tmp_path / "out"))
    assert meta.get("system", "") == system and meta["step"] == 40
    assert {path.name for path in tmp_path.iterdir()} == {"a.npz", "out"}
