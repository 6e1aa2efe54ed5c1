"""Export to a format that is not PyTorch's, whose file holds several networks."""

import numpy as np
import pytest

from edgeconnect_jax.checkpoints.weights import Weights
from edgeconnect_jax.importers import convert, export
from tests.importers.boxes import BOXES, NETWORKS, load, state, write
from tests.importers.test_convert import source


@pytest.fixture
def weights(tmp_path):
    conversion = convert.read([source(write(tmp_path / "a.npz", state()))], NETWORKS, {})
    variables = {name: reading.variables for name, reading in conversion.readings.items()}
    more = {"other": {"params": {}}}
    return Weights(variables | more, conversion.sizes | {"other": {}}, steps=conversion.steps)


def test_networks_that_share_a_file_are_written_together(weights, tmp_path):
    exported = export.prepare(weights, tmp_path / "out", [BOXES], NETWORKS)
    assert exported.left_out == ("other",) and exported.networks_of(BOXES) == ["drawer", "judge"]
    export.write(exported)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["best.npz"]
    written = load(tmp_path / "out/best.npz")
    wanted = {key: array for key, array in state().items() if "/" in key and not key.startswith("moments")}
    assert written.keys() == wanted.keys()
    for key, array in wanted.items():
        np.testing.assert_array_equal(written[key], array)
    rows = [(row.tensor, row.destination) for row in exported.rows["judge"]]
    assert rows == [("judge/params/kernel", "judge/kernel"), ("judge/params/bias", "judge/bias")]


def test_a_format_that_is_only_read_writes_nothing(weights, tmp_path):
    with pytest.raises(ValueError, match=r"none of the networks can be written .* holds drawer, judge, other"):
        export.prepare(weights, tmp_path, [BOXES._replace(save=None)], NETWORKS)


def test_of_two_formats_the_first_counts(weights, tmp_path):
    other = BOXES._replace(files={"judge": ("judge.npz",)})
    exported = export.prepare(weights, tmp_path, [other, BOXES], NETWORKS)
    assert {name: path.name for name, path in exported.files.items()} == {"judge": "judge.npz", "drawer": "best.npz"}
